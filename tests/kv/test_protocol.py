# SPDX-License-Identifier: MIT
"""The client port: every command, errors, malformed input, pipelining, redirection."""
import random
import socket
import subprocess
import shutil

from harness import LONG_TIMEOUTS, Cluster, Connection, Error, encode, eventually, main, raises

cluster = None


def connect():
    return cluster.leader().connect()


def test_commands():
    with connect() as c:
        assert c.call("PING") == "PONG"
        assert c.call("ping", "hi") == "hi"
        assert c.call("ECHO", "x") == "x"
        assert c.call("SET", "a", "1") == "OK"
        assert c.call("GET", "a") == "1"
        assert c.call("get", "nothing") is None
        assert c.call("INCR", "a") == 2
        assert c.call("INCR", "fresh") == 1
        assert c.call("MSET", "b", "x", "c", "y") == "OK"
        assert c.call("MGET", "a", "b", "nothing", "c") == ["2", "x", None, "y"]
        assert c.call("EXISTS", "a", "a", "nothing", "b") == 3
        assert c.call("DBSIZE") == 4
        assert c.call("DEL", "a", "nothing", "a", "b") == 2
        assert c.call("GET", "a") is None
        assert c.call("DBSIZE") == 2
        assert c.call("SET", "", "empty key") == "OK"
        assert c.call("GET", "") == "empty key"
        assert c.call("SET", "empty", "") == "OK"
        assert c.call("GET", "empty") == ""
        assert c.call("DEL", "", "empty", "c", "fresh") == 4


def test_binary_values():
    key, value = b"\x00\r\n\xff", bytes(range(256)) * 40
    with connect() as c:
        assert c.call("SET", key, value) == "OK"
        assert c.call("GET", key) == value.decode(errors="surrogateescape")
        assert c.call("DEL", key) == 1


def test_incr_errors():
    with connect() as c:
        for value in ("x", "", " 1", "01", "1.5", "9223372036854775808", "-0"):
            c.call("SET", "n", value)
            raises("ERR value is not an integer", c.call, "INCR", "n")
            assert c.call("GET", "n") == value
        c.call("SET", "n", "9223372036854775807")
        raises("ERR increment", c.call, "INCR", "n")
        c.call("SET", "n", "-9223372036854775808")
        assert c.call("INCR", "n") == -9223372036854775807
        c.call("DEL", "n")
        assert c.call("INCR", "n") == 1


def test_command_errors():
    with connect() as c:
        raises("ERR unknown command 'NOPE'", c.call, "NOPE", "x")
        raises("ERR unknown command", c.call, "a\r\n+OK\r\n")
        raises("ERR wrong number", c.call, "GET")
        raises("ERR wrong number", c.call, "GET", "a", "b")
        raises("ERR wrong number", c.call, "SET", "a")
        raises("ERR wrong number", c.call, "MSET", "a", "b", "c")
        raises("ERR syntax", c.call, "SET", "a", "b", "NOPE")
        raises("ERR expiry is not offered", c.call, "SET", "a", "b", "EX", "10")
        raises("ERR a key is longer", c.call, "SET", "k" * 65537, "v")
        raises("ERR a key is longer", c.call, "GET", "k" * 65537)
        raises("ERR DB index", c.call, "SELECT", "1")
        raises("NOPROTO", c.call, "HELLO", "4")
        raises("ERR", c.call, "RAFT.ADD", "0", "x")
        raises("ERR", c.call, "RAFT.ADD", "9", "invalid")
        raises("ERR", c.call, "RAFT.REMOVE", "99")
        raises("ERR", c.call, "RAFT.PROMOTE", "99")
        raises("ERR", c.call, "RAFT.TRANSFER", "99")
        assert c.call("PING") == "PONG"


