# SPDX-License-Identifier: MIT
"""Check that a page quotes what a program prints: the lines that it prints are lines of the page,
in the same order.

usage: prints.py PAGE PROGRAM [ARGUMENT...]
"""

import subprocess
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        page = iter([line.strip() for line in file])
    run = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, text=True, check=True)
    printed = [line.strip() for line in run.stdout.splitlines() if line.strip()]
    # `in` goes on behind the line that it found, so the order counts.
    strange = [line for line in printed if line not in page][:1]
    for line in strange:
        print(f"{sys.argv[1]} does not quote this, or not in this place: {line}")
    if not printed:
        print("the program prints nothing")
    return 1 if strange or not printed else 0


if __name__ == "__main__":
    sys.exit(main())
