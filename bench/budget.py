# SPDX-License-Identifier: MIT
"""Budgets, and whether figures stay within them."""
import json
import math


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def judge(budgets, figures):
    """A row for each budget: the limit, the figure, whether it is within the limit.

    A figure that is missing, or not a number, exceeds its budget."""
    rows = []
    for budget in budgets:
        value = figures.get(budget["figure"])
        base = budget.get("relative_to")
        if value is not None and base is not None:
            other = figures.get(base)
            value = value / other if other else None
        kept = value is not None and math.isfinite(value) and value <= budget["at_most"]
        rows.append({**budget, "value": value, "kept": kept})
    return rows


def number(value):
    if value is None:
        return "missing"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"


def table(rows):
    """The rows as text, one line each."""
    lines = [("budget", "found", "at most", "unit", "")]
    for row in rows:
        lines.append((row["what"], number(row["value"]), number(row["at_most"]), row["unit"],
                      "" if row["kept"] else "EXCEEDED"))
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    return "\n".join(
        f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:<{widths[3]}}  {e}".rstrip()
        for a, b, c, d, e in lines)
