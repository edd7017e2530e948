# SPDX-License-Identifier: MIT
"""Check that a page shows what its program prints.

usage: printed.py PAGE PROGRAM
"""

import subprocess
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        shown = {line.strip() for line in file}
    run = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, text=True, check=True)
    printed = [line.strip() for line in run.stdout.splitlines()]
    missing = [line for line in printed if line not in shown]
    for line in missing:
        print(f"not in {sys.argv[1]}: {line}")
    if not printed:
        print("the program prints nothing")
    return 1 if missing or not printed else 0


if __name__ == "__main__":
    sys.exit(main())
