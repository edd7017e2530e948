# SPDX-License-Identifier: MIT
"""The time of a step in Python: ../digest/README.md describes the two figures."""

import time

import raftcore as raft
from raftcore import State


def bench(steps: int) -> None:
    with raft.Raft(1, "1") as r:
        r.step(raft.Start(), 0)
        r.step(raft.Bootstrap([raft.Server(1, "1")]), 0)
        while r.state != State.LEADER or not r.commit_index == r.last_index:
            if r.last_stored != r.last_index:
                r.step(raft.PersistedEntries(r.last_index), 0)
            else:
                r.step(raft.Timeout(), r.timeout or 0)
        begin, total = time.process_time(), 0
        for _ in range(steps):
            total += r.step(raft.Unreachable(99), 5000).flags
        print(f"null {(time.process_time() - begin) / steps * 1e9:.1f}")
        begin = time.process_time()
        for _ in range(steps // 2):
            e = r.step(raft.Submit([raft.Entry(b"0123456789abcde\0")]), 5000).entries
            assert e is not None
            total += len(e.entries[0].payload)
            r.step(raft.Stored(e.index, e.write), 5000)
            total += r.commit_index
        print(f"submit {(time.process_time() - begin) / steps * 1e9:.1f}")
        assert total > 0
