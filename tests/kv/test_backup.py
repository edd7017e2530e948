# SPDX-License-Identifier: MIT
"""Backups, clusters founded from one, and a new cluster after the loss of a majority."""
import os
import shutil
import subprocess
import threading
import time

from harness import RAFT_KV, Cluster, encode, eventually, main, raises
from test_recovery import SMALL_LOG, fill


def backup(server, name):
    flat = server.call("RAFT.BACKUP", name)
    return dict(zip(flat[::2], flat[1::2]))


def check(path):
    """Run --check-backup; return its exit status and what it prints."""
    p = subprocess.run([RAFT_KV, "--check-backup", path], capture_output=True, text=True)
    return p.returncode, dict(x.split(":", 1) for x in p.stdout.split()), p.stderr


def stays_down(server, *words):
    """The server must refuse to start, and its log must have these words."""
    server.start()
    assert server.wait_exit() == 1
    for word in words:
        assert word in server.messages(), (word, server.messages())


def test_backup_under_writes_and_restore_into_a_new_cluster():
    with Cluster(options=SMALL_LOG) as old:
        fill(old, 0, 2000, size=500)
        stop = []

        def write():
            with old.leader().connect() as c:
                while not stop:
                    c.call("INCR", "n")
        writer = threading.Thread(target=write)
        writer.start()
        before = eventually("there are writes", lambda: int(old.call("GET", "n") or 0))
        made = backup(old.leader(), "during")
        stop.append(True)
        writer.join()
        assert made["consistency"] == "linearizable" and made["keys"] == 2001, made
        code, info, _ = check(made["path"])
        assert code == 0 and info["intact"] == "yes", info
        assert [int(info[k]) for k in ("index", "term", "keys", "bytes")] == [
            made[k] for k in ("index", "term", "keys", "bytes")]
        assert info["checksum"] == made["checksum"]
        assert os.path.getsize(made["path"]) == made["bytes"]
        old.converged()
        leader = old.leader()
        with leader.connect() as c:  # one connection: the backup has the write before it
            c.send(encode("SET", "last", "1") + encode("RAFT.BACKUP", "after"))
            assert c.reply() == "OK"
            path = dict(zip(*[iter(c.reply())] * 2))["path"]
        digest = leader.call("RAFT.DIGEST")[1:]
        raises("ERR cannot write", leader.call, "RAFT.BACKUP", "after")  # never overwritten
        for name in ("", ".x", "a/b", "..", "x" * 201, "a b", "a\0b"):
            raises("ERR the name of a backup", leader.call, "RAFT.BACKUP", name)
        assert sorted(os.listdir(os.path.dirname(path))) == ["after", "during"]
        follower = old.followers()[0]
        old.converged()
        made = backup(follower, "mine")
        assert "stale" in made["consistency"], made
        assert check(made["path"])[1]["keys"] == str(digest[0])

        with Cluster(start=False, name="restored", options=SMALL_LOG) as new:
            founder = new.server(1)
            founder.options += ["--restore", path]
            for s in new.servers:
                s.start()
            assert new.call("GET", "last") == "1"
            assert int(new.call("GET", "n")) >= before
            assert new.leader().call("RAFT.DIGEST")[1:] == digest
            new.converged()
            for s in new.servers:
                assert s.call("RAFT.DIGEST")[1:] == digest
            assert new.call("SET", "new", "1") == "OK"
            founder.kill()  # the option may stay: the backup is not loaded again
            founder.start()
            assert new.converged() == digest[0] + 1
            assert "restored before" in founder.messages()
            other = new.server(2)  # the data reach a server that comes later, too
            s = new.add_server(4).start()
            with new.leader().connect(timeout=60) as c:
                assert c.call("RAFT.ADD", 4, s.address) == "OK"
            assert new.converged() == digest[0] + 1 and other.alive()


def test_restore_on_a_single_server():
    with Cluster(1) as old:
        old.call("SET", "a", "1")
        path = backup(old.leader(), "b")["path"]
        with Cluster(1, start=False) as new:
            s = new.server(1)
            s.options += ["--restore", path]
            s.start()
            assert new.call("GET", "a") == "1"
            s.kill()
            s.options = s.options[:-2]
            s.start()
            assert new.call("GET", "a") == "1"
            second = new.add_server(2).start()
            assert new.call("RAFT.ADD", 2, second.address) == "OK"
            assert second.call("RAFT.LOCAL", "a") == "1"


def test_a_restored_server_is_not_drawn_into_another_cluster():
    with Cluster(1) as old:
        old.call("SET", "a", "1")
        path = backup(old.leader(), "b")["path"]
        s = old.add_server(5)
        s.bootstrap = "5=%s,6=127.0.0.1:1/127.0.0.1:2" % s.address  # it waits for server 6
        s.options += ["--restore", path]
        s.start()
        with old.server(1).connect(timeout=60) as c:
            raises("ERR", c.call, "RAFT.ADD", 5, s.address)
        assert "holds a restored backup" in s.messages()
        assert s.status()["cluster-id"] == "0" * 16


