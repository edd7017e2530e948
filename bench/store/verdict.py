# SPDX-License-Identifier: MIT
"""The goals of the comparison, whether they are met, and the tables of results."""
import math

# Clients, writes in flight per client, figure, and the required ratio of raft-kv to etcd.
GOALS = (
    (1, 1, "per_second", "at least", 1.5),
    (64, 1, "per_second", "at least", 4.0),
    (64, 1, "p99_ms", "below", 1.0),
)
NAMES = {"per_second": "writes per second", "p99_ms": "p99"}


def share(row, figure):
    """raft-kv's figure divided by etcd's; NaN if one of them is missing."""
    try:
        return row["raft-kv"][figure] / row["etcd"][figure]
    except (KeyError, TypeError, ZeroDivisionError):
        return math.nan


def judge(rows):
    """A record for each goal: the measured ratio and whether it is met. Missing is not met."""
    by_workload = {(row["clients"], row["outstanding"]): row for row in rows}
    goals = []
    for clients, outstanding, figure, sense, bound in GOALS:
        found = share(by_workload.get((clients, outstanding), {}), figure)
        met = found >= bound if sense == "at least" else found < bound
        goals.append({"clients": clients, "outstanding": outstanding, "figure": figure,
                      "sense": sense, "bound": bound,
                      "found": None if math.isnan(found) else found, "met": met})
    return goals


def columns(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths)) for line in lines]


def cells(figures):
    """The measurements as text, two lines per workload."""
    lines = [("clients", "in flight", "store", "writes/s", "p50 ms", "p99 ms", "servers us/write",
              "client us/write", "ratio")]
    for row in figures["rows"]:
        for name in ("etcd", "raft-kv"):
            found = row[name]
            lines.append((str(row["clients"]), str(row["outstanding"]), name,
                          f"{found['per_second']:,.0f}", f"{found['p50_ms']:.2f}",
                          f"{found['p99_ms']:.2f}", f"{found['server_cpu_us']:.0f}",
                          f"{found['client_cpu_us']:.0f}",
                          f"{share(row, 'per_second'):.2f}" if name == "raft-kv" else ""))
    return lines


def goal_cells(figures):
    lines = [("clients", "figure", "raft-kv / etcd", "goal", "")]
    for goal in figures["goals"]:
        lines.append((str(goal["clients"]), NAMES[goal["figure"]],
                      "missing" if goal["found"] is None else f"{goal['found']:.2f}",
                      f"{goal['sense']} {goal['bound']:g}", "met" if goal["met"] else "NOT MET"))
    return lines


def disk_cells(figures):
    lines = [("4 KiB written, then fdatasync", "per second, best round")]
    syncs = figures["syncs_per_second"].items()
    return lines + [(words, f"{found:,.0f}") for words, found in syncs]


def table(figures):
    text = columns(cells(figures))
    text += ["", *columns(disk_cells(figures)), "",
             f"{figures['processors']} processors, {figures['file_system']}",
             "connections shared by etcd's clients, the fastest of those tried: " +
             ", ".join(f"{row['etcd_connections']} ({row['clients']} x {row['outstanding']})"
                       for row in figures["rows"]), ""]
    for goal in figures["goals"]:
        found = "missing" if goal["found"] is None else f"{goal['found']:.2f}"
        text.append(f"{'met' if goal['met'] else 'NOT MET':>7}: {goal['clients']} clients, "
                    f"{NAMES[goal['figure']]}: ratio to etcd {found}, "
                    f"goal {goal['sense']} {goal['bound']:g}")
    return "\n".join(text)
