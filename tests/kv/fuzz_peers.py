# SPDX-License-Identifier: MIT
"""Fuzzes the port for other servers.

    fuzz_peers.py [--seconds N] [--seed S]

First the attackers do not know the secret of the cluster: a client must be served within seconds
and find the data that were acknowledged. Then they are accepted as members or as strangers, without
a secret and with one, and send hostile messages. That may end the service and lose data, but no
server may end or report an error of a sanitizer. The memory is bounded in each case.
"""
import argparse
import os
import random
import socket
import struct
import threading
import time

import fuzz_clients
from fuzz_clients import Witness
from harness import TIMEOUT_FACTOR, Cluster, Connection, eventually
from peer_session import KEY, MAGIC, PROOF, Channel, frame

ATTACKERS = 4
SECRET = b"the secret of the fuzzed cluster, which has more than 32 bytes"
NUMBERS = [0, 0, 1, 1, 2, 3, 5, 7, 10, 100, 2**16, 2**31, 2**32, 2**61, 2**62 - 1, 2**62, 2**63 - 1,
           2**63, 2**64 - 2, 2**64 - 1]


def string(data):
    return struct.pack("<H", len(data) & 0xffff) + data + b"\0"


def data_bytes(data):
    return struct.pack("<I", len(data)) + data


