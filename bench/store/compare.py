# SPDX-License-Identifier: MIT
"""Compares raft-kv with etcd: three servers each, on the same machine and file system, with the
same client.

Each round measures both, each measurement on a new cluster. The exit status is 0, or with --check
1 if a goal is not met."""
import argparse
import csv
import json
import os
import signal
import statistics
import subprocess
import sys

import clusters
import disk
import verdict

MAX_DATA = 128 << 20  # bytes of all values together, at most
MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs", "overlay")  # where a sync may do nothing


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raft-kv", required=True, help="the raft-kv program")
    parser.add_argument("--etcd", default="etcd", help="the etcd program")
    parser.add_argument("--load", required=True, help="the load generator")
    parser.add_argument("--folder", required=True, help="where to create the servers' directories")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="duration of a measurement")
    parser.add_argument("--clients", default="1,64,256", help="numbers of clients")
    parser.add_argument("--outstanding", default="1,16", help="writes in flight per client")
    parser.add_argument("--connections", default="1,4,16",
                        help="numbers of connections to try for etcd's clients")
    parser.add_argument("--short", action="store_true",
                        help="one round of two seconds each, without pipelining: two minutes")
    parser.add_argument("--check", action="store_true",
                        help="exit with status 1 if a goal is not met")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--tables", help="write the tables of docs/performance.rst to this folder")
    args = parser.parse_args()
    if args.short:
        args.rounds, args.seconds, args.clients, args.outstanding = 1, 2, "1,64", "1"
        args.connections = "4"
    return args


def load(args, cluster, work, connections, seconds):
    """Run one measurement; return the client's figures, and for each operation the CPU time and
    the bytes written for a byte of value."""
    keys = max(64, min(100000, MAX_DATA // work.value))
    command = [args.load, "-store", cluster.store, "-address", cluster.leader,
               "-clients", str(work.clients), "-outstanding", str(work.outstanding),
               "-value", str(work.value), "-keys", str(keys), f"-read={work.read}".lower(),
               "-connections", str(connections), "-duration", f"{seconds}s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        marks = []
        for mark in ("begin", "end"):
            if client.stdout.readline().strip() != mark:
                raise RuntimeError(f"the load generator for {cluster.name} failed")
            marks.append((cluster.cpu_seconds(), cluster.written_bytes()))
        found = json.loads(client.stdout.read())
    cluster.check()
    n = found["operations"]
    found["server_cpu_us"] = (marks[1][0] - marks[0][0]) / n * 1e6
    found["client_cpu_us"] = found.pop("client_cpu") / n * 1e6
    found["mb_per_second"] = found["per_second"] * work.value / 1e6
    found["written_per_byte"] = (marks[1][1] - marks[0][1]) / n / work.value
    found["used_mb"] = cluster.used_bytes() / 1e6
    return found


def measure(args, kind, work, connections, seconds):
    program = args.etcd if kind is clusters.Etcd else args.raft_kv
    with kind(program, args.folder) as cluster:
        return load(args, cluster, work, connections, seconds)


def best_connections(args, work):
    """The number of connections with which etcd's clients are fastest: the lowest within 3 %."""
    tried = {}
    for connections in sorted({min(int(c), work.clients) for c in args.connections.split(",")}):
        tried[connections] = measure(args, clusters.Etcd, work, connections,
                                     args.seconds / 2)["per_second"]
    if len(tried) == 1:
        return next(iter(tried))
    return min(c for c, rate in tried.items() if rate >= 0.97 * max(tried.values()))


def workloads(args):
    for outstanding in map(int, args.outstanding.split(",")):
        for clients in map(int, args.clients.split(",")):
            yield verdict.Work(clients, outstanding)
    yield from verdict.MORE


def medians(found):
    return {name: statistics.median(f[name] for f in found) for name in found[0]}


def run(args):
    rows = []
    for work in workloads(args):
        row = {**work._asdict(), "rounds": {}}
        row["etcd_connections"] = best_connections(args, work)
        rows.append(row)
    syncs = {words: 0 for *_, words in disk.CASES}
    for number in range(args.rounds):
        for files, prepared, words in disk.CASES:
            found = disk.syncs_per_second(args.folder, files, prepared)
            syncs[words] = max(syncs[words], found)
        for row in rows:
            for kind in (clusters.Etcd, clusters.RaftKv):
                found = measure(args, kind, verdict.work_of(row), row["etcd_connections"],
                                args.seconds)
                row["rounds"].setdefault(kind.name, []).append(found)
        print(f"round {number + 1} of {args.rounds} done", file=sys.stderr)
    for row in rows:
        row.update({name: medians(found) for name, found in row["rounds"].items()})
    return {"file_system": disk.file_system(args.folder), "processors": os.cpu_count(),
            "syncs_per_second": syncs, "rows": rows}


def write_tables(figures, folder):
    tables = {"etcd": verdict.cells, "etcd-sizes": verdict.size_cells,
              "etcd-goals": verdict.goal_cells, "etcd-disk": verdict.disk_cells}
    for name, cells in tables.items():
        with open(os.path.join(folder, name + ".csv"), "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(cells(figures))
    with open(os.path.join(folder, "etcd.json"), "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=1)
        file.write("\n")


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped
    kind = disk.file_system(args.folder)
    if kind in MEMORY_FILE_SYSTEMS:
        print(f"{args.folder} is on {kind}, where a sync may do nothing: choose another folder",
              file=sys.stderr)
        return 2
    figures = run(args)
    figures["goals"] = verdict.judge(figures["rows"])
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
            file.write("\n")
    if args.tables:
        write_tables(figures, args.tables)
    print(verdict.table(figures))
    met = all(goal["met"] for goal in figures["goals"])
    return 1 if args.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
