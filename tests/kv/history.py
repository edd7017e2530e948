# SPDX-License-Identifier: MIT
"""Clients that record what they do, and the judgement of their histories."""
import random
import threading
import time

from harness import Connection, Error
from linearizable import Op, check


class RecordingClient(threading.Thread):
    """Records its operations, except those that certainly had no effect. A subclass has choose(),
    which returns the key, kind and argument of the next operation (see Op) and its command."""

    def __init__(self, cluster, seed, server=None):
        super().__init__(daemon=True)
        self.cluster, self.server = cluster, server  # server: stay with this one
        self.rng = random.Random(seed)
        self.history = []
        self.stopping = False
        self.connection = None
        self.port = (server or self.rng.choice(cluster.servers)).port

    def connected(self):
        """The connection is new."""

    def is_result(self, error):
        """True if this error is what the command is to return; it is recorded as "error"."""
        return False

    def pause(self):
        """Between two operations."""

    def elsewhere(self, port=None):
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self.server is None:
            self.port = port or self.rng.choice(self.cluster.servers).port

    def attempt(self, key, kind, argument, command):
        try:
            if self.connection is None:
                self.connection = Connection(self.port, timeout=2)
                self.connected()
        except (OSError, Error, ValueError):
            self.elsewhere()
            time.sleep(0.02)
            return
        call = time.monotonic()
        try:
            result = self.connection.call(*command)
            self.history.append(Op(key, kind, argument, result, call, time.monotonic()))
        except Error as e:
            code, *rest = str(e).split()
            if self.is_result(rest):
                self.history.append(Op(key, kind, argument, "error", call, time.monotonic()))
            elif code == "UNKNOWN":
                self.history.append(Op(key, kind, argument, None, call, None))
            elif code == "MOVED":
                self.elsewhere(int(rest[1].rsplit(":", 1)[1]))
            elif code in ("CLUSTERDOWN", "TRYAGAIN"):
                self.elsewhere()
            else:
                raise
            time.sleep(0.01)
        except (OSError, ValueError):
            self.history.append(Op(key, kind, argument, None, call, None))
            self.elsewhere()

    def run(self):
        while not self.stopping:
            self.attempt(*self.choose())
            self.pause()


def run_while(clients, disturb):
    """Run the clients while `disturb()` runs; return the history of all of them."""
    for c in clients:
        c.start()
    try:
        disturb()
    finally:
        for c in clients:
            c.stopping = True
        for c in clients:
            c.join(30)
    return [op for c in clients for op in c.history]


def several(group, kind, name, places, values=None):
    """A command on the keys at these places of a group, as choose() returns it."""
    values = tuple(values or [None] * len(places))
    command = [name]
    for place, value in zip(places, values):
        command += [group[place]] if value is None else [group[place], value]
    return group, kind, (tuple(places), values), command


def final_reads(cluster, history):
    """Read every key once more, and those of a group at once."""
    reads = []
    for key in sorted({op.key for op in history}, key=str):
        many = several(key, "mget", "MGET", range(len(key))) if isinstance(key, tuple) else None
        _, kind, argument, command = many or (key, "get", None, ["GET", key])
        call = time.monotonic()
        value = cluster.call(*command)
        reads.append(Op(key, kind, argument, value, call, time.monotonic()))
    return reads


def reads_by_server(clients):
    """How many operations the clients of each server have completed."""
    reads = {c.server.id: 0 for c in clients if c.server}
    for c in clients:
        if c.server:
            reads[c.server.id] += sum(op.ret is not None for op in c.history)
    return reads


def assert_linearizable(history):
    bad = check(history)
    for key in bad[:2]:
        for op in sorted((o for o in history if o.key == key), key=lambda o: o.call):
            print("       ", op)
    assert not bad, "not linearizable: %s" % bad
