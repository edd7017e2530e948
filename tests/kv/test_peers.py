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


RAFT, IDENTIFY, FOUND = 1, 2, 3  # purposes of a hello


def hello(sender, to, name="test", address="127.0.0.1:1/127.0.0.1:1/%016x" % 7, purpose=RAFT,
          incarnation=None, cluster_id=None, digest=0):
    """The first frame of server `sender`. By default it knows the directory and the cluster of
    server `to`."""
    servers = cluster.servers if cluster is not None else []
    status = next((s.status() for s in servers if s.id == to and s.alive()), None)
    if incarnation is None:
        incarnation = int(status["incarnation"], 16) if status else 1
    if cluster_id is None:
        cluster_id = int(cluster.leader().status()["cluster-id"], 16) if servers else 1
    return frame(b"\x10" + struct.pack("<IQQQQQB", 0x32504b52, sender, to, incarnation, cluster_id,
                                       digest, purpose) +
                 tickets() + string(name) + string(address))


def tickets(run=1, hard=0, log=0):
    """What a server tells of its synced records."""
    return struct.pack("<QQQ", run, hard, log)


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
    answer = s.recv(1000)
    assert answer[8:9] == b"\x11", answer
    return s


def message(kind, version, fields, sender=99, address=b""):
    """A Raft message in the encoding of docs/reference/wire.rst, in a frame."""
    head = struct.pack("<BBBQH", 0x52, kind, version, sender, len(address))
    return frame(b"\x01" + struct.pack("<I", 4 + len(head) + len(address) + len(fields)) + head +
                 address + fields)


def request_vote(term, candidate, version=2, **kwargs):
    return message(3, version, struct.pack("<QQQQBB", term, candidate, 0, 0, 0, 0), **kwargs)


def append_entries(term, prev=0, prev_term=0, commit=0, entries=b"", n=0):
    return message(1, 1, struct.pack("<QQQQI", term, prev, prev_term, commit, n) + entries +
                   struct.pack("<Q", 0))


def healthy(running=3):
    assert sum(s.alive() for s in cluster.servers) == running
    cluster.call("SET", "healthy", "yes")
    assert cluster.call("GET", "healthy") == "yes"


def test_handshake():
    target = cluster.servers[0]
    for data, why in [(hello(99, target.id, name="other"), b"another cluster"),
                      (hello(99, 1234), b"another ID"),
                      (hello(target.id, target.id), b"same ID"),
                      (hello(99, target.id, address="invalid"), b"malformed address"),
                      (hello(99, target.id, address="127.0.0.1:1/127.0.0.1:1"),
                       b"malformed address"),
                      (hello(99, target.id, incarnation=0), b"has another directory"),
                      (hello(99, target.id, incarnation=1), b"has another directory"),
                      (hello(99, target.id, cluster_id=0), b"does not belong to a cluster"),
                      (hello(99, target.id, cluster_id=1), b"another cluster of the same name"),
                      (hello(2, target.id), b"has another directory"),
                      (hello(99, target.id, purpose=IDENTIFY, cluster_id=0), b"another cluster"),
                      (hello(99, target.id, purpose=FOUND, cluster_id=0), b"another cluster")]:
        s = connect(target)
        s.sendall(data)
        answer = receive(s)
        assert answer[8:9] == b"\x12" and why in answer, (answer, why)
    s = connect(target)
    s.sendall(hello(99, target.id, purpose=IDENTIFY))  # who are you?
    answer = receive(s)
    told = target.status()
    assert answer[8:33] == b"\x11" + struct.pack("<QQQ", target.id, int(told["incarnation"], 16),
                                                 int(told["cluster-id"], 16)), answer
    for data in [b"GET / HTTP/1.0\r\n\r\n", hello(0, target.id), frame(b"\x10"),
                 hello(99, target.id, purpose=4), hello(99, target.id, purpose=0),
                 request_vote(5, 2), hello(99, target.id)[:-1] + b"!", frame(b"\x10" * 5000)]:
        s = connect(target)
        s.sendall(data)
        assert receive(s) == b""
    healthy()


def test_random_handshakes():
    """Damaged handshakes, cut or with random bytes, do no harm. Those that leave the ID and the
    directory of the server untouched may be accepted."""
    rng = random.Random(4)
    target = cluster.servers[1]
    whole = hello(99, target.id)[8:]
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(1, len(content))] = rng.choice([0, 1, 255, rng.randint(0, 255)])
        del content[rng.choice([len(content), rng.randrange(1, len(content))]):]
        s = connect(target)
        s.sendall(frame(bytes(content)))
        s.close()
    healthy()


def test_unacceptable_welcomes():
    """A member connects to something that claims to be another member. It refuses what has another
    ID, directory or cluster, and says why."""
    real = cluster.followers()[0]
    told = real.status()
    mine = [real.id, int(told["incarnation"], 16), int(told["cluster-id"], 16)]
    real.kill()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", real.peer_port))
        listener.listen(10)
        listener.settimeout(20)
        for i, why in [(0, b"another ID"), (1, b"another directory"), (2, b"another cluster")]:
            wrong = list(mine)
            wrong[i] ^= 1 << 40
            s = listener.accept()[0]
            s.settimeout(10)
            assert s.recv(1000)[8:9] == b"\x10"  # hello
            s.sendall(frame(b"\x11" + struct.pack("<QQQ", *wrong) + tickets()))
            answer = receive(s)
            assert answer[8:9] == b"\x12" and why in answer, (answer, why)
            s.close()
    real.start()
    healthy()


