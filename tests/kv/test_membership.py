# SPDX-License-Identifier: MIT
"""Membership changes and leadership transfers."""
import time

from harness import LONG_TIMEOUTS, Cluster, Error, encode, eventually, main, raises


def roles(cluster):
    return {id: m["role"] for id, m in cluster.leader().status()["members"].items()}


def has(server, key, value):
    eventually("server %d has %s" % (server.id, key),
               lambda: server.call("RAFT.LOCAL", key) == value)


def test_grow_from_one_to_three_and_replace_the_founder():
    with Cluster(1) as cluster:
        for i in range(100):
            cluster.call("SET", "k%d" % i, i)
        for id in (2, 3):
            s = cluster.add_server(id)
            s.start()
            assert cluster.call("RAFT.ADD", id, s.address, "standby") == "OK"
            assert roles(cluster)[id] == "standby"
            has(s, "k99", "99")
            assert cluster.call("RAFT.ADD", id, s.address, "standby") == "OK"  # repeated
            raises("ERR server %d is a member already; RAFT.PROMOTE" % id, cluster.call,
                   "RAFT.ADD", id, s.address, "spare")
            assert cluster.call("RAFT.PROMOTE", id) == "OK"
            assert roles(cluster)[id] == "voter"
        assert cluster.call("RAFT.PROMOTE", 2) == "OK"  # already a voter
        founder = cluster.server(1)
        assert founder.call("RAFT.REMOVE", 1) == "OK"  # the leader removes itself
        eventually("another server leads", lambda: cluster.leader() is not founder)
        assert roles(cluster) == {2: "voter", 3: "voter"}
        founder.kill()
        assert cluster.call("GET", "k42") == "42"
        assert cluster.call("INCR", "k42") == 43
        assert cluster.converged() == 100


def test_adding_a_spare_and_rejected_addresses():
    with Cluster(1) as cluster:
        s = cluster.add_server(7)
        raises("ERR malformed address", cluster.call, "RAFT.ADD", 7, "127.0.0.1:1")
        raises("ERR no answer", cluster.call, "RAFT.ADD", 7, s.address)  # not running
        s.start()
        assert cluster.call("RAFT.ADD", 7, s.address, "spare") == "OK"
        assert roles(cluster)[7] == "spare"
        other = cluster.add_server(8)
        other.start()
        raises("ERR another member has this address", cluster.call, "RAFT.ADD", 8, s.address)
        assert cluster.call("RAFT.REMOVE", 7) == "OK"
        assert cluster.call("RAFT.ADD", 8, other.address, "standby") == "OK"
        assert cluster.call("RAFT.REMOVE", 8) == "OK"
        assert roles(cluster) == {1: "voter"}


def test_promotion_of_a_dead_server_fails():
    with Cluster(1, options=[]) as cluster:
        s = cluster.add_server(2).start()
        cluster.call("SET", "a", "1")  # commits an entry of the leader's term
        assert cluster.call("RAFT.ADD", 2, s.address, "standby") == "OK"
        s.kill()
        with cluster.leader().connect(timeout=120) as c:
            raises("ERR server 2 did not catch up", c.call, "RAFT.PROMOTE", 2)
        assert roles(cluster)[2] == "standby"
        assert cluster.call("SET", "a", "1") == "OK"


def test_changes_need_servers_in_contact():
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        leader = cluster.leader()
        dead, healthy = cluster.followers()
        dead.kill()
        time.sleep(3)  # longer than an election timeout
        raises("TRYAGAIN", leader.call, "RAFT.REMOVE", healthy.id)
        raises("TRYAGAIN", leader.call, "RAFT.TRANSFER", dead.id)
        assert leader.call("RAFT.REMOVE", dead.id) == "OK"
        raises("ERR", leader.call, "RAFT.ADD", dead.id, dead.address)  # the log has its ID
        assert roles(cluster) == {leader.id: "voter", healthy.id: "voter"}
        assert leader.call("RAFT.TRANSFER") == "OK"
        eventually("the healthy follower leads", lambda: cluster.leader() is healthy)


def test_transfer():
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        for target in [f.id for f in cluster.followers()]:
            assert cluster.leader().call("RAFT.TRANSFER", target) == "OK"
            eventually("server %d leads" % target, lambda: cluster.leader().id == target)
        before = cluster.leader()
        raises("ERR", before.call, "RAFT.TRANSFER", before.id)
        assert before.call("RAFT.TRANSFER") == "OK"  # to a server of the library's choice
        eventually("another server leads", lambda: cluster.leader() is not before)
        assert cluster.call("INCR", "a") == 2
        assert cluster.converged() == 1


def test_transfer_under_load_neither_loses_nor_repeats_a_write():
    """INCR is pipelined during a transfer. Every increment is either applied and acknowledged or
    refused with an error that says that nothing was done; none has an unknown outcome."""
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        done = 0
        for _ in range(3):
            leader = cluster.leader()
            with leader.connect() as c, leader.connect() as admin:
                c.send(encode("INCR", "n") * 100)
                for _ in range(50):
                    done += 1
                    assert c.reply() == done
                admin.command("RAFT.TRANSFER")
                c.send(encode("INCR", "n") * 200)
                for _ in range(250):
                    answer = c.reply()
                    if isinstance(answer, Error):  # never UNKNOWN: every accepted entry commits
                        code = str(answer).split()[0]
                        assert code in ("MOVED", "TRYAGAIN", "CLUSTERDOWN"), answer
                    else:
                        done += 1
                        assert answer == done
                admin.reply()
            eventually("another server leads", lambda: cluster.leader() is not leader)
        assert int(cluster.call("GET", "n")) == done >= 150, done


def test_removed_server_does_not_disturb():
    with Cluster() as cluster:
        gone = cluster.followers()[0]
        assert cluster.call("RAFT.REMOVE", gone.id) == "OK"
        leader, term = cluster.leader(), cluster.leader().status()["term"]
        for i in range(50):
            cluster.call("INCR", "n")
        gone.kill()
        gone.start()  # it may not know that it was removed
        for i in range(50):
            cluster.call("INCR", "n")
        assert cluster.call("GET", "n") == "100"
        assert cluster.leader() is leader and leader.status()["term"] == term


def test_leader_without_a_majority_serves_nothing():
    """On a leader whose followers are dead a read fails and a write's outcome is unknown."""
    with Cluster() as cluster:
        leader = cluster.leader()
        cluster.call("SET", "a", "1")
        with leader.connect(timeout=30) as writer, leader.connect(timeout=30) as reader:
            for f in cluster.followers():
                f.kill()
            writer.command("SET", "a", "2")
            reader.command("GET", "a")
            raises("CLUSTERDOWN", reader.reply, True)
            raises("UNKNOWN", writer.reply, True)
            raises("CLUSTERDOWN", writer.call, "SET", "a", "3")
        for s in cluster.servers:
            if not s.alive():
                s.start()
        eventually("the cluster serves reads again", lambda: cluster.call("GET", "a") in ("1", "2"))


if __name__ == "__main__":
    main(globals())