def test_damaged_backups_are_refused():
    with Cluster(1) as old:
        for i in range(300):
            old.call("SET", "key%d" % i, "x" * 2000)  # several pieces
        path = backup(old.leader(), "b")["path"]
        with open(path, "rb") as f:
            good = f.read()
    damages = {"flipped": (good[:300000] + bytes([good[300000] ^ 1]) + good[300001:], "damaged"),
               "short": (good[:-1], "damaged or incomplete"),
               "header": (good[:10] + bytes([good[10] ^ 1]) + good[11:], "header"),
               "longer": (good + b"x", "more data"),
               "empty": (b"", "too short"),
               "other": (b"x" * 1000, "not a dump")}
    with Cluster(2, start=False) as new:
        for name, (data, word) in damages.items():
            bad = os.path.join(new.root, name)
            with open(bad, "wb") as f:
                f.write(data)
            code, info, error = check(bad)
            assert code == 1 and word in error and not info, (name, code, error)
            s = new.server(1)
            s.options = ["--restore", bad]
            stays_down(s, word)
        assert check(os.path.join(new.root, "none"))[0] == 1
        intact = os.path.join(new.root, "intact")
        with open(intact, "wb") as f:
            f.write(good)
        second = new.server(2)
        second.options += ["--restore", intact]
        stays_down(second, "the lowest ID")
        s.options = ["--restore", intact]
        bootstrap, s.bootstrap = s.bootstrap, None
        stays_down(s, "give --bootstrap as well")
        s.bootstrap = bootstrap  # the failed starts have left the directory as good as empty
        second.options = []
        s.start(), second.start()
        assert new.call("GET", "key299") == "x" * 2000
        for server in new.servers:
            server.stop()
    with Cluster(1) as used:
        used.call("SET", "a", "1")
        s = used.server(1)
        s.stop()
        intact = os.path.join(used.root, "intact")
        with open(intact, "wb") as f:
            f.write(good)
        s.options += ["--restore", intact]
        stays_down(s, "belongs to a cluster already")


def test_a_backup_that_fails_or_is_interrupted_leaves_nothing():
    with Cluster(1) as cluster:
        cluster.call("SET", "a", "1")
        s = cluster.server(1)
        obstacle = os.path.join(s.dir, "backup")
        with open(obstacle, "w"):
            e = raises("ERR cannot write", s.call, "RAFT.BACKUP", "good")
        assert "Not a directory" in str(e), e
        assert s.call("SET", "a", "1") == "OK"  # the server goes on
        os.unlink(obstacle)
        path = backup(s, "good")["path"]
        s.kill()
        part = os.path.join(os.path.dirname(path), ".next.part")
        with open(part, "wb") as f:
            f.write(b"half")
        s.start()
        eventually("it starts", lambda: s.call("PING"))
        assert not os.path.exists(part) and os.path.exists(path)


FORCE = "--force-new-cluster"


def test_force_new_cluster_after_the_loss_of_a_majority():
    with Cluster() as cluster:
        for i in range(500):
            cluster.call("SET", "k%d" % i, i)
        cluster.converged()
        survivor, lost, gone = cluster.server(1), cluster.server(2), cluster.server(3)
        for s in cluster.servers:
            s.kill()
        for s in (lost, gone):
            shutil.move(s.dir, s.dir + ".found-again")
        survivor.options.append(FORCE)
        survivor.start()
        cluster.servers = [survivor]
        for i in range(0, 500, 7):
            assert cluster.call("GET", "k%d" % i) == str(i)
        text = survivor.messages()
        assert "server 2 at %s" % lost.address in text and "must never be started again" in text
        assert "with this server as its only voter" in text and "take the option" in text
        status = survivor.status()
        assert list(status["members"]) == [1] and status["state"] == "leader"
        assert cluster.call("SET", "new", "1") == "OK"

        survivor.kill()  # again with the option: nothing is done
        survivor.start()
        assert cluster.call("GET", "new") == "1"
        assert "it was done before" in survivor.messages()
        term = cluster.leader().status()["term"]
        assert term < status["term"] + 1000  # RAFT_RECOVER adds 2^20

        for id in (4, 5):
            s = cluster.add_server(id).start()
            assert cluster.call("RAFT.ADD", id, s.address) == "OK"
        survivor.kill()  # and again, with members that the option must not throw out
        survivor.start()
        assert sorted(cluster.leader().status()["members"]) == [1, 4, 5]
        assert cluster.converged() == 501

        term, leader = cluster.leader().status()["term"], cluster.leader()
        for s in (lost, gone):  # the old servers return after all, a majority
            shutil.move(s.dir + ".found-again", s.dir)
            cluster.servers.append(s.start())
        time.sleep(2)  # two to four election timeouts
        for _ in range(100):
            assert leader.call("INCR", "n")
        assert leader.status()["term"] == term and leader.status()["state"] == "leader"


def test_force_new_cluster_where_there_is_no_need():
    with Cluster(1) as cluster:
        s = cluster.server(1)
        cluster.call("SET", "a", "1")
        term = s.status()["term"]
        s.kill()
        s.options.append(FORCE)
        s.start()
        assert cluster.call("GET", "a") == "1"
        assert "this server is the only member" in s.messages()
        assert s.status()["term"] < term + 1000
        second = cluster.add_server(2).start()
        assert cluster.call("RAFT.ADD", 2, second.address) == "OK"
        s.kill()
        s.start()
        assert sorted(cluster.leader().status()["members"]) == [1, 2]
        empty = cluster.add_server(9)
        empty.options = [FORCE]
        stays_down(empty, "holds no data of a cluster")


def test_what_was_not_committed_is_named():
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        leader = cluster.leader()
        for f in cluster.followers():
            f.kill()
        with leader.connect() as c:
            c.send(encode("SET", "b", "2"))  # is not acknowledged
            eventually("it is in the log", lambda: leader.status()["stored-index"] >
                       leader.status()["commit-index"])
        leader.kill()
        leader.options.append(FORCE)
        leader.start()
        cluster.servers = [leader]
        assert cluster.call("GET", "a") == "1" and cluster.call("GET", "b") == "2"
        assert "are not known to have been committed: they take effect now" in leader.messages()


if __name__ == "__main__":
    main(globals())
