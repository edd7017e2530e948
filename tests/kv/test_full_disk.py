# SPDX-License-Identifier: MIT
"""Disks that fill up: clients get NOSPACE before that, deleting makes room again, and a server that
met a full disk starts again. Each server has a small file system in memory of its own. The test
runs in a mount namespace, so nothing is left behind; where that is not allowed, it is skipped."""
import os
import signal
import subprocess
import sys
import time

from harness import Cluster, Error, eventually, main, raises

SKIPPED = 77
MIB = 1024 * 1024
DISK = 160  # MiB
RESERVE = 104
OPTIONS = ["--election-timeout", "1500", "--heartbeat", "100", "--log-segment", "1024",
           "--disk-reserve", str(RESERVE)]
VALUE = "v" * 15 * 1024
KEYS = 4  # written together


def enter_namespace():
    """Run this program again where it may mount file systems."""
    if os.environ.get("KV_MOUNT_NAMESPACE") is not None:
        return
    for unshare in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        try:
            subprocess.run(unshare + ["mount", "-t", "tmpfs", "none", "/mnt"], check=True,
                           capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        os.environ["KV_MOUNT_NAMESPACE"] = "1"
        os.execvp("unshare", unshare + [sys.executable] + sys.argv)
    print("skipped: file systems cannot be mounted here")
    raise SystemExit(SKIPPED)


class Disks:
    """A cluster whose servers have small disks."""

    def __init__(self, n):
        self.cluster = Cluster(n, options=OPTIONS, fast=False, start=False)

    def __enter__(self):
        for s in self.cluster.servers:
            os.mkdir(s.dir)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % DISK, "none", s.dir],
                           check=True)
            s.start()
        return self.cluster

    def __exit__(self, *error):
        for s in self.cluster.servers:
            s.kill()
            if os.path.ismount(s.dir):
                subprocess.run(["umount", "-l", s.dir], check=True)
        self.cluster.__exit__(*error)


def free(server):
    info = os.statvfs(server.dir)
    return info.f_bavail * info.f_frsize


def reserve(server):
    return os.path.join(server.dir, "reserve")


def info(server):
    return dict(line.split(":", 1) for line in server.call("INFO").splitlines() if ":" in line)


def keys(i):
    return ["key%d.%d" % (i, k) for k in range(KEYS)]


def put(connection, i):
    items = [(key, VALUE) for key in keys(i)]
    assert connection.call("MSET", *(word for item in items for word in item)) == "OK"


def low(cluster):
    return [s for s in cluster.servers if info(s)["disk_state"] == "low"]


def fill(server, cluster, limit=4000):
    """Write until the only answer is NOSPACE, for more than a second; return the number of writes.
    A compaction may make room meanwhile."""
    with server.connect() as c:
        i = refused = 0
        while i < limit:
            try:
                put(c, i)
                refused = 0
                i += 1
            except Error as e:
                assert str(e).startswith("NOSPACE"), e
                assert str(e).endswith("nothing was done"), e
                refused += 1
                if refused >= 60 and 2 * len(low(cluster)) > len(cluster.servers):
                    return i
                time.sleep(0.02)
    raise AssertionError("no error after %d values" % limit)


def refuses(server):
    """A compaction may make a little room for a moment."""
    try:
        server.call("SET", "new", VALUE)
    except Error as e:
        return str(e).startswith("NOSPACE")
    return False


def delete(server, begin, end):
    """It is refused only while a compaction takes the last room."""
    with server.connect() as c:
        for i in range(begin, end):
            assert eventually("DEL is done", lambda: c.call("DEL", *keys(i))) == KEYS


class Ballast:
    """A file that another program writes to a server's disk."""

    def __init__(self, server):
        self.path = os.path.join(server.dir, "ballast")
        self.reserve = reserve(server)

    def take_all(self, wanted=lambda: True):
        with open(self.path, "ab", buffering=0) as f:
            for size in (64 * 1024, 4096, 1):
                try:
                    while wanted() and f.write(b"x" * size) == size:
                        pass
                except OSError:
                    pass

    def use_reserve(self):
        """Take all until the server has removed its reserve; what that gives is left to it. Once
        is not enough: the server may remove other files first."""
        self.take_all(lambda: os.path.exists(self.reserve))
        return not os.path.exists(self.reserve)

    def give_back(self, size):
        os.truncate(self.path, os.path.getsize(self.path) - size)

    def remove(self):
        os.unlink(self.path)


