# SPDX-License-Identifier: MIT
"""SIGTERM: leadership is handed over, no command is accepted any more, and the process ends within
two seconds, whatever clients do and however slow the disk is."""
import os
import signal
import threading
import time

from harness import (Cluster, Connection, DISK_FAULTS, Error, LONG_TIMEOUTS, TIMEOUT_FACTOR,
                     encode, eventually, main, raises)

# Seconds. Below the limit, a server that did not have to wait at all is expected to be faster.
LIMIT = 2 * TIMEOUT_FACTOR
SOON = 1.4 * TIMEOUT_FACTOR


def terminate(server):
    """Send SIGTERM; return the time."""
    server.process.send_signal(signal.SIGTERM)
    return time.monotonic()


def ended(server, begin, limit):
    """Check that the server ends by itself, in time."""
    code = server.wait_exit()
    seconds = time.monotonic() - begin
    assert code == 0, code
    assert seconds < limit, seconds


class Writer(threading.Thread):
    """Increments a counter on one server until the connection ends."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.connection = server.connect()
        self.acknowledged = 0
        self.errors = set()

    def run(self):
        try:
            while True:
                self.connection.send(encode("INCR", "counter") * 16)
                for _ in range(16):
                    reply = self.connection.reply()
                    if isinstance(reply, Error):
                        self.errors.add(str(reply).split()[0])
                    else:
                        self.acknowledged += 1
        except OSError:
            self.connection.close()


def test_leadership_is_handed_over():
    """Under load, another server leads long before an election timeout has passed. What was
    acknowledged is not lost."""
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        leader = cluster.leader()
        eventually("the followers know the leader",
                   lambda: all(s.status()["leader"] == leader.id for s in cluster.servers))
        writers = [Writer(leader) for _ in range(4)]
        for w in writers:
            w.start()
        eventually("they write", lambda: all(w.acknowledged > 100 for w in writers))
        begin = terminate(leader)
        ended(leader, begin, SOON)
        assert cluster.leader() is not leader
        seconds = time.monotonic() - begin
        assert seconds < SOON, seconds  # an election timeout is 2.5 s
        for w in writers:
            w.join()
        acknowledged = sum(w.acknowledged for w in writers)
        errors = set().union(*(w.errors for w in writers))
        assert errors <= {"TRYAGAIN", "MOVED", "CLUSTERDOWN", "UNKNOWN"}, errors
        assert int(cluster.call("GET", "counter")) >= acknowledged > 0
        leader.start()
        cluster.converged()


def test_no_new_commands():
    """While a server waits for what it has accepted, it refuses what is new."""
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        leader = cluster.leader()
        followers = cluster.followers()
        cluster.call("SET", "k", "v")
        with leader.connect() as writer, leader.connect() as other:
            for s in followers:
                s.process.send_signal(signal.SIGSTOP)
            writer.command("SET", "k", "w")  # no majority
            assert other.call("PING") == "PONG"
            begin = terminate(leader)
            raises("TRYAGAIN the server is stopping",
                   lambda: [other.call("PING") for _ in range(100000)])
            try:
                Connection(leader.port).close()
                assert False, "a new client was accepted"
            except ConnectionRefusedError:
                pass
            ended(leader, begin, LIMIT)
        assert "did not stop in time" not in leader.messages(), leader.messages()
        for s in followers:
            s.process.send_signal(signal.SIGCONT)


def test_scans_do_not_delay_the_end():
    """Clients that keep the queue of scans full do not keep the server running."""
    with Cluster(1) as cluster:
        server = cluster.servers[0]
        for i in range(20):
            cluster.call("MSET", *(x for k in range(500) for x in ("key%d-%d" % (i, k), "x" * 200)))

        def scan():
            try:
                with server.connect() as c:
                    while True:
                        c.send(encode("RAFT.DIGEST") * 8)
                        for _ in range(8):
                            c.reply()
            except OSError:
                pass
        threads = [threading.Thread(target=scan, daemon=True) for _ in range(16)]
        for t in threads:
            t.start()
        time.sleep(0.5)
        ended(server, terminate(server), SOON)
        for t in threads:
            t.join()


def test_slow_disk_does_not_delay_the_end():
    """A sync that takes ten seconds is not waited for."""
    with Cluster(1, start=False) as cluster:
        server = cluster.servers[0]
        slow = server.dir + ".slow"
        server.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": server.dir, "DISK_SLOW": slow}
        server.start()
        eventually("it leads", lambda: server.call("SET", "k", "v") == "OK")
        open(slow, "w").close()
        with server.connect() as c:
            # More entries than are synced on the event loop's thread.
            c.send(b"".join(encode("SET", "k%d" % i, "v") for i in range(100)))
            time.sleep(0.2)
            begin = terminate(server)
            ended(server, begin, LIMIT)
        assert "did not stop in time" in server.messages(), server.messages()
        os.unlink(slow)
        server.start()
        eventually("it has its data", lambda: server.call("GET", "k") == "v")


if __name__ == "__main__":
    main(globals())
