# SPDX-License-Identifier: MIT
"""Negative tests: the checks in this folder must reject broken interfaces.

usage: negative.py CC CXX HEADER LIST BASELINE LAYOUT FFI
The first case is an unchanged interface, which every check must accept: a check that
rejects everything would otherwise pass this test.
"""

import os
import re
import shlex
import shutil
import sys
import tempfile

import cdecl
import dependencies
import elf
import ffi
import generated
import interface
import layout
import names
import stub
import symbols

# Two declarations that only announce a struct. A defect can follow them.
FORWARD = "struct raft_event;\nstruct raft_update;"
# The defect, its edit (old text, new text) of the header without comments, and the
# checks that must reject it.
CHANGED_HEADERS = [
    ("a larger struct",
     (" int reserved0;", " int reserved0; long long more;"),
     {"interface", "layout", "ffi"}),
    ("a larger reserved array",
     ("unsigned long long reserved[16];", "unsigned long long reserved[17];"),
     {"interface", "layout", "ffi"}),
    ("a parameter with another type",
     ("raft_seed(struct raft *r, unsigned seed)", "raft_seed(struct raft *r, unsigned long seed)"),
     {"interface", "ffi"}),
    ("another return type",
     ("RAFT_API int raft_role(const struct raft *r);",
      "RAFT_API long raft_role(const struct raft *r);"),
     {"interface", "ffi"}),
    ("two fields in reverse order",
     (" raft_index match;\n raft_index next;\n", " raft_index next;\n raft_index match;\n"),
     {"interface", "layout", "ffi"}),
    ("an error code with another value",
     ("RAFT_NOMEM = 1,", "RAFT_NOMEM = 2,"),
     {"layout", "ffi"}),
    ("an enumerator inserted into an enum that a function signature leads to",
     (" RAFT_BARRIER,", " RAFT_OTHER, RAFT_BARRIER,"),
     {"interface", "layout", "ffi"}),
    ("a larger struct to which only a void pointer leads",
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
    ("a struct that has the name of a function",
     (FORWARD, FORWARD + "\nstruct raft_role { int role; };"),
     {"names", "layout", "ffi"}),
    ("an enum that has the name of a function",
     (FORWARD, FORWARD + "\nenum raft_leader { RAFT_NOBODY };"),
     {"names", "layout", "ffi"}),
    ("a setter that takes a bool",
     ("raft_set_eager_commit(struct raft *r, unsigned enabled)",
      "raft_set_eager_commit(struct raft *r, bool enabled)"),
     {"names", "interface", "ffi"}),
    ("a field whose size depends on the platform",
     (" unsigned long long data_losses;", " size_t data_losses;"),
     {"names", "ffi"}),
]

# Broken libraries with an unchanged header: the defect, arguments of stub.build, and the
# checks that must reject it.
CHANGED_LIBRARIES = [
    ("an exported function that the header does not declare",
     {"extra": "RAFT_API int raft_secret(void) { return 0; }", "extra_names": ["raft_secret"]},
     {"interface", "symbols"}),
    ("exported data",
     {"extra": "RAFT_API int raft_data = 1;", "extra_names": ["raft_data"]},
     {"interface", "symbols"}),
    ("another version node", {"node": "RAFT_2.0"}, {"interface", "symbols"}),
    ("a dependency on the C++ run-time library",
     {"extra": "void *operator_new() { return new int[3]; }",
      "flags": ["-Wl,--no-as-needed", "-lstdc++", "-Wl,--as-needed"]},
     {"dependencies"}),
    ("an undefined symbol that no library defines",
     {"extra": "void nobody(void); RAFT_API void raft_calls_nobody(void) { nobody(); }",
      "flags": ["-Wl,-z,undefs"]},
     {"dependencies"}),
]


class Checks:
    """All checks in this folder, by name."""

    def __init__(self, cc, paths):
        self.cc = cc
        self.listed, self.baseline, self.table, self.copy = paths
        self.libc = dependencies.libc_symbols(cc)

    def rejecting(self, header, version_script, library):
        """Names of the checks that reject an interface."""
        accepted = {
            "symbols": not symbols.differences(self.cc, header, self.listed, version_script,
                                               library),
            "dependencies": not dependencies.shared_problems(library, self.libc),
            "ffi": generated.is_current(self.copy, ffi.declarations(self.cc, header)),
            "names": not names.problems(cdecl.declarations(self.cc, header)),
            "layout": generated.is_current(self.table, layout.table(self.cc, header)),
            "interface": interface.check(library, os.path.dirname(header), self.baseline)[0],
        }
        return {name for name, accepts in accepted.items() if not accepts}


def bare(text):
    """A header without comments, repeated blanks and empty lines, so that the edits above do
    not depend on them."""
    text = re.sub(r"[ \t]+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def cases(header):
    """Yield the defect, the text of the header, arguments of stub.build, and the names of the
    checks that must reject it."""
    yield "no defect", header, {}, set()
    for what, (old, new), expected in CHANGED_HEADERS:
        if header.count(old) != 1:
            raise RuntimeError("the header must contain this text exactly once: " + old)
        yield what, header.replace(old, new), {}, expected
    for what, arguments, expected in CHANGED_LIBRARIES:
        yield what, header, arguments, expected


def main():
    cc, cxx, header_path = shlex.split(sys.argv[1]), shlex.split(sys.argv[2]), sys.argv[3]
    paths = sys.argv[4:8]
    if not shutil.which("abidw") or not all(os.path.exists(path) for path in paths):
        print("skipped: libabigail is not installed, or this architecture has no baseline")
        return 77
    with open(header_path, encoding="utf-8") as file:
        header = bare(file.read())
    checks, failures = Checks(cc, paths), 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, (what, text, arguments, expected) in enumerate(cases(header)):
            built = stub.build(cc, cxx, os.path.join(scratch, str(number)), text, **arguments)
            found = checks.rejecting(*built)
            right = found >= expected if expected else not found
            failures += not right
            print("%s: %s: to be rejected by %s, rejected by %s" % (
                "ok" if right else "FAILED", what, sorted(expected), sorted(found)))
        # A dump without types must not be compared.
        stripped = os.path.join(scratch, "0", "libraft-core.so")
        elf.run("strip", "--strip-debug", stripped)
        try:
            interface.check(stripped, os.path.join(scratch, "0"), paths[1])
            print("FAILED: the check compared a library without debug information")
            failures += 1
        except interface.NoDebugInformation:
            print("ok: the check does not compare a library without debug information")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
