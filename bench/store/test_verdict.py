# SPDX-License-Identifier: MIT
"""Tests of the goals: each missed goal is reported."""
import unittest

import verdict


def row(clients, outstanding, rate, p99):
    def found(per_second, p99_ms):
        return {"per_second": per_second, "p50_ms": 1.0, "p99_ms": p99_ms, "max_ms": 9.0,
                "server_cpu_us": 1.0, "client_cpu_us": 1.0}
    return {"clients": clients, "outstanding": outstanding, "etcd_connections": 1,
            "etcd": found(1000.0, 10.0), "raft-kv": found(1000.0 * rate, 10.0 * p99)}


def lost(rows):
    return [(goal["clients"], goal["figure"]) for goal in verdict.judge(rows) if not goal["met"]]


class Verdict(unittest.TestCase):
    def test_goals_just_met(self):
        self.assertEqual(lost([row(1, 1, 1.5, 3.0), row(64, 1, 4.0, 0.99)]), [])

    def test_each_goal_missed_by_itself(self):
        self.assertEqual(lost([row(1, 1, 1.49, 1.0), row(64, 1, 4.0, 0.9)]), [(1, "per_second")])
        self.assertEqual(lost([row(1, 1, 1.5, 1.0), row(64, 1, 3.99, 0.9)]), [(64, "per_second")])
        self.assertEqual(lost([row(1, 1, 1.5, 1.0), row(64, 1, 4.0, 1.0)]), [(64, "p99_ms")])

    def test_missing_measurements_are_not_met(self):
        self.assertEqual(len(lost([])), 3)
        self.assertEqual(len(lost([row(1, 16, 9.0, 0.1), row(64, 16, 9.0, 0.1)])), 3)
        broken = row(64, 1, 9.0, 0.1)
        broken["etcd"] = None
        self.assertEqual(len(lost([row(1, 1, 9.0, 0.1), broken])), 2)

    def test_table_names_the_missed_goal(self):
        rows = [row(1, 1, 9.0, 0.1), row(64, 1, 2.0, 0.1)]
        text = verdict.table({"rows": rows, "goals": verdict.judge(rows), "processors": 2,
                              "file_system": "ext4", "syncs_per_second": {"somewhere": 1.0}})
        self.assertEqual(text.count("NOT MET"), 1)
        self.assertIn("NOT MET: 64 clients", text)


if __name__ == "__main__":
    unittest.main()