class Attacker(threading.Thread):
    def __init__(self, fuzz, number):
        super().__init__(daemon=True)
        self.fuzz = fuzz
        self.rng = random.Random("%d/%d/%s" % (fuzz.seed, number, fuzz.name))
        self.counts = {}
        self.accepted = self.usurped = 0
        self.held = []

    def run(self):
        scenarios = [self.states, self.hellos, self.many]
        if self.fuzz.knows_secret:
            scenarios += [self.hostile] * 5 + [self.usurp] * 4 + [self.flipped]
        while not self.fuzz.stopping:
            scenario = self.rng.choice(scenarios)
            try:
                target = self.rng.choice(self.fuzz.targets)
                with Channel(target.peer_port, self.fuzz.key) as c:
                    scenario(c, target)
            except (OSError, IndexError, struct.error):
                pass  # closed by the server
            except Exception as e:
                self.fuzz.fail("%s: %r" % (scenario.__name__, e))
            self.counts[scenario.__name__] = self.counts.get(scenario.__name__, 0) + 1
        for c in self.held:
            c.close()

    # --- content of frames

    def number(self):
        rng = self.rng
        kind = rng.random()
        near = rng.choice([self.fuzz.term, self.fuzz.index])
        return (max(0, near + rng.randint(-3, 3)) if kind < 0.6 else
                rng.choice(NUMBERS) if kind < 0.95 else rng.getrandbits(64))

    def payload(self):
        """The payload of an entry: a command of apply.c, or a configuration."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            arguments = [rng.choice([b"k", b"", b"x" * 70000, b"12", b"nx"])
                         for _ in range(rng.randint(0, 4))]
            count = rng.choice([len(arguments), len(arguments), 2**32 - 1])
            return (struct.pack("<BI", rng.randint(0, 15), count) +
                    b"".join(map(data_bytes, arguments)))
        return self.configuration() if kind < 0.8 else rng.randbytes(rng.randint(0, 60))

    def configuration(self):
        rng = self.rng
        if rng.random() < 0.5:  # the real one, or one with a wrong byte
            data = bytearray(self.fuzz.configuration)
            if rng.random() < 0.5:
                data[rng.randrange(len(data))] = rng.randint(0, 255)
            return bytes(data)
        servers = [(rng.choice([1, 2, 3, 4, 99, self.number()]), rng.choice(
            [b"127.0.0.1:1/127.0.0.1:1/%016x" % 7, b"", b"x" * 600, b"\xff:99999/-1:0"]),
            rng.choice([0, 1, 2, 3, 255])) for _ in range(rng.choice([0, 1, 3, 3, 300]))]
        data = struct.pack("<BQ", 1, rng.choice([len(servers), self.number()]))
        for id, address, role in servers:
            data += struct.pack("<Q", id) + address + b"\0" + bytes([role])
        return data + b"\0" * (-len(data) % 8)

    def fields(self, kind):
        """The fields of a message, of the highest version."""
        n, rng = self.number, self.rng
        if kind == 1:
            entries = [struct.pack("<QB", n(), rng.choice([1, 1, 2, 3, 3, 0, 255])) +
                       data_bytes(self.payload()) for _ in range(rng.choice([0, 1, 3, 200]))]
            count = rng.choice([len(entries)] * 9 + [n() & 0xffffffff])
            return (struct.pack("<QQQQI", n(), n(), n(), n(), count) + b"".join(entries) +
                    struct.pack("<QB", n(), rng.randint(0, 1)))
        if kind == 2:
            return struct.pack("<QQQHHQQQ", n(), n(), n(), n() & 0xffff, n() & 0xffff, n(), n(),
                               n())
        if kind == 3:
            return struct.pack("<QQQQBB", n(), rng.choice([self.sender, n()]), n(), n(),
                               rng.randint(0, 1), rng.randint(0, 1))
        if kind == 4:
            return struct.pack("<QBBHH", n(), rng.randint(0, 1), rng.randint(0, 1), n() & 0xffff,
                               n() & 0xffff)
        if kind == 5:
            chunk = rng.randbytes(rng.choice([0, 100, 300000]))
            return (struct.pack("<QQQ", n(), n(), n()) + data_bytes(self.configuration()) +
                    struct.pack("<Q", n()) + data_bytes(chunk) +
                    struct.pack("<QB", rng.choice([0, 0, len(chunk), n()]), rng.randint(0, 1)))
        return struct.pack("<QQQ", n(), n(), n())

    def content(self):
        """The content of a frame after the handshake."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.75:
            kind = rng.choice([1, 1, 1, 2, 3, 4, 5, 5, 6])
            version = {1: 2, 2: 3, 3: 2, 4: 2, 5: 1, 6: 0}[kind]
            fields = self.fields(kind)
            data = struct.pack("<BBBQH", 0x52, kind, version, self.sender, 0) + fields
            data = b"\x01" + struct.pack("<I", 4 + len(data)) + data
            return self.mutate(data) if rng.random() < 0.1 else data
        if kind < 0.85:  # ping
            return b"\x13" + struct.pack("<QQQ", self.number(), self.number(), self.number()) + (
                b"".join(struct.pack("<QQQQQ", rng.choice([1, 2, 3, self.number()]),
                                     rng.choice([*self.fuzz.incarnations.values(), 7]),
                                     self.number(), self.number(), self.number())
                         for _ in range(rng.choice([0, 0, 1, 50]))))
        if kind < 0.95:
            return b"\x15" + struct.pack("<QQ", self.number(), self.number())
        return rng.choice([b"\x12" + string(b"why\n\x1b" * 100), b"\x14" + b"\0" * 24,
                           b"\x16" + b"\0" * 16, rng.randbytes(30)])

    def mutate(self, data):
        data = bytearray(data[:2000])
        for _ in range(self.rng.choice([1, 1, 2, 4])):
            data[self.rng.randrange(len(data))] = self.rng.choice([0, 1, 127, 255])
        return bytes(data) if self.rng.random() < 0.7 else bytes(
            data[:self.rng.randrange(1, len(data) + 1)])

    def hello(self, target, purpose=1):
        """As a member, or as a server that the configuration does not name."""
        fuzz = self.fuzz
        self.sender = self.rng.choice([99, *(i for i in fuzz.addresses if i != target.id)])
        address = fuzz.addresses.get(self.sender, "127.0.0.1:1/127.0.0.1:1/%016x" % 7)
        return (b"\x10" + struct.pack("<IQQQQQB", 0x32504b52, self.sender, target.id,
                                      fuzz.incarnations[target.id], fuzz.cluster_id, 0, purpose) +
                struct.pack("<QQQ", 1, 0, 0) + string(b"test") + string(address.encode()))

    # --- scenarios

    def states(self, c, target):
        """In each state of the handshake something that does not belong there."""
        rng = self.rng
        key = frame(KEY + struct.pack("<I", MAGIC) + rng.choice(
            [rng.randbytes(64), b"\0" * 64, b"\1" + b"\0" * 63, rng.randbytes(63)]))
        parts = [key, frame(PROOF + rng.randbytes(41)), frame(self.hello(target)),
                 frame(self.mutate(self.hello(target))), rng.randbytes(rng.randint(1, 200)),
                 struct.pack("<II", rng.choice([0, 2**31, 4097, 8 << 20, (8 << 20) + 1]), 0)]
        self.sender = 99
        parts.append(frame(self.content()[:3000]))
        data = b"".join(rng.choice(parts) for _ in range(rng.randint(1, 4)))
        c.socket.sendall(data[:rng.choice([len(data), rng.randrange(len(data) + 1)])])
        c.socket.settimeout(rng.choice([0.01, 0.2]))
        while c.socket.recv(1000):
            pass

    def hellos(self, c, target):
        """Mutated hellos. With the secret they are encrypted."""
        if self.fuzz.knows_secret:
            c.open()
        c.send(self.mutate(self.hello(target, self.rng.randint(0, 4))))
        c.socket.settimeout(0.2)
        c.socket.recv(1000)

    def many(self, c, target):
        """Silent connections, some with a part of a frame."""
        for _ in range(20):
            s = socket.create_connection(("127.0.0.1", target.peer_port), 5)
            self.held.append(s)
            s.sendall(struct.pack("<II", 4000, 0)[:self.rng.randint(1, 8)])
        while len(self.held) > 30:
            self.held.pop(0).close()

    def flipped(self, c, target):
        """A flipped bit in a session."""
        c.open().send(self.hello(target))
        c.receive()
        data = bytearray(c.seal(self.content()))
        data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
        c.socket.sendall(bytes(data))
        c.socket.settimeout(0.2)
        c.socket.recv(1000)

    def usurp(self, c, target):
        """A leader of a later term, whose hostile entries are committed and applied."""
        with Connection(target.port, timeout=2) as client:
            flat = client.call("RAFT.STATUS")
        status = dict(zip(flat[::2], flat[1::2]))
        if status["term"] > 2**40:
            return
        entries = [struct.pack("<QB", status["term"] + 1, self.rng.choice([1, 1, 1, 2, 3])) +
                   data_bytes(self.payload()) for _ in range(self.rng.choice([1, 3, 30]))]
        fields = struct.pack("<QQQQI", status["term"] + 1, status["last-index"],
                             status["last-term"], status["last-index"] + len(entries),
                             len(entries)) + b"".join(entries) + struct.pack("<QB", 0, 0)
        c.open().send(self.hello(target))
        if c.receive()[:1] == b"\x11":
            data = struct.pack("<BBBQH", 0x52, 1, 2, self.sender, 0) + fields
            c.send(b"\x01" + struct.pack("<I", 4 + len(data)) + data)
            c.send(b"\x13" + struct.pack("<QQQ", 1, 0, 0))
            if c.receive()[:1] == b"\x14":  # the ping was answered: the message was accepted
                self.usurped += 1

    def hostile(self, c, target):
        """Well-formed frames with hostile content. Answers are read now and then."""
        c.open().send(self.hello(target))
        if c.receive()[:1] != b"\x11":
            return
        self.accepted += 1
        for _ in range(self.rng.choice([1, 5, 50])):
            c.send(self.content())
        c.socket.settimeout(0.02)
        c.socket.recv(65536)


