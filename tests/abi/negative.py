# SPDX-License-Identifier: MIT
"""Each check of this folder is shown a broken interface, and must object.

usage: negative.py CC CXX HEADER LIST BASELINE LAYOUT FFI
An unchanged copy goes first: every check must pass it, or its objections to
the broken ones would mean nothing.
"""

import os
import re
import shlex
import shutil
import sys
import tempfile

import dependencies
import elf
import ffi
import interface
import layout
import stub
import symbols

# What is broken, how (old text, new text; comments are gone by then), and the
# checks that must object.
CHANGED_HEADERS = [
    ("a struct that grew",
     (" int reserved0;", " int reserved0; long long more;"),
     {"interface", "layout", "ffi"}),
    ("a reserved array that grew",
     ("unsigned long long reserved[16];", "unsigned long long reserved[17];"),
     {"interface", "layout", "ffi"}),
    ("a parameter of another type",
     ("raft_seed(struct raft *r, unsigned seed)", "raft_seed(struct raft *r, unsigned long seed)"),
     {"interface", "ffi"}),
    ("another return type",
     ("RAFT_API int raft_role(const struct raft *r);",
      "RAFT_API long raft_role(const struct raft *r);"),
     {"interface", "ffi"}),
    ("two fields that changed places",
     (" raft_index match;\n raft_index next;\n", " raft_index next;\n raft_index match;\n"),
     {"interface", "layout", "ffi"}),
    ("an error code of another value",
     ("RAFT_NOMEM = 1,", "RAFT_NOMEM = 2,"),
     {"layout", "ffi"}),
    ("an enumerator in the middle of a reachable enum",
     (" RAFT_BARRIER,", " RAFT_OTHER, RAFT_BARRIER,"),
     {"interface", "layout", "ffi"}),
    ("a struct grown that only a void pointer reaches",
     (" const char *text;", " const char *text; int more;"),
     {"layout", "ffi"}),
    ("a removed function",
     ("RAFT_API raft_id raft_transferee(const struct raft *r);", ""),
     {"interface", "symbols", "ffi"}),
    ("an added function",
     ("RAFT_API raft_id raft_transferee(const struct raft *r);",
      "RAFT_API raft_id raft_transferee(const struct raft *r);\n"
      "RAFT_API raft_id raft_other(const struct raft *r);"),
     {"interface", "symbols", "ffi"}),
]

# Libraries that are wrong behind an unchanged header: arguments of stub.build.
CHANGED_LIBRARIES = [
    ("an exported function that the header does not declare",
     {"extra": "RAFT_API int raft_secret(void) { return 0; }", "extra_names": ["raft_secret"]},
     {"interface", "symbols"}),
    ("exported data",
     {"extra": "RAFT_API int raft_data = 1;", "extra_names": ["raft_data"]},
     {"interface", "symbols"}),
    ("another version node", {"node": "RAFT_2.0"}, {"interface", "symbols"}),
    ("a need for the C++ run-time library",
     {"extra": "void *operator_new() { return new int[3]; }",
      "flags": ["-Wl,--no-as-needed", "-lstdc++", "-Wl,--as-needed"]},
     {"dependencies"}),
    ("an undefined symbol that no library has",
     {"extra": "void nobody(void); RAFT_API void raft_calls_nobody(void) { nobody(); }",
      "flags": ["-Wl,-z,undefs"]},
     {"dependencies"}),
]


class Checks:
    """All checks of this folder, by name, on one built interface."""

    def __init__(self, cc, paths):
        self.cc = cc
        self.listed, self.baseline, self.table, self.copy = paths
        self.libc = dependencies.libc_symbols(cc)

    def objecting(self, header, version_script, library):
        """Names of the checks that object."""
        verdicts = {
            "symbols": not symbols.differences(self.cc, header, self.listed, version_script,
                                               library),
            "dependencies": not dependencies.shared_problems(library, self.libc),
            "ffi": self._same(self.copy, ffi.declarations(self.cc, header)),
            "layout": self._same(self.table, layout.table(self.cc, header)),
            "interface": interface.check(library, os.path.dirname(header), self.baseline)[0],
        }
        return {name for name, passes in verdicts.items() if not passes}

    @staticmethod
    def _same(path, text):
        with open(path, encoding="utf-8") as file:
            return file.read().split() == text.split()


def bare(text):
    """A header without comments, runs of blanks and empty lines, so that the
    patterns above do not depend on them."""
    text = re.sub(r"[ \t]+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def cases(header):
    """(what, text of the header, arguments of stub.build, who must object)."""
    yield "an unchanged copy", header, {}, set()
    for what, (old, new), expected in CHANGED_HEADERS:
        if header.count(old) != 1:
            raise RuntimeError("the header does not contain this once: " + old)
        yield what, header.replace(old, new), {}, expected
    for what, arguments, expected in CHANGED_LIBRARIES:
        yield what, header, arguments, expected


def main():
    cc, cxx, header_path = shlex.split(sys.argv[1]), shlex.split(sys.argv[2]), sys.argv[3]
    paths = sys.argv[4:8]
    if not shutil.which("abidw") or not all(os.path.exists(path) for path in paths):
        print("skipped: no libabigail, or no baseline for this architecture")
        return 77
    with open(header_path, encoding="utf-8") as file:
        header = bare(file.read())
    checks, failures = Checks(cc, paths), 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, (what, text, arguments, expected) in enumerate(cases(header)):
            built = stub.build(cc, cxx, os.path.join(scratch, str(number)), text, **arguments)
            found = checks.objecting(*built)
            right = found >= expected if expected else not found
            failures += not right
            print("%s: %s: expected %s, objecting %s" % (
                "ok" if right else "FAILED", what, sorted(expected), sorted(found)))
        # A dump without types must be refused, not compared.
        stripped = os.path.join(scratch, "0", "libraft.so")
        elf.run("strip", "--strip-debug", stripped)
        try:
            interface.check(stripped, os.path.join(scratch, "0"), paths[1])
            print("FAILED: a library without debug information was compared")
            failures += 1
        except interface.NoDebugInformation:
            print("ok: a library without debug information is not compared")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