def test_commands_that_client_libraries_send():
    with connect() as c:
        assert c.call("SELECT", "0") == "OK"
        assert c.call("CLIENT", "SETNAME", "me") == "OK"
        assert c.call("CLIENT", "SETINFO", "LIB-NAME", "x") == "OK"
        hello = c.call("HELLO", "2")
        assert hello[hello.index("proto") + 1] == 2
        assert c.call("CONFIG", "GET", "appendonly") == ["appendonly", "yes"]
        assert c.call("CONFIG", "GET", "maxmemory") == []
        assert c.call("CONFIG", "GET", "s*", "*only") == ["save", "", "appendonly", "yes"]
        info = c.call("INFO")
        assert "redis_version:" in info and "role:master" in info
        commands = {x[0]: x for x in c.call("COMMAND")}
        assert commands["get"][1:4] == [2, ["readonly"], 1]
        assert commands["set"][2] == ["write"]
        assert c.call("COMMAND", "COUNT") == len(commands)
        slots = c.call("CLUSTER", "SLOTS")
        assert slots[0][:2] == [0, 16383]
        assert slots[0][2][1] == cluster.leader().port
        assert c.call("QUIT") == "OK"
        assert c.socket.recv(1) == b""


def test_inline_commands():
    with connect() as c:
        c.send(b"PING\r\n\r\n  SET   inline  v \nGET inline\r\n")
        assert [c.reply() for _ in range(3)] == ["PONG", "OK", "v"]
        c.send(b"PING\r\n" * 20000)
        assert all(c.reply() == "PONG" for _ in range(20000))
        c.send(encode("GET", "inline") + b"PING\r\n" + encode("DEL", "inline"))
        assert [c.reply() for _ in range(3)] == ["v", "PONG", 1]


def test_pipelining_keeps_order():
    rng = random.Random(1)
    model, expected, out = {}, [], []
    for i in range(3000):
        key = "p%d" % rng.randint(0, 9)
        kind = rng.choice(["set", "get", "incr", "del", "ping", "bad", "exists"])
        if kind == "set":
            model[key] = str(i)
            expected.append("OK")
            out.append(encode("SET", key, i))
        elif kind == "get":
            expected.append(model.get(key))
            out.append(encode("GET", key))
        elif kind == "incr":
            model[key] = str(int(model.get(key, "0")) + 1)
            expected.append(int(model[key]))
            out.append(encode("INCR", key))
        elif kind == "del":
            expected.append(int(model.pop(key, None) is not None))
            out.append(encode("DEL", key))
        elif kind == "exists":
            expected.append(int(key in model))
            out.append(encode("EXISTS", key))
        elif kind == "ping":
            expected.append("PONG")
            out.append(encode("PING"))
        else:
            expected.append("error")
            out.append(encode("WHAT"))
    data = b"".join(out)
    with connect() as c:
        at = 0
        while at < len(data):  # send it in pieces of random length
            n = rng.randint(1, 4000)
            c.send(data[at:at + n])
            at += n
        got = ["error" if isinstance(r, Error) else r for r in
               (c.reply() for _ in range(len(expected)))]
    wrong = [(i, g, e) for i, (g, e) in enumerate(zip(got, expected)) if g != e]
    assert not wrong, wrong[:3]


def test_deep_pipeline_without_reading():
    """The replies exceed the server's limit: it stops reading and resumes when the client reads."""
    n = 30000
    value = "v" * 1000
    with connect() as c:
        c.call("SET", "big", value)
        c.socket.settimeout(60)
        import threading
        sender = threading.Thread(target=c.send, args=(encode("GET", "big") * n,))
        sender.start()
        for _ in range(n):
            assert c.reply() == value
        sender.join()


def broken(data, error=b"-ERR Protocol error"):
    """Send `data`; the server must reply with an error and close the connection."""
    with connect() as c:
        try:
            c.send(data)
            line = c.file.readline()
            assert line.startswith(error), line
            assert c.file.read() == b""
        except ConnectionError:  # closed with unread input, so the error may not arrive
            assert len(data) > 50000
    with connect() as c:
        assert c.call("PING") == "PONG"