class FakeMember(threading.Thread):
    """Listens in place of a member: accepts connections and sends hostile answers."""

    def __init__(self, fuzz, server):
        super().__init__(daemon=True)
        self.fuzz, self.server = fuzz, server
        self.rng = random.Random(fuzz.seed)
        self.answered = 0
        self.listener = socket.create_server(("127.0.0.1", server.peer_port))
        self.listener.settimeout(0.2)

    def run(self):
        while not self.fuzz.stopping:
            try:
                with Channel(secret=self.fuzz.key, accepted=self.listener.accept()[0]) as c:
                    c.open()
                    c.receive()
                    c.socket.settimeout(0.5)
                    self.answer(c)
            except (OSError, IndexError, struct.error):
                pass
        self.listener.close()

    def answer(self, c):
        fuzz, rng = self.fuzz, self.rng
        welcome = b"\x11" + struct.pack("<QQQQQQ", self.server.id,
                                        fuzz.incarnations[self.server.id], fuzz.cluster_id,
                                        rng.choice(NUMBERS), rng.choice(NUMBERS), 0)
        c.send(welcome if rng.random() < 0.8 else welcome[:rng.randint(1, 49)])
        for _ in range(rng.randint(0, 30)):
            kind = c.receive()[0]
            n = [rng.choice(NUMBERS) for _ in range(3)]
            c.send(b"\x14" + struct.pack("<QQQ", *n) if kind == 0x13 and rng.random() < 0.9 else
                   b"\x16" + struct.pack("<QQ", rng.randint(0, 20), n[0]) if rng.random() < 0.9
                   else rng.randbytes(rng.choice([1, 17, 700])))
            self.answered += 1


