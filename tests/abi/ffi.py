# SPDX-License-Identifier: MIT
"""Generate or check abi/raft.ffi.h: the declarations of raft.h without comments,
attributes and macros, for cffi, LuaJIT, bindgen and similar tools.

usage: ffi.py CC HEADER [FILE]
Prints the declarations, or compares FILE with them.
"""

import sys

import cdecl
import generated

TITLE = ("/* SPDX-License-Identifier: MIT */\n"
         "/* Generated from raft.h. size_t and bool are those of C. */\n")


def declarations(cc, header):
    """The content of raft.ffi.h."""
    return TITLE + cdecl.unmarked(cdecl.preprocess(cc, header))


if __name__ == "__main__":
    sys.exit(generated.main(declarations, optional=False))
