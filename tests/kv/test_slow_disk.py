# SPDX-License-Identifier: MIT
"""A leader whose disk is slow: the fastest majority decides how long a write takes."""
import os
import time

from harness import DISK_FAULTS, LONG_TIMEOUTS, Cluster, eventually, main

SYNC = 10  # seconds that a slow sync takes, see disk_faults.c


def slow_path(server):
    return server.dir + ".slow"


def cluster_with_disk_faults():
    cluster = Cluster(options=LONG_TIMEOUTS, fast=False, start=False)
    for s in cluster.servers:
        s.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": s.dir, "DISK_SLOW": slow_path(s)}
        s.start()
    return cluster


def test_leader_with_a_slow_disk_answers():
    with cluster_with_disk_faults() as cluster:
        assert cluster.call("SET", "before", "1") == "OK"
        leader = cluster.leader()
        with open(slow_path(leader), "w", encoding="utf-8"):
            pass
        begin = time.monotonic()
        with leader.connect() as c:
            for i in range(20):
                assert c.call("SET", "key%d" % i, "value") == "OK"
            assert c.call("GET", "key19") == "value"
        assert time.monotonic() - begin < SYNC / 2, "the writes waited for the leader's disk"
        # What is applied and not durable must not get into the database: a digest waits for it.
        with leader.connect(timeout=2) as c:
            try:
                digest = c.call("RAFT.DIGEST")
                raise AssertionError("the database was written before the log: %s" % digest)
            except TimeoutError:
                pass
        os.unlink(slow_path(leader))
        eventually("the digest is there", lambda: leader.call("RAFT.DIGEST")[1] == 21, 60)
        assert cluster.converged(60) == 21
        leader.kill()
        leader.start()
        assert cluster.converged(60) == 21


if __name__ == "__main__":
    main(globals())
