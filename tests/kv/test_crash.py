# SPDX-License-Identifier: MIT
"""Loss of power, again and again, under load: nothing acknowledged is lost.

Clients write and read a few keys and note what they asked, when, and what came back.
Meanwhile servers are killed, one or all, and their files rebuilt as a loss of power
could have left them (powerloss.py). In the end the history must be linearizable and all
servers must hold the same data.

KV_CRASH_ROUNDS (12) sets how often, KV_CRASH_SEED repeats a run's choices.
"""
import os
import random
import shutil
import signal
import threading
import time

from harness import SHIM, Cluster, Connection, Error, eventually, main
from linearizable import Op, check
from powerloss import rebuild

SEED = int(os.environ.get("KV_CRASH_SEED", random.SystemRandom().randint(0, 10**6)))
ROUNDS = int(os.environ.get("KV_CRASH_ROUNDS", "12"))
WORKERS = 8
EPOCH = 2.0  # seconds after which new keys are used, to keep each key's history short


class Worker(threading.Thread):
    """A client that notes what it did. What was certainly not done is not noted."""

    def __init__(self, number, cluster, begin):
        super().__init__(daemon=True)
        self.number, self.cluster, self.begin = number, cluster, begin
        self.rng = random.Random(SEED * 100 + number)
        self.history = []
        self.stopping = False
        self.connection = None
        self.port = self.rng.choice(cluster.servers).port
        self.sequence = 0

    def choose(self):
        epoch = int((time.monotonic() - self.begin) / EPOCH)
        if self.rng.random() < 0.1:  # an older key: it must not have changed
            return "r%d.%d" % (self.rng.randint(0, epoch), self.rng.randint(0, 3)), "get", None
        if self.rng.random() < 0.15:
            return "c%d" % epoch, "incr", None
        key = "r%d.%d" % (epoch, self.rng.randint(0, 3))
        kind = self.rng.choices(["set", "get", "del"], [45, 50, 5])[0]
        self.sequence += 1
        return key, kind, "%d.%d" % (self.number, self.sequence) if kind == "set" else None

    def elsewhere(self, port=None):
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        self.port = port or self.rng.choice(self.cluster.servers).port

    def attempt(self, key, kind, argument):
        try:
            if self.connection is None:
                self.connection = Connection(self.port, timeout=2)
        except OSError:
            self.elsewhere()
            time.sleep(0.02)
            return
        command = [kind.upper(), key] + ([argument] if argument else [])
        call = time.monotonic()
        try:
            result = self.connection.call(*command)
            self.history.append(Op(key, kind, argument, result, call, time.monotonic()))
        except Error as e:
            code, *rest = str(e).split()
            if code == "UNKNOWN":
                self.history.append(Op(key, kind, argument, None, call, None))
            elif code == "MOVED":
                self.elsewhere(int(rest[1].rsplit(":", 1)[1]))
            elif code in ("CLUSTERDOWN", "TRYAGAIN"):
                self.elsewhere()
            else:
                raise
            time.sleep(0.01)
        except (OSError, ValueError):
            self.history.append(Op(key, kind, argument, None, call, None))
            self.elsewhere()

    def run(self):
        while not self.stopping:
            self.attempt(*self.choose())


class Powered:
    """A cluster whose servers run under the shim."""

    def __init__(self, cluster, rng, env=None):
        self.cluster, self.rng, self.env = cluster, rng, env or {}
        self.lost_bytes = 0
        for s in cluster.servers:
            self.start(s)

    def start(self, s):
        base = s.dir + ".base"
        shutil.rmtree(base, ignore_errors=True)
        if os.path.exists(s.dir):
            shutil.copytree(s.dir, base)
        else:
            os.makedirs(base)
        s.env = {"LD_PRELOAD": SHIM, "SHIM_DIR": s.dir, "SHIM_JOURNAL": s.dir + ".journal",
                 **self.env}
        s.start()

    def lose_power(self, servers, mode=None):
        for s in servers:
            if not s.alive():
                raise AssertionError("server %d ended by itself: %s" % (s.id, s.messages()[-800:]))
        for s in servers:  # all at once, before any of them is waited for
            s.process.send_signal(signal.SIGKILL)
        for s in servers:
            s.kill()
            self.lost_bytes += rebuild(s.dir, s.dir + ".base", s.dir + ".journal", self.rng,
                                       mode)


def run_load(cluster, disturb):
    """Load while `disturb(workers)` runs; returns the whole history."""
    begin = time.monotonic()
    workers = [Worker(i, cluster, begin) for i in range(WORKERS)]
    for w in workers:
        w.start()
    try:
        disturb()
    finally:
        for w in workers:
            w.stopping = True
        for w in workers:
            w.join(30)
    return [op for w in workers for op in w.history]


def final_reads(cluster, history):
    """One last look at every key."""
    reads = []
    for key in sorted({op.key for op in history}):
        call = time.monotonic()
        value = cluster.call("GET", key)
        reads.append(Op(key, "get", None, value, call, time.monotonic()))
    return reads


def report(history, powered, kills):
    done = sum(op.ret is not None for op in history)
    writes = sum(op.ret is not None and op.kind != "get" for op in history)
    print("       seed %d: %d operations answered, %d of them writes, %d of unknown outcome; "
          "%d crashes, %d unsynced bytes at stake"
          % (SEED, done, writes, len(history) - done, kills, powered.lost_bytes))


def test_power_losses():
    rng = random.Random(SEED)
    options = ["--compact-entries", "400", "--trailing", "50", "--log-segment", "16"]
    with Cluster(options=options, start=False) as cluster:
        powered = Powered(cluster, rng)
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
                powered.lose_power(victims)
                kills += len(victims)
                time.sleep(rng.uniform(0, 0.8))
                for s in victims:
                    powered.start(s)
            cluster.leader()
            time.sleep(1)

        history = run_load(cluster, disturb)
        for s in cluster.servers:
            assert s.alive(), "server %d refused: %s" % (s.id, s.messages()[-800:])
        history += final_reads(cluster, history)
        cluster.converged()
        report(history, powered, kills)
        assert sum(op.ret is not None for op in history) > 50 * ROUNDS
        bad = check(history)
        for key in bad[:2]:
            for op in sorted((o for o in history if o.key == key), key=lambda o: o.call):
                print("       ", op)
        assert not bad, "not linearizable: %s" % bad


def lost_without_syncs(name):
    """How many keys the checker finds wrong when syncs of files of this name (or name's
    end) do nothing and all servers lose power once."""
    with Cluster(options=["--log-segment", "64"], start=False) as cluster:
        powered = Powered(cluster, random.Random(SEED))
        cluster.call("SET", "founded", "with working syncs")
        for s in cluster.servers:
            s.stop()
        powered.env = {"SHIM_NOSYNC": name}
        for s in cluster.servers:
            powered.start(s)

        def disturb():
            cluster.leader()
            time.sleep(1)
            powered.lose_power(cluster.servers, "none")
            for s in cluster.servers:
                powered.start(s)
            cluster.leader()
            time.sleep(1)
        history = run_load(cluster, disturb)
        history += final_reads(cluster, history)
        report(history, powered, 3)
        return len(check(history))


def test_without_syncs_it_fails():
    """Syncs that do nothing must show: else the test above proves nothing."""
    assert lost_without_syncs("") > 0


def test_without_syncs_of_the_log_it_fails():
    assert lost_without_syncs(".log") > 0


if __name__ == "__main__":
    main(globals())
