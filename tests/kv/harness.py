# SPDX-License-Identifier: MIT
"""Servers, connections and assertions for the tests of raft-kv. Standard library only.

Environment: RAFT_KV is the server program, KV_DISK_FAULTS the fault injection library built from
disk_faults.c, KV_TIMEOUT_FACTOR multiplies all timeouts.
"""
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

RAFT_KV = os.environ.get("RAFT_KV", "raft-kv")
DISK_FAULTS = os.environ.get("KV_DISK_FAULTS", "")
TIMEOUT_FACTOR = float(os.environ.get("KV_TIMEOUT_FACTOR", "1"))


# The host of a port, where it is not this one: of servers in network namespaces.
HOSTS = {}


class Error(Exception):
    """An error reply from the server."""


class Connection:
    """A client connection that speaks the Redis protocol (RESP)."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection((HOSTS.get(port, "127.0.0.1"), port),
                                               timeout * TIMEOUT_FACTOR)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def command(self, *args):
        self.send(encode(*args))

    def reply(self, strict=False):
        """Read the next reply. An error reply is raised as Error if `strict`, else returned."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode(errors="surrogateescape")
        if kind == b"-":
            if strict:
                raise Error(rest.decode(errors="surrogateescape"))
            return Error(rest.decode(errors="surrogateescape"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            data = self.file.read(int(rest) + 2)
            if len(data) != int(rest) + 2:
                raise ConnectionError("connection closed")
            return data[:-2].decode(errors="surrogateescape")
        if kind in b"*~":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        if kind == b"%":  # this and the next two: version 3 of the protocol
            return {self.reply(): self.reply() for _ in range(int(rest))}
        if kind == b"_":
            return None
        if kind == b"=":
            return self.file.read(int(rest) + 2)[4:-2].decode()
        raise ValueError("not a RESP reply: %r" % line)

    def call(self, *args):
        self.command(*args)
        return self.reply(strict=True)


def encode(*args):
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        data = arg if isinstance(arg, bytes) else str(arg).encode(errors="surrogateescape")
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


given_ports = set()


def free_ports(n):
    """Return `n` TCP ports that are free now. None is returned twice: a server that has not started
    does not hold its port yet. The kernel does not give these numbers to connections."""
    ports = []
    while len(ports) < n:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given_ports:
            given_ports.add(port)
            ports.append(port)
    return ports


def eventually(what, condition, seconds=15):
    """Wait until `condition()` returns a true value and return that. Connection errors and error
    replies count as false. `what` names the condition in the failure message."""
    deadline = time.monotonic() + seconds * TIMEOUT_FACTOR
    while True:
        try:
            value = condition()
            if value:
                return value
        except (OSError, Error, ValueError):
            pass
        if time.monotonic() > deadline:
            raise AssertionError("timed out waiting until " + what)
        time.sleep(0.02)


# How the sanitizers' reports begin in a server's log.
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ")

# For tests that need the same leader throughout, also on a busy machine.
LONG_TIMEOUTS = ["--election-timeout", "2500", "--heartbeat", "100"]


class Server:
    """A server process and its directory. `options` are additional command-line options."""

    def __init__(self, root, id, cluster="test", options=(), env=None):
        self.id = id
        self.dir = os.path.join(root, "server%d" % id)
        self.log = os.path.join(root, "server%d.log" % id)
        self.cluster = cluster
        self.options = list(options)
        self.env = dict(env or {})
        self.port, self.peer_port = free_ports(2)
        self.process = None
        self.bootstrap = None
        self.preexec = None
        self.prefix = []  # of the command

    @property
    def address(self):
        host = HOSTS.get(self.port, "127.0.0.1")
        return "%s:%d/%s:%d" % (host, self.peer_port, host, self.port)

    def start(self):
        peers, clients = self.address.split("/")
        command = [*self.prefix, RAFT_KV, "--id", str(self.id), "--dir", self.dir,
                   "--cluster", self.cluster, "--disk-reserve", "16",
                   "--listen", clients, "--peer-listen", peers] + self.options
        if self.bootstrap:
            command += ["--bootstrap", self.bootstrap]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log,
                                            stdin=subprocess.DEVNULL,
                                            env={**os.environ, **self.env},
                                            preexec_fn=self.preexec)
        return self

    def kill(self, sig=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(sig)
            self.process.wait()
            self.process = None

    def stop(self):
        """Send SIGTERM; the server must exit with status 0. A leak reported by a sanitizer would
        change the status."""
        self.process.send_signal(signal.SIGTERM)
        code = self.wait_exit()
        assert code == 0, "server %d exited with status %d after SIGTERM" % (self.id, code)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def wait_exit(self, seconds=15):
        """Wait until the server exits by itself; return its exit status."""
        code = self.process.wait(timeout=seconds * TIMEOUT_FACTOR)
        self.process = None
        return code

    def messages(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def connect(self, timeout=10):
        return Connection(self.port, timeout)

    def call(self, *args):
        with self.connect() as c:
            return c.call(*args)

    def status(self):
        flat = self.call("RAFT.STATUS")
        status = dict(zip(flat[::2], flat[1::2]))
        status["members"] = {m["id"]: m for m in
                             (dict(zip(x[::2], x[1::2])) for x in status["members"])}
        return status


class Cluster:
    """The servers of a cluster, in a temporary directory."""

    def __init__(self, n=3, options=(), fast=True, name="test", env=None, start=True):
        self.root = tempfile.mkdtemp(prefix="raft-kv-")
        self.servers = []
        self.name = name
        self.options = list(options)
        if fast:
            self.options += ["--election-timeout", "600", "--heartbeat", "60"]
        for id in range(1, n + 1):
            self.servers.append(Server(self.root, id, name, self.options, env))
        bootstrap = ",".join("%d=%s" % (s.id, s.address) for s in self.servers)
        for s in self.servers:
            s.bootstrap = bootstrap
            if start:
                s.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for s in self.servers:
            s.kill()
        logs = [(s, s.messages()) for s in self.servers if os.path.exists(s.log)]
        reports = [s for s, text in logs if SANITIZER.search(text)]
        if kind is not None or reports:  # the test failed: show the servers' logs
            for s, text in logs:
                print("--- %s\n%s" % (os.path.basename(s.log), text[-3000:]))
        shutil.rmtree(self.root, ignore_errors=True)
        assert not reports or kind is not None, "a sanitizer reported an error in %s" % (
            ", ".join("server %d" % s.id for s in reports))

    def add_server(self, id, **kwargs):
        """Create a server, not started and not a member yet."""
        s = Server(self.root, id, self.name, self.options, **kwargs)
        self.servers.append(s)
        return s

    def server(self, id):
        return next(s for s in self.servers if s.id == id)

    def leader(self):
        """Wait for a leader and return it: the one with the highest term if several claim to be."""
        def find():
            best = None
            for s in self.servers:
                if s.alive():
                    try:
                        status = s.status()
                    except (OSError, Error, ValueError):
                        continue
                    if status["state"] == "leader" and (best is None or
                                                        status["term"] > best[1]):
                        best = (s, status["term"])
            return best and best[0]
        return eventually("there is a leader", find)

    def followers(self):
        leader = self.leader()
        return [s for s in self.servers if s is not leader and s.alive()]

    def call(self, *args):
        """Run a command on the leader, as a cluster-aware client does: it is retried after errors
        that say that nothing was done."""
        result = []

        def attempt():
            try:
                result.append(self.leader().call(*args))
            except Error as e:
                if str(e).split()[0] not in ("MOVED", "CLUSTERDOWN", "TRYAGAIN"):
                    result.append(e)
            return result
        eventually("the leader replies to %s" % (args,), attempt)
        if isinstance(result[0], Error):
            raise result[0]
        return result[0]

    def converged(self, seconds=20):
        """Wait until all running servers hold the same data; return the number of keys."""
        def same():
            digests = [s.call("RAFT.DIGEST") for s in self.servers if s.alive()]
            commit = self.leader().status()["commit-index"]
            return (len({tuple(d) for d in digests}) == 1 and digests[0][0] == commit
                    and digests)
        return eventually("all servers hold the same data", same, seconds)[0][1]


def raises(prefix, function, *args):
    """Check that `function` raises an Error whose text begins with `prefix`; return the Error."""
    try:
        result = function(*args)
    except Error as e:
        assert str(e).startswith(prefix), "%r does not begin with %r" % (str(e), prefix)
        return e
    raise AssertionError("expected an error, got the reply %r" % (result,))


def main(names):
    """Run the test_ functions in `names`, or only those named on the command line."""
    tests = [(k, v) for k, v in names.items() if k.startswith("test_") and callable(v)]
    wanted = [a for a in sys.argv[1:] if not a.startswith("-")]
    failed = 0
    for name, test in tests:
        if wanted and name not in wanted:
            continue
        begin = time.monotonic()
        try:
            test()
            verdict = "ok    "
        except Exception:
            traceback.print_exc(file=sys.stdout)
            verdict = "FAILED"
            failed += 1
        print("%s %s (%.1f s)" % (verdict, name, time.monotonic() - begin), flush=True)
    print("%d failed" % failed)
    if failed:
        raise SystemExit(1)
