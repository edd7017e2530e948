# SPDX-License-Identifier: MIT
"""The port for other servers: malformed, foreign and slow connections do no harm."""
import random
import socket
import struct

from harness import Cluster, Server, eventually, main

cluster = None


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def frame(content):
    return struct.pack("<II", len(content), crc32c(content)) + content


def string(text):
    return struct.pack("<H", len(text)) + text.encode() + b"\0"


def hello(sender, to, name="test", address="127.0.0.1:1/127.0.0.1:1"):
    return frame(b"\x10" + struct.pack("<IQQ", 0x31504b52, sender, to) + string(name) +
                 string(address))


def connect(server):
    s = socket.create_connection(("127.0.0.1", server.peer_port), timeout=10)
    return s


def receive(s):
    """Return all bytes received until the server closes the connection."""
    data = b""
    try:
        while True:
            more = s.recv(65536)
            if not more:
                return data
            data += more
    except ConnectionError:
        return data


def welcomed(server, sender=99):
    s = connect(server)
    s.sendall(hello(sender, server.id))
    answer = s.recv(9)
    assert answer[8:] == b"\x11", answer
    return s


def request_vote(term, candidate, version=2):
    return frame(b"\x03" + struct.pack("<BQQQQBB", version, term, candidate, 0, 0, 0, 0))


def append_entries(term, prev=0, prev_term=0, commit=0, entries=b"", n=0):
    return frame(b"\x01" + struct.pack("<BQQQQQI", 1, term, prev, prev_term, commit, 0, n) +
                 entries)


def healthy(running=3):
    assert sum(s.alive() for s in cluster.servers) == running
    cluster.call("SET", "healthy", "yes")
    assert cluster.call("GET", "healthy") == "yes"


def test_handshake():
    target = cluster.servers[0]
    for data, why in [(hello(99, target.id, name="other"), b"another cluster"),
                      (hello(99, 1234), b"another ID"),
                      (hello(target.id, target.id), b"same ID"),
                      (hello(99, target.id, address="invalid"), b"malformed address")]:
        s = connect(target)
        s.sendall(data)
        answer = receive(s)
        assert answer[8:9] == b"\x12" and why in answer, (answer, why)
    for data in [b"GET / HTTP/1.0\r\n\r\n", hello(0, target.id), frame(b"\x10"),
                 request_vote(5, 2), hello(99, target.id)[:-1] + b"!", frame(b"\x10" * 5000)]:
        s = connect(target)
        s.sendall(data)
        assert receive(s) == b""
    healthy()


def test_malformed_messages_close_the_connection():
    target = cluster.servers[0]
    ok = append_entries(0)
    broken_crc = bytearray(request_vote(1, 99))
    broken_crc[5] ^= 1
    entry = struct.pack("<QBI", 1, 1, 4) + b"abcd"
    cases = [
        bytes(broken_crc),
        struct.pack("<II", 0, 0),
        struct.pack("<II", 1 << 31, 0),
        frame(b"\x00"),
        frame(b"\x63abc"),
        frame(b"\x01\x01"),
        frame(ok[8:] + b"more"),
        append_entries(1, n=1000000000),
        append_entries(1, n=1, entries=entry[:-1]),
        append_entries(1, n=2, entries=entry),
        append_entries(1, n=1, entries=struct.pack("<QBI", 1, 77, 4) + b"abcd"),
        request_vote(1 << 63, 99),
        request_vote(5, 98),  # not the sender
        frame(b"\x05" + struct.pack("<BQQQI", 1, 1, 5, 1, 0xffffffff)),
        frame(b"\x15"),
        frame(b"\x15" + b"\0" * 17),
        frame(b"\x16" + b"\0" * 16),
    ]
    for case in cases:
        s = welcomed(target)
        s.sendall(case)
        assert receive(s) == b"", case
    healthy()


