# SPDX-License-Identifier: MIT
"""The instructions of one workload: by function (with what is inlined into it) and
source lines, per operation.

usage: profile.py STEPS WORKLOAD [ROWS]"""
import collections
import glob
import os
import re
import sys
import tempfile

import counting


class Dump:
    """The self cost of a callgrind dump. (callgrind_annotate 3.19 fails on calls that
    were under way when counting began.)"""

    def __init__(self):
        self.functions = collections.Counter()
        self.lines = collections.Counter()

    def read(self, path):
        names = {"fn": {}, "fl": {}}
        function = file = None
        number = 0
        called = False
        with open(path, encoding="utf-8") as dump:
            for text in dump:
                match = re.match(r"(c?)(fn|fl|fi|fe)=\((\d+)\)(?: (.*))?$", text)
                if match:
                    call, kind, key, name = match.groups()
                    table = names["fn" if kind == "fn" else "fl"]
                    if name:
                        table[key] = name
                    if not call and kind == "fn":
                        function = table[key]
                    elif not call:
                        file = table[key]
                    continue
                if text.startswith("calls="):
                    called = True
                    continue
                match = re.match(r"([+-]?\d+|\*) (\d+)$", text)
                if not match:
                    continue
                where, cost = match.groups()
                if where[0] in "+-":
                    number += int(where)
                elif where != "*":
                    number = int(where)
                if not called:
                    self.functions[function] += int(cost)
                    self.lines[(file, number)] += int(cost)
                called = False


def show(counter, operations, rows, name):
    total = sum(counter.values())
    for key, cost in counter.most_common(rows):
        print(f"{cost / operations:12,.1f} {100 * cost / total:5.1f}%  {name(key)}")


def line_name(key):
    path, number = key
    try:
        with open(path, encoding="utf-8") as file:
            source = file.read().splitlines()[number - 1].strip()
    except (OSError, IndexError):
        source = ""
    return f"{'/'.join(path.split('/')[-2:])}:{number}  {source[:80]}"


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    steps, workload = sys.argv[1:3]
    rows = int(sys.argv[3]) if len(sys.argv) > 3 else 25
    with tempfile.TemporaryDirectory() as folder:
        figures = counting.count_instructions([steps, workload], keep=(workload, folder))
        dump = Dump()
        for path in glob.glob(os.path.join(folder, "*")):
            dump.read(path)
    operations = sum(dump.functions.values()) / figures[workload]
    print(f"{workload}: {figures[workload]:,.1f} instructions per operation")
    show(dump.functions, operations, rows, str)
    print("by line")
    show(dump.lines, operations, rows, line_name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
