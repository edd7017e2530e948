# SPDX-License-Identifier: MIT
"""Tests of the goals: each missed goal is reported."""
import unittest

import verdict

GOOD = {"per_second": 1e6, "p50_ms": 1.0, "p99_ms": 1.0, "max_ms": 9.0, "server_cpu_us": 1.0,
        "client_cpu_us": 1.0, "mb_per_second": 250.0, "written_per_byte": 4.0, "used_mb": 1.0}
WORST = {"per_second": 0.0, "p99_ms": 1e9, "mb_per_second": 249.9, "written_per_byte": 4.01}


def row(work, **changes):
    etcd = {**GOOD, "per_second": 1e6 / 6}  # the largest multiple that a goal wants
    return {**work._asdict(), "etcd_connections": 1, "etcd": etcd, "raft-kv": {**GOOD, **changes}}


def all_rows(changed=None, **changes):
    works = {goal[0] for goal in verdict.GOALS}
    return [row(work, **(changes if work == changed else {})) for work in works]


def lost(rows):
    return [(verdict.work_of(goal), goal["figure"]) for goal in verdict.judge(rows)
            if not goal["met"]]


class Verdict(unittest.TestCase):
    def test_goals_just_met(self):
        self.assertEqual(lost(all_rows()), [])
        reads = verdict.Work(64, 1, 64, True)
        self.assertEqual(lost(all_rows(reads, per_second=50000.0)), [])

    def test_each_goal_missed_by_itself(self):
        for work, figure, *_ in verdict.GOALS:
            missed = lost(all_rows(work, **{figure: WORST[figure]}))
            self.assertEqual(missed, [(work, figure)])

    def test_just_missed(self):
        for work, figure, value in ((verdict.Work(64), "per_second", 0.99e6),
                                    (verdict.Work(1), "p99_ms", 1.01),
                                    (verdict.Work(64, 1, 64, True), "per_second", 49999.0)):
            self.assertEqual(lost(all_rows(work, **{figure: value})), [(work, figure)])

    def test_missing_measurements_are_not_met(self):
        self.assertEqual(len(lost([])), len(verdict.GOALS))
        self.assertEqual(len(lost([row(verdict.Work(1, 16)), row(verdict.Work(64, 16))])),
                         len(verdict.GOALS))
        rows = all_rows()
        for broken in rows:
            if verdict.work_of(broken) == verdict.Work(64):
                broken["etcd"] = None
        self.assertEqual(len(lost(rows)), 2)

    def test_table_names_the_missed_goal(self):
        rows = all_rows(verdict.Work(64), per_second=1.0)
        text = verdict.table({"rows": rows, "goals": verdict.judge(rows), "processors": 2,
                              "file_system": "ext4", "syncs_per_second": {"somewhere": 1.0}})
        self.assertEqual(text.count("NOT MET"), 1)
        self.assertIn("NOT MET: 64 clients, writes, 64 B, rate", text)


if __name__ == "__main__":
    unittest.main()
