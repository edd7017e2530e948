# SPDX-License-Identifier: MIT
"""The commands: each data command against a model, all keys, and what clients ask a server for."""
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


# --- what clients ask for ------------------------------------------------------------------------

def test_commands_that_are_not_offered():
    with connect() as c:
        for command, why in (("EXPIRE k 1", "expiry is"), ("SETEX k 1 v", "expiry is"),
                             ("MULTI", "transactions are"), ("WATCH k", "transactions are"),
                             ("EVAL x 0", "scripts and functions are"),
                             ("PUBLISH a b", "publishing is"),
                             ("SUBSCRIBE a", "publishing is"), ("LPUSH l 1", "lists are"),
                             ("BLPOP l 0", "lists are"), ("hset h f v", "hashes are"),
                             ("SADD s 1", "sets are"), ("ZADD z 1 a", "sorted sets are"),
                             ("XADD s * a b", "streams are"), ("FLUSHALL", "emptying"),
                             ("DEBUG", "this command is")):
            error = raises("ERR " + why, c.call, *command.split())
            assert str(error).endswith(" not offered"), error
        for option in ("EX", "PX", "EXAT", "PXAT"):
            raises("ERR expiry is not offered", c.call, "SET", "k", "v", option, "1")
        raises("ERR unknown command 'lpushh'", c.call, "lpushh")
        raises("ERR unknown command 'expiry'", c.call, "expiry")


def test_version_3_of_the_protocol():
    with connect() as c:
        hello = c.call("HELLO", "3", "AUTH", "default", "any", "SETNAME", "me")
        assert isinstance(hello, dict) and hello["proto"] == 3 and hello["role"] == "master"
        assert c.call("CLIENT", "GETNAME") == "me"
        c.command("GET", "nothing")
        assert c.file.readline() == b"_\r\n"
        c.command("MGET", "nothing")
        assert c.file.readline() + c.file.readline() == b"*1\r\n_\r\n"
        c.command("GETDEL", "nothing")
        assert c.file.readline() == b"_\r\n"
        assert c.call("CONFIG", "GET", "save") == {"save": ""}
        assert "cluster_enabled:1" in c.call("INFO")
        assert c.call("COMMAND", "DOCS", "get")["get"]["group"] == "string"
        assert c.call("RESET") == "RESET"
        c.command("GET", "nothing")
        assert c.file.readline() == b"$-1\r\n"
        assert c.call("CLIENT", "GETNAME") is None
        raises("WRONGPASS", c.call, "HELLO", "3", "AUTH", "someone", "x", "SETNAME", "other")
        assert c.call("CLIENT", "GETNAME") is None
        assert isinstance(c.call("HELLO"), list)
        raises("ERR Syntax error", c.call, "HELLO", "2", "SETNAME")
        raises("NOPROTO", c.call, "HELLO", "1")


def test_connection_commands():
    with connect() as c, connect() as other:
        assert other.call("CLIENT", "ID") > c.call("CLIENT", "ID") > 0
        raises("ERR AUTH <password> called without any password", c.call, "AUTH", "x")
        assert c.call("AUTH", "default", "x") == "OK"
        raises("WRONGPASS", c.call, "AUTH", "someone", "x")
        raises("ERR Client names", c.call, "CLIENT", "SETNAME", "a b")
        raises("ERR a client's name", c.call, "CLIENT", "SETNAME", "a" * 257)
        raises("ERR Unrecognized", c.call, "CLIENT", "SETINFO", "nope", "x")
        assert c.call("CLIENT", "SETNAME", "first") == "OK"
        assert c.call("CLIENT", "SETINFO", "lib-name", "lib") == "OK"
        line = c.call("CLIENT", "INFO")
        assert "name=first" in line and "lib-name=lib" in line and "resp=2" in line
        assert "addr=127.0.0.1:%d " % c.socket.getsockname()[1] in line
        assert len(other.call("CLIENT", "LIST").splitlines()) >= 2
        raises("ERR unknown subcommand", c.call, "CLIENT", "KILL", "x")
        seconds, micros = c.call("TIME")
        assert int(seconds) > 10**9 and 0 <= int(micros) < 10**6
        for command in ("READONLY", "READWRITE", "ASKING"):
            assert c.call(command) == "OK"


