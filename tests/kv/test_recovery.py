# SPDX-License-Identifier: MIT
"""Restarts, log compaction, snapshot installation, and disk failures."""
import glob
import os
import random
import resource
import shutil
import subprocess

from harness import DISK_FAULTS, Cluster, Connection, Error, encode, eventually, main

SMALL_LOG = ["--compact-entries", "500", "--trailing", "100", "--log-segment", "64"]


def fill_some(cluster, keys, size):
    """Set these keys in one pipeline; false if a write failed (the leader may change)."""
    try:
        with cluster.leader().connect(timeout=60) as c:
            c.send(b"".join(encode("SET", "key%d" % i, "%d-%s" % (i, "x" * size)) for i in keys))
            return [c.reply() for _ in keys] == ["OK"] * len(keys)
    except (OSError, ValueError):
        return False


def fill(cluster, first, last, size=100):
    """Set the keys first .. last - 1."""
    for at in range(first, last, 500):
        keys = range(at, min(at + 500, last))
        eventually("the keys from %d on are set" % at,
                   lambda keys=keys: fill_some(cluster, keys, size), 60)


def leave_behind(cluster, index):
    """Wait until every running server has compacted its log beyond `index` + 1, the entry that a
    server whose log ends at `index` needs next."""
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
        for s in cluster.servers:  # rolling restart
            s.kill()
            s.start()
            eventually("server %d replies" % s.id, lambda s=s: s.call("PING"))
            cluster.call("INCR", "n")
        assert cluster.call("GET", "n") == "4"


def test_log_is_compacted():
    with Cluster(options=SMALL_LOG) as cluster:
        fill(cluster, 0, 3000)
        for s in cluster.servers:
            eventually("server %d has compacted its log" % s.id,
                       lambda s=s: s.status()["first-index"] > 2000)
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


def test_entries_not_known_to_be_committed_are_not_compacted():
    """A server restarted alone does not know the commit index, so it must not compact its log."""
    with Cluster() as cluster:
        fill(cluster, 0, 2000)
        cluster.converged()
        for s in cluster.servers:
            s.stop()
        alone = cluster.server(1)
        alone.options += SMALL_LOG
        alone.start()
        eventually("the server alone is not the leader",
                   lambda: alone.status()["state"] != "leader")
        for _ in range(100):  # each request is an iteration of its event loop
            assert alone.status()["snapshot-index"] < 2000
        assert "cannot take a snapshot" not in alone.messages()
        for s in cluster.servers[1:]:
            s.start()
        eventually("it compacts its log once it knows the commit index",
                   lambda: alone.status()["snapshot-index"] >= 2000)
        verify(cluster, 2000)


def test_snapshot_for_a_server_far_behind():
    with Cluster(options=SMALL_LOG) as cluster:
        fill(cluster, 0, 100)
        behind = cluster.followers()[0]
        end = behind.status()["last-index"]
        behind.kill()
        fill(cluster, 100, 6000, size=500)  # about 3 MB, many chunks
        cluster.call("DEL", "key0")
        leave_behind(cluster, end)
        behind.start()
        assert cluster.converged() == 5999
        assert "installed the snapshot" in behind.messages()
        fill(cluster, 6000, 6200, size=500)
        assert cluster.converged() == 6199
        behind.kill()  # it can restart from the installed snapshot
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
        eventually("the new server leads", lambda: cluster.leader() is s)
        verify(cluster, 2000)


def test_crashes_while_a_snapshot_is_installed():
    """A server killed at any moment of the installation restarts and reaches the same data."""
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
                    raise AssertionError("the server exited: " + behind.messages()[-500:])
                except subprocess.TimeoutExpired:
                    behind.kill()
            behind.start()
            assert cluster.converged() == 3000
        assert "installed the snapshot" in behind.messages()


def refuses(server, why):
    """The server must exit by itself with status 1 and one of the messages `why`."""
    code = server.wait_exit()
    assert code == 1, code
    assert "fatal" in server.messages(), server.messages()
    assert any(w in server.messages() for w in why), server.messages()[-600:]


def damage(path, rng):
    """Flip bits of 8 bytes at 1/4 to 1/2 of the file, not counting the zeros at its end."""
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        end = len(data.rstrip(b"\0"))
        at = rng.randint(end // 4, end // 2)
        for i in range(at, min(at + 8, end)):
            data[i] ^= 0x5a
        f.seek(0)
        f.write(data)


def largest(server, pattern):
    files = glob.glob(os.path.join(server.dir, pattern))
    return max(files, key=os.path.getsize)


def corrupted(pattern):
    """Damage a file of a server that has data. The server must refuse to start, the other servers
    continue, and a new server replaces it."""
    with Cluster() as cluster:
        fill(cluster, 0, 2000)
        victim = cluster.followers()[0]
        victim.kill()
        damage(largest(victim, pattern), random.Random(1))
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
    """The checksum of a table is verified when it is read: here while the log is applied again
    after the start."""
    with Cluster() as cluster:
        fill(cluster, 0, 2000)
        victim = cluster.followers()[0]
        victim.stop()  # closing the database writes tables
        for table in glob.glob(os.path.join(victim.dir, "db", "*.sst")):
            damage(table, random.Random(2))
        victim.start()
        refuses(victim, ["orrupt", "mismatch"])
        verify(cluster, 2000)


def test_server_with_a_missing_file_does_not_start():
    for pattern in ("fence", "log/0*.log", "db/*.log", "db/MANIFEST-*", "db/CURRENT"):
        with Cluster() as cluster:
            fill(cluster, 0, 500)
            victim = cluster.followers()[0]
            victim.kill()
            os.unlink(largest(victim, pattern))
            victim.start()
            refuses(victim, ["fence is missing", "lost writes", "orrupt", "No such file",
                             "does not exist", "no identity"])
            verify(cluster, 500)


def test_older_copy_of_a_directory_is_refused():
    """An older copy of the database and the log lacks votes and entries. The fence reveals that,
    unless it is replaced by an older copy too."""
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
    """When writes fail with ENOSPC the server logs that and exits. No acknowledged write is lost,
    and the server starts again once there is space."""
    with Cluster(start=False) as cluster:
        for s in cluster.servers:
            s.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": s.dir, "DISK_FULL": s.dir + ".full"}
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
        assert outcome is None, "a write was acknowledged although the disk is full"
        refuses(victim, ["No space left"])
        eventually("the other servers accept writes",
                   lambda: cluster.call("SET", "more", "1") == "OK")
        victim.start()
        refuses(victim, ["No space left"])  # it cannot start while the disk is full
        os.unlink(victim.dir + ".full")
        victim.start()
        assert cluster.converged() == 501
        assert cluster.call("GET", "key0") in ("0-" + "x" * 100, "changed")


def test_file_size_limit():
    """A limit on file sizes, as with a quota: the log cannot grow any more."""
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
