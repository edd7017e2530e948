# SPDX-License-Identifier: MIT
"""The lines of the transcript: ../digest/README.md describes them."""

from typing import List, Sequence

import raftcore as raft

lines: List[str] = []


def line(*words: object) -> None:
    lines.append(" ".join(str(int(w)) if isinstance(w, int) else str(w) for w in words))


def show(configuration: Sequence[raft.Server]) -> str:
    return ",".join(f"{s.id}:{s.address}:{int(s.role)}" for s in configuration) or "-"


def trace(t: raft.TraceRecord) -> None:
    line("t", t.server, t.type, t.code, t.time, t.peer, t.term, t.index, t.text)


# The fields of a message's line, in order.
FIELDS = {
    raft.AppendEntries: "version term prev_log_index prev_log_term leader_commit n_entries round "
                        "sleep",
    raft.AppendEntriesResult: "version term rejected last_log_index features capacity round "
                              "snapshot_index snapshot_offset",
    raft.RequestVote: "version term candidate_id last_log_index last_log_term disrupt_leader "
                      "pre_vote",
    raft.RequestVoteResult: "version term vote_granted pre_vote features capacity",
    raft.InstallSnapshot: "version term last_index last_term configuration_index configuration "
                          "offset",
    raft.TimeoutNow: "version term last_log_index last_log_term",
}