def test_answer_to_another_directory():
    """A server that the configuration does not name gets its answers on a connection to the address
    in its hello, and only there if it has the directory that it told."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(10)
        listener.settimeout(20)
        address = "127.0.0.1:%d/127.0.0.1:1/%016x" % (listener.getsockname()[1], 7)
        target = cluster.servers[0]
        asking = connect(target)
        asking.sendall(hello(98, target.id, address=address))
        assert asking.recv(1000)[8:9] == b"\x11"
        asking.sendall(request_vote(1, 98, sender=98))  # of an old term: it is answered
        cluster_id = int(target.status()["cluster-id"], 16)
        s = listener.accept()[0]
        s.settimeout(10)
        assert s.recv(1000)[8:9] == b"\x10"  # hello
        s.sendall(frame(b"\x11" + struct.pack("<QQQ", 98, 8, cluster_id) + tickets()))
        answer = receive(s)
        assert answer[8:9] == b"\x12" and b"another directory" in answer, answer
        s.close()
        asking.close()
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
        frame(b"\x01"),
        frame(b"\x01\x01"),
        frame(ok[8:] + b"more"),
        frame(ok[8:-1]),
        frame(ok[8:].replace(b"\x52", b"\x53", 1)),  # another encoding
        append_entries(1, n=1000000000),
        append_entries(1, n=1, entries=entry[:-1]),
        append_entries(1, n=2, entries=entry),
        append_entries(1, n=1, entries=struct.pack("<QBI", 1, 77, 4) + b"abcd"),
        request_vote(1 << 63, 99),
        request_vote(5, 98),  # not the sender
        message(5, 1, struct.pack("<QQQI", 1, 5, 1, 0xffffffff)),
        frame(b"\x15"),
        frame(b"\x15" + b"\0" * 17),
        frame(b"\x16" + b"\0" * 16),
    ]
    for case in cases:
        s = welcomed(target)
        s.sendall(case)
        assert receive(s) == b"", case
    healthy()


def test_messages_that_name_another_sender():
    """A message that names another sender than the handshake closes the connection. The address in
    a message is not used: the answer goes to the address of the handshake."""
    target, other = cluster.servers[0], cluster.servers[1]
    s = welcomed(target)
    s.sendall(request_vote(1, 99, address=b"127.0.0.1:9/127.0.0.1:9"))
    eventually("the answer is on its way",
               lambda: "server 99 at 127.0.0.1:1/" in target.messages())
    assert "at 127.0.0.1:9" not in target.messages()
    s.sendall(frame(b"\x13" + tickets()))
    assert s.recv(100)[8:9] == b"\x14"
    assert "names another sender" not in target.messages()
    s.sendall(request_vote(1, other.id, sender=other.id))
    assert receive(s) == b""
    eventually("the log says why",  # later, because such lines are limited
               lambda: "server 99: a message names another sender" in target.messages())
    healthy()


def memory(server):
    """The largest resident size of a server so far, in bytes."""
    with open("/proc/%d/status" % server.process.pid) as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def test_large_frames_take_no_memory():
    """A frame that states a length beyond the limit is refused before memory is allocated for it,
    and so is a message that states more entries than it has."""
    target = cluster.servers[0]
    before = memory(target)
    for _ in range(20):
        for length in [8 * 1024 * 1024 + 1, 1 << 30, 0xffffffff]:
            s = welcomed(target)
            s.sendall(struct.pack("<II", length, 0) + b"x" * 1000)
            assert receive(s) == b""
        s = welcomed(target)
        s.sendall(append_entries(1, n=0xffffffff, entries=b"x" * 1000))
        assert receive(s) == b""
    assert memory(target) < before + 8 * 1024 * 1024, (before, memory(target))
    healthy()


def test_random_frames():
    """Well-formed messages with random fields do no harm. They are sent with term 0, so that they
    cannot raise the cluster's term."""
    rng = random.Random(3)
    target = cluster.servers[1]
    for _ in range(200):
        s = welcomed(target)
        fields = b"\0" * 8 + bytes(rng.choice([0, 0, 0, 1, 255, rng.randint(0, 255)])
                                   for _ in range(rng.randint(0, 80)))
        s.sendall(message(rng.randint(1, 7), rng.randint(0, 3), fields))
        s.close()
    healthy()


def test_pings_are_answered():
    s = welcomed(cluster.servers[0])
    for _ in range(3):
        s.sendall(frame(b"\x13" + tickets()))
        answer = s.recv(100)
        assert len(answer) == 33 and answer[8:9] == b"\x14", answer
    s.sendall(frame(b"\x13!"))  # malformed
    assert receive(s) == b""
    s.close()


def test_slow_and_silent_connections():
    target = cluster.servers[0]
    silent = connect(target)
    slow = connect(target)
    for byte in hello(99, target.id):
        slow.sendall(bytes([byte]))
    assert slow.recv(1000)[8:9] == b"\x11"
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
