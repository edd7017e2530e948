# SPDX-License-Identifier: MIT
"""READONLY: followers answer reads, and these are linearizable. All data commands are checked too,
while leaders are killed and frozen.

KV_READS_SECONDS (default 10) is the length of the test with faults. KV_READS_SEED is its seed; each
run prints it.
"""
import os
import random
import signal
import struct
import tempfile
import time

import test_peers
from harness import LONG_TIMEOUTS, Cluster, Error, encode, eventually, main, raises
from history import (RecordingClient, assert_linearizable, final_reads, reads_by_server,
                     run_while, several)
from test_peers import frame, welcomed

SEED = int(os.environ.get("KV_READS_SEED", random.SystemRandom().randint(0, 10**6)))
SECONDS = float(os.environ.get("KV_READS_SECONDS", "10"))
WRITERS, READERS_EACH = 5, 2  # readers for each server
EPOCH = 0.7  # seconds until new keys are used: keeps each key's history short

# The command of each kind of operation, and whether it has an argument: "s" text, "n" a number.
WRITES = {
    "set": ("SET {} {}", "s"), "del": ("DEL {}", ""), "incr": ("INCR {}", ""),
    "decr": ("DECR {}", ""), "incrby": ("INCRBY {} {}", "n"), "decrby": ("DECRBY {} {}", "n"),
    "setnx": ("SETNX {} {}", "s"), "setxx": ("SET {} {} XX", "s"),
    "setnxget": ("SET {} {} NX GET", "s"), "getset": ("GETSET {} {}", "s"),
    "getdel": ("GETDEL {}", ""), "append": ("APPEND {} {}", "s"),
}
READS = {"get": ("GET {}", ""), "strlen": ("STRLEN {}", ""), "exists": ("EXISTS {}", ""),
         "type": ("TYPE {}", "")}
# The commands with several keys, and whether each key has an argument. Keys of a group are used by
# all commands; the other keys only by those with a single key.
GROUP_WRITES = {"mset": (("MSET",), True), "msetnx": (("MSETNX",), True),
                "mdel": (("DEL", "UNLINK"), False)}
GROUP_READS = {"mget": (("MGET",), False), "mexists": (("EXISTS", "TOUCH"), False)}
KINDS = {*WRITES, *READS, *GROUP_WRITES, *GROUP_READS}
GROUP = 3  # keys in a group


class Client(RecordingClient):
    """Writes and reads where the leader is, or reads at `server`."""

    def __init__(self, cluster, number, begin, server=None):
        super().__init__(cluster, SEED * 100 + number, server)
        self.begin = begin

    def connected(self):
        if self.server is not None:
            self.connection.call("READONLY")

    def is_result(self, error):
        return "integer" in error or "overflow" in error

    def pause(self):
        time.sleep(self.rng.uniform(0, 0.01))

    def choose(self):
        epoch = int((time.monotonic() - self.begin) / EPOCH)
        reads = self.server is not None or self.rng.random() < 0.2
        if self.rng.random() < 0.3:
            group = tuple("%d.g%d" % (epoch, i) for i in range(GROUP))
            if self.rng.random() < 0.7:
                return self.choose_many(group, GROUP_READS if reads else GROUP_WRITES)
            place = self.rng.randrange(GROUP)
            kind, value, command = self.choose_one(group[place], READS if reads else WRITES)
            return group, kind, ((place,), (value,)), command
        key = "%d.%d" % (epoch, self.rng.randint(0, 1))
        return key, *self.choose_one(key, READS if reads else WRITES)

    def choose_one(self, key, commands):
        """Kind, argument and command of an operation on a key."""
        kind = self.rng.choice(sorted(commands))
        text, argument = commands[kind]
        value = {"s": str(self.rng.randint(1, 999)), "n": str(self.rng.randint(-99, 99)),
                 "": None}[argument]
        return kind, value, text.format(key, value).split()

    def choose_many(self, group, commands):
        """An operation on several keys of a group."""
        kind = self.rng.choice(sorted(commands))
        names, valued = commands[kind]
        places = self.rng.sample(range(GROUP), self.rng.randint(2, GROUP))
        values = [str(self.rng.randint(1, 999)) for _ in places] if valued else None
        return several(group, kind, self.rng.choice(names), places, values)


def run_clients(cluster, disturb):
    begin = time.monotonic()
    clients = [Client(cluster, i, begin) for i in range(WRITERS)]
    for s in cluster.servers:
        clients += [Client(cluster, 100 + len(clients), begin, s) for _ in range(READERS_EACH)]
    run_while(clients, disturb)
    return clients


def test_reads_at_every_server_under_faults():
    rng = random.Random(SEED)
    with Cluster() as cluster:
        cluster.leader()

        def disturb():
            end = time.monotonic() + SECONDS
            faults = 0
            while time.monotonic() < end:
                time.sleep(rng.uniform(0.1, 0.7))
                leader = cluster.leader()
                if faults % 5 == 0:  # killed
                    leader.kill()
                    time.sleep(rng.uniform(0, 1))
                    leader.start()
                elif faults % 5 == 2:  # frozen until another leads, then it goes on as before
                    leader.process.send_signal(signal.SIGSTOP)
                    time.sleep(rng.uniform(0.3, 2))
                    leader.process.send_signal(signal.SIGCONT)
                else:
                    try:
                        leader.call("RAFT.TRANSFER")
                    except (Error, OSError):
                        pass
                faults += 1
            cluster.leader()
            time.sleep(0.5)

        clients = run_clients(cluster, disturb)
        history = [op for c in clients for op in c.history]
        history += final_reads(cluster, history)
        cluster.converged()
        done = [op for op in history if op.ret is not None]
        reads = reads_by_server(clients)
        print("       seed %d: %d operations completed, %d with unknown outcome, reads by server: "
              "%s" % (SEED, len(done), len(history) - len(done), reads))
        assert {op.kind for op in done} == KINDS
        assert all(n > 50 for n in reads.values()), reads
        assert_linearizable(history)


