#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Three servers in C, Go and Python form a cluster. usage: test.py C_PROGRAM SCRATCH

Needs Go, of which PKG_CONFIG_PATH and so on tell where the library is."""

import os
import socket
import subprocess
import sys
import time
from typing import Callable, List

HERE = os.path.dirname(os.path.abspath(__file__))
ENTRIES = 1000
PATIENCE = 60  # seconds


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)


class Server:
    def __init__(self, command: List[str], id: int, addresses: List[str]) -> None:
        self.id, self.command = id, command
        self.process = subprocess.Popen(command + [str(id)] + addresses)
        host, port = addresses[id - 1].split(":")
        self.where = host, int(port)
        until(self.connect, f"server {id} listens")

    def connect(self) -> bool:
        assert self.process.poll() is None, f"server {self.id} stopped"
        try:
            self.file = socket.create_connection(self.where, PATIENCE).makefile("rw")
        except OSError:
            return False
        self.file.write("C")
        return True

    def ask(self, line: str) -> List[str]:
        self.file.write(line + "\n")
        self.file.flush()
        answer = self.file.readline()
        assert answer, f"server {self.id} stopped"
        return answer.split()

    def leads(self) -> bool:
        return self.ask("status")[0] == "1"


def leader(servers: List[Server]) -> Server:
    until(lambda: any(s.leads() for s in servers), "a leader")
    return next(s for s in servers if s.leads())


def transfer(servers: List[Server], to: Server) -> None:
    """Make a server the leader. An attempt is refused while another one is in progress."""
    def leads() -> bool:
        now = leader(servers)
        if now is not to:
            now.ask(f"transfer {to.id}")
        return now is to
    until(leads, f"server {to.id} leads")


def digest(n: int) -> str:
    """FNV-1a of the first entries."""
    value = 0xcbf29ce484222325
    for byte in "".join(f"entry-{i}" for i in range(n)).encode():
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return f"{value:016x}"


def submit(servers: List[Server], first: int, n: int) -> Server:
    """Submit entries, and wait until all servers have applied them. Returns the leader."""
    for i in range(first, first + n):
        # A leader that is deposed before the entry is committed would lose it: none is, because
        # the entries are few and the machine is one.
        until(lambda: leader(servers).ask(f"submit entry-{i}") != ["no"], "a leader accepts")
    until(lambda: all(int(s.ask("status")[1]) == first + n for s in servers), "all have applied")
    found = {s.ask("status")[2] for s in servers}
    assert found == {digest(first + n)}, found
    print(f"{first + n} entries: {found}")
    return leader(servers)


def free_ports(n: int) -> List[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def main() -> None:
    program, scratch = sys.argv[1:]
    go = os.path.join(os.path.abspath(scratch), "cluster-go")
    subprocess.run(["go", "build", "-o", go, "./cluster"], check=True,
                   cwd=os.path.join(HERE, "../go"))
    addresses = [f"127.0.0.1:{port}" for port in free_ports(3)]
    commands = [[program], [go], [sys.executable, os.path.join(HERE, "server.py")]]
    servers: List[Server] = []
    try:
        for id, command in enumerate(commands, 1):
            servers.append(Server(command, id, addresses))
        part, led = ENTRIES // 4, set()
        for turn in range(3):
            to = servers[turn]
            transfer(servers, to)
            led.add(submit(servers, turn * part, part).id)
        assert led == {1, 2, 3}, led
        dead = leader(servers)
        dead.process.kill()
        dead.process.wait()
        print(f"server {dead.id} was killed")
        submit([s for s in servers if s is not dead], 3 * part, ENTRIES - 3 * part)
    finally:
        for s in servers:
            s.process.kill()
            s.process.wait()


if __name__ == "__main__":
    main()