def test_malformed_input():
    broken(b"*1\r\n:5\r\n")
    broken(b"*1\r\n+PING\r\n")
    broken(b"*2\r\n$3\r\nGET\r\n,1.5\r\n")
    broken(b"*2\r\n$3\r\nGET\r\n#t\r\n")
    broken(b"*2\r\n$3\r\nGET\r\n_\r\n")
    broken(b"*2\r\n$3\r\nGET\r\n*1\r\n$1\r\na\r\n")
    broken(b"*1\r\n" * 50)
    broken(b"*999999999\r\n")
    broken(b"*99999999999999999999\r\n")
    broken(b"*-5\r\n")
    broken(b"*abc\r\n")
    broken(b"*1\r\n$-5\r\n")
    broken(b"*2\r\n$3\r\nGET\r\n$-1\r\n")
    broken(b"*1\r\n$abc\r\n")
    broken(b"*1\r\n$99999999999\r\n" + b"x" * 3000000)
    broken(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2000000\r\n" + b"x" * 2000000 + b"\r\n")
    broken(b"*70000\r\n" + b"$1\r\na\r\n" * 70000)
    broken(b"*100\r\n$4\r\nMSET\r\n" + (b"$1000000\r\n" + b"x" * 1000000 + b"\r\n") * 10)
    broken(b"x" * 200000)


def test_random_input():
    rng = random.Random(7)
    words = ("SET SETNX GETSET GETDEL APPEND INCRBY DECRBY MSETNX NX XX GET EX KEYS SCAN MATCH "
             "COUNT TYPE HELLO AUTH SETNAME CLIENT LIST SETINFO COMMAND INFO DOCS GETKEYS CLUSTER "
             "NODES KEYSLOT READONLY CONFIG 0 2 3 -1 * [a [^ \\").split() + [""]
    for _ in range(100):
        data = b"".join(rng.choice([b"*3\r\n", b"$3\r\n", b"SET\r\n", b"\r\n", b"$-1\r\n", b"*",
                                    b":1\r\n", b"GET a\r\n", bytes([rng.randint(0, 255)]),
                                    encode(rng.choice(words), *rng.choices(words, k=2))])
                        for _ in range(rng.randint(1, 60)))
        s = socket.create_connection(("127.0.0.1", cluster.leader().port))
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        s.settimeout(10)
        try:
            while s.recv(65536):
                pass
        except ConnectionError:
            pass
        s.close()
    assert cluster.leader().alive()
    with connect() as c:
        assert c.call("PING") == "PONG"


def test_limits_on_sizes():
    with connect() as c:
        value = "v" * (1024 * 1024)
        assert c.call("SET", "large", value) == "OK"
        assert c.call("GET", "large") == value
        assert c.call("SET", "k" * 65536, "v") == "OK"
        assert c.call("GET", "k" * 65536) == "v"
        raises("ERR the reply would exceed", c.call, "MGET", *["large"] * 40)
        assert c.call("DEL", "large", "k" * 65536) == 2


def test_followers_redirect():
    leader = cluster.leader()
    slot = leader.call("CLUSTER", "KEYSLOT", "a")
    for s in cluster.followers():
        with s.connect() as c:
            for command in (["GET", "a"], ["SET", "a", "1"], ["INCR", "a"], ["DEL", "a"],
                            ["DBSIZE"], ["MGET", "a"], ["RAFT.TRANSFER"], ["RAFT.REMOVE", "1"]):
                moved = slot if command[1:2] == ["a"] else 0
                assert str(raises("MOVED", c.call, *command)) == \
                    "MOVED %d 127.0.0.1:%d" % (moved, leader.port)
            assert c.call("PING") == "PONG"
            assert "role:slave" in c.call("INFO")


def test_redis_cli_follows():
    if shutil.which("redis-cli") is None:
        print("       (redis-cli is not installed)")
        return
    follower = cluster.followers()[0]

    def cli(*args):
        run = subprocess.run(["redis-cli", "-c", "-p", str(follower.port), *args],
                             stdout=subprocess.PIPE, timeout=20)
        return run.stdout.decode().strip()
    assert cli("SET", "from-cli", "yes") == "OK"
    assert cli("GET", "from-cli") == "yes"


def test_followers_apply():
    cluster.call("SET", "everywhere", "1")
    for s in cluster.servers:
        eventually("server %d has the value" % s.id,
                   lambda s=s: s.call("RAFT.LOCAL", "everywhere") == "1")
    assert cluster.converged() > 0


def test_client_that_disconnects_before_the_reply():
    for i in range(50):
        c = Connection(cluster.leader().port)
        c.send(encode("SET", "gone%d" % i, "v") * 20 + encode("GET", "gone%d" % i) * 20)
        c.close()
    eventually("its writes are executed",
               lambda: cluster.call("EXISTS", *["gone%d" % i for i in range(50)]) > 0)
    assert cluster.leader().alive()


def test_sigterm_stops_every_server():
    for s in cluster.servers:
        assert s.alive()
        s.stop()


if __name__ == "__main__":
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        cluster.leader()
        main(globals())