def followers_answer_reads(*options):
    with Cluster(options=[*LONG_TIMEOUTS, *options], fast=False) as cluster:
        leader = cluster.leader()
        moved = "MOVED %d 127.0.0.1:%d" % (leader.call("CLUSTER", "KEYSLOT", "k"), leader.port)
        follower = cluster.followers()[0]
        with leader.connect() as w, follower.connect() as r:
            raises(moved, r.call, "GET", "k")
            assert r.call("READONLY") == "OK"
            for i in range(100):
                assert w.call("SET", "k", i) == "OK"
                assert r.call("GET", "k") == str(i)
            assert r.call("MGET", "k", "nothing") == ["99", None]
            assert r.call("EXISTS", "k") == 1 and r.call("STRLEN", "k") == 2
            assert r.call("TYPE", "k") == "string" and r.call("DBSIZE") == 1
            assert r.call("KEYS", "*") == ["k"] and r.call("SCAN", "0") == ["0", ["k"]]
            raises(moved, r.call, "SET", "k", "v")
            raises(moved, r.call, "GETDEL", "k")
            for _ in range(500):  # pipelined reads share questions
                r.send(encode("GET", "k") * 10)
            assert all(r.reply() == "99" for _ in range(5000))
            assert r.call("READWRITE") == "OK"
            raises(moved, r.call, "GET", "k")


def test_followers_answer_reads():
    """Every read command, each seeing the write that was answered just before it."""
    followers_answer_reads()


def test_followers_answer_reads_with_a_secret():
    """Questions and answers are encrypted like the other frames."""
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write("x" * 32)
        secret.flush()
        followers_answer_reads("--secret-file", secret.name)


def test_read_without_a_leader():
    """If no leader can confirm a read it fails after some election timeouts, and reads work again
    when there is a leader."""
    with Cluster() as cluster:
        leader = cluster.leader()
        cluster.call("SET", "k", "v")
        follower, other = cluster.followers()
        eventually("it follows", lambda: follower.call("RAFT.LOCAL", "k") == "v")
        with follower.connect() as r:
            assert r.call("READONLY") == "OK"
            assert r.call("GET", "k") == "v"
            leader.kill()
            other.kill()
            begin = time.monotonic()
            error = raises("", r.call, "GET", "k")
            assert str(error).split()[0] in ("TRYAGAIN", "CLUSTERDOWN"), error
            assert time.monotonic() < begin + 8
            other.start()
            eventually("reads work again", lambda: r.call("GET", "k") == "v")


def test_read_waits_for_the_next_leader():
    """A read that was sent while the leader was dead is answered after the election."""
    with Cluster() as cluster:
        leader = cluster.leader()
        cluster.call("SET", "k", "v")
        connections = [s.connect() for s in cluster.followers()]
        for r in connections:
            assert r.call("READONLY") == "OK"
        leader.kill()
        for r in connections:
            r.command("GET", "k")
        replies = [r.reply() for r in connections]
        for r in connections:
            r.close()
        assert replies == ["v", "v"], replies


def question(number):
    """A follower's question for a read index."""
    return frame(b"\x15" + struct.pack("<QQ", number, 0))


def answer(s):
    """The number and the read index of an answer."""
    data = b""
    while len(data) < 25:
        more = s.recv(25 - len(data))
        assert more
        data += more
    assert data[:9] == frame(data[8:])[:9] and data[8:9] == b"\x16", data
    return struct.unpack("<QQ", data[9:])


def questions(cluster):
    cluster.call("SET", "k", "v")
    leader, follower = cluster.leader(), cluster.followers()[0]
    commit = leader.status()["commit-index"]
    s = welcomed(leader)
    for number in (7, 7, 2**64 - 1):
        s.sendall(question(number))
        got = answer(s)
        assert got[0] == number and got[1] >= commit, (got, commit)
    s.sendall(question(1) * 1500)  # more than may be pending: each is answered, some without index
    numbers = [answer(s) for _ in range(1500)]
    assert all(n == 1 and (i == 0 or i >= commit) for n, i in numbers)
    assert any(i >= commit for _, i in numbers)
    s.sendall(question(1) * 100)
    s.close()
    s = welcomed(follower)
    s.sendall(question(9))
    assert answer(s) == (9, 0)  # it does not lead
    s.close()
    cluster.call("SET", "k", "healthy")


def test_questions_for_a_read_index():
    """What a server answers to another one, also if that asks too much."""
    with Cluster() as cluster:
        test_peers.cluster = cluster
        try:
            questions(cluster)
        finally:
            test_peers.cluster = None


if __name__ == "__main__":
    main(globals())
