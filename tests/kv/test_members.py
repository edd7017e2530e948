# SPDX-License-Identifier: MIT
"""Members: RAFT.ADD of a voter, RAFT.REPLACE, RAFT.DEMOTE, RAFT.CANCEL, and what refusals say."""
import threading
import time

import linearizable
from harness import LONG_TIMEOUTS, TIMEOUT_FACTOR, Cluster, Error, encode, eventually, main, raises


def roles(cluster):
    return {id: m["role"] for id, m in cluster.leader().status()["members"].items()}


def change(server):
    """What RAFT.STATUS says of the change that is in progress, or of the last one."""
    flat = server.status()["change"]
    return dict(zip(flat[::2], flat[1::2]))


def add_dead(cluster, id, behind=True):
    """Add a standby that stops at once; return it. It lacks an entry if it is to be behind."""
    s = cluster.add_server(id).start()
    assert cluster.call("RAFT.ADD", id, s.address, "standby") == "OK"
    s.kill()
    if behind:
        cluster.call("SET", "after", "1")
    return s


def repeat(cluster, *command):
    """Repeat a command until it succeeds, as an operator does after a change of the leader."""
    def attempt():
        with cluster.leader().connect(timeout=60) as c:
            return c.call(*command) == "OK"
    eventually("%s succeeds" % (command,), attempt, 60)


