# SPDX-License-Identifier: MIT
"""The libraries need the C library and nothing else: no C++ run-time library.

usage: dependencies.py CC SHARED [STATIC]
"""

import os
import re
import shlex
import subprocess
import sys

import elf

# What the start-up files of every shared object mention and nobody must define.
OPTIONAL = {"__cxa_finalize", "__gmon_start__", "_ITM_deregisterTMCloneTable",
            "_ITM_registerTMCloneTable"}
LIBC = re.compile(r"(libc\.so(\.6)?|libc\.musl-.*|ld-linux.*|ld-musl.*)")


def file_of(cc, *question):
    """A file that the compiler driver knows, or None."""
    path = subprocess.run([*cc, *question], check=True, capture_output=True,
                          text=True).stdout.strip()
    return path if os.path.isabs(path) and os.path.exists(path) else None


def libc_symbols(cc):
    """Names that the C library defines."""
    for name in ("libc.so.6", "libc.so"):
        path = file_of(cc, "-print-file-name=" + name)
        if path and elf.defined_symbols(path, dynamic=True):
            return elf.defined_symbols(path, dynamic=True)
    return None


def shared_problems(library, libc):
    """What a shared library needs beyond libc."""
    names, soname = elf.needed(library)
    problems = ["needs " + name for name in names if not LIBC.fullmatch(name)]
    if not soname or not re.fullmatch(r"libraft\.so\.\d+", soname):
        problems.append("soname is %s" % soname)
    problems += ["undefined: " + name
                 for name, weak in elf.undefined_symbols(library, dynamic=True)
                 if name not in libc and not (weak and name in OPTIONAL)]
    return problems


def static_problems(cc, archive, libc):
    """What an archive wants that neither itself, libc nor the compiler's own
    arithmetic helpers (linked into every C program) define."""
    helpers = file_of(cc, "-print-libgcc-file-name")
    known = libc | elf.defined_symbols(archive, dynamic=False) | {"_GLOBAL_OFFSET_TABLE_"}
    if helpers:
        known |= elf.defined_symbols(helpers, dynamic=False)
    return ["undefined: " + name
            for name, _ in elf.undefined_symbols(archive, dynamic=False) if name not in known]


def main():
    cc, shared = shlex.split(sys.argv[1]), sys.argv[2]
    libc = libc_symbols(cc)
    if elf.is_instrumented(shared) or libc is None:
        print("skipped: an instrumented build, or no shared C library to look into")
        return 77
    problems = [shared + ": " + text for text in shared_problems(shared, libc)]
    for archive in sys.argv[3:]:
        problems += [archive + ": " + text for text in static_problems(cc, archive, libc)]
    print("\n".join(problems) or "libc is all they need")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
