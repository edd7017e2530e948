# SPDX-License-Identifier: MIT
"""Fuzzes the port for clients: random and malformed commands, while a client that behaves well
checks what it gets.

    fuzz_clients.py [--seconds N] [--seed S]

Half of the time the cluster has passwords. No server may end or report an error of a sanitizer,
every reply must be well-formed, the client that behaves well must be served within seconds and find
the data that were acknowledged, and the resident size of the servers is bounded.
"""
import argparse
import os
import random
import re
import socket
import struct
import threading
import time

from harness import RAFT_KV, TIMEOUT_FACTOR, Cluster, Connection, Error, encode, eventually

ATTACKERS = 4
PATIENCE = 10  # seconds for a command of the client that behaves well
MOST_RSS = 450  # MiB: 64 and 72 for clients, the rest for the data
PASSWORD, ADMIN = "fuzz-password", "fuzz-admin-password"

# The grammar. k: key, v: value, n: integer, p: pattern, i: ID of no member, a: address, s: words.
COMMANDS = """
GET k|MGET k k k|EXISTS k k|TOUCH k|STRLEN k|TYPE k|SET k v|SET k v NX|SET k v XX GET|
SET k v KEEPTTL|SET k v EX n|SETNX k v|GETSET k v|GETDEL k|MSET k v k v|MSETNX k v k v|DEL k k|
UNLINK k|APPEND k v|INCR k|DECR k|INCRBY k n|DECRBY k n|SCAN n|SCAN n MATCH p COUNT n TYPE s|KEYS p|
DBSIZE|SELECT n|CLIENT ID|CLIENT SETNAME s|CLIENT GETNAME|CLIENT SETINFO s s|CLIENT INFO|
CLIENT LIST|CLIENT WRITE-TIMEOUT n|RESET|PING|PING v|ECHO v|TIME|INFO|INFO s|CONFIG GET p|
COMMAND|COMMAND INFO s|
COMMAND DOCS s|COMMAND LIST|COMMAND COUNT|COMMAND GETKEYS SET k v|CLUSTER SLOTS|CLUSTER SHARDS|
CLUSTER NODES|CLUSTER INFO|CLUSTER MYID|CLUSTER KEYSLOT k|ASKING|READONLY|READWRITE|HELLO|HELLO n|
HELLO 2|HELLO 3|HELLO 3 SETNAME s|HELLO 3 AUTH s s|AUTH s|AUTH s s|EXPIRE k n|MULTI|EXEC|EVAL s n|
SUBSCRIBE s|LPUSH k v|GETRANGE k n n|FLUSHALL|SHUTDOWN|DEBUG s|RAFT.STATUS|RAFT.LOCAL k|RAFT.DIGEST|
RAFT.TRANSFER|RAFT.TRANSFER i|RAFT.ADD i a|RAFT.ADD i a s|RAFT.PROMOTE i|RAFT.DEMOTE i s|
RAFT.REPLACE i i a|RAFT.REMOVE i|RAFT.CANCEL|RAFT.BACKUP backup|RAFT.BACKUP ../s|RAFT.s|s|s k v
""".replace("\n", "").split("|")
NUMBERS = [b"0", b"1", b"-1", b"10", b"10000", b"9223372036854775807", b"-9223372036854775808",
           b"9223372036854775808", b"18446744073709551616", b"1e3", b"", b" 1", b"+1", b"0x10",
           b"99999999999999999999999999"]
PATTERNS = [b"*", b"?", b"[", b"[^a-", b"\\", b"*" * 900 + b"b", b"[a-z]*[0-9]?", b"f?[!x]*", b""]


def text(rng):
    return bytes(rng.choice(b"ab%sn\0\r\n\xff {$*") for _ in range(rng.randint(0, 12)))


