#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The digest program in Python: see ../digest/README.md.

usage: digest.py TRANSCRIPT | --bench STEPS

Messages go through the encoding of the module wire. With RAFT_GC=N in the environment, garbage is
collected before and after each Nth step."""

import gc
import os
import sys
from collections import deque
from typing import Callable, Deque, List, Optional, Sequence, Tuple, Type

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import raftcore as raft
from raftcore import Role, State, wire
from transcript import FIELDS, line, lines, show, trace

CHUNK = 1000
NEVER = 2**63 - 1
FEATURES = (raft.Feature.ROUNDS | raft.Feature.CHUNKS | raft.Feature.JOINT |
            raft.Feature.SLEEP).value
EVERY = int(os.environ.get("RAFT_GC", "0"))

network: Deque[Tuple[int, int, bytes]] = deque()
servers: List["Server"] = []
now = 0
command = 0
taken = 0  # steps


class Server:
    def __init__(self, id: int) -> None:
        self.id, self.address = id, str(id)
        self.running = self.cut = False
        self.limit = 0
        self.term = self.vote = 0
        self.first = 1
        self.log: List[raft.Entry] = []
        self.snapshot: Optional[raft.Snapshot] = None
        self.incoming: Optional[raft.Snapshot] = None
        self.data = self.incoming_data = b""
        self.start()
        servers.append(self)

    def start(self) -> None:
        self.running, self.applied, self.state = True, 0, b""
        self.reads: List[raft.ReadResult] = []
        self.raft = raft.Raft(self.id, self.address, seed=self.id * 1000, features=FEATURES,
                              max_message_entries=50, tracer=trace if self.id == 1 else None)
        self.step(raft.Start(self.term, self.vote, self.snapshot, self.first, self.log))

    def stop(self) -> None:
        self.raft.close()
        self.running = False

    def step(self, event: raft.Event) -> None:
        global taken
        taken += 1
        collect = EVERY > 0 and taken % EVERY == 0
        if collect:
            gc.collect()
        try:
            update = self.raft.step(event, now, self.id * 100)
        except raft.RaftError as error:
            self.line_update(event, error.code, 0, error.text)
            raise
        if collect:
            gc.collect()
        self.line_update(event, 0, update.flags)
        self.carry_out(event, update)

    def line_update(self, event: raft.Event, code: int, flags: int, *why: str) -> None:
        r = self.raft
        leader = r.leader or raft.Leader(0, "-")
        role = -1 if r.role is None else r.role
        timeout = NEVER if r.timeout is None else r.timeout
        line("u", self.id, now, event.TYPE, code, flags, r.current_term, r.voted_for, r.state,
             r.commit_index, timeout, r.last_index, r.first_index, r.last_stored,
             r.snapshot_index, role, leader.id, leader.address, r.transferee, *why)

    def carry_out(self, event: raft.Event, update: raft.Update) -> None:
        then: List[raft.Event] = []
        acks: List[raft.Event] = []
        if update.must_save:
            self.term, self.vote = self.raft.current_term, self.raft.voted_for
        if update.entries is not None:
            e = update.entries
            line("e", e.index, len(e.entries), e.write)
            if not self.log:
                self.first = e.index
            del self.log[e.index - self.first:]
            for x in e.entries:
                line("", x.term, x.type, x.cookie, x.payload.hex() or "-")
                self.log.append(x)
            if e.entries:
                acks.append(raft.Stored(e.index + len(e.entries) - 1, e.write))
        if update.snapshot is not None:
            acks.append(self.write_chunk(update.snapshot))
        for message in update.messages:
            then += self.send(message)
        for read in update.reads:
            line("r", read.id, read.index, read.status)
            self.reads.append(read)
        if isinstance(event, raft.PersistedSnapshot):
            self.install()
        if update.commit_index_changed:
            self.apply()
        for follow in then + acks:
            self.step(follow)

    def write_chunk(self, s: raft.SnapshotUpdate) -> raft.Event:
        m = s.metadata
        line("s", m.index, m.term, m.configuration_index, show(m.configuration), s.offset, s.last,
             s.chunk.hex() or "-")
        if s.offset == 0:
            self.incoming, self.incoming_data = m, b""
        assert len(self.incoming_data) == s.offset
        self.incoming_data += s.chunk
        return raft.PersistedSnapshot(m.index, m.term, s.offset, s.last)

    def install(self) -> None:
        have = self.snapshot.index if self.snapshot else 0
        if self.raft.snapshot_index != have:
            assert self.incoming is not None
            self.snapshot, self.data = self.incoming, self.incoming_data
            self.log, self.first = [], self.snapshot.index + 1

    def send(self, m: raft.Message) -> List[raft.Event]:
        words = [getattr(m, name) for name in FIELDS[type(m)].split()]
        line("m", m.TYPE, m.server_id, m.server_address,
             *(show(w) if isinstance(w, list) else w for w in words))
        cut: List[raft.Event] = []
        if isinstance(m, raft.AppendEntries):
            n = m.n_entries
            if 0 < self.limit < n:
                n = self.limit
                cut.append(raft.Sent(m.server_id, m.prev_log_index + n))
            at = m.prev_log_index + 1 - self.first
            m.entries = self.log[at:at + n]
        elif isinstance(m, raft.InstallSnapshot):
            assert self.snapshot is not None and m.last_index == self.snapshot.index
            m.data = self.data[m.offset:m.offset + CHUNK]
            m.last = m.offset + len(m.data) == len(self.data)
        network.append((self.id, m.server_id, wire.encode(m, self.id, self.address)))
        return cut

    def apply(self) -> None:
        while self.applied < self.raft.commit_index:
            i = self.applied + 1
            if not self.first <= i < self.first + len(self.log):
                assert self.snapshot is not None and self.snapshot.index >= i
                self.state, self.applied = self.data, self.snapshot.index
                continue
            entry = self.log[i - self.first]
            if entry.type == raft.EntryType.COMMAND:
                self.state += entry.payload + b"\n"
            self.applied = i

    def take_snapshot(self) -> None:
        at = self.applied
        conf = self.raft.configuration_at(at)
        self.snapshot = raft.Snapshot(at, self.raft.term_of(at), conf.servers, conf.index)
        self.data = self.state
        self.step(raft.SnapshotTaken(at, 5))
        first = self.raft.first_index
        del self.log[:first - self.first]
        self.first = first

    def submit(self, n: int) -> None:
        global command
        entries = []
        for _ in range(n):
            entries.append(raft.Entry(b"" if command % 500 == 499 else b"cmd-%d" % command))
            command += 1
        self.step(raft.Submit(entries))

    def is_committed(self) -> bool:
        return self.raft.commit_index == self.raft.last_index


def up() -> List[Server]:
    return [s for s in servers if s.running and not s.cut]


def leader() -> Optional[Server]:
    leaders = [s for s in up() if s.raft.state == State.LEADER]
    leaders.sort(key=lambda s: (s.raft.current_term, -s.id))
    return leaders[-1] if leaders else None


def the_leader() -> Server:
    s = leader()
    assert s is not None
    return s


def leads(by: Optional[Server] = None) -> bool:
    s = leader()
    return s is not None and by in (None, s) and s.is_committed()


def level(s: Server) -> bool:
    return all(x.applied == s.raft.last_index for x in up())


def due(s: Server) -> int:
    return NEVER if s.raft.timeout is None else s.raft.timeout


def quiet() -> bool:
    return not network


def asleep() -> bool:
    return quiet() and all(due(s) == NEVER for s in servers if s.running)


def pump(until: Callable[[], bool]) -> None:
    global now
    for _ in range(100000):
        if until():
            return
        if network:
            sender, to, raw = network.popleft()
            receiver = servers[to - 1]
            if not receiver.running or receiver.cut or servers[sender - 1].cut:
                line("d", sender, to)
            else:
                receiver.step(raft.Receive(wire.decode(raw)))
            continue
        s = min((s for s in servers if s.running), key=due)
        assert due(s) != NEVER, "no deadline"
        now = max(now, due(s))
        s.step(raft.Timeout())
    raise AssertionError("the condition never holds")


def load(s: Server, rounds: int) -> None:
    for _ in range(rounds):
        s.submit(10)
        pump(quiet)
    pump(lambda: level(s))


def refused(s: Server, event: raft.Event, error: Type[raft.RaftError]) -> None:
    try:
        s.step(event)
    except error:
        return
    raise AssertionError("not refused")


def voters(n: int, last: Role = Role.VOTER) -> List[raft.Server]:
    return [raft.Server(i, str(i), last if i == n else Role.VOTER) for i in range(1, n + 1)]


def scenario() -> None:
    line("x start")
    for i in 1, 2, 3:
        Server(i)
    servers[0].step(raft.Bootstrap(voters(3)))
    pump(leads)
    l = the_leader()
    f = servers[1 if l.id == 1 else 0]
    line("x submit", l.id)
    load(l, 100)
    line("x errors")
    global command
    refused(f, raft.Submit([raft.Entry(b"cmd-%d" % command)]), raft.NotLeader)
    command += 1
    refused(l, raft.Submit([]), raft.Invalid)
    refused(l, raft.Transfer(9), raft.BadId)
    refused(f, raft.Campaign(), raft.Busy)
    line("x add")
    Server(4)
    l.step(raft.Reconfigure(voters(4, Role.STANDBY)))
    pump(l.is_committed)
    l.step(raft.CatchUp(4))
    pump(lambda: l.raft.catch_up(4) == raft.CatchUpStatus.FINISHED)
    l.step(raft.Reconfigure(voters(4)))
    pump(l.is_committed)
    pump(lambda: level(l))
    line("x lag", f.id)
    f.cut = True
    load(l, 10)
    for s in servers:
        if s is not f:
            s.take_snapshot()
    f.cut = False
    pump(lambda: level(l))
    line("x installed", f.raft.snapshot_index)
    line("x replace")
    l.cut = True
    l.step(raft.Read(101))
    l.submit(3)
    pump(leads)
    n = the_leader()
    n.submit(5)
    pump(n.is_committed)
    l.cut = False
    pump(lambda: level(n))
    line("x read", n.id)
    for name, lease in (102, False), (103, True):
        n.reads = []
        n.step(raft.Read(name, lease))
        pump(lambda: bool(n.reads) and n.applied >= n.reads[-1].index)
        line("x", name, len(n.state))
    line("x transfer")
    n.step(raft.Transfer(f.id))
    pump(lambda: leads(f))
    line("x restart", n.id)
    n.stop()
    n.start()
    pump(lambda: level(f))
    more_events(f)
    line("x sent")
    f.limit = 4
    load(f, 3)
    f.limit = 0
    for s in servers:
        line_progress(f, s.id)
    sleep_and_wake(f)
    recover_at(servers[1 if f.id == 1 else 0])
    for s in servers:
        line("z", s.id, s.applied, len(s.state))
        s.raft.close()


def line_progress(l: Server, id: int) -> None:
    p = l.raft.progress(id)
    line("p", id, p.mode, p.features, p.capacity, p.match, p.next, p.last_contact,
         p.snapshot_index, p.snapshot_offset, p.data_losses)


def more_events(l: Server) -> None:
    line("x events")
    l.step(raft.Unreachable(4))
    line_progress(l, 4)
    l.step(raft.ConfigurationApplied(1))
    l.step(raft.PersistedEntries(l.raft.last_stored))
    l.step(raft.CatchUp(0))
    refused(l, raft.Reconfigure([raft.Server(1, "1", 99)]), raft.BadRole)
    pump(lambda: level(l))


def sleep_and_wake(l: Server) -> None:
    line("x sleep")
    for s in servers:
        s.raft.configure(idle_timeout=500)
    pump(asleep)
    line("x asleep", now)
    servers[1 if l.id == 1 else 0].step(raft.Wake())
    pump(asleep)
    line("x wake")
    l.submit(1)
    pump(lambda: level(l))
    for s in servers:
        s.raft.configure(idle_timeout=0)


def recover_at(s: Server) -> None:
    line("x recover", s.id)
    for other in servers:
        if other is not s:
            other.stop()
    s.step(raft.Recover([raft.Server(s.id, s.address)]))
    pump(lambda: leads(s))
    s.submit(1)
    pump(lambda: level(s))


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--bench":
        from bench import bench
        bench(int(sys.argv[2]))
    elif len(sys.argv) == 2:
        scenario()
        with open(sys.argv[1], "w", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(lines) + "\n")
    else:
        sys.exit(__doc__)
