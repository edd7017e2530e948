# SPDX-License-Identifier: MIT
"""Clients that misbehave do not harm the server: bounded memory, timeouts."""
import glob
import re
import signal
import socket
import threading
import time

from harness import (Cluster, Connection, Error, LONG_TIMEOUTS, TIMEOUT_FACTOR, encode, eventually,
                     main, raises)

MIB = 1024 * 1024
BIG = b"v" * MIB
# README.md: the limit, two replies and a command may exceed it, and the rest of the process.
MEMORY = (256 + 2 * 32 + 8 + 64) * MIB


def memory(server, name="VmHWM"):
    """Memory of the process in bytes: by default the highest that was resident."""
    with open("/proc/%d/status" % server.process.pid) as f:
        return int(re.search(name + r":\s*(\d+) kB", f.read()).group(1)) * 1024


def check_memory(server):
    if TIMEOUT_FACTOR == 1:  # sanitizers need more
        used = memory(server)
        assert used < MEMORY, "%d MiB" % (used // MIB)


def open_clients(server, n):
    return [Connection(server.port) for _ in range(n)]


def send_all(clients, data):
    """Send as much as the server takes."""
    for c in clients:
        c.socket.settimeout(0.01)
        try:
            c.socket.sendall(data)
        except OSError:
            pass  # not taken, or closed


class Unfinished:
    """Clients that send as much of a command as the server takes."""

    def __init__(self, clients, data):
        self.left = {c: memoryview(data) for c in clients}
        for c in clients:
            c.socket.setblocking(False)

    def send(self):
        for c, data in self.left.items():
            try:
                self.left[c] = data[c.socket.send(data):] if data else data
            except BlockingIOError:
                pass
            except OSError:
                self.left[c] = data[:0]  # closed


def send_later(connection, data):
    """Send from a thread, so that the caller can read replies meanwhile."""
    connection.socket.settimeout(60)
    thread = threading.Thread(target=connection.send, args=(data,), daemon=True)
    thread.start()
    return thread


def processor_waits(servers):
    """Seconds that all threads of the servers, and this one, were ready and had no processor: much
    on a busy machine, and nothing on an idle one."""
    total = 0
    threads = ["/proc/thread-self"]
    for s in servers:
        threads += glob.glob("/proc/%d/task/*" % s.process.pid)
    for path in threads:
        try:
            with open(path + "/schedstat") as f:
                total += int(f.read().split()[1]) / 1e9
        except OSError:
            pass  # the thread has ended, or the kernel does not count
    return total


class Witness(threading.Thread):
    """Writes and reads a key until stop() and notes the longest time that this took, without what
    the threads waited for a processor."""

    def __init__(self, servers, leader):
        super().__init__(daemon=True)
        self.servers, self.connection = servers, leader.connect(timeout=60)
        self.stopping, self.longest, self.n, self.error = False, 0, 0, None

    def run(self):
        try:
            while not self.stopping:
                begin, waits = time.monotonic(), processor_waits(self.servers)
                self.n += 1
                assert self.connection.call("SET", "witness", self.n) == "OK"
                assert self.connection.call("GET", "witness") == str(self.n)
                took = time.monotonic() - begin
                if took > self.longest:
                    self.longest = max(self.longest, took + waits - processor_waits(self.servers))
        except (Error, OSError, AssertionError) as e:
            self.error = e

    def works(self):
        """Wait until it has done something more."""
        least = self.n + 20
        eventually("another client works", lambda: self.n > least or self.error, 60)

    def stop(self):
        self.works()
        self.stopping = True
        self.join()
        self.connection.close()
        assert self.error is None, self.error
        # Generous: on an idle machine it is a fraction of a second.
        assert self.longest < 5 * TIMEOUT_FACTOR, "a command took %.1f s" % self.longest


def attack(begin):
    """Run `begin(leader)` while another client works; it returns connections. Memory is bounded and
    the leader stays."""
    with Cluster(options=["--election-timeout", "5000"], fast=False) as cluster:
        leader = cluster.leader()
        cluster.call("SET", "big", BIG)
        term = leader.status()["term"]
        witness = Witness(cluster.servers, leader)
        witness.start()
        clients = begin(leader)
        time.sleep(1)
        witness.works()
        yield leader, clients
        witness.stop()
        check_memory(leader)
        status = leader.status()
        assert status["state"] == "leader" and status["term"] == term, status
        for c in clients:
            c.close()
        try:
            eventually("its memory is free again",
                       lambda: TIMEOUT_FACTOR != 1 or memory(leader, "VmRSS") < 150 * MIB, 30)
        except AssertionError:
            print(leader.call("INFO", "memory"), memory(leader, "VmRSS") // MIB, "MiB")
            raise
        eventually("the largest reply fits again",
                   lambda: leader.call("MGET", *["big"] * 31) == [BIG.decode()] * 31)


def test_replies_that_nobody_reads():
    def begin(leader):
        clients = open_clients(leader, 1)
        send_all(clients, encode("MGET", *["big"] * 31) * 300)  # 9.7 GB of replies
        return clients
    for leader, clients in attack(begin):
        held = memory(leader)
        assert TIMEOUT_FACTOR != 1 or held < 200 * MIB, held // MIB
        # The client is served when it reads; the order is kept.
        c = clients[0]
        c.socket.settimeout(10 * TIMEOUT_FACTOR)
        for i in range(20):
            assert c.reply() == [BIG.decode()] * 31, i


def test_small_replies_that_nobody_reads():
    """One client makes the server hold little more than its own limit, 4 MiB."""
    with Cluster(1) as cluster:
        server = cluster.leader()
        server.call("SET", "big", BIG)
        server.call("GET", "big")
        before = memory(server, "VmRSS")
        with server.connect() as c:
            send_all([c], encode("GET", "big") * 300)
            time.sleep(0.5)
            used = memory(server, "VmRSS") - before
            assert TIMEOUT_FACTOR != 1 or used < 16 * MIB, used // MIB
            c.socket.settimeout(10 * TIMEOUT_FACTOR)
            for _ in range(300):
                assert c.reply() == BIG.decode()


def test_replies_that_many_clients_do_not_read():
    def begin(leader):
        clients = open_clients(leader, 30)
        send_all(clients, encode("MGET", *["big"] * 31) * 30)
        return clients
    for leader, _ in attack(begin):
        eventually("clients that hold most are closed", lambda: closed_for_memory(leader), 60)


def closed_for_memory(leader):
    return "makes no progress and memory is scarce" in leader.messages()


def test_unfinished_commands():
    data = encode("MSET", *(["k", b"x" * 1000000] * 4))
    assert len(data) > 4000000
    for leader, clients in attack(lambda leader: open_clients(leader, 200)):  # 800 MB
        unfinished = Unfinished(clients, data[:-1])
        eventually("clients that hold most are closed",
                   lambda: unfinished.send() or closed_for_memory(leader), 60)


def test_slow_client_is_served_in_order():
    """A client that reads late gets every reply, in order, although its reads were parked and its
    connection has other commands in between."""
    with Cluster(1) as cluster:
        server = cluster.leader()
        with server.connect() as c:
            c.call("SET", "big", BIG)
            expected, out = [], []
            for i in range(40):
                out += [encode("GET", "big"), encode("GET", "n"), encode("PING", i),
                        encode("MGET", "big", "n"), encode("INCR", "n"), encode("DBSIZE"),
                        encode("ECHO", BIG)]
                n = str(i) if i > 0 else None
                expected += [BIG.decode(), n, str(i), [BIG.decode(), n], i + 1,
                             1 if i == 0 else 2, BIG.decode()]
                if i == 0:
                    expected[5] = 2
            sender = send_later(c, b"".join(out))
            time.sleep(0.5)
            for i, e in enumerate(expected):
                got = c.reply()
                assert got == e, (i, str(got)[:50], str(e)[:50])
            sender.join()


def test_replies_in_slots_wait_for_a_parked_read():
    """The first reply has to wait for a majority, and later ones of the same client fill the memory
    that its replies may take: nothing waits for ever."""
    with Cluster(options=LONG_TIMEOUTS, fast=False) as cluster:
        leader = cluster.leader()
        with leader.connect() as c:
            c.call("SET", "big", BIG)
            _, followers = stop_followers(cluster)
            sender = send_later(c, encode("GET", "big") + encode("ECHO", BIG) * 20)
            time.sleep(0.5)
            for s in followers:
                s.process.send_signal(signal.SIGCONT)
            for _ in range(21):
                assert c.reply() == BIG.decode()
            sender.join()


def test_memory_option():
    """With less memory, replies are smaller; a small limit is refused."""
    with Cluster(1, options=["--max-client-memory", "64"]) as cluster:
        server = cluster.leader()
        server.call("SET", "big", BIG)
        raises("ERR the reply would exceed 8 MiB", server.call, "MGET", *["big"] * 8)
        assert len(server.call("MGET", *["big"] * 7)) == 7
        clients = open_clients(server, 40)
        send_all(clients, encode("MGET", *["big"] * 7) * 40)
        time.sleep(0.5)
        assert server.call("GET", "nothing") is None
        if TIMEOUT_FACTOR == 1:
            used = memory(server)
            assert used < (64 + 64 + 8 + 64) * MIB, used // MIB
        for c in clients:
            c.close()
    with Cluster(1, options=["--max-client-memory", "63"], start=False) as cluster:
        assert cluster.servers[0].start().wait_exit() == 1
        assert "at least 64" in cluster.servers[0].messages()


# --- timeouts -----------------------------------------------------------------


def stop_followers(cluster):
    leader = cluster.leader()
    followers = cluster.followers()
    for s in followers:
        s.process.send_signal(signal.SIGSTOP)
    return leader, followers


def test_write_timeout():
    """A write without a majority is answered in time; its entry may still be committed, and then
    changes the reply to nobody."""
    with Cluster(options=LONG_TIMEOUTS + ["--write-timeout", "700"], fast=False) as cluster:
        leader = cluster.leader()
        cluster.call("SET", "k", "before")
        leader_connection, quick = leader.connect(), leader.connect()
        assert quick.call("CLIENT", "WRITE-TIMEOUT") == 700
        assert quick.call("CLIENT", "WRITE-TIMEOUT", "200") == "OK"
        for wrong in ("0", "x", "-1", "", "1 ", "3600001"):
            raises("ERR usage", quick.call, "CLIENT", "WRITE-TIMEOUT", wrong)
        assert quick.call("CLIENT", "WRITE-TIMEOUT") == 200
        _, followers = stop_followers(cluster)
        begin = time.monotonic()
        leader_connection.send(encode("SET", "k", "after") + encode("INCR", "n"))
        quick.send(encode("INCR", "n") + encode("PING"))
        text = str(quick.reply())
        assert text == "UNKNOWN not committed within 200 ms: it may or may not take effect", text
        first = time.monotonic() - begin
        assert quick.reply() == "PONG"
        for _ in range(2):
            text = str(leader_connection.reply())
            assert text.startswith("UNKNOWN not committed within 700 ms"), text
        second = time.monotonic() - begin
        assert 0.2 <= first < second and second >= 0.7, (first, second)
        for s in followers:
            s.process.send_signal(signal.SIGCONT)
        eventually("the writes are committed", lambda: cluster.call("GET", "n") == "2")
        assert cluster.call("GET", "k") == "after"
        assert quick.call("INCR", "n") == 3
        assert leader_connection.call("INCR", "n") == 4


def test_read_timeout():
    with Cluster(options=LONG_TIMEOUTS + ["--write-timeout", "500"], fast=False) as cluster:
        leader = cluster.leader()
        cluster.call("SET", "k", "v")
        with leader.connect() as c:
            _, followers = stop_followers(cluster)
            c.send(encode("GET", "k") * 3 + encode("PING"))
            for _ in range(3):
                text = str(c.reply())
                assert text.startswith("TRYAGAIN not confirmed within 500 ms"), text
            assert c.reply() == "PONG"
            for s in followers:
                s.process.send_signal(signal.SIGCONT)
            eventually("reads work", lambda: c.call("GET", "k") == "v")


def closed(connection):
    """True if the server has closed the connection. Reads what has arrived."""
    connection.socket.settimeout(0.001)
    try:
        while True:
            if connection.socket.recv(1 << 20) == b"":
                return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_clients_without_progress_are_closed():
    with Cluster(1, options=["--client-timeout", "1000"]) as cluster:
        server = cluster.leader()
        server.call("SET", "big", BIG)
        idle, slow, unread, unfinished, inline = open_clients(server, 5)
        begin = time.monotonic()
        send_all([unread, slow], encode("MGET", *["big"] * 16))
        unfinished.send(encode("SET", "k", "v")[:-1])
        inline.send(b"PING")
        while not (closed(unfinished) and closed(inline)):
            assert time.monotonic() - begin < 5 * TIMEOUT_FACTOR
            time.sleep(0.2)
            slow.socket.settimeout(1)
            assert len(slow.socket.recv(150 * 1024)) > 0
        assert time.monotonic() - begin > 0.9
        eventually("the client that does not read is closed",
                   lambda: "it does not read its replies" in server.messages())
        assert closed(unread)
        assert server.messages().count("it does not send the rest of a command") == 2
        assert idle.call("PING") == "PONG"
        slow.socket.settimeout(1)
        assert len(slow.socket.recv(1000)) > 0
        for c in (idle, slow, unread, unfinished, inline):
            c.close()


def test_reads_of_a_client_keep_their_order():
    """While a large read waits for memory, a later small one of the same client does not overtake
    it: it must not show older data."""
    with Cluster(1, options=["--max-client-memory", "64"]) as cluster:
        server = cluster.leader()
        server.call("SET", "big", BIG)
        hogs = open_clients(server, 8)
        send_all(hogs, encode("MGET", *["big"] * 7))
        with server.connect() as c, server.connect() as other:
            c.send(encode("MGET", *["big"] * 7, "n") + encode("GET", "n"))
            time.sleep(0.3)
            assert other.call("INCR", "n") == 1
            first, second = c.reply()[-1], c.reply()
            assert (first, second) == ("1", "1"), (first, second)
        for c in hogs:
            c.close()


if __name__ == "__main__":
    main(globals())
