# SPDX-License-Identifier: MIT
"""Repeated losses of power under load: no acknowledged write is lost.

Clients write and read a few keys and record each request, its time and its reply. Meanwhile one
server or all servers are killed, and their files are rebuilt as a loss of power could have left
them (powerloss.py). At the end the history must be linearizable and all servers must hold the same
data.

KV_CRASH_ROUNDS (default 12) is the number of power losses. KV_CRASH_SEED is the seed of the random
choices; each run prints its seed.
"""
import os
import random
import shutil
import signal
import time

from harness import DISK_FAULTS, Cluster, eventually, main
from history import RecordingClient, assert_linearizable, final_reads, run_while, several
from linearizable import check
from powerloss import rebuild

SEED = int(os.environ.get("KV_CRASH_SEED", random.SystemRandom().randint(0, 10**6)))
ROUNDS = int(os.environ.get("KV_CRASH_ROUNDS", "12"))
WORKERS = 8
EPOCH = 2.0  # seconds until new keys are used: keeps each key's history short


class Worker(RecordingClient):
    """A client of power_losses()."""

    def __init__(self, number, cluster, begin):
        super().__init__(cluster, SEED * 100 + number)
        self.number, self.begin = number, begin
        self.sequence = 0

    def choose(self):
        if self.rng.random() < 0.15:
            return self.group_operation()
        key, kind, argument = self.operation()
        return key, kind, argument, [kind.upper(), key] + ([argument] if argument else [])

    def group_operation(self):
        epoch = int((time.monotonic() - self.begin) / EPOCH)
        group = tuple("g%d.%d" % (epoch, i) for i in range(3))
        places = self.rng.sample(range(3), self.rng.randint(2, 3))
        if self.rng.random() < 0.5:
            return several(group, "mget", "MGET", places)
        self.sequence += 1
        values = ["%d.%d.%d" % (self.number, self.sequence, place) for place in places]
        return several(group, "mset", "MSET", places, values)

    def operation(self):
        epoch = int((time.monotonic() - self.begin) / EPOCH)
        if self.rng.random() < 0.1:  # read an older key, which must not have changed
            return "r%d.%d" % (self.rng.randint(0, epoch), self.rng.randint(0, 3)), "get", None
        if self.rng.random() < 0.15:
            return "c%d" % epoch, "incr", None
        key = "r%d.%d" % (epoch, self.rng.randint(0, 3))
        kind = self.rng.choices(["set", "get", "del"], [45, 50, 5])[0]
        self.sequence += 1
        return key, kind, "%d.%d" % (self.number, self.sequence) if kind == "set" else None


class PowerSupply:
    """Starts the servers of a cluster with disk_faults.c and simulates losses of power."""

    def __init__(self, cluster, rng, env=None):
        self.cluster, self.rng, self.env = cluster, rng, env or {}
        self.unsynced_bytes = 0
        for s in cluster.servers:
            self.start(s)

    def start(self, s):
        base = s.dir + ".base"
        shutil.rmtree(base, ignore_errors=True)
        if os.path.exists(s.dir):
            shutil.copytree(s.dir, base)
        else:
            os.makedirs(base)
        s.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": s.dir, "DISK_TRACE": s.dir + ".trace",
                 **self.env}
        s.start()

    def lose_power(self, servers, mode=None):
        for s in servers:
            if not s.alive():
                raise AssertionError("server %d exited by itself: %s" % (s.id, s.messages()[-800:]))
        for s in servers:  # kill all before waiting for any of them
            s.process.send_signal(signal.SIGKILL)
        for s in servers:
            s.kill()
            self.unsynced_bytes += rebuild(s.dir, s.dir + ".base", [s.dir + ".trace"],
                                           self.rng, mode)


def run_load(cluster, disturb):
    begin = time.monotonic()
    return run_while([Worker(i, cluster, begin) for i in range(WORKERS)], disturb)


def report(history, power, kills):
    done = sum(op.ret is not None for op in history)
    writes = sum(op.ret is not None and op.kind not in ("get", "mget") for op in history)
    print("       seed %d: %d operations completed (%d writes), %d with unknown outcome; "
          "%d power losses with %d unsynced bytes"
          % (SEED, done, writes, len(history) - done, kills, power.unsynced_bytes))


def power_losses(options):
    rng = random.Random(SEED)
    options = ["--compact-entries", "400", "--trailing", "50", "--log-segment", "16"] + options
    with Cluster(options=options, start=False) as cluster:
        power = PowerSupply(cluster, rng)
        kills = 0

        def disturb():
            nonlocal kills
            for round in range(ROUNDS):
                cluster.leader()
                time.sleep(rng.uniform(0.3, 1.2))
                if round % 3 == 2:
                    victims = list(cluster.servers)
                elif rng.random() < 0.5:
                    victims = [cluster.leader()]
                else:
                    victims = [rng.choice(cluster.servers)]
                power.lose_power(victims)
                kills += len(victims)
                time.sleep(rng.uniform(0, 0.8))
                for s in victims:
                    power.start(s)
            cluster.leader()
            time.sleep(1)

        history = run_load(cluster, disturb)
        for s in cluster.servers:
            assert s.alive(), "server %d refused to start: %s" % (s.id, s.messages()[-800:])
        history += final_reads(cluster, history)
        cluster.converged()
        for s in cluster.servers:  # none was taken for an older copy
            assert "refused a connection" not in s.messages(), s.messages()
        report(history, power, kills)
        assert sum(op.ret is not None for op in history) > 50 * ROUNDS
        assert_linearizable(history)


def test_power_losses_lose_no_acknowledged_write():
    power_losses([])


def test_power_losses_with_values_in_files_of_their_own():
    power_losses(["--large-value", "1"])


def keys_lost_without_syncs(name, options=()):
    """Let all servers lose power once while syncs of the files whose names end with `name` do
    nothing. Returns the number of keys whose history is not linearizable."""
    with Cluster(options=["--log-segment", "64", *options], start=False) as cluster:
        power = PowerSupply(cluster, random.Random(SEED))
        cluster.call("SET", "founded", "with working syncs")
        for s in cluster.servers:
            s.stop()
        power.env = {"DISK_NOSYNC": name}
        for s in cluster.servers:
            power.start(s)

        def disturb():
            cluster.leader()
            time.sleep(1)
            power.lose_power(cluster.servers, "none")
            for s in cluster.servers:
                power.start(s)
            cluster.leader()
            time.sleep(1)
        history = run_load(cluster, disturb)
        history += final_reads(cluster, history)
        report(history, power, 3)
        return len(check(history))


def test_checker_detects_missing_syncs():
    """Negative test: if no file is synced, acknowledged writes are lost and the checker says so."""
    assert keys_lost_without_syncs("") > 0


def test_checker_detects_missing_syncs_of_the_log():
    """Negative test: the same if only the log is not synced."""
    assert keys_lost_without_syncs(".log") > 0


if __name__ == "__main__":
    main(globals())
