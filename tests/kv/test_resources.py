# SPDX-License-Identifier: MIT
"""Limits of the operating system: servers keep working when they are reached."""
import resource
import socket

from harness import Cluster, Connection, Error, eventually, main


def info(text):
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def descriptors(soft, hard):
    """Return a function that limits the descriptors of the process that calls it."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_all(server, n):
    """Open `n` client connections at once. Return those that are served, and the errors."""
    all = [Connection(server.port) for _ in range(n)]
    good, errors = [], []
    for c in all:
        try:
            c.command("PING")
        except OSError:
            pass  # the error reply has arrived before
        reply = c.reply()
        if isinstance(reply, Error):
            errors.append(str(reply))
            c.close()
        else:
            assert reply == "PONG", reply
            good.append(c)
    return good, errors


def test_file_descriptors():
    """Too many connections, of clients and of servers, are refused. The server raises its limit of
    descriptors from 64 to 256, and those left over suffice for new files of the log."""
    with Cluster(1, options=["--log-segment", "64"], start=False) as cluster:
        server = cluster.servers[0]
        server.preexec = descriptors(64, 256)
        server.start()
        eventually("it leads", lambda: server.call("SET", "k", "v") == "OK")
        allowed = int(info(server.call("INFO"))["maxclients"])
        assert 64 < allowed < 256, allowed
        peers = [socket.create_connection(("127.0.0.1", server.peer_port)) for _ in range(200)]
        clients, errors = open_all(server, 300)
        assert len(clients) == allowed, (len(clients), allowed)
        assert errors == ["ERR max number of clients reached"] * (300 - allowed), errors
        for i in range(40):  # 2.5 MB: forty files
            assert clients[i].call("SET", "key%d" % i, "x" * 64 * 1024) == "OK"
        assert clients[0].call("DBSIZE") == 41
        stats = info(clients[1].call("INFO"))
        assert int(stats["rejected_connections"]) == 300 - allowed, stats
        assert int(stats["connected_clients"]) == allowed, stats
        for c in clients[:10]:
            c.close()
        eventually("others are served", lambda: server.call("PING") == "PONG")
        for s in peers + clients[10:]:
            s.close()
        server.stop()


def test_too_few_file_descriptors():
    with Cluster(1, start=False) as cluster:
        server = cluster.servers[0]
        server.preexec = descriptors(100, 100)
        server.start()
        assert server.wait_exit() == 1
        assert "100 file descriptors are too few" in server.messages(), server.messages()


if __name__ == "__main__":
    main(globals())
