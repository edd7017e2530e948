# SPDX-License-Identifier: MIT
"""Large values, which are stored in files of their own (values.h): restarts, snapshots, the size of
the files, and damage to them."""
import glob
import os
import random

from harness import Cluster, encode, eventually, main

KEYS = 60
SIZE = 3000
OPTIONS = ["--large-value", "100", "--compact-entries", "300", "--trailing", "50",
           "--log-segment", "16"]  # a file of values has 64 KiB


def text(key, version):
    return "%s:%d:%s" % (key, version, "x" * SIZE)


def write(cluster, model, rng, n):
    """Change random keys, most often a few of them; keep the expected values in `model`."""
    def attempt():
        changes = {}
        commands = []
        for _ in range(n):
            key = "key%d" % (rng.randrange(4) if rng.random() < 0.7 else rng.randrange(KEYS))
            version = rng.randrange(10**9)
            kind = rng.choice(["large", "large", "large", "small", "del", "both"])
            if kind == "del":
                commands.append(encode("DEL", key))
                changes[key] = None
            elif kind == "both":
                commands.append(encode("MSET", key, text(key, version), key + "b", "small"))
                changes[key], changes[key + "b"] = text(key, version), "small"
            else:
                changes[key] = text(key, version) if kind == "large" else str(version)
                commands.append(encode("SET", key, changes[key]))
        with cluster.leader().connect(timeout=60) as c:
            c.send(b"".join(commands))
            replies = [c.reply() for _ in commands]
        if any(isinstance(r, Exception) for r in replies):
            return False
        model.update(changes)
        return True
    eventually("the keys are written", attempt, 60)


def verify(cluster, model):
    with cluster.leader().connect(timeout=60) as c:
        for key, value in model.items():
            assert c.call("GET", key) == value, key
    assert cluster.converged() == sum(value is not None for value in model.values())


def values_of(server):
    return sorted(glob.glob(os.path.join(server.dir, "values", "*.log")))


def test_restarts_and_snapshots():
    rng = random.Random(1)
    model = {}
    with Cluster(options=OPTIONS) as cluster:
        write(cluster, model, rng, 500)
        assert all(values_of(s) for s in cluster.servers)
        verify(cluster, model)
        for s in cluster.servers:
            s.kill()
        for s in cluster.servers:
            s.start()
        verify(cluster, model)
        behind = cluster.followers()[0]
        behind.kill()
        for _ in range(3):
            write(cluster, model, rng, 400)
        for s in cluster.followers():
            eventually("the log is compacted", lambda s=s: s.status()["first-index"] > 1000, 60)
        behind.start()
        verify(cluster, model)
        assert "installed the snapshot" in behind.messages()
        write(cluster, model, rng, 400)
        for s in cluster.servers:  # clean stops
            s.stop()
        for s in cluster.servers:
            s.start()
        verify(cluster, model)


def test_files_do_not_grow_without_bound():
    """45 MB are written; at most 180 kB of them are alive."""
    rng = random.Random(2)
    model = {}
    with Cluster(options=OPTIONS) as cluster:
        for _ in range(40):
            write(cluster, model, rng, 500)
        verify(cluster, model)
        for s in cluster.servers:
            size = sum(os.path.getsize(path) for path in values_of(s))
            numbers = [int(os.path.basename(path)[:20]) for path in values_of(s)]
            print("       server %d: %d files, %d kB; the last is number %d"
                  % (s.id, len(numbers), size // 1000, max(numbers)))
            assert max(numbers) > 400
            assert size < 6e6, size


def stopped_with(server, words):
    eventually("server %d has exited" % server.id, lambda: not server.alive())
    assert any(w in server.messages() for w in words), server.messages()[-500:]


def with_one_old_value(cluster):
    """A follower whose first file holds a key's value, and no entry of its log."""
    cluster.call("MSET", "old", text("old", 1), "old2", text("old", 2))  # too much for the log
    with cluster.leader().connect(timeout=60) as c:
        for _ in range(30):
            for i in range(40):
                c.command("SET", "key%d" % (i % 4), text("key", i))
            assert [c.reply() for _ in range(40)] == ["OK"] * 40
    cluster.converged()
    victim = cluster.followers()[0]
    eventually("the log is compacted", lambda: victim.status()["first-index"] > 600)
    victim.stop()
    return victim, values_of(victim)[0]


def test_damaged_value_is_not_served():
    with Cluster(options=OPTIONS) as cluster:
        victim, path = with_one_old_value(cluster)
        with open(path, "r+b") as f:
            content = f.read()
            at = content.index(b"old:1:")
            f.seek(at + 1000)
            f.write(b"y")
        victim.start()
        eventually("it runs", lambda: victim.call("PING"))
        try:
            found = victim.call("RAFT.LOCAL", "old")
            raise AssertionError("the damaged value was served: %r" % found[:50])
        except (OSError, ValueError):
            pass
        stopped_with(victim, ["is corrupted"])
        assert cluster.call("GET", "old") == text("old", 1)


def test_server_with_a_missing_file_does_not_start():
    with Cluster(options=OPTIONS) as cluster:
        victim, path = with_one_old_value(cluster)
        os.unlink(path)
        victim.start()
        stopped_with(victim, ["which holds values, is missing"])
        assert cluster.call("GET", "old") == text("old", 1)


if __name__ == "__main__":
    main(globals())