class Load:
    """Clients that increment, set and read keys through whichever server leads."""

    def __init__(self, cluster, threads=3):
        self.cluster = cluster
        self.history = []
        self.stop = False
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(threads)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        for t in self.threads:
            t.join()

    def call(self, connection, server, kind, key, argument):
        begin = time.monotonic()
        try:
            result = connection.call(*{"set": ("SET", key, argument), "get": ("GET", key),
                                       "incr": ("INCR", key)}[kind])
            known = True
        except Error as e:
            if str(e).split()[0] != "UNKNOWN":
                return  # nothing was done
            result, known = None, False
        except (OSError, ValueError):
            self.history.append(linearizable.Op(key, kind, argument, None, begin, None))
            raise
        end = time.monotonic() if known else None
        self.history.append(linearizable.Op(key, kind, argument, result, begin, end))

    def run(self, number):
        done = 0
        while not self.stop:
            for s in list(self.cluster.servers):
                try:
                    if s.status()["state"] != "leader":
                        continue
                    with s.connect(timeout=5) as c:
                        while not self.stop and s.status()["state"] == "leader":
                            done += 1
                            kind = ("incr", "set", "get")[done % 3]
                            key = "n" if kind == "incr" else "k%d" % (done // 3 % 2)
                            self.call(c, s, kind, key, "%d-%d" % (number, done))
                            time.sleep(0.005)
                except (OSError, ValueError, Error):
                    time.sleep(0.02)

    def check(self, least=50):
        assert sum(o.ret is not None for o in self.history) >= least, len(self.history)
        assert linearizable.check(self.history) == []


def test_a_voter_in_one_command():
    with Cluster(1) as cluster:
        for i in range(100):
            cluster.call("SET", "k%d" % i, i)
        assert change(cluster.leader())["what"] == "none"
        for id in (2, 3):
            s = cluster.add_server(id).start()
            assert cluster.call("RAFT.ADD", id, s.address) == "OK"
            assert roles(cluster)[id] == "voter"
            assert s.call("RAFT.LOCAL", "k99") == "99"  # it has caught up
            assert cluster.call("RAFT.ADD", id, s.address, "voter") == "OK"  # repeated
        assert change(cluster.leader())["last"] == "adding server 3: done"
        assert "adding server 3: it has caught up" in cluster.server(1).messages()
        cluster.leader().kill()
        assert cluster.call("GET", "k42") == "42"


def test_a_dead_server_gets_no_vote():
    """The cluster keeps its quorum, the error says what is now, and the command can be repeated."""
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        s = add_dead(cluster, 4, behind=False)
        with cluster.leader().connect(timeout=60) as c:
            e = raises("ERR server 4 did not catch up", c.call, "RAFT.ADD", 4, s.address)
            raises("ERR", c.call, "RAFT.ADD", 5, "127.0.0.1:1/127.0.0.1:2")  # it never ran
        assert "without a vote" in str(e) and "Repeat" in str(e), e
        assert roles(cluster)[4] == "standby" and roles(cluster).get(5) != "voter"
        cluster.followers()[0].kill()
        assert cluster.call("SET", "a", "2") == "OK"  # two of three, not two of four
        s.start()
        repeat(cluster, "RAFT.ADD", 4, s.address)
        assert roles(cluster)[4] == "voter"
        eventually("server 4 has the data", lambda: s.call("RAFT.LOCAL", "a") == "2")


def test_the_work_outlives_its_client_and_can_be_joined():
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        leader = cluster.leader()
        s = add_dead(cluster, 4)
        with leader.connect() as c:
            c.command("RAFT.ADD", 4, s.address)
            eventually("it catches up", lambda: change(leader)["step"] == "catch-up")
            status = change(leader)
            assert (status["what"], status["id"], status["round"]) == ("add", 4, 1), status
            raises("TRYAGAIN adding server 4 is in progress", leader.call, "RAFT.ADD", 5,
                   "127.0.0.1:1/127.0.0.1:2")
            raises("TRYAGAIN the members cannot be changed now: adding server 4 is in progress",
                   leader.call, "RAFT.REMOVE", cluster.followers()[0].id)
        s.start()  # the client is gone
        with leader.connect() as c:
            assert c.call("RAFT.ADD", 4, s.address) == "OK"
        assert roles(cluster)[4] == "voter"


def test_cancel():
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        leader = cluster.leader()
        raises("ERR no change", leader.call, "RAFT.CANCEL")
        s = add_dead(cluster, 4)
        with leader.connect() as c:
            c.command("RAFT.ADD", 4, s.address)
            eventually("it catches up", lambda: change(leader)["step"] == "catch-up")
            assert leader.call("RAFT.CANCEL") == "OK"
            raises("ERR given up by RAFT.CANCEL", c.reply, True)
        assert sorted(roles(cluster)) == [1, 2, 3]
        add_dead(cluster, 5)
        with leader.connect() as c:
            c.command("RAFT.PROMOTE", 5)
            eventually("it catches up", lambda: change(leader)["step"] == "catch-up")
            assert leader.call("RAFT.CANCEL") == "OK"
            raises("ERR given up", c.reply, True)
        assert roles(cluster)[5] == "standby"  # as before the command
        with leader.connect() as c:  # nothing is left that would stop the next one
            c.command("RAFT.PROMOTE", 5)
            eventually("it catches up", lambda: change(leader)["step"] == "catch-up")


def test_demote():
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        f = cluster.followers()[0]
        assert cluster.call("RAFT.DEMOTE", f.id) == "OK"
        assert roles(cluster)[f.id] == "standby"
        assert cluster.call("RAFT.DEMOTE", f.id, "standby") == "OK"
        assert cluster.call("RAFT.DEMOTE", f.id, "spare") == "OK"
        assert roles(cluster)[f.id] == "spare"
        raises("ERR usage", cluster.call, "RAFT.DEMOTE", f.id, "voter")
        raises("ERR no such member", cluster.call, "RAFT.DEMOTE", 9)
        with cluster.leader().connect() as c:  # the second change waits for the first one
            s = cluster.add_server(4).start()
            c.send(encode("RAFT.DEMOTE", f.id) + encode("RAFT.ADD", 4, s.address))
            assert [c.reply(), c.reply()] == ["OK", "OK"]
        assert roles(cluster)[f.id] == "standby" and roles(cluster)[4] == "voter"
        assert cluster.call("RAFT.PROMOTE", f.id) == "OK"
        assert roles(cluster)[f.id] == "voter"


def test_replace_a_dead_server():
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        dead = cluster.followers()[0]
        dead.kill()
        s = cluster.add_server(4).start()
        with Load(cluster) as load:
            repeat(cluster, "RAFT.REPLACE", dead.id, 4, s.address)
            assert dead.id not in roles(cluster) and roles(cluster)[4] == "voter"
            repeat(cluster, "RAFT.REPLACE", dead.id, 4, s.address)  # repeated: done already
            eventually("there was load", lambda: len(load.history) > 100)
        load.check()
        raises("ERR no such member: %d" % dead.id, cluster.call, "RAFT.REPLACE", dead.id, 5,
               "127.0.0.1:1/127.0.0.1:2")
        dead.start()
        raises("ERR this ID was used before", cluster.call, "RAFT.REPLACE", 4, dead.id,
               dead.address)
        dead.kill()
        raises("ERR the new server needs an ID", cluster.call, "RAFT.REPLACE", 4, 4, s.address)
        assert cluster.converged() > 0


def test_replace_the_leader():
    """It hands leadership over, and the next leader goes on: writes continue well before an
    election timeout has passed."""
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        cluster.call("SET", "a", "1")
        leader = cluster.leader()
        s = cluster.add_server(4).start()
        with Load(cluster) as load, leader.connect(timeout=60) as c:
            raises("MOVED 0 127.0.0.1:", c.call, "RAFT.REPLACE", leader.id, 4, s.address)
            assert cluster.call("RAFT.REPLACE", leader.id, 4, s.address) == "OK"
            end = time.monotonic()
            eventually("writes continue", lambda: len([
                o for o in load.history if o.kind != "get" and o.ret and o.call > end]) > 50)
        load.check()
        assert leader.id not in roles(cluster) and roles(cluster)[4] == "voter"
        writes = sorted(o.ret for o in load.history if o.kind != "get" and o.ret)
        gap = max(b - a for a, b in zip(writes, writes[1:]))
        # The minimal election timeout is 2.5 s.
        assert gap < 2 * TIMEOUT_FACTOR, "no write for %.1f s" % gap
        leader.kill()
        assert cluster.converged() > 0
    with Cluster(1) as cluster:  # no other server could lead meanwhile
        cluster.call("SET", "a", "1")
        s = cluster.add_server(2).start()
        assert cluster.call("RAFT.REPLACE", 1, 2, s.address) == "OK"
        cluster.server(1).kill()
        assert cluster.call("GET", "a") == "1" and roles(cluster) == {2: "voter"}


def test_the_leader_is_killed_during_a_change():
    """The command is repeated at the next leader, and goes on where it stopped."""
    with Cluster(5) as cluster:
        cluster.call("SET", "a", "1")
        with Load(cluster) as load:
            for round, step in enumerate(("join", "catch-up", "commit")):
                leader = cluster.leader()
                old = cluster.followers()[0]
                s = cluster.add_server(10 + round).start()
                command = ["RAFT.ADD", s.id, s.address]
                if round > 0:
                    command = ["RAFT.REPLACE", old.id, s.id, s.address]
                with leader.connect() as c:
                    c.command(*command)
                    deadline = time.monotonic() + 2
                    while time.monotonic() < deadline:  # it may be too quick to be seen
                        now = change(leader)
                        if now["what"] == "none" or now.get("step") == step:
                            break
                leader.kill()
                repeat(cluster, *command)
                assert roles(cluster)[s.id] == "voter"
                assert round == 0 or old.id not in roles(cluster)
                if round > 0:
                    old.kill()
                leader.start()
            eventually("there was load", lambda: len(load.history) > 100)
        load.check()
        assert cluster.call("GET", "a") == "1"
        assert cluster.converged() > 0


def test_refusals_say_what_is_missing():
    with Cluster() as cluster:
        cluster.call("SET", "a", "1")
        leader = cluster.leader()
        dead, healthy = cluster.followers()
        dead.kill()
        eventually("the leader misses it", lambda: "silent" in str(raises(
            "TRYAGAIN too few", leader.call, "RAFT.REMOVE", healthy.id)))
        e = str(raises("TRYAGAIN too few servers", leader.call, "RAFT.REMOVE", healthy.id))
        assert "Of the 2 future voters 2 must be, but only 1 is" in e, e
        assert "%d (silent for " % dead.id in e and "RAFT.REPLACE" in e, e
        e = str(raises("TRYAGAIN that server was silent", leader.call, "RAFT.TRANSFER", dead.id))
        assert "start it" in e, e
        raises("ERR no such member", leader.call, "RAFT.TRANSFER", 9)
        raises("ERR no such member", leader.call, "RAFT.PROMOTE", 9)
        raises("ERR server %d is a member already, at" % healthy.id, leader.call, "RAFT.ADD",
               healthy.id, "127.0.0.1:1/127.0.0.1:2")
        raises("ERR another member has this address", leader.call, "RAFT.ADD", 9, healthy.address)
        assert roles(cluster) == {1: "voter", 2: "voter", 3: "voter"}
    with Cluster(1) as cluster:
        cluster.call("SET", "a", "1")
        raises("ERR the cluster would have no voter", cluster.call, "RAFT.REMOVE", 1)
        raises("ERR the cluster would have no voter", cluster.call, "RAFT.DEMOTE", 1)
        raises("TRYAGAIN no other voter is in contact", cluster.leader().call, "RAFT.TRANSFER")


if __name__ == "__main__":
    main(globals())
