# SPDX-License-Identifier: MIT
"""The data commands: each against a model, and those for all keys."""
import fnmatch
import os
import random

from harness import LONG_TIMEOUTS, Cluster, Error, main, raises

cluster = None

NOT_AN_INTEGER = "ERR value is not an integer or out of range"
OVERFLOW = "ERR increment or decrement would overflow"

# The thread sanitizer takes seconds where RocksDB compares long keys or copies long values.
SLOW = "TSAN_OPTIONS" in os.environ


def connect():
    return cluster.leader().connect()


def fresh(c):
    """Delete every key."""
    for key in c.call("KEYS", "*"):
        c.call("DEL", key)


# --- the model -----------------------------------------------------------------------------------

def parse(text):
    try:
        number = int(text)
    except ValueError:
        return None
    return number if str(number) == text and -2**63 <= number < 2**63 else None


class Model:
    """Redis' strings. A method returns the reply; an error is a str that begins with "ERR"."""

    def __init__(self):
        self.data = {}

    def add(self, key, delta):
        number = parse(self.data.get(key, "0"))
        if number is None:
            return NOT_AN_INTEGER
        if not -2**63 <= number + delta < 2**63:
            return OVERFLOW
        self.data[key] = str(number + delta)
        return number + delta

    def incr(self, key):
        return self.add(key, 1)

    def decr(self, key):
        return self.add(key, -1)

    def incrby(self, key, delta):
        return NOT_AN_INTEGER if parse(delta) is None else self.add(key, int(delta))

    def decrby(self, key, delta):
        if parse(delta) is None:
            return NOT_AN_INTEGER
        if int(delta) == -2**63:
            return "ERR decrement would overflow"
        return self.add(key, -int(delta))

    def set(self, key, value, *options):
        options = [o.upper() for o in options]
        if "NX" in options and "XX" in options:
            return "ERR syntax error"
        old = self.data.get(key)
        allowed = not ("NX" in options and old is not None or "XX" in options and old is None)
        if allowed:
            self.data[key] = value
        return old if "GET" in options else "OK" if allowed else None

    def setnx(self, key, value):
        return int(self.set(key, value, "NX") == "OK")

    def getset(self, key, value):
        return self.set(key, value, "GET")

    def getdel(self, key):
        return self.data.pop(key, None)

    def get(self, key):
        return self.data.get(key)

    def append(self, key, text):
        self.data[key] = self.data.get(key, "") + text
        return len(self.data[key])

    def strlen(self, key):
        return len(self.data.get(key, ""))

    def type(self, key):
        return "string" if key in self.data else "none"

    def mset(self, *pairs):
        self.data.update(zip(pairs[::2], pairs[1::2]))
        return "OK"

    def msetnx(self, *pairs):
        if any(key in self.data for key in pairs[::2]):
            return 0
        self.mset(*pairs)
        return 1

    def mget(self, *keys):
        return [self.data.get(key) for key in keys]

    def exists(self, *keys):
        return sum(key in self.data for key in keys)

    touch = exists

    def delete(self, *keys):
        return sum(self.data.pop(key, None) is not None for key in keys)

    unlink = delete

    def keys(self, pattern):
        return sorted(k for k in self.data if fnmatch.fnmatchcase(k, pattern))

    def dbsize(self):
        return len(self.data)


VALUES = ["", "0", "1", "-1", "7", "007", "+7", " 7", "-0", "1.5", "x", "9223372036854775807",
          "-9223372036854775808", "9223372036854775808", "99999999999999999999999", "text" * 20,
          "1\0", "\0"]
KEYS = ["", "a", "b", "key:1", "key:2", "k\0", "k\r\n"]


def random_command(rng):
    def key():
        return rng.choice(KEYS)

    def value():
        return rng.choice(VALUES)
    name = rng.choice(["incr", "decr", "incrby", "decrby", "set", "set", "set", "setnx", "getset",
                       "getdel", "get", "append", "strlen", "type", "mset", "msetnx", "mget",
                       "exists", "touch", "del", "unlink", "keys", "dbsize"])
    many = rng.randint(1, 4)
    if name in ("incr", "decr", "getdel", "get", "strlen", "type"):
        return [name, key()]
    if name in ("incrby", "decrby", "setnx", "getset", "append"):
        return [name, key(), value()]
    if name == "set":
        return [name, key(), value()] + rng.choices(["nx", "XX", "get", "KeepTTL"],
                                                    k=rng.choice([0, 0, 1, 2, 6]))
    if name in ("mset", "msetnx"):
        return [name] + [x for _ in range(many) for x in (key(), value())]
    if name == "keys":
        return [name, rng.choice(["*", "key:*", "key:[12]", "?", "nothing"])]
    if name == "dbsize":
        return [name]
    return [name] + [key() for _ in range(many)]


def test_data_commands_against_the_model():
    rng = random.Random(11)
    model = Model()
    kinds = set()
    with connect() as c:
        fresh(c)
        for i in range(4000):
            command = random_command(rng)
            name = {"del": "delete"}.get(command[0], command[0])
            expected = getattr(model, name)(*command[1:])
            try:
                got = c.call(*command)
            except Error as e:
                got = str(e)
            got = sorted(got) if name == "keys" else got
            assert got == expected, (i, command, got, expected)
            kinds.add((name, type(got), str(got).startswith("ERR")))
        assert {k: c.call("GET", k) for k in c.call("KEYS", "*")} == model.data
    errors = {name for name, _, error in kinds if error}
    assert errors == {"incr", "decr", "incrby", "decrby", "set"}, errors
    cluster.converged()


