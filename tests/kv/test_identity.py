# SPDX-License-Identifier: MIT
"""Identities: a server that lost its directory, came back with an older copy of it, or belongs to
another cluster takes no part, and both logs say why."""
import os
import random
import shutil
import socket
import threading
import time

from harness import (DISK_FAULTS, LONG_TIMEOUTS, TIMEOUT_FACTOR, Cluster, Server, eventually, main,
                     raises)
from powerloss import rebuild

FAST = ["--election-timeout", "200", "--heartbeat", "40"]
EMPTY = "has a new, empty directory"
OLDER = "has an older copy of its directory, or its disk has lost data"


def empty(server):
    shutil.rmtree(server.dir)


def refused(server, other, why):
    """Wait until RAFT.STATUS of `server` says that it refused `other`, or was refused by it."""
    def find():
        return [r for r in server.status()["refused"]
                if dict(zip(r[::2], r[1::2]))["id"] == other.id and why in r[5]]
    eventually("server %d tells why it and server %d do not talk" % (server.id, other.id), find)


def lines(server, text):
    return [line for line in server.messages().splitlines() if text in line]


def bootstrap(*servers):
    return ",".join("%d=%s" % (s.id, s.address) for s in servers)


def no_refusals(server):
    return not lines(server, "refused by server") + lines(server, "refused a connection")


def replace(cluster, gone, id):
    """Remove a server, and add a new one with a new ID."""
    gone.kill()
    assert cluster.call("RAFT.REMOVE", gone.id) == "OK"
    new = cluster.add_server(id).start()
    assert cluster.call("RAFT.ADD", id, new.address) == "OK"
    assert cluster.call("RAFT.PROMOTE", id) == "OK"
    return new


def lose_directory(emptied):
    """C is down while A and B acknowledge a write. B loses its directory, and only B and C run."""
    with Cluster(options=FAST, fast=False) as cluster:
        cluster.call("SET", "first", "1")
        cluster.converged()
        b = cluster.server(emptied)
        a, c = [s for s in cluster.servers if s is not b]
        c.kill()
        assert cluster.call("SET", "key", "value") == "OK"
        a.kill()
        b.kill()
        empty(b)
        b.start()
        c.start()
        refused(c, b, EMPTY)
        refused(b, c, EMPTY)
        time.sleep(2)  # ten election timeouts
        for s in (b, c):
            assert s.status()["state"] != "leader", s.status()
            assert len(lines(s, EMPTY)) == 1, s.messages()  # although they go on trying
        raises("CLUSTERDOWN", c.call, "GET", "key")
        assert b.status()["last-index"] == 0
        a.start()
        assert cluster.call("GET", "key") == "value"
        new = replace(cluster, b, 4)
        assert cluster.converged() == 2
        assert new.call("RAFT.LOCAL", "key") == "value"


def test_emptied_directory_loses_no_acknowledged_write():
    lose_directory(2)


def test_emptied_directory_of_the_founder_loses_no_acknowledged_write():
    """The founder of the cluster does not found another one: the others belong to one already."""
    lose_directory(1)


def test_emptied_directory_in_a_running_cluster():
    with Cluster(options=FAST, fast=False) as cluster:
        cluster.call("SET", "key", "value")
        cluster.converged()
        victim = cluster.followers()[0]
        before = victim.status()["incarnation"]
        victim.kill()
        empty(victim)
        victim.start()
        leader = cluster.leader()
        refused(leader, victim, EMPTY)
        refused(victim, leader, EMPTY)
        status = victim.status()
        assert status["incarnation"] != before and status["last-index"] == 0
        assert status["cluster-id"] == "0" * 16
        text = victim.call("INFO")
        assert "raft_incarnation:" + status["incarnation"] in text and EMPTY in text, text
        cluster.call("SET", "key", "changed")
        replace(cluster, victim, 4)
        assert cluster.converged() == 1


def test_older_copy_of_a_directory():
    with Cluster(options=FAST, fast=False) as cluster:
        for i in range(20):
            cluster.call("SET", "k%d" % i, "v")
        cluster.converged()
        victim = cluster.followers()[0]
        victim.stop()
        shutil.copytree(victim.dir, victim.dir + ".copy")
        victim.start()
        for i in range(20):
            cluster.call("SET", "k%d" % i, "changed")
        cluster.converged()
        # The others are told what the victim has synced, and write it down.
        time.sleep(1.5 * TIMEOUT_FACTOR)
        victim.kill()
        empty(victim)
        os.rename(victim.dir + ".copy", victim.dir)
        for s in cluster.servers:  # the others remember it in spite of a restart
            s.kill()
        for s in cluster.servers:
            s.start()
        others = [s for s in cluster.servers if s is not victim]
        for s in others:
            refused(s, victim, OLDER)
            refused(victim, s, OLDER)
        assert victim.status()["state"] != "leader"
        assert cluster.call("GET", "k7") == "changed"
        replace(cluster, victim, 4)
        assert cluster.converged() == 20


