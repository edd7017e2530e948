# SPDX-License-Identifier: MIT
"""The tables show what was measured, and tell what is missing."""
import os
import unittest

import budget
import tables

BUDGETS = budget.load(os.path.join(os.path.dirname(__file__), "budgets.json"))


def data():
    figures = {row["figure"]: 7.0 for row in BUDGETS}
    figures.update({"C-Raft W1/N=3": 70.0, "limit/malloc": 3.0, "groups/awake: number": 5.0})
    return {"figures": figures, "nanoseconds": dict.fromkeys(figures, 9.0),
            "budgets": budget.judge(BUDGETS, figures)}


class Tables(unittest.TestCase):
    def test_every_budget_has_its_aim(self):
        rows = list(tables.budgets(data()))
        self.assertEqual(len(rows), 1 + len(BUDGETS))

    def test_no_budget_in_ci_is_above_its_aim(self):
        for row in BUDGETS:
            self.assertLessEqual(row["at_most"], tables.AIMS[row["figure"]], row["figure"])

    def test_compilers_stand_side_by_side(self):
        other = data()
        for row in other["budgets"]:
            row["value"] = 8.0
        rows = list(tables.compilers([("gcc", data()), ("clang", other)]))
        self.assertEqual(rows[0][2:], ("gcc", "clang"))
        self.assertEqual({row[2:] for row in rows[1:]}, {("7", "8")})
        self.assertGreater(len(rows), 10)

    def test_the_peer_is_compared_with_the_same_workload(self):
        self.assertEqual(list(tables.peer(data()))[1], ("W1/N=3", "7", "70", "10.0"))
        lost = data()
        del lost["figures"]["W1/N=3"]
        with self.assertRaises(tables.Missing):
            list(tables.peer(lost))

    def test_an_idle_server_is_told_in_instructions_and_time(self):
        more = data()
        more["figures"] = {"groups/awake: number": 5.0, "groups/awake: idle second": 3.0}
        more["nanoseconds"]["groups/awake: idle second"] = 4.0
        self.assertEqual([row[1] for row in tables.groups(more)], ["5", "3", "4"])

    def test_each_number_of_groups_has_its_column(self):
        more = data()
        more["figures"] = {"groups/awake: number": 5.0, "groups/death: ms": 3.0,
                           "groups=9/awake: number": 9.0, "groups=9/death: ms": 7.0}
        self.assertEqual(list(tables.groups(more)), [("figure", "5", "9"), ("death: ms", "3", "7")])
        del more["figures"]["groups=9/death: ms"]
        with self.assertRaises(KeyError):
            list(tables.groups(more))

    def test_a_budget_without_aim_is_missed(self):
        more = data()
        more["budgets"].append({**more["budgets"][0], "figure": "new"})
        with self.assertRaises(tables.Missing):
            list(tables.budgets(more))

    def test_an_empty_table_is_refused(self):
        with self.assertRaises(tables.Missing):
            tables.write(tables.peer({"figures": {}}), "/nonexistent/peer.csv")


if __name__ == "__main__":
    unittest.main()
