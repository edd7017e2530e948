# SPDX-License-Identifier: MIT
"""Clusters of three etcd or raft-kv servers on this machine, with default settings."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

SERVERS = (1, 2, 3)
TICK = os.sysconf("SC_CLK_TCK")


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Cluster:
    """A new cluster. Its directory below `folder` is removed by stop()."""

    def __init__(self, program, folder):
        self.program = program
        self.root = tempfile.mkdtemp(prefix="compare-", dir=folder)
        ports = free_ports(2 * len(SERVERS))
        self.client_port = dict(zip(SERVERS, ports))
        self.peer_port = dict(zip(SERVERS, ports[len(SERVERS):]))
        self.processes = []
        try:
            for server in SERVERS:
                with open(os.path.join(self.root, f"{server}.log"), "wb") as log:
                    self.processes.append(subprocess.Popen(
                        self.command(server), stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            self.leader = self.wait_for_leader()
        except BaseException:
            self.stop()
            raise

    def directory(self, server):
        return os.path.join(self.root, f"server{server}")

    def wait_for_leader(self):
        """Wait for a leader; return its address for clients."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for server in SERVERS:
                try:
                    if self.leads(server):
                        return f"127.0.0.1:{self.client_port[server]}"
                except (OSError, ValueError, KeyError):
                    pass
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} elected no leader within 30 s:\n{self.logs()}")

    def check(self):
        """Check that all servers run and that the leader has not changed."""
        for process in self.processes:
            if process.poll() is not None:
                raise RuntimeError(f"a server of {self.name} exited:\n{self.logs()}")
        if self.wait_for_leader() != self.leader:
            raise RuntimeError(f"the leader of {self.name} changed during the measurement: the "
                               "machine is too busy")

    def cpu_seconds(self):
        """CPU time used by the three servers so far."""
        total = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def written_bytes(self):
        """Bytes that the three servers have had written to the disk so far, by the kernel's count:
        of the pages that they changed."""
        total = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/io", encoding="ascii") as io:
                total += int(dict(line.split(": ") for line in io)["write_bytes"])
        return total

    def used_bytes(self):
        """Bytes that the files of the three servers occupy on the disk."""
        total = 0
        for folder, _, names in os.walk(self.root):
            for name in names:
                try:
                    total += os.stat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    pass  # removed meanwhile
        return total

    def logs(self):
        """The end of each server's log."""
        text = ""
        for server in SERVERS:
            path = os.path.join(self.root, f"{server}.log")
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as log:
                    text += f"--- server {server}:\n{log.read()[-1000:]}\n"
        return text

    def stop(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Etcd(Cluster):
    name = "etcd"
    store = "etcd"

    def command(self, server):
        def url(port):
            return f"http://127.0.0.1:{port}"
        peers = ",".join(f"s{s}={url(self.peer_port[s])}" for s in SERVERS)
        return [self.program, "--name", f"s{server}", "--data-dir", self.directory(server),
                "--listen-peer-urls", url(self.peer_port[server]),
                "--initial-advertise-peer-urls", url(self.peer_port[server]),
                "--listen-client-urls", url(self.client_port[server]),
                "--advertise-client-urls", url(self.client_port[server]),
                "--initial-cluster", peers, "--initial-cluster-state", "new"]

    def leads(self, server):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.client_port[server]}/v3/maintenance/status", data=b"{}")
        with urllib.request.urlopen(request, timeout=2) as answer:
            status = json.load(answer)
        return status["leader"] == status["header"]["member_id"]


class RaftKv(Cluster):
    name = "raft-kv"
    store = "resp"

    def command(self, server):
        members = ",".join(f"{s}=127.0.0.1:{self.peer_port[s]}/127.0.0.1:{self.client_port[s]}"
                           for s in SERVERS)
        return [self.program, "--id", str(server), "--dir", self.directory(server),
                "--cluster", "compare", "--bootstrap", members,
                "--listen", f"127.0.0.1:{self.client_port[server]}",
                "--peer-listen", f"127.0.0.1:{self.peer_port[server]}"]

    def leads(self, server):
        with socket.create_connection(("127.0.0.1", self.client_port[server]), timeout=2) as s:
            s.sendall(b"*1\r\n$11\r\nRAFT.STATUS\r\n")
            return b"leader\r\n" in s.recv(4096).partition(b"state\r\n")[2][:20]
