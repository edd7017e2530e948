# SPDX-License-Identifier: MIT
"""The network between servers fails for a while, or is slow. A proxy in front of one server's port
stands for the network."""
import socket
import threading
import time

from harness import Cluster, eventually, free_ports, main


class Proxy:
    """Forwards connections to `target`, a port of this host. `rate` limits the bytes per second
    toward the target."""

    def __init__(self, target, rate=None):
        self.target = target
        self.rate = rate
        self.is_cut = False
        self.closed = False
        self.connections = []
        self.port, = free_ports(1)
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Small buffers: what the sender has sent is soon what the target has received.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(100)
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True
        self.listener.close()
        for s in self.connections:
            s.close()

    def cut(self):
        """Cut the network. As with TCP after a long failure, the connections that exist or are
        made meanwhile remain silent after heal(): neither data nor an end arrives."""
        self.is_cut = True

    def heal(self):
        self.is_cut = False

    def accept(self):
        while not self.closed:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            self.connections.append(near)
            if self.is_cut:
                continue
            far = socket.socket()
            try:
                far.connect(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.connections.append(far)
            threading.Thread(target=self.pump, args=(near, far, self.rate), daemon=True).start()
            threading.Thread(target=self.pump, args=(far, near, None), daemon=True).start()

    def pump(self, source, sink, rate):
        try:
            while True:
                data = source.recv(16 * 1024)
                if self.is_cut:
                    return
                if not data:
                    break
                sink.sendall(data)
                if rate is not None:
                    time.sleep(len(data) / rate)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def cluster_behind(proxy_rate=None, **kwargs):
    """A cluster, not started, and a proxy: the other servers reach server 3 through the proxy."""
    cluster = Cluster(start=False, **kwargs)
    last = cluster.servers[2]
    proxy = Proxy(last.peer_port, proxy_rate)
    address = "127.0.0.1:%d/127.0.0.1:%d" % (proxy.port, last.port)
    last.options += ["--advertise", address]
    for s in cluster.servers:
        s.bootstrap = s.bootstrap.replace(last.address, address)
    return cluster, proxy


def elect_other_than(cluster, server):
    """Start the servers; if `server` becomes the leader, let it hand leadership over."""
    for s in cluster.servers:
        s.start()
    if cluster.leader() is server:
        server.call("RAFT.TRANSFER")
    eventually("another server leads", lambda: cluster.leader() is not server)
    return cluster.leader()


def test_connections_are_made_anew_after_a_cut():
    """A follower is up to date soon after a cut, although no connection that existed before or
    during the cut ever works again."""
    cluster, proxy = cluster_behind()
    with cluster, proxy:
        last = cluster.servers[2]
        leader = elect_other_than(cluster, last)
        cluster.call("SET", "k", "before")
        eventually("server 3 follows", lambda: last.call("RAFT.LOCAL", "k") == "before")
        proxy.cut()
        cluster.call("SET", "k", "during")
        eventually("the leader gives up its connection", lambda: "no answer" in leader.messages(),
                   5)
        time.sleep(2)  # some attempts to connect fail as well
        assert last.call("RAFT.LOCAL", "k") == "before"
        proxy.heal()
        eventually("server 3 catches up", lambda: last.call("RAFT.LOCAL", "k") == "during", 5)
        cluster.converged()


def test_idle_connections_are_kept():
    """Connections on which nothing but pings is sent, as those between followers, are kept."""
    cluster, proxy = cluster_behind()
    with cluster, proxy:
        elect_other_than(cluster, cluster.servers[2])
        cluster.call("SET", "k", "v")
        cluster.converged()
        n = len(proxy.connections)
        time.sleep(3)  # more than two election timeouts
        assert len(proxy.connections) == n, (n, len(proxy.connections))
        for s in cluster.servers:
            assert "no answer" not in s.messages(), s.messages()


def test_slow_connections_are_kept():
    """A message that takes longer than two election timeouts arrives: the receiver's kernel
    acknowledges its bytes one after the other."""
    cluster, proxy = cluster_behind(proxy_rate=400 * 1024)
    with cluster, proxy:
        last = cluster.servers[2]
        leader = elect_other_than(cluster, last)
        eventually("server 3 follows", lambda: last.status()["leader"] == leader.id)
        cluster.call("SET", "large", "x" * (1024 * 1024))  # 2.6 s
        eventually("server 3 has the value", lambda: last.call("RAFT.LOCAL", "large"), 15)
        assert "no answer" not in leader.messages(), leader.messages()


if __name__ == "__main__":
    main(globals())
