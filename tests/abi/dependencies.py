# SPDX-License-Identifier: MIT
"""Check that the libraries need the C library only, and no C++ run-time library.

usage: dependencies.py CC SHARED [STATIC]
"""

import os
import re
import shlex
import subprocess
import sys

import elf

# Weak symbols that the start-up files of every shared object refer to.
OPTIONAL = {"__cxa_finalize", "__gmon_start__", "_ITM_deregisterTMCloneTable",
            "_ITM_registerTMCloneTable"}
LIBC = re.compile(r"(libc\.so(\.6)?|libc\.musl-.*|ld-linux.*|ld-musl.*)")


def file_of(cc, *question):
    """The path that the compiler driver answers, or None."""
    path = subprocess.run([*cc, *question], check=True, capture_output=True,
                          text=True).stdout.strip()
    return path if os.path.isabs(path) and os.path.exists(path) else None


def libc_symbols(cc):
    """Names of the symbols that the C library defines, or None if it is not found."""
    for name in ("libc.so.6", "libc.so"):
        path = file_of(cc, "-print-file-name=" + name)
        if path and elf.defined_symbols(path, dynamic=True):
            return elf.defined_symbols(path, dynamic=True)
    return None


def shared_problems(library, libc):
    """What a shared library needs besides libc, one line each."""
    names, soname = elf.needed(library)
    problems = ["needs " + name for name in names if not LIBC.fullmatch(name)]
    if not soname or not re.fullmatch(r"libraft-core\.so\.\d+", soname):
        problems.append("soname is %s" % soname)
    problems += ["undefined: " + name
                 for name, weak in elf.undefined_symbols(library, dynamic=True)
                 if name not in libc and not (weak and name in OPTIONAL)]
    return problems


def static_problems(cc, archive, libc):
    """Symbols that an archive needs, and that are defined neither in the archive, nor in
    libc, nor in libgcc, which is linked into every C program."""
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
        print("skipped: the build is instrumented, or no shared C library was found")
        return 77
    problems = [shared + ": " + text for text in shared_problems(shared, libc)]
    for archive in sys.argv[3:]:
        problems += [archive + ": " + text for text in static_problems(cc, archive, libc)]
    print("\n".join(problems) or "the libraries need libc only")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
