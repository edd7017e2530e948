# SPDX-License-Identifier: MIT
"""Founding a cluster: all servers must answer and have the same list, and each of them may be
killed at any time."""
import os
import random
import time

from harness import DISK_FAULTS, Cluster, eventually, main, raises
from powerloss import read_trace, rebuild
from test_identity import FAST, bootstrap, empty, lines, no_refusals, refused

SMALL = FAST + ["--log-segment", "64"]


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
        eventually("somebody is dead or leads", lambda: any(
            not s.alive() or s.status()["state"] == "leader" for s in cluster.servers))
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
    for stage in range(0, 14, 3):
        killed += found_with_kills(stage + rng.randint(0, 2), rng.randint(0, 12))
    assert killed >= 5, killed


if __name__ == "__main__":
    main(globals())
