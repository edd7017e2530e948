# SPDX-License-Identifier: MIT
"""Negative tests of frozen.py: altered folders of releases, tables, version scripts and symbols.

usage: negative_frozen.py CLANG HEADER ABI LIBRARY
"""

import contextlib
import io
import os
import shlex
import shutil
import sys
import tempfile

import elf
import frozen
import layout

NODE = "%s {\n global:\n  raft_%s;\n};\n"


def append(name):
    """A change: append a byte to a file."""
    def change(abi):
        with open(os.path.join(abi, name), "ab") as file:
            file.write(b"\n")
    return change


def replace(name, old, new):
    """A change: replace text in a file."""
    def change(abi):
        path = os.path.join(abi, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if old not in text:
            raise RuntimeError("%s does not contain %s" % (name, old))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))
    return change


def remove(name):
    """A change: remove a file or a folder."""
    def change(abi):
        path = os.path.join(abi, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.remove(path)
    return change


def remove_releases(abi):
    """A change: remove the folders of all releases."""
    for release in frozen.releases(abi):
        remove(release)(abi)


def nodes(*names):
    """A change: a version script with these nodes in addition."""
    def change(abi):
        with open(os.path.join(abi, "libraft.map"), "a", encoding="utf-8") as file:
            file.write("".join(NODE % (name, number) for number, name in enumerate(names)))
    return change


# What was changed, the change, and a part of the complaint; None if the change is allowed.
CASES = [
    ("nothing", lambda abi: None, None),
    ("the header of a release", append("1.0/raft.h"), "1.0: raft.h: was changed"),
    ("the machine code", append("1.0/program-x86_64"), "program-x86_64: was changed"),
    ("a program", append("1.0/program/program.c"), "program.c: was changed"),
    ("a table of a release", append("1.0/i386.txt"), "i386.txt: was changed"),
    ("a sum", replace("1.0/SHA256SUMS", "  raft.h", "  raft.hpp"), "raft.h: is not listed"),
    ("a removed file", remove("1.0/ilp32.txt"), "ilp32.txt: is missing"),
    ("a removed program", remove("1.0/program"), "program/harness.c: is missing"),
    ("a further file", append("1.0/program/more.c"), "more.c: is not listed"),
    ("no release", remove_releases, "there is no release"),
    ("the size of a struct on 32 bits", replace("ilp32.txt", "struct raft_buffer 8 4",
                                                "struct raft_buffer 12 4"), "ilp32: struct"),
    ("an alignment on i386", replace("i386.txt", "struct raft 64 4", "struct raft 64 8"),
     "i386: struct raft: was 64 4, is 64 8"),
    ("a function's parameter", replace("lp64.txt", "raft_role int(const ", "raft_role int("),
     "lp64: function raft_role"),
    ("the next release, unfinished", nodes("RAFT_1.99"), None),
    ("a release without a folder", nodes("RAFT_1.100", "RAFT_1.99"), "1.99 has no folder"),
]

SYMBOLS = ["T raft_role@@RAFT_1.0", "T raft_step@@RAFT_1.0"]
# What a library exports, and whether it contains SYMBOLS.
EXPORTED = [
    (SYMBOLS, True),
    ([*SYMBOLS, "T raft_other@@RAFT_1.1"], True),
    ([SYMBOLS[0], "T raft_step@RAFT_1.0", "T raft_step@@RAFT_1.1"], True),
    ([SYMBOLS[0], "T raft_step@@RAFT_1.1"], False),
    ([SYMBOLS[0], "T raft_step"], False),
    ([SYMBOLS[0], "D raft_step@@RAFT_1.0"], False),
    (SYMBOLS[:1], False),
]


def compared(abi, library, change):
    """What frozen.py says of a changed copy of the folder."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = os.path.join(scratch, "abi")
        shutil.copytree(abi, copy)
        change(copy)
        return frozen.compared(copy, os.path.join(copy, "libraft.map"), library)


def target_status(clang, header, abi, change):
    """The status of the comparison of a changed copy of the folder with all targets."""
    with tempfile.TemporaryDirectory() as scratch:
        for model in layout.TARGETS:
            shutil.copy(os.path.join(abi, model + ".txt"), scratch)
        change(scratch)
        with contextlib.redirect_stdout(io.StringIO()):
            return layout.on_targets(clang, header, scratch, write=False)


def main():
    clang, header, abi, library = shlex.split(sys.argv[1]), *sys.argv[2:5]
    if elf.is_instrumented(library):
        print("skipped: the library is instrumented")
        return 77
    failures = 0

    def judge(what, right, found):
        nonlocal failures
        failures += not right
        print("%s: %s: %s" % ("ok" if right else "FAILED", what, found))

    for what, change, part in CASES:
        found = compared(abi, library, change)
        right = any(part in text for text in found) if part else not found
        judge(what, right, found)
    for exported, contained in EXPORTED:
        found = frozen.missing_symbols(SYMBOLS, exported)
        judge("symbols " + " ".join(exported), (not found) == contained, found)
    if shutil.which(clang[0]):
        for change, expected in ((lambda abi: None, 0),
                                 (replace("i386.txt", "raft_entry 24", "raft_entry 28"), 1)):
            status = target_status(clang, header, abi, change)
            judge("the tables of all targets", status == expected, status)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