class Fuzz(fuzz_clients.Fuzz):
    def __init__(self, seed, name, has_secret, knows_secret):
        super().__init__(seed, False)
        self.name = name
        self.has_secret, self.knows_secret = has_secret, knows_secret
        self.key = SECRET if has_secret else None

    def learn(self, cluster):
        """What a member knows of the cluster."""
        statuses = {s.id: s.status() for s in cluster.servers}
        self.incarnations = {i: int(t["incarnation"], 16) for i, t in statuses.items()}
        self.cluster_id = int(statuses[1]["cluster-id"], 16)
        self.addresses = {i: m["address"] for i, m in statuses[1]["members"].items()}
        data = struct.pack("<BQ", 1, len(self.addresses)) + b"".join(
            struct.pack("<Q", i) + a.encode() + b"\0\1" for i, a in self.addresses.items())
        self.configuration = data + b"\0" * (-len(data) % 8)
        self.term, self.index = statuses[1]["term"], statuses[1]["commit-index"]

    def run(self, seconds):
        with Cluster(start=False, env={"MALLOC_ARENA_MAX": "2"}) as cluster:
            path = os.path.join(cluster.root, "secret")
            with open(path, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(SECRET)
            for s in cluster.servers:
                s.options += ["--secret-file", path] if self.has_secret else []
                s.start()
            self.ports = [s.port for s in cluster.servers]
            cluster.call("SET", "k", "v")
            self.learn(cluster)
            self.targets = cluster.servers
            others = [Witness(self)]
            if self.knows_secret:
                last = cluster.servers.pop()
                last.kill()
                others = [FakeMember(self, last)]
                self.targets = list(cluster.servers)
            attackers = [Attacker(self, i) for i in range(ATTACKERS)]
            for thread in attackers + others:
                thread.start()
            most = self.watch(cluster, seconds)
            self.stopping = True
            for thread in attackers + others:
                thread.join(60 * TIMEOUT_FACTOR)
            assert not self.failures, self.failures
            self.end(cluster, others[0])
            counts = {k: sum(a.counts.get(k, 0) for a in attackers)
                      for k in sorted({k for a in attackers for k in a.counts})}
            accepted = sum(a.accepted for a in attackers)
            usurped = sum(a.usurped for a in attackers)
            print("%s: %s; accepted %d times, as a leader %d; largest RSS %d MiB" % (
                self.name, counts, accepted, usurped, most), flush=True)
            assert sum(counts.values()) > 20
            assert not self.knows_secret or (accepted > 2 and usurped > 0), (accepted, usurped)

    def end(self, cluster, other):
        if not self.knows_secret:
            for key in sorted(other.data):
                other.check(key)
            assert other.done > 10, other.done
            cluster.converged()
        for s in cluster.servers:  # each still answers its clients, and stops in order
            eventually("server %d answers" % s.id,
                       lambda s=s: Connection(s.port).call("PING") == "PONG", 5)
            s.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randint(0, 10**6))
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    begin = time.monotonic()
    for name, has_secret, knows in [("outside", True, False), ("no secret", False, True),
                                    ("inside", True, True)]:
        Fuzz(options.seed, name, has_secret, knows).run(options.seconds / 3)
    print("%.1f s" % (time.monotonic() - begin))


if __name__ == "__main__":
    main()
