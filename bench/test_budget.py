# SPDX-License-Identifier: MIT
"""Negative tests: each budget, exceeded alone, is reported."""
import os
import unittest

import budget

BUDGETS = budget.load(os.path.join(os.path.dirname(__file__), "budgets.json"))


def figures_at(share):
    figures = {}
    for row in BUDGETS:
        base = row.get("relative_to")
        if base is not None:
            figures[base] = 100.0
        figures[row["figure"]] = row["at_most"] * share * (100.0 if base is not None else 1)
    return figures


class Judge(unittest.TestCase):
    def verdicts(self, figures):
        return {row["figure"]: row["kept"] for row in budget.judge(BUDGETS, figures)}

    def test_budgets_that_are_just_kept(self):
        self.assertTrue(all(self.verdicts(figures_at(1)).values()))

    def test_each_budget_exceeded_alone(self):
        for row in BUDGETS:
            figures = figures_at(1)
            figures[row["figure"]] += 1
            lost = [name for name, kept in self.verdicts(figures).items() if not kept]
            self.assertEqual(lost, [row["figure"]])

    def test_each_figure_missing_or_no_number(self):
        for row in BUDGETS:
            for value in (None, float("nan"), float("inf")):
                figures = figures_at(1)
                figures[row["figure"]] = value
                self.assertFalse(self.verdicts(figures)[row["figure"]])
            del figures[row["figure"]]
            self.assertFalse(self.verdicts(figures)[row["figure"]])

    def test_a_base_of_zero(self):
        for row in BUDGETS:
            if "relative_to" in row:
                figures = figures_at(1)
                figures[row["relative_to"]] = 0
                self.assertFalse(self.verdicts(figures)[row["figure"]])

    def test_a_table_names_what_is_exceeded(self):
        text = budget.table(budget.judge(BUDGETS, figures_at(1)))
        self.assertNotIn("EXCEEDED", text)
        text = budget.table(budget.judge(BUDGETS, {}))
        self.assertEqual(text.count("EXCEEDED"), len(BUDGETS))


if __name__ == "__main__":
    unittest.main()
