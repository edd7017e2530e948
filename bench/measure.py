# SPDX-License-Identifier: MIT
"""Measures the cost of steps, prints a table, writes JSON; with --check, checks the budgets.

Exit codes: 0, 1 (a budget is exceeded), 77 (valgrind is missing)."""
import argparse
import json
import os
import shutil
import sys

import budget
import counting

FEW_GROUPS = 3000  # under callgrind; the cost of one does not depend on the others
MANY_GROUPS = 100000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", required=True, help="the program of the workloads")
    parser.add_argument("--memory", required=True, help="the program that counts memory")
    parser.add_argument("--groups", required=True, help="the program of many groups")
    parser.add_argument("--peer", help="the program of the workloads for Debian's libraft-dev")
    parser.add_argument("--budgets", help="a table of budgets",
                        default=os.path.join(os.path.dirname(__file__), "budgets.json"))
    parser.add_argument("--numbers", nargs="+", type=int, default=[MANY_GROUPS],
                        help="how many groups; the names of the figures of the first have none")
    parser.add_argument("--check", action="store_true",
                        help="measure only what has a budget, and check it")
    parser.add_argument("--only", choices=("peer", "groups"),
                        help="measure only this, check nothing")
    parser.add_argument("--json", help="write the figures here")
    return parser.parse_args()


def figures_of(command):
    """What a program prints: plain values, and nanoseconds."""
    lines = counting.lines_of(command)
    return ({line["name"]: line["value"] for line in lines if "value" in line},
            {line["name"]: line["ns"] for line in lines if "ns" in line})


def values_of(command):
    return figures_of(command)[0]


def times_of(command):
    return figures_of(command)[1]


def measure_groups(program, numbers):
    """Many groups in one process: figures and times."""
    figures = counting.count_instructions([program, "awake", str(FEW_GROUPS)])
    times = {}
    for number in numbers:
        prefix = "groups/" if number == numbers[0] else f"groups={number}/"
        for mode in ("awake", "asleep", "batches"):
            found = figures_of([program, mode, str(number)])
            for kind, lines in zip((figures, times), found):
                kind.update((name.replace("groups/", prefix), value)
                            for name, value in lines.items())
    return figures, times


def measure_part(args):
    """Many groups; or the peer beside this library's own figures."""
    if args.only == "groups":
        return measure_groups(args.groups, args.numbers)
    if args.peer is None:
        raise SystemExit("libraft-dev is not installed: there is no peer to measure")
    theirs = measure_peer(args.peer)
    ours = counting.count_instructions([args.steps])
    figures = {}
    for name, value in theirs.items():
        own = name.replace("C-Raft ", "", 1)
        if own in ours:
            figures[own] = ours[own]
        figures[name] = value
    figures.update((name, value) for name, value in ours.items() if name.startswith("limit/"))
    return figures, {}


def count_alone(program, options):
    """Each workload is counted in a process of its own. In one process, the workloads before it
    would decide where the heap puts an address, and strcmp() is slower near the end of a page."""
    figures = {}
    for name in dict.fromkeys(line["name"] for line in counting.lines_of([program] + options)
                              if "operations" in line):
        figures.update(counting.count_instructions([program, name]))
    return figures


def measure(args):
    """Instructions or plain values, and nanoseconds, by name."""
    if args.only:
        return measure_part(args)
    figures = count_alone(args.steps, ["--judged"] if args.check else [])
    figures.update(values_of([args.memory]))
    if args.check:
        for mode in ("asleep", "batches"):
            figures.update(values_of([args.groups, mode, str(FEW_GROUPS)]))
        return figures, {}
    times = times_of([args.steps])
    groups, group_times = measure_groups(args.groups, args.numbers)
    figures.update(groups)
    times.update(group_times)
    if args.peer:
        figures.update(measure_peer(args.peer))
    return figures, times


def measure_peer(program):
    """Debian's libraft-dev: the whole program minus an empty run of the same harness."""
    figures = {}
    for line in counting.lines_of([program, "list"]):
        servers, entries, window = map(str, line["arguments"])
        library, harness = (
            counting.count_whole([program, mode, servers, entries, window],
                                 [program, mode, servers, "0", window])
            for mode in ("run", "empty"))
        figures[line["name"]] = (library - harness) / int(entries)
    return figures


def print_all(figures, times):
    width = max(map(len, figures))
    print(f"{'figure':<{width}}  {'instructions or value':>21}  {'CPU ns':>10}")
    for name, value in figures.items():
        time = f"{times[name]:,.0f}" if name in times else ""
        print(f"{name:<{width}}  {budget.number(value):>21}  {time:>10}".rstrip())


def main():
    args = arguments()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: nothing can be counted")
        return 77
    try:
        figures, times = measure(args)
    except counting.NothingCounted:
        print("built without valgrind's headers: nothing can be counted")
        return 77
    rows = [] if args.only else budget.judge(budget.load(args.budgets), figures)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"figures": figures, "nanoseconds": times, "budgets": rows}, file, indent=1)
            file.write("\n")
    if not args.check:
        print_all(figures, times)
    if not args.check and not args.only:
        print()
    if not args.only:
        print(budget.table(rows))
    return 0 if all(row["kept"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