def test_key_positions():
    with connect() as c:
        commands = {x[0]: x for x in c.call("COMMAND")}
        for name in ("get set del unlink incr decr incrby decrby setnx getset getdel append mset "
                     "msetnx mget exists touch strlen type raft.local").split():
            assert commands[name][3] == 1, name
        for name in ("mget", "mset", "msetnx", "del", "unlink", "exists", "touch"):
            assert commands[name][4] == -1, name
        assert [commands[n][5] for n in ("mset", "msetnx", "mget")] == [2, 2, 1]
        for name in ("scan", "keys", "dbsize", "ping", "raft.status"):
            assert commands[name][3:6] == [0, 0, 0], name
        assert c.call("COMMAND", "COUNT") == len(commands) == len(c.call("COMMAND", "LIST"))
        assert [x and x[0] for x in c.call("COMMAND", "INFO", "get", "nope")] == ["get", None]
        assert c.call("COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2") == ["a", "b"]
        assert c.call("COMMAND", "GETKEYS", "SET", "a", "1", "NX") == ["a"]
        assert c.call("COMMAND", "GETKEYS", "MGET", "a", "b", "c") == ["a", "b", "c"]
        raises("ERR Invalid command", c.call, "COMMAND", "GETKEYS", "nope", "a")
        raises("ERR Invalid number", c.call, "COMMAND", "GETKEYS", "get")
        raises("ERR The command has no key", c.call, "COMMAND", "GETKEYS", "ping")


def test_cluster_commands():
    leader = cluster.leader()
    nodes = {}
    for s in cluster.servers:
        with s.connect() as c:
            me = c.call("CLUSTER", "MYID")
            assert len(me) == 40 and int(me, 16)
            lines = [line.split() for line in c.call("CLUSTER", "NODES").splitlines()]
            assert len(lines) == 3
            mine = next(line for line in lines if "myself" in line[2])
            assert mine[0] == me and mine[1].startswith("127.0.0.1:%d@" % s.port)
            masters = [line for line in lines if "master" in line[2]]
            assert len(masters) == 1 and masters[0][8] == "0-16383"
            assert masters[0][1].startswith("127.0.0.1:%d@" % leader.port)
            assert all(line[3] == masters[0][0] for line in lines if "slave" in line[2])
            nodes[s.id] = sorted(line[0] for line in lines)
            slots, = c.call("CLUSTER", "SLOTS")
            assert slots[:2] == [0, 16383] and slots[2][:2] == ["127.0.0.1", leader.port]
            assert sorted(n[1] for n in slots[2:]) == sorted(x.port for x in cluster.servers)
            assert sorted(n[2] for n in slots[2:]) == nodes[s.id]
            shard, = c.call("CLUSTER", "SHARDS")
            shard = dict(zip(shard[::2], shard[1::2]))
            assert shard["slots"] == [0, 16383] and len(shard["nodes"]) == 3
            assert "cluster_state:ok" in c.call("CLUSTER", "INFO")
            # From the specification of Redis Cluster, and keys that share a tag.
            assert c.call("CLUSTER", "KEYSLOT", "123456789") == 0x31C3 % 16384
            assert c.call("CLUSTER", "KEYSLOT", "{user}.a") == c.call("CLUSTER", "KEYSLOT", "user")
            assert c.call("CLUSTER", "KEYSLOT", "{}a") != c.call("CLUSTER", "KEYSLOT", "")
            raises("ERR one shard", c.call, "CLUSTER", "MEET", "127.0.0.1", "1")
    assert len({tuple(n) for n in nodes.values()}) == 1


if __name__ == "__main__":
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        cluster.leader()
        main(globals())
