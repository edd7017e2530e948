# SPDX-License-Identifier: MIT
"""A random schedule of faults, with clients that use all data commands, also those with several
keys, and read at every server.

    test_faults.py [--seconds N] [--seed S] [--proxies]

A server is isolated, deaf, mute, frozen, killed, or has a slow disk; sometimes two are. The history
must be linearizable, no acknowledged write may be missing at the end, and all servers must hold the
same data. The servers run in network namespaces, or without root behind proxies.
"""
import argparse
import os
import random
import signal
import sys
import time

import test_follower_reads
from harness import DISK_FAULTS, Cluster, Error, eventually, main
from history import assert_linearizable, final_reads, reads_by_server
from namespaces import Network, network
from test_follower_reads import KINDS, run_clients

arguments = argparse.ArgumentParser()
arguments.add_argument("--seconds", type=float, default=16)
arguments.add_argument("--seed", type=int, default=random.SystemRandom().randint(0, 10**6))
arguments.add_argument("--proxies", action="store_true", help="no network namespaces")
FAULTS = ["isolate", "deafen", "mute", "freeze", "kill", "slow_disk"]


class Schedule:
    """Makes one fault after the other, and undoes each."""

    def __init__(self, cluster, net, rng):
        self.cluster, self.net, self.rng = cluster, net, rng
        self.done = {}
        self.deck = []

    def leader(self):
        """A server that takes itself for the leader, if any does within a moment."""
        for s in self.rng.sample(self.cluster.servers, 3):
            try:
                if s.alive() and s.status()["state"] == "leader":
                    return s
            except (OSError, Error, ValueError):
                pass
        return None

    def fault(self):
        victim = self.rng.random() < 0.6 and self.leader() or self.rng.choice(self.cluster.servers)
        self.deck = self.deck or self.rng.sample(FAULTS, len(FAULTS))
        kind = self.deck.pop()
        self.done[kind] = self.done.get(kind, 0) + 1
        if kind == "freeze":
            victim.process.send_signal(signal.SIGSTOP)
            return lambda: victim.process.send_signal(signal.SIGCONT)
        if kind == "kill":
            victim.kill()
            return victim.start
        if kind == "slow_disk":
            slow = victim.dir + ".slow"
            open(slow, "w").close()
            return lambda: os.remove(slow)
        getattr(self.net, kind)(victim)
        return self.net.heal

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(self.rng.uniform(0.1, 0.7))
            undo = [self.fault()]
            time.sleep(self.rng.uniform(0.2, 2.2))
            if self.rng.random() < 0.2 and all(s.alive() for s in self.cluster.servers):
                # The first fault goes on.
                victim = self.rng.choice(self.cluster.servers)
                victim.kill()
                self.done["kill, second"] = self.done.get("kill, second", 0) + 1
                undo.append(victim.start)
                time.sleep(self.rng.uniform(0.1, 1))
            for action in reversed(undo):
                action()
        self.net.heal()


def test_random_faults():
    rng = random.Random(options.seed)
    test_follower_reads.SEED = options.seed
    cluster = Cluster(options=["--insecure", "--compact-entries", "1000", "--trailing", "200"],
                      start=False)
    with cluster, network(cluster, options.proxies) as net:
        if isinstance(net, Network):
            listen_in(cluster)
        for s in cluster.servers:
            s.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": s.dir, "DISK_SLOW": s.dir + ".slow",
                     "DISK_SLOW_MS": "300"}
            s.start()
        cluster.leader()
        schedule = Schedule(cluster, net, rng)

        def disturb():
            schedule.run(options.seconds)
            cluster.leader()
            time.sleep(0.5)

        clients = run_clients(cluster, disturb)
        for s in cluster.servers:
            assert s.alive(), "server %d has ended: %s" % (s.id, s.messages()[-800:])
        history = [op for c in clients for op in c.history]
        history += final_reads(cluster, history)
        cluster.converged(30)
        judge(history, clients, schedule, net)


def listen_in(cluster):
    """The list of --bootstrap with the addresses in the namespaces."""
    bootstrap = ",".join("%d=%s" % (s.id, s.address) for s in cluster.servers)
    for s in cluster.servers:
        s.bootstrap = bootstrap


def judge(history, clients, schedule, net):
    done = [op for op in history if op.ret is not None]
    reads = reads_by_server(clients)
    print("       seed %d, %s: %s; %d operations completed, %d with unknown outcome, reads by "
          "server: %s" % (options.seed, type(net).__name__, schedule.done, len(done),
                          len(history) - len(done), reads), flush=True)
    assert {op.kind for op in done} == KINDS
    assert all(n > 20 for n in reads.values()), reads
    assert_linearizable(history)


def test_network_faults_take_effect():
    """Negative test: while a follower is deaf, or mute, a write does not reach it or it does not
    acknowledge one. Else the test above would not test much."""
    cluster = Cluster(options=["--insecure"], start=False)
    with cluster, network(cluster, options.proxies) as net:
        if isinstance(net, Network):
            listen_in(cluster)
        for s in cluster.servers:
            s.start()
        cluster.call("SET", "k", "0")
        follower, other = cluster.followers()
        eventually("it follows", lambda: follower.call("RAFT.LOCAL", "k") == "0")
        for n, fault in enumerate(("deafen", "mute", "isolate"), 1):
            getattr(net, fault)(follower)
            other.kill()
            try:
                with cluster.leader().connect(timeout=1) as c:
                    c.call("SET", "k", n)
            except (OSError, Error, AssertionError):
                pass
            else:
                raise AssertionError("a write was acknowledged while a follower was " + fault)
            other.start()
            net.heal()
            cluster.call("SET", "k", "again")
            eventually("it has caught up", lambda: follower.call("RAFT.LOCAL", "k") == "again")


if __name__ == "__main__":
    options, rest = arguments.parse_known_args()
    sys.argv[1:] = rest
    main(globals())