class Grammar:
    """Makes commands. Their keys begin with "f", so that they are not the good client's."""

    def __init__(self, rng):
        self.rng = rng

    def key(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.7:
            return b"f%d" % rng.randint(0, 9)
        return b"f" + (text(rng) if kind < 0.97 else b"x" * rng.choice([65534, 65535, 65536]))

    def value(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            return rng.choice(NUMBERS)
        if kind < 0.9:
            return text(rng) * rng.randint(0, 50)
        return b"v" * rng.choice([1000, 65536, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1])

    def word(self, word):
        rng = self.rng
        make = {"k": self.key, "v": self.value, "n": lambda: rng.choice(NUMBERS),
                "p": lambda: rng.choice(PATTERNS),
                "i": lambda: rng.choice([b"%d" % rng.randint(50, 60), *NUMBERS[4:]]),
                "a": lambda: rng.choice([b"127.0.0.1:1/127.0.0.1:1", b"x" * 600, text(rng)]),
                "s": lambda: text(rng) if rng.random() < 0.5 else rng.choice(
                    [b"string", b"default", b"admin", b"standby", b"get", b"memory",
                     PASSWORD.encode(), ADMIN.encode()])}.get(word)
        return make() if make else word.replace("s", "status").encode()

    def command(self):
        rng = self.rng
        words = [self.word(w) for w in rng.choice(COMMANDS).split()]
        kind = rng.random()
        if kind < 0.1:  # a wrong number of arguments
            del words[rng.randint(1, len(words)):]
        elif kind < 0.2:
            words += [self.value()[:100] for _ in range(rng.choice([1, 2, 7, 500]))]
        elif kind < 0.3:
            words[0] = words[0].lower()
        return words

    def pipeline(self, most=30):
        commands = []
        size = 0
        for _ in range(self.rng.randint(1, most)):
            commands.append(self.command())
            size += sum(map(len, commands[-1]))
            if size > 3 * 1024 * 1024:
                break
        return commands


def mutate(rng, data):
    data = bytearray(data[:100000])
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = rng.choice([0, 10, 13, 36, 42, 45, 48, 57, 255, rng.randint(0, 255)])
        elif kind == 1:
            data[at:at] = rng.choice([b"\r\n", b"$", b"*", b"-1", b"9" * 30, b"\0", b"*2\r\n"])
        elif kind == 2:
            del data[at:at + rng.randint(1, 10)]
        elif kind == 3:
            data[at:at] = data[at:at + rng.randint(1, 300)]
        else:
            del data[at:]
    return re.sub(rb"(?i)good", b"xxxx", bytes(data))


HEADS = [b"*%s\r\n", b"*1\r\n$%s\r\n", b"*2\r\n$3\r\nGET\r\n$%s\r\nx", b"*%s\r\n$4\r\nPING\r\n",
         b"*3\r\n$3\r\nSET\r\n$2\r\nf1\r\n$%s\r\nabc", b"$%s\r\n", b"*65536\r\n$%s\r\n"]
LENGTHS = NUMBERS + [b"1048576", b"1048577", b"4194304", b"4194305", b"65536", b"65537",
                     b"2147483647", b"2147483648", b"4294967295", b"4294967297", b"-2147483648"]


class Attacker(threading.Thread):
    def __init__(self, fuzz, number):
        super().__init__(daemon=True)
        self.fuzz = fuzz
        self.rng = random.Random("%d/%d" % (fuzz.seed, number))
        self.grammar = Grammar(self.rng)
        self.counts = {}
        self.held = []  # connections that are left open

    def run(self):
        scenarios = [self.replies, self.replies, self.mutated, self.mutated, self.lengths,
                     self.cut, self.inline, self.unread, self.unfinished]
        while not self.fuzz.stopping:
            scenario = self.rng.choice(scenarios)
            try:
                with Connection(self.rng.choice(self.fuzz.ports), timeout=PATIENCE) as c:
                    if self.fuzz.passwords and self.rng.random() < 0.7:
                        c.call("AUTH", *self.rng.choice([("admin", ADMIN), (PASSWORD,)]))
                    scenario(c)
                name = scenario.__name__
                self.counts[name] = self.counts.get(name, 0) + 1
            except (ConnectionError, TimeoutError, Error):
                pass  # closed by the server, or not served: the good client checks that others are
            except Exception as e:
                self.fuzz.fail("%s: %r" % (scenario.__name__, e))
        for c in self.held:
            c.close()

    def replies(self, c):
        """There is one well-formed reply for each command."""
        commands = self.grammar.pipeline()
        token = "token%d" % self.rng.randint(0, 10**9)
        c.send(b"".join(encode(*words) for words in commands) + encode("ECHO", token))
        replies = []
        while not replies or replies[-1] != token:
            replies.append(c.reply())
            if isinstance(replies[-1], Error) and len(replies) == len(commands) + 1:
                return  # ECHO without rights
        if len(replies) != len(commands) + 1:
            raise AssertionError("%d replies to %r" % (len(replies), commands))

    def mutated(self, c):
        # Not the changes of members: a mutated ID could be that of a member.
        commands = [words for words in self.grammar.pipeline(8)
                    if words[0].upper()[:7] not in (b"RAFT.RE", b"RAFT.DE", b"RAFT.PR")]
        data = b"".join(encode(*words) for words in commands)
        c.send(mutate(self.rng, data))
        self.finish(c)

    def lengths(self, c):
        c.send(self.rng.choice(HEADS) % self.rng.choice(LENGTHS) + text(self.rng))
        self.finish(c)

    def cut(self, c):
        """The connection ends after any byte of a command, with or without a reset."""
        data = encode(*self.grammar.command())
        c.send(data[:self.rng.randrange(len(data) + 1) if len(data) < 1000 else
                    self.rng.choice([10, 500, 70000, len(data) - 1])])
        if self.rng.random() < 0.5:
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def inline(self, c):
        words = b" ".join(self.grammar.command())[:70000]
        c.send(self.rng.choice([words, text(self.rng) * 10, b"'\"\\x" + words, b"x" * 65537]) +
               self.rng.choice([b"\r\n", b"\n", b""]))
        self.finish(c)

    def unread(self, c):
        """Large replies that are not read, for a while or at all."""
        c.socket.settimeout(1)
        c.send(encode("SET", "f1", "v" * 1000000))
        try:
            for _ in range(200):
                c.send(encode("MGET", *["f1"] * 20))
        except TimeoutError:
            pass
        self.hold(c)

    def unfinished(self, c):
        c.socket.settimeout(1)
        c.send(b"*3\r\n$3\r\nSET\r\n$2\r\nf2\r\n$1048576\r\n" + b"x" * self.rng.randint(0, 1048577))
        self.hold(c)

    def hold(self, c):
        """Keep the connection open, and end that which has been kept longest."""
        copy = socket.socket(fileno=os.dup(c.socket.fileno()))
        self.held.append(copy)
        if len(self.held) > 20:
            self.held.pop(self.rng.randrange(20)).close()

    def finish(self, c):
        """Read what comes, for a moment."""
        c.socket.settimeout(self.rng.choice([0.01, 0.1]))
        try:
            while c.socket.recv(65536):
                pass
        except OSError:
            pass


class Witness(threading.Thread):
    """The client that behaves well: it writes its own keys and reads them back."""

    def __init__(self, fuzz):
        super().__init__(daemon=True)
        self.fuzz = fuzz
        self.data = {}  # key: the values that it may have
        self.longest = 0
        self.done = 0

    def call(self, *words):
        """Run a command at the leader. False: the outcome of a write is not known."""
        deadline = time.monotonic() + PATIENCE * TIMEOUT_FACTOR
        begin = time.monotonic()
        port = self.fuzz.ports[0]
        unknown = False
        while True:
            try:
                with Connection(port, timeout=PATIENCE) as c:
                    if self.fuzz.passwords:
                        c.call("AUTH", PASSWORD)
                    reply = c.call(*words)
                    self.longest = max(self.longest, time.monotonic() - begin)
                    self.done += 1
                    return reply, unknown
            except Error as e:
                code, *rest = str(e).split()
                unknown = unknown or code == "UNKNOWN"
                port = (int(rest[1].rsplit(":", 1)[1]) if code == "MOVED" else
                        random.choice(self.fuzz.ports))
                if code not in ("MOVED", "UNKNOWN", "TRYAGAIN", "CLUSTERDOWN"):
                    raise
            except OSError:
                unknown = True
                port = random.choice(self.fuzz.ports)
            if time.monotonic() > deadline:
                raise AssertionError("%r is not served" % (words[:2],))
            time.sleep(0.01)

    def run(self):
        rng = random.Random(self.fuzz.seed)
        try:
            while not self.fuzz.stopping:
                key = "good%d" % rng.randint(0, 40)
                if rng.random() < 0.5:
                    value = "%d" % rng.randint(0, 10**9) * rng.choice([1, 1, 1, 5000])
                    self.call("SET", key, value)  # sets the same value again if not sure
                    self.data[key] = value
                else:
                    self.check(key)
                time.sleep(0.005)
        except Exception as e:
            self.fuzz.fail("the client that behaves well: %r" % e)

    def check(self, key):
        value = self.call("GET", key)[0]
        if value != self.data.get(key):
            raise AssertionError("%s is %.50r, not %.50r" % (key, value, self.data.get(key)))


class Fuzz:
    def __init__(self, seed, passwords):
        self.seed, self.passwords = seed, passwords
        self.stopping = False
        self.failures = []
        self.ports = []

    def fail(self, why):
        self.failures.append(why)
        self.stopping = True

    def options(self, cluster):
        options = ["--max-client-memory", "64", "--client-timeout", "3000", "--compact-entries",
                   "2000", "--trailing", "500"]
        for name, password in [("password", PASSWORD), ("admin-password", ADMIN)]:
            path = os.path.join(cluster.root, name)
            with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(password)
            options += ["--%s-file" % name, path] if self.passwords else []
        return options

    def run(self, seconds):
        with Cluster(start=False, env={"MALLOC_ARENA_MAX": "2"}) as cluster:
            options = self.options(cluster)
            for s in cluster.servers:
                s.options += options
                s.start()
            self.ports = [s.port for s in cluster.servers]
            witness = Witness(self)
            eventually("the cluster serves", lambda: witness.call("SET", "good", "1"))
            witness.start()
            attackers = [Attacker(self, i) for i in range(ATTACKERS)]
            for a in attackers:
                a.start()
            most = self.watch(cluster, seconds)
            self.stopping = True
            for thread in [*attackers, witness]:
                thread.join(60 * TIMEOUT_FACTOR)
            assert not self.failures, self.failures
            for key in sorted(witness.data):
                witness.check(key)
            for s in cluster.servers:
                s.stop()
            counts = {k: sum(a.counts.get(k, 0) for a in attackers)
                      for k in sorted({k for a in attackers for k in a.counts})}
            print("%s: %s; %d good commands, the longest took %.2f s; largest RSS %d MiB" % (
                "passwords" if self.passwords else "no passwords", counts, witness.done,
                witness.longest, most), flush=True)
            assert witness.done > 10 and sum(counts.values()) > 20, counts

    def watch(self, cluster, seconds):
        most = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stopping:
            for s in cluster.servers:
                if not s.alive():
                    self.fail("server %d has ended: %s" % (s.id, s.messages()[-1500:]))
                    continue
                with open("/proc/%d/status" % s.process.pid) as f:
                    rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
                most = max(most, rss // 1024)
            time.sleep(0.1)
        if most > MOST_RSS * TIMEOUT_FACTOR:  # a sanitizer needs more
            self.fail("resident size of %d MiB" % most)
        return most


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randint(0, 10**6))
    options = parser.parse_args()
    print("seed %d, %s" % (options.seed, os.path.basename(RAFT_KV)), flush=True)
    for passwords in (False, True):
        Fuzz(options.seed, passwords).run(options.seconds / 2)


if __name__ == "__main__":
    main()
