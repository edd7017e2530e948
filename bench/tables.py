# SPDX-License-Identifier: MIT
"""Writes the figures of measure.py as the tables that docs/performance.rst shows.

usage: tables.py FIGURES.json FOLDER
       tables.py --compilers FILE.csv NAME=FIGURES.json..."""
import csv
import json
import math
import os
import sys

import budget

# The project's aims. The budgets that CI checks are in budgets.json.
AIMS = {
    "W1/N=3": 1600, "W1-tickets/N=3": 1600, "W1/N=9": 5600, "W1/N=51": 36000, "W2/batch=64": 120,
    "W3/window=1000": 1600, "W3-links/N=25": 17000, "W4/N=3": 865, "allocations/entry": 0,
    "bytes/idle follower": 640, "bytes/idle follower with settings": 640,
    "bytes/follower at rest": 640, "bytes/leader at rest": 1100,
    "lookup/terms=100000": 450, "restart/entries=1000000": 25,
    "bytes/1,000,000 entries in one term, loaded": 0,
    "bytes/1,000,000 entries in one term, replicated": 0,
    "acknowledgement/window=10000": 1.2, "acknowledgement/terms=100000": 1.2,
    "sleep/falling asleep": 8000, "sleep/false alarm of a follower": 8000,
    "sleep/false alarm of the leader": 8000, "sleep/write": 5000,
    "groups/asleep: steps in a minute": 0, "groups/asleep: servers with a deadline": 0,
    "groups/false alarm: messages per group": 5,
    "groups/one host down: steps per group and second": 0.1,
    "groups/batches: bytes per server kept": 512,
}
PEER = "C-Raft "
LIMITS = "limit/"
GROUPS = "groups/"
MORE_GROUPS = "groups="
NUMBER = "awake: number"
IDLE_SECOND = "awake: idle second"


class Missing(Exception):
    """A figure that a table needs is missing."""


def budgets(data):
    yield "workload", "budget", "held in CI", "found", "unit"
    for row in data["budgets"]:
        if row["figure"] not in AIMS:
            raise Missing(f"no aim for {row['figure']}")
        yield (row["what"], budget.number(AIMS[row["figure"]]), budget.number(row["at_most"]),
               budget.number(row["value"]), row["unit"])


def peer(data):
    figures = data["figures"]
    yield "workload", "libraft", "C-Raft 0.15", "times"
    for name, theirs in figures.items():
        if name.startswith(PEER):
            ours = figures.get(name[len(PEER):])
            if ours is None:
                raise Missing(name[len(PEER):])
            yield (name[len(PEER):], budget.number(ours), budget.number(theirs),
                   f"{theirs / ours:.1f}")


def limits(data):
    yield "what", "instructions", "ns"
    for name, value in data["figures"].items():
        if name.startswith(LIMITS):
            time = data["nanoseconds"].get(name, math.nan)
            yield name[len(LIMITS):], budget.number(value), f"{time:.1f}"


def groups(data):
    """A column for each number of groups."""
    figures, nanoseconds = data["figures"], data["nanoseconds"]
    others = sorted({name.split("/")[0] for name in figures if name.startswith(MORE_GROUPS)})
    prefixes = [GROUPS] + [other + "/" for other in others]
    yield "figure", *(budget.number(figures[prefix + NUMBER]) for prefix in prefixes)
    for name, value in figures.items():
        figure = name[len(GROUPS):]
        if not name.startswith(GROUPS) or figure == NUMBER or figure.endswith(": number"):
            continue
        if figure == IDLE_SECOND:
            yield ("awake: instructions per idle server and second", budget.number(value),
                   *("" for _ in others))
            yield ("awake: CPU ns per idle server and second",
                   *(budget.number(nanoseconds[prefix + figure]) for prefix in prefixes))
        else:
            yield figure, *(budget.number(figures[prefix + figure]) for prefix in prefixes)


def times(data):
    yield "workload", "instructions", "CPU ns"
    for name in ("W1/N=3", "W1/N=9", "W1/N=51", "W2/batch=64", "W3/window=1000", "W4/N=3"):
        yield (name, budget.number(data["figures"][name]),
               budget.number(data["nanoseconds"][name]))


def compilers(measured):
    """What has a budget in instructions, with each compiler: pairs of name and data."""
    yield "workload", "held in CI", *(name for name, _ in measured)
    for row in measured[0][1]["budgets"]:
        if "instructions" in row["unit"]:
            found = [{other["figure"]: other["value"] for other in data["budgets"]}
                     for _, data in measured]
            yield (row["what"], budget.number(row["at_most"]),
                   *(budget.number(values[row["figure"]]) for values in found))


def write(rows, path):
    rows = list(rows)
    if len(rows) < 2:
        raise Missing(f"nothing for {path}")
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(path)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    if sys.argv[1:2] == ["--compilers"] and len(sys.argv) > 3:
        pairs = [argument.split("=", 1) for argument in sys.argv[3:]]
        write(compilers([(name, load(path)) for name, path in pairs]), sys.argv[2])
        return 0
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    data = load(sys.argv[1])
    os.makedirs(sys.argv[2], exist_ok=True)
    try:
        for table in (budgets, peer, limits, groups, times):
            write(table(data), os.path.join(sys.argv[2], table.__name__ + ".csv"))
    except (Missing, KeyError) as error:
        print(f"missing: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
