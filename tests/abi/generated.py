# SPDX-License-Identifier: MIT
"""Files in abi/ that are generated from the header: print one, or check it."""

import os
import shlex
import sys


def is_current(path, text):
    """Does the file contain this text? White space may differ."""
    with open(path, encoding="utf-8") as file:
        return file.read().split() == text.split()


def difference(path, text):
    """The lines that only the file has (-) or only the text has (+)."""
    with open(path, encoding="utf-8") as file:
        old, new = file.read().splitlines(), text.splitlines()
    lines = ["- " + line for line in old if line not in new]
    return lines + ["+ " + line for line in new if line not in old] or ["the order differs"]


def main(generate, optional):
    """Body of a script that is called with CC HEADER [FILE]: print what
    generate(cc, header) returns, or compare FILE with it. If FILE does not exist, the
    test is skipped if it is optional, and fails if not."""
    text = generate(shlex.split(sys.argv[1]), sys.argv[2])
    if len(sys.argv) < 4:
        print(text, end="")
        return 0
    path = sys.argv[3]
    if optional and not os.path.exists(path):
        print("skipped: this architecture has no " + path)
        return 77
    if not is_current(path, text):
        print("%s differs from the header; see abi/README.md" % path)
        print("\n".join(difference(path, text)))
        return 1
    print("%s: %d lines, up to date" % (path, len(text.splitlines())))
    return 0
