# SPDX-License-Identifier: MIT
"""Check that a page quotes what a program prints: each line that it prints is a line of the page.

usage: prints.py PAGE PROGRAM [ARGUMENT...]
"""

import subprocess
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        page = {line.strip() for line in file}
    run = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, text=True, check=True)
    printed = [line.strip() for line in run.stdout.splitlines() if line.strip()]
    strange = [line for line in printed if line not in page]
    for line in strange:
        print(f"{sys.argv[1]} does not quote: {line}")
    if not printed:
        print("the program prints nothing")
    return 1 if strange or not printed else 0


if __name__ == "__main__":
    sys.exit(main())
