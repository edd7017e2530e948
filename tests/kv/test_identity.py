# SPDX-License-Identifier: MIT
"""Identities: a server that lost its directory, came back with an older copy of it, or was founded
in another way takes no part, and both logs say why."""
import os
import random
import shutil
import time

from harness import DISK_FAULTS, LONG_TIMEOUTS, Cluster, Server, eventually, main, raises
from powerloss import read_trace, rebuild

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
        raises("ERR this server is already a member", leader.call, "RAFT.ADD", victim.id,
               victim.address)
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
        time.sleep(0.7)  # the others are told what the victim has synced, and write it down
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


# --- founding ------------------------------------------------------------------------------------

def bootstrap(*servers):
    return ",".join("%d=%s" % (s.id, s.address) for s in servers)


def leaderless(*servers):
    for s in servers:
        status = s.status()
        assert status["state"] != "leader" and status["last-index"] == 0, status
        assert status["cluster-id"] == "0" * 16


def test_founder_waits_for_the_last_server():
    with Cluster(options=FAST, fast=False, start=False) as cluster:
        one, two, three = cluster.servers
        one.start()
        two.start()
        eventually("the founder says what it waits for", lambda: lines(one, "waiting for server 3"),
                   20)
        leaderless(one, two)
        three.start()
        cluster.call("SET", "k", "v")
        cluster.converged()
        assert len(lines(one, "waiting for server 3")) == 1
        assert len({s.status()["cluster-id"] for s in cluster.servers}) == 1
        for s in (two, three):
            assert len(lines(s, "joined cluster")) == 1


def test_order_of_the_list_does_not_matter():
    with Cluster(options=FAST, fast=False, start=False) as cluster:
        cluster.servers[2].bootstrap = bootstrap(*reversed(cluster.servers))
        for s in cluster.servers:
            s.start()
        cluster.call("SET", "k", "v")


def test_different_lists_found_nothing():
    with Cluster(options=FAST, fast=False, start=False) as cluster:
        one, two, three = cluster.servers
        three.bootstrap = bootstrap(one, three)
        for s in cluster.servers:
            s.start()
        for a, b in [(one, three), (three, one)]:
            refused(a, b, "server 3 has another --bootstrap list than server 1")
        time.sleep(1.5)
        leaderless(one, two, three)
        for s in (one, three):
            assert len(lines(s, "another --bootstrap list")) == 1, s.messages()
        three.kill()
        three.bootstrap = two.bootstrap
        three.start()
        cluster.call("SET", "k", "v")


def test_two_founders_do_not_share_servers():
    """Server 2 founds a cluster of 2 and 3. Server 1, whose list has all three, founds none."""
    with Cluster(options=FAST, fast=False, start=False) as cluster:
        one, two, three = cluster.servers
        two.bootstrap = three.bootstrap = bootstrap(two, three)
        for s in cluster.servers:
            s.start()
        cluster.call("SET", "k", "v")
        refused(one, two, "belongs to another cluster already")
        refused(two, one, "belongs to another cluster already")
        leaderless(one)
        assert set(cluster.leader().status()["members"]) == {2, 3}
        three.kill()
        time.sleep(1)
        raises("CLUSTERDOWN", two.call, "GET", "k")


def test_malformed_lists():
    with Cluster(2, start=False) as cluster:
        one, two = cluster.servers
        for text, why in [(bootstrap(two), "is not in the list"),
                          (bootstrap(one, one), "in the list twice"),
                          (bootstrap(one).replace("127", "128"), "this server's address")]:
            one.bootstrap = text
            one.start()
            assert one.wait_exit() == 1
            assert why in one.messages(), one.messages()


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


# --- crashes while a cluster is founded ----------------------------------------------------------

SMALL = FAST + ["--log-segment", "64"]


def trace_changes(server):
    """Environment to count the changes that the server makes on the disk."""
    server.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": server.dir,
                  "DISK_TRACE": server.dir + ".trace"}


def count_changes(server):
    return sum(1 for _ in read_trace(server.dir + ".trace"))


def die_after(server, n):
    """Start the server, which is killed after `n` changes to its disk."""
    trace_changes(server)
    server.env["DISK_KILL"] = str(n)
    server.start()


def test_kill_while_founding_alone():
    """A server that founds a cluster alone is killed after each of the changes that it makes from
    the creation of its directory until it leads. Sometimes the power fails as well."""
    with Cluster(1, options=SMALL, fast=False, start=False) as cluster:
        s = cluster.servers[0]
        trace_changes(s)
        s.start()
        cluster.call("SET", "k", "v")
        s.kill()
        last = count_changes(s)
        killed = 0
        nothing = s.dir + ".nothing"
        os.mkdir(nothing)
        rng = random.Random(3)
        early = [(n, n % 2 == 0) for n in range(1, last - 18, 7)]
        late = [(n, False) for n in range(last - 18, last + 1)]
        for n, power in early + late + [(n, True) for n, _ in late[::2]]:
            empty(s)
            die_after(s, n)
            eventually("it leads or is dead", lambda: not s.alive() or
                       s.status()["state"] == "leader")
            killed += not s.alive()
            s.kill()
            if power:
                rebuild(s.dir, nothing, [s.dir + ".trace"], rng, "none")
            s.env = {}
            s.start()
            eventually("it leads", lambda: s.call("SET", "k", "v") == "OK")
            s.kill()
        assert killed > 25, killed


def found_with_kills(founder_at, other_at):
    """Found a cluster. Two servers are killed after so many changes since they wait for the
    others. Returns how many were killed."""
    with Cluster(options=SMALL, fast=False, start=False) as cluster:
        one, two, three = cluster.servers
        waiting = {}
        for s in (one, two):
            trace_changes(s)
            s.start()
            eventually("it waits", lambda s=s: s.call("PING"))
            s.kill()
            waiting[s] = count_changes(s)
            empty(s)
        die_after(one, waiting[one] + founder_at)
        die_after(two, waiting[two] + other_at)
        three.start()
        time.sleep(0.3)
        eventually("there is a leader or somebody is dead",
                   lambda: not one.alive() or not two.alive() or cluster.leader())
        killed = 0
        for s in (one, two):
            killed += not s.alive()
            s.kill()
            s.env = {}
            s.start()
        assert cluster.call("SET", "k", "v") == "OK"
        cluster.converged()
        status = [s.status() for s in cluster.servers]
        assert len({s["cluster-id"] for s in status}) == 1, status
        assert all(set(s["members"]) == {1, 2, 3} for s in status), status
        assert all(no_refusals(s) for s in cluster.servers)
        return killed


def test_kill_while_founding_together():
    rng = random.Random(7)
    killed = 0
    for stage in range(0, 14, 2):
        killed += found_with_kills(stage + rng.randint(0, 1), rng.randint(0, 12))
    assert killed >= 7, killed


if __name__ == "__main__":
    main(globals())