def test_clients_get_an_error_first():
    with Disks(3) as cluster:
        leader = cluster.leader()
        for s in cluster.servers:
            eventually("there is a reserve",
                       lambda: os.path.getsize(reserve(s)) == RESERVE // 4 * MIB)
        n = fill(leader, cluster)
        assert n * KEYS * len(VALUE) > 10 * MIB, n
        for s in cluster.servers:
            assert s.alive(), s.messages()
        assert all("the disk is nearly full" in s.messages() for s in low(cluster))

        # Reads, a change of the membership and another leader are possible.
        assert leader.call("GET", keys(n - 1)[0]) == VALUE
        added = cluster.add_server(9).start()
        # As a standby: a voter would need a snapshot first, for which there is no room.
        assert eventually("it is added", lambda: leader.call(
            "RAFT.ADD", 9, added.address, "standby")) == "OK"
        assert leader.call("RAFT.REMOVE", 9) == "OK"
        added.kill()
        cluster.servers.remove(added)
        assert leader.call("RAFT.TRANSFER") == "OK"
        leader = cluster.leader()
        eventually("the new leader knows the others", lambda: refuses(leader))

        # Deleting makes room.
        delete(leader, 0, n // 2)
        eventually("there is room", lambda: leader.call("SET", "new", "again") == "OK")
        for s in cluster.servers:
            eventually("each has room", lambda: info(s)["disk_state"] == "plenty")
            kept = int(info(s)["log_disk_bytes"])  # although the last entries are small
            assert kept <= (RESERVE // 8 + 4) * MIB, kept
        assert cluster.converged() == (n - n // 2) * KEYS + 1
        assert leader.call("GET", keys(n - 1)[0]) == VALUE
        more = fill(leader, cluster)
        assert more > n // 8, more
        assert all(s.alive() for s in cluster.servers)


def test_a_pipeline_is_refused_in_part():
    """Of writes that arrive together, only the deletions are done."""
    with Disks(1) as cluster:
        server = cluster.leader()
        n = fill(server, cluster)
        with server.connect() as c:
            for command in (("DEL", "key0.0"), ("SET", "key0.0", "v"), ("DEL", "key1.0", "key2.0"),
                            ("GET", "key0.0"), ("INCR", "key3.0"), ("DEL", "key0.0")):
                c.command(*command)
            replies = [c.reply() for _ in range(6)]
            assert [str(r).split()[0] for r in replies] == ["1", "NOSPACE", "2", "None", "NOSPACE",
                                                            "0"], replies
        assert eventually("it counts", lambda: server.call("DBSIZE")) == n * KEYS - 3


def test_another_program_fills_the_disk():
    """The reserve is used when nothing else is left. The server neither ends nor loses anything, is
    killed, and starts again as soon as there is a little room."""
    with Disks(1) as cluster:
        server = cluster.leader()
        with server.connect() as c:
            for i in range(50):
                put(c, i)
        ballast = Ballast(server)
        eventually("the reserve is used", ballast.use_reserve, 60)
        eventually("the log says so", lambda: "the reserve of" in server.messages())
        raises("NOSPACE", server.call, "SET", "new", VALUE)
        assert server.call("GET", "key49.0") == VALUE

        def full():
            ballast.take_all()  # again: a compaction may have removed files
            return not server.alive() or (  # or may have met the full disk
                info(server)["disk_state"] == "full" and
                raises("NOSPACE", server.call, "DEL", "key0.0"))
        eventually("it is full", full, 60)
        server.kill(signal.SIGKILL)
        ballast.take_all()
        server.start()
        assert server.wait_exit(60) == 1
        last = server.messages().rstrip().rsplit("\n", 1)[-1]
        assert "No space left on device; make room" in last and "corrupted" not in last, last
        ballast.give_back(RESERVE // 2 * MIB)
        server.start()
        assert eventually("it serves", lambda: server.call("GET", "key49.0")) == VALUE
        delete(server, 0, 25)
        eventually("the log is compacted", lambda: server.status()["snapshot-index"] > 50)
        ballast.remove()
        eventually("writes work", lambda: server.call("SET", "new", "again") == "OK")
        eventually("there is a reserve again", lambda: os.path.exists(reserve(server)))
        assert server.call("DBSIZE") == 25 * KEYS + 1


def test_a_start_uses_the_reserve():
    """The disk filled up while the server was down, after a crash with entries that are not in the
    database: it starts without help, writes them there and serves."""
    with Disks(1) as cluster:
        server = cluster.leader()
        with server.connect() as c:
            for i in range(100):
                put(c, i)
        server.kill(signal.SIGKILL)
        ballast = Ballast(server)
        ballast.take_all()
        assert free(server) == 0
        server.start()
        assert eventually("it serves", lambda: server.call("GET", "key99.0")) == VALUE
        assert not os.path.exists(reserve(server))
        raises("NOSPACE", server.call, "SET", "new", VALUE)
        delete(server, 0, 50)
        eventually("the log is compacted", lambda: server.status()["snapshot-index"] > 100)
        ballast.remove()
        eventually("writes work", lambda: server.call("SET", "new", "again") == "OK")
        assert server.call("DBSIZE") == 50 * KEYS + 1


def test_a_file_system_that_is_read_only():
    with Disks(1) as cluster:
        server = cluster.leader()
        assert server.call("SET", "k", "v") == "OK"
        server.stop()
        subprocess.run(["mount", "-o", "remount,ro", server.dir], check=True)
        server.start()
        assert server.wait_exit(60) == 1
        last = server.messages().rstrip().rsplit("\n", 1)[-1]
        assert "Read-only file system" in last and "mount it for writing" in last, last
        assert server.dir in last and "corrupted" not in last, last
        subprocess.run(["mount", "-o", "remount,rw", server.dir], check=True)
        server.start()
        assert eventually("it serves", lambda: server.call("GET", "k")) == "v"


if __name__ == "__main__":
    enter_namespace()
    main(globals())
