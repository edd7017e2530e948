# SPDX-License-Identifier: MIT
"""Restarts, compaction, snapshots for servers far behind, and disks that fail."""
import glob
import os
import random
import resource
import shutil
import subprocess

from harness import SHIM, Cluster, Connection, Error, encode, eventually, main

SMALL_LOG = ["--compact-entries", "500", "--trailing", "100", "--log-segment", "64"]


def fill_some(cluster, keys, size):
    """Set these keys in one pipeline; false if a leader fell in between."""
    try:
        with cluster.leader().connect(timeout=60) as c:
            c.send(b"".join(encode("SET", "key%d" % i, "%d-%s" % (i, "x" * size)) for i in keys))
            return [c.reply() for _ in keys] == ["OK"] * len(keys)
    except (OSError, ValueError):
        return False


def fill(cluster, first, last, size=100):
    """Keys first .. last - 1."""
    for at in range(first, last, 500):
        keys = range(at, min(at + 500, last))
        eventually("keys %d on are set" % at, lambda keys=keys: fill_some(cluster, keys, size), 60)


def leave_behind(cluster, index):
    """Wait until no log holds what a server that ended at `index` needs next."""
    for s in cluster.servers:
        if s.alive():
            eventually("server %d has compacted its log" % s.id,
                       lambda s=s: s.status()["first-index"] > index + 1, 60)


def verify(cluster, last, size=100):
    rng = random.Random(last)
    for i in rng.sample(range(last), min(200, last)):
        assert cluster.call("GET", "key%d" % i) == "%d-%s" % (i, "x" * size)


def test_clean_and_unclean_restart():
    with Cluster() as cluster:
        fill(cluster, 0, 1000)
        for stop in ("stop", "kill"):
            for s in cluster.servers:
                getattr(s, stop)()
            for s in cluster.servers:
                s.start()
            verify(cluster, 1000)
            assert cluster.converged() == 1000
        cluster.call("INCR", "n")
        for s in cluster.servers:  # one after the other
            s.kill()
            s.start()
            eventually("server %d is back" % s.id, lambda s=s: s.call("PING"))
            cluster.call("INCR", "n")
        assert cluster.call("GET", "n") == "4"


def test_log_is_compacted():
    with Cluster(options=SMALL_LOG) as cluster:
        fill(cluster, 0, 3000)
        for s in cluster.servers:
            eventually("server %d compacts" % s.id, lambda s=s: s.status()["first-index"] > 2000)
            status = s.status()
            assert status["snapshot-index"] >= status["first-index"]
        for s in cluster.servers:
            s.kill()
        for s in cluster.servers:
            s.start()
        verify(cluster, 3000)
        for s in cluster.servers:
            assert s.status()["first-index"] > 2000
        assert cluster.converged() == 3000


def test_what_is_not_known_to_be_committed_is_not_compacted():
    with Cluster() as cluster:
        fill(cluster, 0, 2000)
        cluster.converged()
        for s in cluster.servers:
            s.stop()
        alone = cluster.server(1)
        alone.options += SMALL_LOG
        alone.start()
        eventually("it waits for the others", lambda: alone.status()["state"] != "leader")
        for _ in range(100):  # turns of its loop
            assert alone.status()["snapshot-index"] < 2000
        assert "no snapshot" not in alone.messages()
        for s in cluster.servers[1:]:
            s.start()
        eventually("it compacts with them", lambda: alone.status()["snapshot-index"] >= 2000)
        verify(cluster, 2000)


def test_snapshot_for_a_server_far_behind():
    with Cluster(options=SMALL_LOG) as cluster:
        fill(cluster, 0, 100)
        behind = cluster.followers()[0]
        end = behind.status()["last-index"]
        behind.kill()
        fill(cluster, 100, 6000, size=500)  # some 3 MB: many chunks
        cluster.call("DEL", "key0")
        leave_behind(cluster, end)
        behind.start()
        assert cluster.converged() == 5999
        assert "installed the snapshot" in behind.messages()
        fill(cluster, 6000, 6200, size=500)
        assert cluster.converged() == 6199
        behind.kill()  # and it can restart from what was installed
        behind.start()
        assert cluster.converged() == 6199
        assert behind.call("RAFT.LOCAL", "key0") is None


def test_snapshot_for_a_new_server():
    with Cluster(1, options=SMALL_LOG) as cluster:
        fill(cluster, 0, 2000)
        leave_behind(cluster, 0)
        s = cluster.add_server(2).start()
        assert cluster.call("RAFT.ADD", 2, s.address) == "OK"
        assert cluster.call("RAFT.PROMOTE", 2) == "OK"
        assert cluster.converged() == 2000
        assert "installed the snapshot" in s.messages()
        assert cluster.leader().call("RAFT.TRANSFER", 2) == "OK"
        eventually("the new one leads", lambda: cluster.leader() is s)
        verify(cluster, 2000)


def test_crashes_while_a_snapshot_is_installed():
    """Killed at any moment of it, the server starts and comes to the same data."""
    with Cluster(options=SMALL_LOG) as cluster:
        fill(cluster, 0, 100)
        behind = cluster.followers()[0]
        rng = random.Random(5)
        for round in range(4):
            end = behind.status()["last-index"]
            behind.kill()
            fill(cluster, 0, 3000, size=800 + round)
            leave_behind(cluster, end)
            for _ in range(4):
                behind.start()
                try:
                    behind.process.wait(timeout=rng.uniform(0.05, 0.8))
                    raise AssertionError("it ended: " + behind.messages()[-500:])
                except subprocess.TimeoutExpired:
                    behind.kill()
            behind.start()
            assert cluster.converged() == 3000
        assert "installed the snapshot" in behind.messages()