def test_random_frames():
    """Well-formed frames with random content do no harm. They are sent with term 0, so that they
    cannot raise the cluster's term."""
    rng = random.Random(3)
    target = cluster.servers[1]
    for _ in range(200):
        s = welcomed(target)
        body = bytes([rng.randint(1, 6), rng.randint(0, 3)]) + b"\0" * 8
        body += bytes(rng.choice([0, 0, 0, 1, 255, rng.randint(0, 255)])
                      for _ in range(rng.randint(0, 80)))
        s.sendall(frame(body))
        s.close()
    healthy()


def test_pings_are_answered():
    s = welcomed(cluster.servers[0])
    for _ in range(3):
        s.sendall(frame(b"\x13"))
        assert s.recv(9) == frame(b"\x14")
    s.sendall(frame(b"\x13!"))  # a ping has no content
    assert receive(s) == b""
    s.close()


def question(number):
    """A follower's question for a read index."""
    return frame(b"\x15" + struct.pack("<QQ", number, 0))


def answer(s):
    """The number and the read index of an answer."""
    data = b""
    while len(data) < 25:
        more = s.recv(25 - len(data))
        assert more
        data += more
    assert data[:9] == frame(data[8:])[:9] and data[8:9] == b"\x16", data
    return struct.unpack("<QQ", data[9:])


def test_questions_for_a_read_index():
    cluster.call("SET", "k", "v")
    leader, follower = cluster.leader(), cluster.followers()[0]
    commit = leader.status()["commit-index"]
    s = welcomed(leader)
    for number in (7, 7, 2**64 - 1):
        s.sendall(question(number))
        got = answer(s)
        assert got[0] == number and got[1] >= commit, (got, commit)
    s.sendall(question(1) * 1500)  # more than may be pending: each is answered, some without index
    numbers = [answer(s) for _ in range(1500)]
    assert all(n == 1 and (i == 0 or i >= commit) for n, i in numbers)
    assert any(i >= commit for _, i in numbers)
    s.sendall(question(1) * 100)
    s.close()
    s = welcomed(follower)
    s.sendall(question(9))
    assert answer(s) == (9, 0)  # it does not lead
    s.close()
    healthy()


def test_slow_and_silent_connections():
    target = cluster.servers[0]
    silent = connect(target)
    slow = connect(target)
    for byte in hello(99, target.id):
        slow.sendall(bytes([byte]))
    assert slow.recv(9)[8:] == b"\x11"
    assert receive(silent) == b""  # the server closes it after its handshake timeout
    many = [connect(target) for _ in range(300)]
    healthy()
    for s in many:
        s.close()
    healthy()


def test_server_of_another_cluster():
    """A server of another cluster that runs at a member's addresses is refused, and its log says
    why."""
    with Cluster(1, start=False) as other:
        foreign = Server(other.root, 3, "other", cluster.options)
        other.servers.append(foreign)
        real = cluster.server(3)
        real.kill()
        foreign.port, foreign.peer_port = real.port, real.peer_port
        foreign.bootstrap = real.bootstrap
        foreign.start()
        eventually("the log of the foreign server says why",
                   lambda: "another cluster" in foreign.messages())
        healthy(2)
        assert foreign.status()["state"] != "leader"
        foreign.kill()
        real.start()
        eventually("the member has the data",
                   lambda: real.call("RAFT.LOCAL", "healthy") == "yes")
        assert cluster.converged() > 0


def test_directory_of_another_server_is_refused():
    first = cluster.server(1)
    first.kill()
    for id, name, why in [(2, "test", "belongs to server 1"), (1, "other", "belongs to server 1")]:
        wrong = Server(cluster.root, id, name)
        wrong.dir, wrong.log = first.dir, first.log + ".wrong"
        wrong.start()
        assert wrong.wait_exit() == 1
        assert why in wrong.messages(), wrong.messages()
    first.start()
    second = Server(cluster.root, 1, "test")
    second.dir, second.log = first.dir, first.log + ".second"
    eventually("the first server runs", lambda: first.call("PING"))
    second.start()
    assert second.wait_exit() == 1
    assert "lock" in second.messages().lower()
    healthy()


def test_sigterm_stops_every_server():
    for s in cluster.servers:
        s.stop()


if __name__ == "__main__":
    with Cluster() as cluster:
        healthy()
        main(globals())
