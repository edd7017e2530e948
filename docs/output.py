# SPDX-License-Identifier: MIT
"""Run a program and compare what it prints with a file that a page quotes.

usage: output.py PROGRAM FILE
       output.py --self-test
"""

import difflib
import subprocess
import sys
import tempfile


def difference(program, path):
    """Lines of a diff between the file and what the program prints; none if they are the same."""
    printed = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True).stdout
    with open(path, encoding="utf-8") as file:
        expected = file.read()
    return list(difflib.unified_diff(expected.splitlines(), printed.splitlines(),
                                     path, "printed", lineterm=""))


def self_test():
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("one\ntwo\n")
        file.flush()
        same = difference(["printf", "one\\ntwo\\n"], file.name)
        other = difference(["printf", "one\\nthree\\n"], file.name)
        short = difference(["printf", "one\\n"], file.name)
    return 0 if not same and "+three" in other and "-two" in short else 1


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    lines = difference([sys.argv[1]], sys.argv[2])
    print("\n".join(lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
