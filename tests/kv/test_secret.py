# SPDX-License-Identifier: MIT
"""The option --secret-file: a server without the secret cannot take part, and what is changed on
the way between two servers is not used."""
import base64
import os
import socket
import struct
import tempfile
import threading

from harness import Cluster, Server, eventually, free_ports, main
from test_peers import connect, frame, receive

HEAD = 8
AUTHENTICATED = "cannot be authenticated"


def secret_file(directory, name="secret", text=None, mode=0o600):
    path = os.path.join(directory, name)
    with open(path, "wb") as f:
        f.write(base64.b64encode(os.urandom(32)) + b"\n" if text is None else text)
    os.chmod(path, mode)
    return path


def secret_cluster(**kwargs):
    """A cluster, not started, whose servers share a secret."""
    cluster = Cluster(start=False, **kwargs)
    path = secret_file(cluster.root)
    for s in cluster.servers:
        s.options += ["--secret-file", path]
    return cluster


def start(cluster):
    for s in cluster.servers:
        s.start()
    cluster.call("SET", "k", "v")


def start_without_last(cluster):
    """Start the servers, then stop server 3, so that another one leads. Return server 3."""
    start(cluster)
    cluster.converged()
    last = cluster.servers[2]
    last.kill()
    cluster.leader()
    return last


def shut(s):
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Meddler:
    """A proxy in front of one server's port. `meddle` gets the direction ("to" or "from" the
    server), the number of the frame in this direction of its connection, from 0, and the frame. It
    returns the bytes to forward. `recorded` has all frames by direction. Frames 0 and 1 exchange
    keys; the next one is the handshake's."""

    def __init__(self, target):
        self.target = target
        self.meddle = lambda direction, number, data: data
        self.recorded = {"to": [], "from": []}
        self.sockets = []
        self.port, = free_ports(1)
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.disconnect()
        for s in self.sockets:
            s.close()

    def disconnect(self):
        """End all connections; the servers make them anew."""
        for s in self.sockets:
            shut(s)

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.sockets += [near, far]
            for source, sink, direction in [(near, far, "to"), (far, near, "from")]:
                threading.Thread(target=self.pump, args=(source, sink, direction),
                                 daemon=True).start()

    def pump(self, source, sink, direction):
        number = 0
        try:
            with source.makefile("rb") as f:
                while True:
                    head = f.read(HEAD)
                    if len(head) < HEAD:
                        break
                    data = head + f.read(struct.unpack("<I", head[:4])[0])
                    self.recorded[direction].append(data)
                    sink.sendall(self.meddle(direction, number, data))
                    number += 1
        except (OSError, ValueError):
            pass
        shut(source)
        shut(sink)


def cluster_behind(make=secret_cluster, **kwargs):
    """A cluster, not started; the other servers reach server 3 through a Meddler."""
    cluster = make(**kwargs)
    last = cluster.servers[2]
    proxy = Meddler(last.peer_port)
    address = "127.0.0.1:%d/127.0.0.1:%d" % (proxy.port, last.port)
    last.options += ["--advertise", address]
    for s in cluster.servers:
        s.bootstrap = s.bootstrap.replace(last.address, address)
    return cluster, proxy


def test_cluster_with_a_secret():
    with secret_cluster() as cluster:
        start(cluster)
        for i in range(50):
            cluster.call("SET", "k%d" % i, "v" * i)
        cluster.call("SET", "large", "x" * 1000000)
        assert cluster.converged() == 52
        follower = cluster.followers()[0]
        follower.kill()
        cluster.call("SET", "large2", "y" * 1000000)
        follower.start()
        eventually("the follower is up to date",
                   lambda: follower.call("RAFT.LOCAL", "large2") == "y" * 1000000)
        for s in cluster.servers:
            assert "authenti" not in s.messages(), s.messages()


def test_values_are_not_readable():
    """With a secret, neither values nor the cluster's name are readable on the way. Without one
    they are."""
    for make in [secret_cluster, lambda **kwargs: Cluster(start=False, **kwargs)]:
        cluster, proxy = cluster_behind(make, name="cluster-name")
        with cluster, proxy:
            start_without_last(cluster).start()
            cluster.call("SET", "key", "a-conspicuous-value" * 100)
            eventually("server 3 has the value",
                       lambda: cluster.servers[2].call("RAFT.LOCAL", "key"))
            data = b"".join(proxy.recorded["to"] + proxy.recorded["from"])
            readable = make is not secret_cluster
            for text in [b"a-conspicuous", b"cluster-name"]:
                assert (text in data) == readable, (text, readable)


def test_other_secrets():
    """A server with another secret, or with none while the others have one, takes no part. Both
    sides say why. With the right secret it does."""
    with secret_cluster() as cluster:
        last = start_without_last(cluster)
        others = cluster.servers[:2]
        options = last.options
        wrong = secret_file(cluster.root, "wrong")
        cluster.call("SET", "k", "new")
        for arguments, own_line, others_line in [
                (["--secret-file", wrong], AUTHENTICATED, AUTHENTICATED),
                ([], "only the accepting server has a --secret-file",
                 "only the connecting server has a --secret-file")]:
            last.options = options[:-2] + arguments
            last.start()
            eventually("server 3 says why", lambda: own_line in last.messages())
            eventually("the others say why",
                       lambda: any("server 3" in line and others_line in line
                                   for s in others for line in s.messages().splitlines()))
            assert last.status()["leader"] == 0
            assert last.call("RAFT.LOCAL", "k") != "new"
            last.kill()
        last.options = options
        last.start()
        eventually("server 3 follows", lambda: last.call("RAFT.LOCAL", "k") == "new")
        for s in others:  # no line is repeated for each attempt to connect
            lines = [line for line in s.messages().splitlines() if "server 3 at" in line]
            assert len(lines) == len(set(lines)), lines


