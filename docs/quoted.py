# SPDX-License-Identifier: MIT
"""Check that the C code in README is quoted from the program that the tests compile and run.

usage: quoted.py README PROGRAM
"""

import re
import sys


def squeezed(text):
    """The text without comments, with all white space reduced to single spaces."""
    return " ".join(re.sub(r"/\*.*?\*/", "", text, flags=re.S).split())


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        blocks = re.findall(r"```c\n(.*?)```", file.read(), re.S)
    with open(sys.argv[2], encoding="utf-8") as file:
        program = squeezed(file.read())
    strange = [block for block in blocks if squeezed(block) not in program]
    for block in strange:
        print("README has C code that is not in the program:\n" + block)
    if not blocks:
        print("README has no C code")
    return 1 if strange or not blocks else 0


if __name__ == "__main__":
    sys.exit(main())
