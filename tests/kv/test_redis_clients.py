# SPDX-License-Identifier: MIT
"""Redis clients as they are: redis-py, ioredis, redis-cli, redis-benchmark.

A client that is not installed is named, and then the test is skipped as a whole (status 77) unless
another client failed. KV_NODE_CLIENTS is the directory in which tools/test installs ioredis.
"""
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys

from harness import LONG_TIMEOUTS, TIMEOUT_FACTOR, Cluster, eventually, main

HERE = os.path.dirname(os.path.abspath(__file__))
IOREDIS = os.path.join(os.environ.get("KV_NODE_CLIENTS", ""), "node_modules", "ioredis")

missing = [name for name, found in (
    ("redis-py (package python3-redis)", importlib.util.find_spec("redis")),
    ("redis-cli (package redis-tools)", shutil.which("redis-cli")),
    ("redis-benchmark (package redis-tools)", shutil.which("redis-benchmark")),
    ("node (package nodejs)", shutil.which("node")),
    ("ioredis (installed by tools/test)", os.path.exists(IOREDIS))) if not found]
cluster = None
logging.disable(logging.CRITICAL)  # redis-py logs redirections with a traceback


def needs(name):
    """True if the client is there."""
    return not any(m.startswith(name) for m in missing)


def run(*command):
    """Run a program, which must succeed; return its output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=60 * TIMEOUT_FACTOR)
    text = done.stdout.decode()
    assert done.returncode == 0, (command, done.returncode, text)
    return text


def ports():
    return cluster.leader().port, cluster.followers()[0].port


def redis_py_commands(r):
    """What redis-py's plain and cluster client both offer."""
    assert r.set("{py}n", 5) is True
    assert r.incr("{py}n") == 6  # sends INCRBY
    assert r.incr("{py}n", 4) == 10 and r.decr("{py}n") == 9
    assert r.mget("{py}n", "{py}none") == ["9", None]
    assert r.mset({"{py}a": 1, "{py}b": 2}) is True
    assert r.msetnx({"{py}a": 1, "{py}c": 2}) is False
    assert r.set("{py}n", "x", nx=True) is None
    assert r.set("{py}n", "x", xx=True, get=True) == "9"
    assert r.setnx("{py}n", "x") is False
    assert r.append("{py}n", "y") == 2 and r.strlen("{py}n") == 2
    assert r.type("{py}n") == "string" and r.exists("{py}n", "{py}none") == 1
    assert r.getset("{py}n", "z") == "xy" and r.getdel("{py}n") == "z"
    assert r.get("{py}n") is None and r.unlink("{py}a", "{py}b") == 2
    pipeline = r.pipeline(transaction=False) if not hasattr(r, "get_nodes") else r.pipeline()
    for i in range(100):
        pipeline.set("{py}%d" % i, i)
    assert pipeline.execute() == [True] * 100
    assert sorted(r.scan_iter("{py}*", count=7)) == sorted("{py}%d" % i for i in range(100))
    assert len(r.keys("{py}1?")) == 10
    for call, why in ((lambda: r.expire("{py}1", 1), "expiry is not offered"),
                      (lambda: r.set("{py}1", "v", ex=1), "expiry is not offered"),
                      (lambda: r.lpush("{py}l", 1), "lists are not offered"),
                      (lambda: r.eval("return 1", 1, "{py}k"), "scripts and functions are not")):
        try:
            call()
        except Exception as e:  # redis.exceptions.ResponseError
            # RedisCluster does not send commands that COMMAND does not name.
            assert why in str(e) or "doesn't exist in Redis commands" in str(e), e
        else:
            raise AssertionError("no error: " + why)
    assert r.delete(*["{py}%d" % i for i in range(100)]) == 100


def test_redis_py():
    if not needs("redis-py"):
        return
    import redis
    with redis.Redis(port=ports()[0], decode_responses=True, client_name="plain") as r:
        redis_py_commands(r)
        assert r.ping() and r.echo("x") == "x" and r.dbsize() == 0
        assert r.info()["cluster_enabled"] == 1 and r.info()["role"] == "master"
        assert r.client_getname() == "plain" and r.client_id() > 0
        assert any(c["name"] == "plain" for c in r.client_list())
        assert r.config_get("appendonly") == {"appendonly": "yes"}
        assert r.command()["mset"]["step_count"] == 2


