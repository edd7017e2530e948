# SPDX-License-Identifier: MIT
"""abi/raft.ffi.h: the declarations of raft.h without comments, attributes and
macros, for cffi, LuaJIT, bindgen and their like.

usage: ffi.py CC HEADER [COPY]
Prints the declarations, or compares them with COPY.
"""

import shlex
import sys

import cdecl

TITLE = "/* SPDX-License-Identifier: MIT */\n/* Made from raft.h; size_t and bool are C's. */\n"


def declarations(cc, header):
    """The text of the copy."""
    return TITLE + cdecl.unmarked(cdecl.preprocess(cc, header))


def main():
    now = declarations(shlex.split(sys.argv[1]), sys.argv[2])
    if len(sys.argv) < 4:
        print(now, end="")
        return 0
    with open(sys.argv[3], encoding="utf-8") as file:
        equal = file.read().split() == now.split()
    print("equal" if equal else "%s is not what raft.h says: make it anew" % sys.argv[3])
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