def refuses(server, why):
    """The server must end by itself, with a message."""
    code = server.wait_exit()
    assert code == 1, code
    assert "fatal" in server.messages(), server.messages()
    assert any(w in server.messages() for w in why), server.messages()[-600:]


def damage(path, rng):
    """Flip bits in the middle of the file's bytes that are not zero."""
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        end = len(data.rstrip(b"\0"))
        at = rng.randint(end // 4, end // 2)
        for i in range(at, min(at + 8, end)):
            data[i] ^= 0x5a
        f.seek(0)
        f.write(data)


def newest(server, pattern):
    files = glob.glob(os.path.join(server.dir, pattern))
    return max(files, key=os.path.getsize)


def corrupted(pattern, before=lambda s: s.kill()):
    """Damage the file of a server that has data; it must refuse, the others go on, and a
    new server takes its place."""
    with Cluster() as cluster:
        fill(cluster, 0, 2000)
        victim = cluster.followers()[0]
        before(victim)
        damage(newest(victim, pattern), random.Random(1))
        victim.start()
        refuses(victim, ["orrupt", "lost writes", "damaged", "mismatch"])
        verify(cluster, 2000)
        assert cluster.call("RAFT.REMOVE", victim.id) == "OK"
        shutil.rmtree(victim.dir)
        spare = cluster.add_server(9).start()
        assert cluster.call("RAFT.ADD", 9, spare.address) == "OK"
        assert cluster.call("RAFT.PROMOTE", 9) == "OK"
        assert cluster.converged() == 2000


def test_corrupted_write_ahead_log():
    corrupted("db/*.log")


def test_corrupted_log():
    corrupted("log/0*.log")


def test_corrupted_manifest():
    corrupted("db/MANIFEST-*")


def test_corrupted_fence():
    corrupted("fence")


def test_corrupted_table():
    """Tables are checked when they are read: here by replaying the log after a start."""
    with Cluster() as cluster:
        fill(cluster, 0, 2000)
        victim = cluster.followers()[0]
        victim.stop()  # closing the database makes tables
        for table in glob.glob(os.path.join(victim.dir, "db", "*.sst")):
            damage(table, random.Random(2))
        victim.start()
        refuses(victim, ["orrupt", "mismatch"])
        verify(cluster, 2000)


def test_missing_files():
    for pattern in ("fence", "log/0*.log", "db/*.log", "db/MANIFEST-*", "db/CURRENT"):
        with Cluster() as cluster:
            fill(cluster, 0, 500)
            victim = cluster.followers()[0]
            victim.kill()
            os.unlink(newest(victim, pattern))
            victim.start()
            refuses(victim, ["fence is missing", "lost writes", "orrupt", "No such file",
                             "does not exist", "no identity"])
            verify(cluster, 500)


def test_rolled_back_directory():
    """An old copy of a directory has forgotten votes and entries: it is refused as long
    as the fence, which tells, is not rolled back with it."""
    with Cluster() as cluster:
        fill(cluster, 0, 100)
        victim = cluster.followers()[0]
        victim.kill()
        for name in ("db", "log"):
            shutil.copytree(os.path.join(victim.dir, name), victim.dir + ".old." + name)
        victim.start()
        fill(cluster, 100, 1000)
        assert cluster.converged() == 1000
        victim.kill()
        for name in ("db", "log"):
            shutil.rmtree(os.path.join(victim.dir, name))
            os.rename(victim.dir + ".old." + name, os.path.join(victim.dir, name))
        victim.start()
        refuses(victim, ["lost writes"])


def test_full_disk():
    """Writes fail with ENOSPC at some moment: the server says so and ends, nothing that
    was acknowledged is lost, and with space again it goes on."""
    with Cluster(start=False) as cluster:
        for s in cluster.servers:
            s.env = {"LD_PRELOAD": SHIM, "SHIM_DIR": s.dir, "SHIM_FULL": s.dir + ".full"}
            s.start()
        fill(cluster, 0, 500)
        victim = cluster.leader()
        open(victim.dir + ".full", "w").close()
        outcome = None
        try:
            with victim.connect() as c:
                outcome = c.call("SET", "key0", "changed")
        except (OSError, Error, ValueError):
            pass
        assert outcome is None, "acknowledged with a full disk"
        refuses(victim, ["No space left"])
        eventually("the others go on", lambda: cluster.call("SET", "more", "1") == "OK")
        victim.start()
        refuses(victim, ["No space left"])  # still full: no start either
        os.unlink(victim.dir + ".full")
        victim.start()
        assert cluster.converged() == 501
        assert cluster.call("GET", "key0") in ("0-" + "x" * 100, "changed")


def test_file_size_limit():
    """As with a quota: the log cannot grow any more."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))
    with Cluster() as cluster:
        fill(cluster, 0, 100)
        victim = cluster.followers()[0]
        victim.kill()
        victim.preexec = limit
        victim.start()
        fill(cluster, 100, 5000)
        refuses(victim, ["File too large"])
        verify(cluster, 5000)
        victim.preexec = None
        victim.start()
        assert cluster.converged() == 5000


def test_large_values_reach_everyone():
    with Cluster() as cluster:
        behind = cluster.followers()[0]
        behind.kill()
        value = "v" * 1000000
        with Connection(cluster.leader().port, timeout=60) as c:
            c.send(encode("SET", "large", value) * 20)
            assert [c.reply() for _ in range(20)] == ["OK"] * 20
        behind.start()
        assert cluster.converged() == 1
        assert behind.call("RAFT.LOCAL", "large") == value


if __name__ == "__main__":
    main(globals())
