# SPDX-License-Identifier: MIT
"""Memory and disk of the servers under load, while a follower is dead, slow or frozen.

    soak_memory.py [--seconds N] [--seed S]

Clients write values of 1 MiB and small ones, and read. In turn a follower is dead (a third of the
time), slow (stopped for 90 % of each 200 ms) and frozen. The resident size of each server and the
size of its directory are bounded; README.md of raft-kv states the first. At the end the follower
catches up. tools/soak-kv runs this for five minutes.
"""
import argparse
import os
import random
import signal
import threading
import time

from harness import TIMEOUT_FACTOR, Cluster, Connection, Error

MOST_RSS = 768  # MiB; README.md
KEYS = 64  # of large values
MOST_DISK = 3072  # MiB: the data, the log, what the database has not compacted
MIB = 1024 * 1024
WRITERS = 4


class Writer(threading.Thread):
    def __init__(self, soak, number):
        super().__init__(daemon=True)
        self.soak, self.number = soak, number
        self.rng = random.Random("%d/%d" % (soak.seed, number))
        self.large = self.small = self.errors = 0
        self.wrote = {}  # its own keys

    def run(self):
        connection, port = None, self.soak.ports[0]
        while not self.soak.stopping:
            large = self.rng.random() < 0.3
            key = "%s%d.%d" % ("l" if large else "s", self.number,
                               self.rng.randrange(KEYS // WRITERS if large else 1000))
            value = "%d," % self.rng.randrange(10**9)
            value = value * (MIB // len(value)) if large else value
            try:
                connection = connection or Connection(port)
                connection.call("SET", key, value)
                self.wrote[key] = hash(value)
                self.large += large
                self.small += not large
                if self.rng.random() < 0.2:
                    got = connection.call("GET", key)
                    assert got == value, key
                continue
            except Error as e:
                code, *rest = str(e).split()
                port = (int(rest[1].rsplit(":", 1)[1]) if code == "MOVED" else
                        self.rng.choice(self.soak.ports))
            except OSError:
                port = self.rng.choice(self.soak.ports)
            self.wrote.pop(key, None)  # its value is not known
            self.errors += 1
            connection = connection and connection.close()
            time.sleep(0.02)


class Soak:
    def __init__(self, seed):
        self.seed = seed
        self.stopping = False
        self.rss, self.disk = {}, {}  # the largest, by phase and server
        self.over = []

    def measure(self, phase, server):
        with open("/proc/%d/status" % server.process.pid) as f:
            rss = next(int(line.split()[1]) // 1024 for line in f if line.startswith("VmRSS"))
        disk = 0
        for path, _, names in os.walk(server.dir):
            for name in names:
                try:
                    disk += os.stat(os.path.join(path, name)).st_blocks * 512
                except OSError:
                    pass  # it was removed meanwhile
        at = phase, server.id
        self.rss[at] = max(self.rss.get(at, 0), rss)
        self.disk[at] = max(self.disk.get(at, 0), disk // MIB)

    def phase(self, name, cluster, seconds, toggle=None):
        """`toggle(n)` runs each 100 ms."""
        end = time.monotonic() + seconds
        n = 0
        while time.monotonic() < end:
            if toggle:
                toggle(n)
            if n % 5 == 0:
                for s in cluster.servers:
                    if s.alive():
                        self.measure(name, s)
            n += 1
            time.sleep(0.1)

    def run(self, seconds):
        options = ["--compact-entries", "2000", "--trailing", "200"]
        with Cluster(options=options) as cluster:
            self.ports = [s.port for s in cluster.servers]
            follower = next(s for s in cluster.servers if s is not cluster.leader())
            writers = [Writer(self, i) for i in range(WRITERS)]
            for w in writers:
                w.start()

            def send(sig):
                follower.process.send_signal(sig)

            def slow(n):
                send(signal.SIGCONT)
                time.sleep(0.02)
                send(signal.SIGSTOP)
                time.sleep(0.1)

            part = seconds / 3
            follower.kill()
            self.phase("dead", cluster, part * 0.8)
            follower.start()
            self.phase("catches up", cluster, part * 0.2)
            self.phase("slow", cluster, part, slow)
            self.phase("frozen", cluster, part * 0.8)
            send(signal.SIGCONT)
            self.phase("resumed", cluster, part * 0.2)
            self.stopping = True
            for w in writers:
                w.join(60 * TIMEOUT_FACTOR)
            begin = time.monotonic()
            cluster.converged(60)
            caught_up = time.monotonic() - begin
            for s in cluster.servers:
                self.measure("end", s)
            self.report(writers, caught_up)
            self.check_data(cluster, writers)

    def report(self, writers, caught_up):
        print("%d large and %d small values, %d errors; caught up %.1f s after the load" % (
            sum(w.large for w in writers), sum(w.small for w in writers),
            sum(w.errors for w in writers), caught_up))
        for phase in dict.fromkeys(p for p, _ in self.rss):
            print("%-10s  RSS %s MiB, disk %s MiB" % (phase, *(
                "/".join(str(of[at]) for at in sorted(of) if at[0] == phase)
                for of in (self.rss, self.disk))))
        rss, disk = max(self.rss.values()), max(self.disk.values())
        print("largest RSS %d MiB of %d, largest directory %d MiB of %d" % (rss, MOST_RSS, disk,
                                                                         MOST_DISK), flush=True)
        assert rss <= MOST_RSS * TIMEOUT_FACTOR and disk <= MOST_DISK, (self.rss, self.disk)
        assert sum(w.large for w in writers) > 10

    def check_data(self, cluster, writers):
        for w in writers:
            for key, value in w.wrote.items():
                if key[0] == "l" or w.rng.random() < 0.05:
                    assert hash(cluster.call("GET", key)) == value, key


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randint(0, 10**6))
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    Soak(options.seed).run(options.seconds)


if __name__ == "__main__":
    main()