def test_appends_up_to_the_limit():
    with connect() as c:
        c.call("DEL", "k", "other")
        half = "x" * (512 * 1024)
        assert c.call("APPEND", "k", "") == 0
        assert c.call("EXISTS", "k") == 1
        assert c.call("APPEND", "k", half) == 512 * 1024
        assert c.call("APPEND", "k", half) == 1024 * 1024
        raises("ERR string exceeds maximum allowed size", c.call, "APPEND", "k", "y")
        assert c.call("STRLEN", "k") == 1024 * 1024
        assert c.call("APPEND", "k", "") == 1024 * 1024
        n = 10 if SLOW else 100
        for i in range(n):  # each writes 1 MiB to the table in memory, more than it may hold
            c.command("SET", "other", half)
            c.command("APPEND", "other", half)
        replies = [c.reply(strict=True) for _ in range(2 * n)]
        assert replies == ["OK", 1024 * 1024] * n
        assert c.call("GETDEL", "k") == half + half
        assert c.call("SET", "other", "small", "GET") == half + half
        assert c.call("DEL", "k", "other") == 1
    cluster.converged()


# --- all keys ------------------------------------------------------------------------------------

def scan(c, *options):
    """Return all keys that SCAN yields, and the number of pages."""
    keys, pages, cursor = [], 0, "0"
    while True:
        cursor, page = c.call("SCAN", cursor, *options)
        keys += page
        pages += 1
        if cursor == "0":
            return keys, pages


def test_scan_returns_every_key_once():
    with connect() as c:
        fresh(c)
        assert c.call("SCAN", "0") == ["0", []]
        expected = sorted("user:%d" % i for i in range(1000)) + ["x" * 60000]
        c.call("MSET", *[x for k in expected for x in (k, "v")])
        for count in (1, 7, 10, 1000, 1001, 10**9):
            keys, pages = scan(c, "COUNT", count)
            assert sorted(keys) == sorted(expected), (count, len(keys))
            assert pages == -(-1001 // min(count, 10000)), (count, pages)
        assert scan(c)[1] == 101
        assert sorted(scan(c, "MATCH", "user:99?", "COUNT", "100")[0]) == \
            ["user:99%d" % i for i in range(10)]
        assert len(scan(c, "TYPE", "string", "COUNT", 500)[0]) == 1001
        assert scan(c, "TYPE", "list", "COUNT", 500) == ([], 3)
        raises("ERR invalid cursor", c.call, "SCAN", "x")
        raises("ERR invalid cursor", c.call, "SCAN", "")
        raises("ERR invalid cursor", c.call, "SCAN", "99999999999999999999")
        raises("ERR syntax error", c.call, "SCAN", "0", "COUNT", "0")
        raises("ERR value is not an integer", c.call, "SCAN", "0", "COUNT", "x")
        raises("ERR syntax error", c.call, "SCAN", "0", "MATCH")
        raises("ERR syntax error", c.call, "SCAN", "0", *["COUNT", "1"] * 4)
        raises("ERR syntax error", c.call, "SCAN", "0", "NOPE", "1")
        raises("ERR a pattern has at most", c.call, "SCAN", "0", "MATCH", "x" * 1025)
        raises("ERR a pattern has at most", c.call, "KEYS", "x" * 1025)


def test_scan_while_keys_change_and_the_leader_changes():
    """Keys that exist throughout are returned exactly once, also if another server continues."""
    rng = random.Random(5)
    kept = {"kept:%d" % i for i in range(300)}
    with connect() as c:
        fresh(c)
        c.call("MSET", *[x for k in kept for x in (k, "v")])
    keys, cursor, page = [], "0", 0
    while True:
        for _ in range(10):
            n = rng.randint(0, 500)
            cluster.call(*rng.choice([("SET", "other:%d" % n, "v"), ("DEL", "other:%d" % n),
                                      ("SET", rng.choice(sorted(kept)), page)]))
        cursor, found = cluster.call("SCAN", cursor, "COUNT", 20)
        keys += found
        page += 1
        if page in (3, 8):
            cluster.leader().call("RAFT.TRANSFER")
        if cursor == "0":
            break
    assert sorted(k for k in keys if k in kept) == sorted(kept)
    assert len(keys) == len(set(keys))
    assert page > 10


def test_keys_beyond_the_largest_reply():
    """KEYS of more than 32 MiB is an error, and other commands are executed meanwhile."""
    if SLOW:
        return
    with connect() as c, connect() as other:
        fresh(c)
        for i in range(0, 1000, 50):
            c.call("MSET", *[x for k in range(i, i + 50) for x in ("%d:" % k + "x" * 40000, "")])
        c.command("KEYS", "*")
        assert other.call("SET", "k", "v") == "OK"
        raises("ERR the reply would exceed 32 MiB", c.reply, True)
        assert sorted(c.call("KEYS", "[0-4]:*")) == ["%d:" % i + "x" * 40000 for i in range(5)]
        assert len(scan(c, "COUNT", 10000)[0]) == 1001
        pages = scan(c, "COUNT", 10000)[1]
        assert 9 <= pages <= 12, pages  # 40 MB of keys, 4 MiB a page
        for i in range(0, 1000, 50):
            c.call("DEL", *["%d:" % k + "x" * 40000 for k in range(i, i + 50)])
        c.call("DEL", "k")


def test_scans_see_the_writes_before_them():
    with connect() as c:
        fresh(c)
        for i in range(50):
            c.command("SET", "k%d" % i, "v")
            c.command("KEYS", "k%d" % i)
            c.command("DEL", "k%d" % i)
            c.command("SCAN", "0")
        replies = [c.reply(strict=True) for _ in range(200)]
        assert replies == [r for i in range(50) for r in ("OK", ["k%d" % i], 1, ["0", []])]


if __name__ == "__main__":
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        cluster.leader()
        main(globals())
