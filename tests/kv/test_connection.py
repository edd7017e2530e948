# SPDX-License-Identifier: MIT
"""Commands about the connection, the server and the cluster, and those that are not offered."""
from harness import LONG_TIMEOUTS, Cluster, main, raises

cluster = None


def connect():
    return cluster.leader().connect()


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