def test_restarts_are_not_refused():
    with Cluster(options=FAST, fast=False) as cluster:
        for i in range(6):
            for s in cluster.servers:
                eventually("it runs", lambda s=s: s.call("PING"))
                (s.kill if i % 2 else s.stop)()
                s.start()
                cluster.call("INCR", "n")
        cluster.converged()
        for s in cluster.servers:
            assert no_refusals(s), s.messages()
            assert s.status()["refused"] == []


def kill_then_lose_power(disturb):
    """Let the disk of a follower hang while `disturb(cluster)` makes it write. Kill it before it
    has synced, and start it: it recovers from the page cache what it wrote, and tells the others.
    Then the power fails. What it told it must have. Returns the log line of the start between, and
    the index of the leader's last entry."""
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        cluster.call("SET", "k", "1")
        cluster.converged()
        victim = cluster.followers()[0]
        victim.stop()
        base, slow = victim.dir + ".base", victim.dir + ".slow"
        traces = [victim.dir + ".trace1", victim.dir + ".trace2"]
        shutil.copytree(victim.dir, base)
        victim.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": victim.dir, "DISK_SLOW": slow,
                      "DISK_TRACE": traces[0]}

        def follows():
            return victim.status()["leader"] == cluster.leader().id
        victim.start()
        eventually("it follows", follows)
        cluster.converged()
        open(slow, "w").close()
        disturb(cluster)
        time.sleep(0.5)
        victim.kill()
        os.unlink(slow)
        victim.env["DISK_TRACE"] = traces[1]
        victim.start()
        eventually("it follows", follows)
        started = lines(victim, "started")[-1]
        time.sleep(1)
        victim.kill()
        rebuild(victim.dir, base, traces, random.Random(1), "none")
        victim.env = {}
        victim.start()
        eventually("it follows", follows)
        cluster.converged()
        for s in cluster.servers:
            assert no_refusals(s), s.messages()
        return started, cluster.leader().status()["last-index"]


def test_kill_and_loss_of_power_with_an_entry_are_not_refused():
    started, last = kill_then_lose_power(lambda cluster: cluster.call("SET", "k", "2"))
    assert "log 1 to %d," % last in started, started  # it was not sent again


def test_kill_and_loss_of_power_with_a_vote_are_not_refused():
    terms = []

    def transfer(cluster):
        other = cluster.followers()[1]  # not the victim
        assert cluster.leader().call("RAFT.TRANSFER", other.id) == "OK"
        eventually("server %d leads" % other.id, lambda: other.status()["state"] == "leader")
        terms.append(other.status()["term"])
    started, _ = kill_then_lose_power(transfer)
    assert "term %d," % terms[0] in started, (terms, started)


def answer(listener, text):
    while True:
        try:
            with listener.accept()[0] as s:
                s.recv(1)
                s.sendall(text)
        except OSError:
            return


def test_addition_of_what_does_not_answer():
    with Cluster(1) as cluster, socket.socket() as silent, socket.socket() as wrong:
        for listener in (silent, wrong):
            listener.bind(("127.0.0.1", 0))
            listener.listen(10)
        threading.Thread(target=answer, args=(wrong, b"HTTP/1.0 400 Bad Request\r\n\r\n"),
                         daemon=True).start()
        cluster.call("SET", "k", "v")
        one = cluster.servers[0]
        for listener, why in [(silent, "no answer)"), (wrong, "not a raft-kv server)")]:
            begin = time.monotonic()
            e = raises("ERR no answer from", one.call, "RAFT.ADD", 2,
                       "127.0.0.1:%d/127.0.0.1:1" % listener.getsockname()[1])
            assert why in str(e), e
            assert time.monotonic() - begin < 5 * TIMEOUT_FACTOR
        e = raises("ERR", one.call, "RAFT.ADD", 2, "127.0.0.1:%d/127.0.0.1:1" % one.peer_port)
        assert "it is server 1, not 2" in str(e), e
        assert set(one.status()["members"]) == {1}


def test_server_of_another_cluster_of_the_same_name():
    with Cluster(options=FAST, fast=False) as cluster, Cluster(1, start=False) as other:
        cluster.call("SET", "k", "v")
        real = cluster.followers()[0]
        foreign = Server(other.root, real.id, cluster.name, cluster.options)
        other.servers.append(foreign)
        real.kill()
        foreign.port, foreign.peer_port = real.port, real.peer_port
        foreign.bootstrap = bootstrap(foreign)
        foreign.start()
        eventually("it leads its own cluster", lambda: foreign.status()["state"] == "leader")
        leader = cluster.leader()
        refused(leader, foreign, "belongs to another cluster of the same name")
        refused(foreign, leader, "belongs to another cluster of the same name")
        with Cluster(1) as third:
            raises("ERR server %d belongs to another cluster already" % foreign.id,
                   third.call, "RAFT.ADD", foreign.id, foreign.address)
        cluster.call("SET", "k", "w")
        foreign.kill()
        real.start()
        cluster.converged()

if __name__ == "__main__":
    main(globals())
