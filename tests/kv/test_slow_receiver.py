# SPDX-License-Identifier: MIT
"""A follower that is slow or frozen while it receives a snapshot: the leader's log stays bounded.

The leader does not compact its log while it sends a snapshot, because a newer snapshot restarts the
transfer. The limit is eight times --compact-size, or twice the size of the snapshot. Here it is
small, so that a few seconds of writes exceed it several times. tools/soak-kv runs with the default.
"""
import itertools
import os
import signal
import time

from harness import DISK_FAULTS, LONG_TIMEOUTS, Cluster, eventually, main

MIB = 1024 * 1024
OPTIONS = [*LONG_TIMEOUTS, "--compact-size", "1", "--log-segment", "1024",
           "--large-value", str(4 * MIB)]  # all values are in the log
KEYS = 64  # of 64 KiB: 4 MiB, which are 16 chunks of a snapshot
MOST_LOG = 8 * MIB
WRITTEN = 64 * MIB
# Besides a log at its limit there is what was written during a compaction, and files to be reused.
# 20 to 24 MiB were measured, and 64 without the rule.
MOST_FILES = 40 * MIB


def overwrite(cluster, size, watch):
    """Write so many bytes to the same keys, and call `watch()` after each MiB."""
    with cluster.leader().connect() as c:
        for i in range(size // MIB):
            value = ("%d," % i) * (MIB // 16 // len("%d," % i))
            pairs = [("key%d" % (key % KEYS), value) for key in range(16 * i, 16 * i + 16)]
            assert c.call("MSET", *itertools.chain(*pairs)) == "OK"
            watch()


def bytes_below(path):
    total = 0
    for place, _, names in os.walk(path):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except OSError:
                pass  # it was removed meanwhile
    return total


class Watch:
    """Notes how large the leader's log becomes, and whether the follower still lacks the data."""

    def __init__(self, leader, follower):
        self.leader, self.follower = leader, follower
        self.largest = self.seen = self.receiving = 0
        self.compacted = leader.messages().count("took a snapshot")

    def __call__(self):
        size = bytes_below(self.leader.dir + "/log")
        if size > MOST_FILES / 2:
            time.sleep(0.05)  # slower than a compaction, also on a busy machine
        self.largest = max(self.largest, size)
        self.seen += 1
        self.receiving += receives(self.leader, self.follower)

    def judge(self, what):
        compacted = self.leader.messages().count("took a snapshot") - self.compacted
        print("       %s: wrote %d MiB, the log's files had %d MiB at most, %d snapshots" % (
            what, self.seen, self.largest // MIB, compacted), flush=True)
        assert self.largest <= MOST_FILES, self.largest
        assert self.receiving == self.seen
        return compacted


def receives(leader, follower):
    return leader.status()["members"][follower.id]["mode"] == "snapshot"


def slow_path(follower):
    return follower.dir + ".slow"


def begin_transfer(cluster, leader, follower):
    """Leave the follower behind, and make its disk slow once it receives a snapshot; false if it
    received all of it before that."""
    behind = follower.status()["last-index"]
    follower.kill()
    while leader.status()["first-index"] <= behind + 1:
        overwrite(cluster, 2 * MIB, lambda: None)
    follower.start()
    incoming = os.path.join(follower.dir, "incoming.dump")
    eventually("the follower receives a snapshot", lambda: os.path.exists(incoming))
    with open(slow_path(follower), "w", encoding="utf-8"):
        pass
    if receives(leader, follower):
        return True
    os.remove(slow_path(follower))
    return False


def test_log_is_bounded_while_a_snapshot_is_sent():
    with Cluster(options=OPTIONS, fast=False, start=False) as cluster:
        for s in cluster.servers:  # each chunk of a snapshot is synced, which takes three seconds
            s.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": s.dir, "DISK_SLOW": slow_path(s),
                     "DISK_SLOW_MS": "3000"}
            s.start()
        follower = cluster.followers()[0]
        leader = cluster.leader()
        overwrite(cluster, KEYS * MIB // 16, lambda: None)
        assert any(begin_transfer(cluster, leader, follower) for _ in range(5))
        watch = Watch(leader, follower)
        overwrite(cluster, MOST_LOG - 2 * MIB, watch)
        assert watch.judge("protected") == 0  # no newer snapshot yet
        watch = Watch(leader, follower)
        overwrite(cluster, WRITTEN, watch)
        assert watch.judge("slow") > 0
        follower.process.send_signal(signal.SIGSTOP)
        watch = Watch(leader, follower)
        overwrite(cluster, WRITTEN, watch)
        assert watch.judge("frozen") > 0
        os.remove(slow_path(follower))
        follower.process.send_signal(signal.SIGCONT)
        assert cluster.leader() is leader
        assert cluster.converged(60) == KEYS


if __name__ == "__main__":
    main(globals())
