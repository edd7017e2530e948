# SPDX-License-Identifier: MIT
"""The goals of the comparison, whether they are met, and the tables of results."""
import collections
import math

Work = collections.namedtuple("Work", "clients outstanding value read", defaults=(1, 64, False))

# Workloads besides those of the command line: values of other sizes, and reads.
MORE = (Work(64, 1, 1024), Work(64, 1, 64 << 10), Work(16, 1, 512 << 10), Work(1, 1, 64, True),
        Work(64, 1, 64, True))

ETCD = "etcd's"  # the bound is a multiple of etcd's figure

# Workload, figure, and the bound.
GOALS = (
    (Work(1), "per_second", "at least", 1.5, ETCD),
    (Work(1), "p99_ms", "at most", 1.0, ETCD),
    (Work(64), "per_second", "at least", 6.0, ETCD),
    (Work(64), "p99_ms", "at most", 1.0, ETCD),
    (Work(16, 1, 512 << 10), "mb_per_second", "at least", 250, "MB/s"),
    (Work(16, 1, 512 << 10), "written_per_byte", "at most", 4, "bytes for a byte of value"),
    (Work(64, 1, 64, True), "per_second", "at least", 50000, "a second"),
)
NAMES = {"per_second": "rate", "p99_ms": "p99", "mb_per_second": "rate",
         "written_per_byte": "bytes written"}


def work_of(row):
    return Work(*(row[name] for name in Work._fields))


def size(value):
    return f"{value >> 10} KiB" if value >= 1024 else f"{value} B"


def words(work):
    """What is done, such as: 64 clients, writes, 512 KiB."""
    clients = f"{work.clients} client" + ("s" if work.clients > 1 else "")
    return f"{clients}, {'reads' if work.read else 'writes'}, {size(work.value)}"


def share(row, figure):
    """raft-kv's figure divided by etcd's; NaN if one of them is missing."""
    try:
        return row["raft-kv"][figure] / row["etcd"][figure]
    except (KeyError, TypeError, ZeroDivisionError):
        return math.nan


def own(row, figure):
    """raft-kv's figure; NaN if it is missing."""
    try:
        return row["raft-kv"][figure]
    except (KeyError, TypeError):
        return math.nan


def judge(rows):
    """A record for each goal: what was measured and whether it is met. Missing is not met."""
    by_workload = {work_of(row): row for row in rows}
    goals = []
    for work, figure, sense, bound, unit in GOALS:
        row = by_workload.get(work, {})
        found = share(row, figure) if unit == ETCD else own(row, figure)
        met = found >= bound if sense == "at least" else found <= bound
        goals.append({**work._asdict(), "figure": figure, "sense": sense, "bound": bound,
                      "unit": unit, "found": None if math.isnan(found) else found, "met": met})
    return goals


def columns(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths)) for line in lines]


def is_plain(row):
    """True for a write of 64 bytes, one of the first table."""
    return row["value"] == 64 and not row["read"]


def cells(figures):
    """The writes of 64 bytes as text, two lines per workload."""
    lines = [("clients", "under way", "store", "writes/s", "p50 ms", "p99 ms", "servers us/write",
              "client us/write", "times etcd")]
    for row in filter(is_plain, figures["rows"]):
        for name in ("etcd", "raft-kv"):
            found = row[name]
            lines.append((str(row["clients"]), str(row["outstanding"]), name,
                          f"{found['per_second']:,.0f}", f"{found['p50_ms']:.2f}",
                          f"{found['p99_ms']:.2f}", f"{found['server_cpu_us']:.0f}",
                          f"{found['client_cpu_us']:.0f}",
                          f"{share(row, 'per_second'):.2f}" if name == "raft-kv" else ""))
    return lines


def size_cells(figures):
    """Values of all sizes, and reads."""
    lines = [("clients", "operation", "value", "store", "per second", "MB/s", "p50 ms", "p99 ms",
              "bytes written / byte", "MB on disk", "times etcd")]
    for row in figures["rows"]:
        if row["outstanding"] > 1 or (is_plain(row) and row["clients"] != 64):
            continue
        for name in ("etcd", "raft-kv"):
            found = row[name]
            lines.append((str(row["clients"]), "read" if row["read"] else "write",
                          size(row["value"]), name, f"{found['per_second']:,.0f}",
                          f"{found['mb_per_second']:.1f}", f"{found['p50_ms']:.2f}",
                          f"{found['p99_ms']:.2f}",
                          "" if row["read"] else f"{found['written_per_byte']:.1f}",
                          f"{found['used_mb']:,.0f}",
                          f"{share(row, 'per_second'):.2f}" if name == "raft-kv" else ""))
    return lines


def goal_cells(figures):
    lines = [("workload", "figure", "found", "wanted", "unit", "")]
    for goal in figures["goals"]:
        lines.append((words(work_of(goal)), NAMES[goal["figure"]],
                      "missing" if goal["found"] is None else f"{goal['found']:,.2f}",
                      f"{goal['sense']} {goal['bound']:,g}", goal["unit"],
                      "met" if goal["met"] else "NOT MET"))
    return lines


def disk_cells(figures):
    lines = [("4 KiB written, then fdatasync", "per second, best round")]
    syncs = figures["syncs_per_second"].items()
    return lines + [(words, f"{found:,.0f}") for words, found in syncs]


def table(figures):
    text = columns(cells(figures))
    text += ["", *columns(size_cells(figures)), "", *columns(disk_cells(figures)), "",
             f"{figures['processors']} processors, {figures['file_system']}",
             "connections shared by etcd's clients, the fastest of those tried: " +
             ", ".join(f"{row['etcd_connections']} ({words(work_of(row))}, "
                       f"{row['outstanding']} under way)" for row in figures["rows"]), ""]
    for goal in figures["goals"]:
        found = "missing" if goal["found"] is None else f"{goal['found']:,.2f}"
        text.append(f"{'met' if goal['met'] else 'NOT MET':>7}: {words(work_of(goal))}, "
                    f"{NAMES[goal['figure']]}: {found}, goal {goal['sense']} "
                    f"{goal['bound']:,g} {goal['unit']}")
    return "\n".join(text)