def test_connections_by_hand():
    """What somebody without the secret can send to a server that has one."""
    with secret_cluster() as cluster:
        start(cluster)
        target = cluster.servers[0]
        plain_hello = frame(b"\x10" + b"x" * 60)
        key = frame(b"\x1e" + struct.pack("<I", 0x31534b52) + os.urandom(64))
        answer = connect(target)
        answer.sendall(plain_hello * 2)
        assert b"only the accepting server has a --secret-file" in receive(answer)
        for data in [key + frame(b"\x1f" + os.urandom(41)),  # a proof without the secret
                     key + plain_hello, key + key, frame(b"\x1f" + os.urandom(41)),
                     frame(b"\x1e" + struct.pack("<I", 0x31534b52) + b"\0" * 64),
                     frame(b"\x1e" + os.urandom(68)), frame(b"\x1e"), frame(b"\x13"),
                     frame(b"\x1e" * 5000), os.urandom(1000)]:
            s = connect(target)
            s.sendall(data)
            assert b"\x11" not in receive(s)[HEAD:HEAD + 1], data
        assert AUTHENTICATED in target.messages()
        cluster.call("SET", "k", "w")
        assert all(s.alive() for s in cluster.servers)


def flip(recorded, data):
    """In the encrypted content."""
    return data[:HEAD] + bytes([data[HEAD] ^ 1]) + data[HEAD + 1:]


def flip_head(recorded, data):
    return data[:5] + bytes([data[5] ^ 1]) + data[6:]


def flip_key(recorded, data):
    return frame(data[HEAD:-1] + bytes([data[-1] ^ 1]))


def repeat(recorded, data):
    return data + data


def replay(recorded, data):
    """A frame of an earlier connection."""
    return recorded["to"][4]


def leave_out(recorded, data):
    return b""


def send_back(recorded, data):
    return recorded["from"][-1]


def cut(recorded, data):
    raise OSError("cut")


FORGED = "a frame is not authentic"


def test_meddling():
    """Each kind of change on the way closes the connection, and nothing that was changed is used.
    When nothing is changed any more, server 3 catches up."""
    cluster, proxy = cluster_behind()
    with cluster, proxy:
        last = start_without_last(cluster)
        cluster.call("SET", "k", "0")
        last.start()
        eventually("server 3 follows", lambda: last.call("RAFT.LOCAL", "k") == "0")

        def count(line):
            return sum(s.messages().count(line) for s in cluster.servers)

        cases = [(flip, "to", 4, FORGED), (flip_head, "to", 4, FORGED), (repeat, "to", 4, FORGED),
                 (replay, "to", 4, FORGED), (leave_out, "to", 4, FORGED),
                 (send_back, "to", 4, FORGED), (flip, "from", 3, FORGED), (cut, "to", 4, None),
                 (flip_key, "to", 0, AUTHENTICATED), (flip_key, "from", 0, AUTHENTICATED)]
        for value, (change, direction, number, line) in enumerate(cases, 1):
            what = "%s, %s" % (change.__name__, direction)
            changed = []

            def meddle(d, n, data):
                if (d, n) != (direction, number):
                    return data
                changed.append(n)
                return change(proxy.recorded, data)

            lines = count(line or "")
            proxy.meddle = meddle
            proxy.disconnect()
            cluster.call("SET", "k", str(value))
            eventually("frames were changed: " + what, lambda: changed)
            if line is not None:
                eventually("a line says why: " + what, lambda: count(line) > lines)
            proxy.meddle = lambda d, n, data: data
            eventually("server 3 catches up after: " + what,
                       lambda: last.call("RAFT.LOCAL", "k") == str(value))
        assert cluster.converged() == 1


def test_secret_files():
    """A file that cannot serve as a secret ends the process with a message that says why."""
    with tempfile.TemporaryDirectory() as root:
        cases = [(secret_file(root, "a", mode=0o644), "run: chmod 600 "),
                 (secret_file(root, "b", mode=0o640), "run: chmod 600 "),
                 (secret_file(root, "c", b"x" * 31 + b"\n"), "shorter than 32 bytes"),
                 (secret_file(root, "d", b""), "shorter than 32 bytes"),
                 (secret_file(root, "e", b"x" * 5000), "longer than"),
                 (os.path.join(root, "none"), "No such file"),
                 (root, "not a regular file")]
        for path, why in cases:
            s = Server(root, 1, "test", ["--secret-file", path]).start()
            assert s.wait_exit() == 1
            text = s.messages()
            assert "--secret-file: %s: " % path in text and why in text, text
            os.remove(s.log)
        s = Server(root, 1, "test", ["--secret-file", secret_file(root, "f", b"x" * 32)]).start()
        eventually("the server runs", lambda: s.call("PING"))
        s.kill()


if __name__ == "__main__":
    main(globals())
