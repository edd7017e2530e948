# SPDX-License-Identifier: MIT
"""Runs the measuring programs, under callgrind where instructions are counted."""
import glob
import json
import os
import subprocess
import tempfile

VALGRIND = ["valgrind", "--tool=callgrind"]
# Symbols are looked up before anything is counted.
BOUND = {**os.environ, "LD_BIND_NOW": "1"}


class NothingCounted(Exception):
    """The program made no counts: it was built without valgrind's headers."""


def lines_of(command):
    """What a program prints: a line of JSON for each figure, with a value that it counted
    itself, or with a number of operations and the nanoseconds of one."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=BOUND)
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_dumps(folder):
    """Sums of instructions, by the name of the mark that ended the count."""
    counts = {}
    for path in glob.glob(os.path.join(folder, "counts*")):
        name = total = None
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith("desc: Trigger: Client Request: "):
                    name = line.split(": ", 3)[3].strip()
                elif line.startswith(("summary: ", "totals: ")):
                    total = int(line.split()[1])
        if name is not None:
            counts[name] = counts.get(name, 0) + total
    return counts


def keep_dumps_of(name, folder, target):
    """The dumps of one figure, for callgrind_annotate."""
    for path in glob.glob(os.path.join(folder, "counts*")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if f"Client Request: {name}\n" in text:
            with open(os.path.join(target, os.path.basename(path)), "w", encoding="utf-8") as out:
                out.write(text)


def count_instructions(command, keep=None):
    """Instructions per operation of every workload, in the library's own functions and in what
    they call, by name. `keep`: a (name, folder); the dumps of that figure are copied there."""
    with tempfile.TemporaryDirectory() as folder:
        done = lines_of(VALGRIND + [
            f"--callgrind-out-file={folder}/counts", "-q", "--collect-atstart=no",
            "--toggle-collect=raft_*", "--toggle-collect=limit_*"] + command)
        counts = read_dumps(folder)
        if keep is not None:
            keep_dumps_of(keep[0], folder, keep[1])
    if not counts:
        raise NothingCounted
    figures = {}
    for line in done:
        if "operations" in line:
            if not counts.get(line["name"]):
                raise ValueError(f"{line['name']}: no instruction was counted")
            figures[line["name"]] = counts[line["name"]] / line["operations"]
    return figures


def count_whole(command, empty):
    """Instructions of a whole program minus those of one that only sets up."""
    totals = []
    for program in (command, empty):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(VALGRIND + [f"--callgrind-out-file={folder}/counts", "-q"] + program,
                           check=True, stdout=subprocess.DEVNULL, env=BOUND)
            with open(f"{folder}/counts", encoding="utf-8") as file:
                totals += [int(line.split()[1]) for line in file if line.startswith("totals: ")]
    return totals[0] - totals[1]
