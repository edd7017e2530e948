#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server in Python: README.md. usage: server.py ID ADDRESS ADDRESS ADDRESS"""

import selectors
import socket
import sys
import time
from typing import Dict, List

from raftcore import (AppendEntries, Bootstrap, Entry, EntryType, Event, Feature, Raft, RaftError,
                      Receive, Server, Start, State, Stored, Submit, Timeout, Transfer, Unreachable,
                      wire)

PRIME, MASK = 0x100000001b3, 2**64 - 1


def now() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000


def parse(address: str) -> tuple[str, int]:
    host, port = address.split(":")
    return host, int(port)


class Node:
    def __init__(self, id: int, addresses: List[str]) -> None:
        self.addresses, self.address = addresses, addresses[id - 1]
        self.log: List[Entry] = []
        self.applied, self.commands, self.digest = 0, 0, 0xcbf29ce484222325
        self.links: Dict[int, socket.socket] = {}
        self.raft = Raft(id, self.address, seed=id, election_timeout=300, heartbeat_timeout=50,
                         features=Feature.ROUNDS | Feature.CHUNKS | Feature.JOINT)
        self.step(Start())
        self.step(Bootstrap([Server(i, a) for i, a in enumerate(addresses, 1)]))

    def step(self, event: Event) -> None:
        update = self.raft.step(event, now())
        lost = []
        if update.entries is not None:
            del self.log[update.entries.index - 1:]
            self.log += update.entries.entries
        for m in update.messages:
            if isinstance(m, AppendEntries):
                m.entries = self.log[m.prev_log_index:m.prev_log_index + m.n_entries]
            if not self.send(m.server_id, wire.encode(m, self.raft.id, self.address)):
                lost.append(m.server_id)
        for entry in self.log[self.applied:self.raft.commit_index]:
            self.applied += 1
            if entry.type == EntryType.COMMAND:
                self.commands += 1
                for byte in entry.payload:
                    self.digest = (self.digest ^ byte) * PRIME & MASK
        if update.entries is not None and update.entries.entries:
            self.step(Stored(len(self.log), update.entries.write))
        for id in set(lost):
            self.step(Unreachable(id))

    def send(self, to: int, data: bytes) -> bool:
        try:
            if to not in self.links:
                self.links[to] = socket.create_connection(parse(self.addresses[to - 1]), 1)
                self.links[to].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.links[to].sendall(b"P")
            self.links[to].sendall(data)
            return True
        except OSError:
            if to in self.links:
                self.links.pop(to).close()
            return False

    def answer(self, line: str) -> str:
        word, _, argument = line.partition(" ")
        try:
            if word == "submit":
                self.step(Submit([Entry(argument.encode())]))
            elif word == "transfer":
                self.step(Transfer(int(argument)))
        except RaftError:
            return "no\n"
        leads = int(self.raft.state == State.LEADER)
        return f"{leads} {self.commands} {self.digest:016x}\n"


class Connection:
    def __init__(self, node: Node, sock: socket.socket) -> None:
        self.node, self.sock = node, sock
        self.kind, self.lines = b"", b""
        self.splitter = wire.Splitter()

    def read(self) -> bool:
        data = self.sock.recv(65536)
        if not data:
            return False
        if not self.kind:
            self.kind, data = data[:1], data[1:]
        if self.kind == b"P":
            for message in self.splitter.feed(data):
                self.node.step(Receive(message))
            return True
        *lines, self.lines = (self.lines + data).split(b"\n")
        for line in lines:
            self.sock.sendall(self.node.answer(line.decode()).encode())
        return True


def main() -> None:
    node = Node(int(sys.argv[1]), sys.argv[2:])
    selector = selectors.DefaultSelector()
    listener = socket.create_server(parse(node.address))
    selector.register(listener, selectors.EVENT_READ)
    while True:
        deadline = node.raft.timeout
        assert deadline is not None
        for key, _ in selector.select(max(0, deadline - now()) / 1000):
            if key.data is None:
                sock, _ = listener.accept()
                selector.register(sock, selectors.EVENT_READ, Connection(node, sock))
                continue
            try:
                alive = key.data.read()
            except (OSError, wire.Malformed):
                alive = False
            if not alive:
                selector.unregister(key.data.sock)
                key.data.sock.close()
        if now() >= (node.raft.timeout or 0):
            node.step(Timeout())


if __name__ == "__main__":
    main()
