# SPDX-License-Identifier: MIT
"""Servers in network namespaces of their own, joined by a bridge. Packets in one direction between
two servers can be dropped: they are sent to a hardware address that nobody has. Needs root."""
import os
import random
import subprocess

import harness

NOBODY = "02:00:00:00:00:99"


def ip(*args, check=True):
    subprocess.run(["ip", *args], check=check, stdout=subprocess.DEVNULL,
                   stderr=None if check else subprocess.DEVNULL)


class Network:
    def __init__(self, cluster):
        """The servers of `cluster` must not have been started."""
        self.name = "kv%x" % (os.getpid() & 0xffffff)
        self.net = "10.%d.%d" % (random.randint(64, 250), random.randint(0, 255))
        self.servers = list(cluster.servers)

    def __enter__(self):
        try:
            self.make()
        except BaseException:
            self.remove()
            raise
        return self

    def make(self):
        ip("link", "add", self.name, "type", "bridge")
        ip("addr", "add", self.net + ".254/24", "dev", self.name)
        ip("link", "set", self.name, "up")
        for s in self.servers:
            space, outer = self.space(s), "%s.%d" % (self.name, s.id)
            ip("netns", "add", space)
            ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("link", "set", outer, "master", self.name, "up")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "addr", "add", self.host(s) + "/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
            harness.HOSTS[s.port] = self.host(s)
            s.prefix = ["ip", "netns", "exec", space]

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for s in self.servers:
            s.kill()  # else its namespace would remain
            ip("netns", "del", self.space(s), check=False)
            ip("link", "del", "%s.%d" % (self.name, s.id), check=False)
            harness.HOSTS.pop(s.port, None)
        ip("link", "del", self.name, check=False)

    def space(self, server):
        return "%s-%d" % (self.name, server.id)

    def host(self, server):
        return "%s.%d" % (self.net, server.id)

    def drop(self, sender, receiver):
        ip("-n", self.space(sender), "neigh", "replace", self.host(receiver), "lladdr", NOBODY,
           "nud", "permanent", "dev", "eth0")

    def mute(self, server):
        for other in self.servers:
            if other is not server:
                self.drop(server, other)

    def deafen(self, server):
        for other in self.servers:
            if other is not server:
                self.drop(other, server)

    def isolate(self, server):
        self.mute(server)
        self.deafen(server)

    def heal(self):
        for s in self.servers:
            for other in self.servers:
                if other is not s:
                    ip("-n", self.space(s), "neigh", "del", self.host(other), "dev", "eth0",
                       check=False)


class Proxies:
    """Without root: a proxy in front of each server's port for servers. A server can be deafened
    only."""

    def __init__(self, cluster):
        from test_network import Proxy  # which imports the harness
        self.proxies = {s: Proxy(s.peer_port) for s in cluster.servers}
        for s, proxy in self.proxies.items():
            address = "127.0.0.1:%d/127.0.0.1:%d" % (proxy.port, s.port)
            s.options += ["--advertise", address]
            for other in cluster.servers:
                other.bootstrap = other.bootstrap.replace(s.address, address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for proxy in self.proxies.values():
            proxy.__exit__()

    def deafen(self, server):
        self.proxies[server].cut()

    mute = isolate = deafen

    def heal(self):
        for proxy in self.proxies.values():
            proxy.heal()


def network(cluster, rootless=False):
    """A network for the servers, which have not been started."""
    if os.geteuid() == 0 and not rootless:
        probe = "kvprobe%x" % (os.getpid() & 0xffffff)
        try:
            ip("link", "add", probe, "type", "veth", "peer", "name", probe + "p")
            ip("link", "del", probe)
            return Network(cluster)
        except (OSError, subprocess.CalledProcessError):
            pass
    return Proxies(cluster)
