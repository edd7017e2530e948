# SPDX-License-Identifier: MIT
"""Check the header for what generators of bindings and other languages cannot handle.

usage: names.py CC HEADER
"""

import shlex
import sys

import cdecl

# The published interface has both `enum raft_state` and raft_state(), and keeps them.
SHARED_NAMES = {"raft_state"}
# What the caller's memory is measured in. A size_t anywhere else, such as an offset in a
# snapshot, would differ between the servers of one cluster.
SIZES = {("raft_buffer", "len"), ("raft_entry", "cookie")}


def problems(declarations):
    """What is wrong with the declarations, one sentence each."""
    tags = declarations.structs.keys() | declarations.enums.keys()
    shared = (declarations.functions.keys() & tags) - SHARED_NAMES
    found = ["%s is a function and a tag: a generator drops one of them" % name
             for name in sorted(shared)]
    found += ["%s: %s is a bool. Some languages pass 256 for true" % (function, name)
              for function, (_, parameters) in declarations.functions.items()
              for kind, name in parameters if kind == "bool"]
    found += ["%s.%s is a size_t, which has 4 or 8 bytes" % (struct, name)
              for struct, fields in declarations.structs.items()
              for kind, name, _ in cdecl.flat(fields)
              if kind == "size_t" and (struct, name) not in SIZES]
    return found


def main():
    declarations = cdecl.declarations(shlex.split(sys.argv[1]), sys.argv[2])
    found = problems(declarations)
    print("\n".join(found) or "%d functions and %d structs have usable names and types" % (
        len(declarations.functions), len(declarations.structs)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