def test_redis_py_cluster():
    if not needs("redis-py"):
        return
    from redis.cluster import RedisCluster
    with RedisCluster(host="127.0.0.1", port=ports()[1], decode_responses=True) as r:
        redis_py_commands(r)
        assert len(r.get_primaries()) == 1 and len(r.get_replicas()) == 2
        assert len(r.cluster_nodes()) == 3 and r.keyslot("{py}x") == r.cluster_keyslot("{py}x")
        r.set("k", "before")
        cluster.leader().call("RAFT.TRANSFER")
        eventually("there is another leader", lambda: cluster.leader().port)
        r.set("k", "after")  # after a redirection
        assert r.get("k") == "after"
    with RedisCluster(host="127.0.0.1", port=ports()[1], decode_responses=True,
                      read_from_replicas=True) as r:
        for i in range(60):  # a read anywhere sees the write before it
            r.set("k", i)
            assert r.get("k") == str(i)


def test_ioredis():
    if needs("node") and needs("ioredis"):
        out = run("node", os.path.join(HERE, "clients", "ioredis.js"), *map(str, ports()))
        assert out.strip() == "ok", out


def test_redis_cli():
    if not needs("redis-cli"):
        return
    leader, follower = ports()
    assert run("redis-cli", "-c", "-p", str(follower), "SET", "cli", "yes").strip() == "OK"
    assert run("redis-cli", "-c", "-p", str(follower), "INCRBY", "n", "5").strip() == "5"
    assert "proto 3" in run("redis-cli", "-3", "-p", str(leader), "HELLO", "3")
    assert "cli" in run("redis-cli", "-p", str(leader), "--scan", "--pattern", "c*").split()
    out = run("redis-cli", "--cluster", "check", "127.0.0.1:%d" % follower)
    for line in ("All nodes agree about slots configuration", "All 16384 slots covered",
                 "2 additional replica(s)"):
        assert line in out, out
    assert re.search(r"127.0.0.1:%d \(\w{8}...\) -> \d+ keys \| 16384 slots \| 2 slaves" % leader,
                     out), out


def test_redis_benchmark():
    """Plain. With --cluster it ends by itself when a cluster has fewer than two masters."""
    if not needs("redis-benchmark"):
        return
    leader, follower = ports()
    common = ["-n", "300", "-c", "10", "-r", "100", "--csv", "-t", "ping,set,get,incr,mset"]
    out = run("redis-benchmark", "-p", str(leader), *common, "-P", "4")
    names = [line.split('"')[1] for line in out.splitlines() if line.startswith('"')]
    assert {"SET", "GET", "INCR", "MSET (10 keys)"} <= set(names), out
    assert "error" not in out.lower(), out
    done = subprocess.run(["redis-benchmark", "--cluster", "-p", str(follower), *common],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60 * TIMEOUT_FACTOR)
    assert b"Invalid cluster: 1 node(s)" in done.stdout, done.stdout


def test_ioredis_follows_a_killed_leader():
    """ioredis' cluster client goes on after the leader is killed."""
    if not (needs("node") and needs("ioredis")):
        return
    leader, follower = ports()
    with subprocess.Popen(["node", os.path.join(HERE, "clients", "ioredis.js"), str(leader),
                           str(follower), "failover"], stdout=subprocess.PIPE) as node:
        assert node.stdout.readline() == b"ready\n"
        victim = cluster.leader()
        victim.kill()
        out = node.communicate(timeout=30 * TIMEOUT_FACTOR)[0]
        assert node.returncode == 0 and out == b"ok\n", out
    assert cluster.call("GET", "{io}failover") == "after"
    victim.start()
    cluster.leader()


if __name__ == "__main__":
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        cluster.leader()
        main(globals())
    if missing:
        print("       not installed: " + ", ".join(missing))
        sys.exit(77)
