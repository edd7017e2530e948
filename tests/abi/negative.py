# SPDX-License-Identifier: MIT
"""Negative tests: the checks in this folder must reject changed interfaces.

usage: negative.py CC CXX HEADER LIST BASELINE ABI FFI
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
import frozen
import generated
import interface
import layout
import names
import stub
import symbols

# Two declarations that only announce a struct. A defect can follow them.
FORWARD = "struct raft_event;\nstruct raft_update;"
# The change, its edit (old text, new text) of the header without comments, and the checks that must
# reject it. "frozen" must reject exactly those that break programs; each other change is allowed in
# a later release of the same soname, unless "names" rejects it.
CHANGED_HEADERS = [
    ("a larger struct",
     (" int reserved0;", " int reserved0; long long more;"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a larger reserved array",
     ("unsigned long long reserved[16];", "unsigned long long reserved[17];"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a smaller union",
     (" timeout_now;\n#ifndef DOXYGEN\n unsigned long long reserved_union[16];",
      " timeout_now;\n#ifndef DOXYGEN\n unsigned long long reserved_union[15];"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a parameter with another type",
     ("raft_seed(struct raft *r, unsigned seed)", "raft_seed(struct raft *r, unsigned long seed)"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a parameter that is const no more",
     ("raft_term_of(const struct raft *r,", "raft_term_of(struct raft *r,"),
     {"layout", "ffi", "frozen"}),
    ("a parameter that becomes const",
     ("raft_state(struct raft *r)", "raft_state(const struct raft *r)"),
     {"layout", "ffi", "frozen"}),
    ("a further parameter",
     ("raft_role(const struct raft *r)", "raft_role(const struct raft *r, raft_id id)"),
     {"interface", "layout", "ffi", "frozen"}),
    ("another return type",
     ("RAFT_API int raft_role(const struct raft *r);",
      "RAFT_API long raft_role(const struct raft *r);"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a callback with another parameter",
     ("int type, const void *info)", "int type, void *info)"),
     {"layout", "ffi", "frozen"}),
    ("two fields in reverse order",
     (" raft_index match;\n raft_index next;\n", " raft_index next;\n raft_index match;\n"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a removed field",
     (" unsigned long long data_losses;\n", ""),
     {"interface", "layout", "ffi", "frozen"}),
    ("a renamed field",
     (" raft_index configuration_index;", " raft_index configuration_at;"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a narrower field, whose struct keeps its size",
     (" raft_id voted_for;", " unsigned voted_for;"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a field with another sign",
     (" int status;\n int reserved0;", " unsigned status;\n int reserved0;"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a field that is const no more",
     (" const char *address;\n int role;", " char *address;\n int role;"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a field in padding",
     (" bool lease;", " bool lease; bool more;"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a field that needs more than the reserved space",
     (" unsigned char reserved[4];", " unsigned long long more;"),
     {"interface", "layout", "ffi", "frozen"}),
    ("another type under a name",
     ("typedef unsigned long long raft_term;", "typedef unsigned long raft_term;"),
     {"interface", "layout", "ffi", "frozen"}),
    ("an error code with another value",
     ("RAFT_NOMEM = 1,", "RAFT_NOMEM = 2,"),
     {"layout", "ffi", "frozen"}),
    ("an enumerator inserted into an enum that a function signature leads to",
     (" RAFT_BARRIER,", " RAFT_OTHER, RAFT_BARRIER,"),
     {"interface", "layout", "ffi", "frozen"}),
    ("a removed enumerator",
     (" RAFT_TRACE_ASLEEP,\n", "\n"),
     {"layout", "ffi", "frozen"}),
    ("a renamed enumerator",
     (" RAFT_SHUTDOWN,", " RAFT_STOPPED,"),
     {"layout", "ffi", "frozen"}),
    ("an enum that needs 8 bytes",
     (" RAFT_FEATURE_CAPACITY = 1,",
      " RAFT_FEATURE_CAPACITY = 1, RAFT_FEATURE_ALL = 0x10000000000,"),
     {"layout", "ffi", "frozen"}),
    ("a larger struct to which only a void pointer leads",
     (" const char *text;", " const char *text; int more;"),
     {"layout", "ffi", "frozen"}),
    ("a removed function",
     ("RAFT_API raft_id raft_transferee(const struct raft *r);", ""),
     {"interface", "symbols", "layout", "ffi", "frozen"}),
    ("a setter that takes a bool",
     ("raft_set_eager_commit(struct raft *r, unsigned enabled)",
      "raft_set_eager_commit(struct raft *r, bool enabled)"),
     {"names", "interface", "ffi", "frozen"}),
    ("a field whose size depends on the platform",
     (" unsigned long long data_losses;", " size_t data_losses;"),
     {"names", "ffi", "frozen"}),
    ("a struct that has the name of a function",
     (FORWARD, FORWARD + "\nstruct raft_role { int role; };"),
     {"names", "layout", "ffi"}),
    ("an enum that has the name of a function",
     (FORWARD, FORWARD + "\nenum raft_leader { RAFT_NOBODY };"),
     {"names", "layout", "ffi"}),
    ("an added function",
     ("RAFT_API raft_id raft_transferee(const struct raft *r);",
      "RAFT_API raft_id raft_transferee(const struct raft *r);\n"
      "RAFT_API raft_id raft_other(const struct raft *r);"),
     {"interface", "symbols", "layout", "ffi"}),
    ("an added struct",
     (FORWARD, FORWARD + "\nstruct raft_other { int more; };"),
     {"layout", "ffi"}),
    ("an enumerator at the end of an enum",
     (" RAFT_TRACE_AWAKE\n", " RAFT_TRACE_AWAKE, RAFT_TRACE_OTHER\n"),
     {"layout", "ffi"}),
    ("a field in reserved space",
     (" unsigned char reserved[4];", " unsigned short more; unsigned char reserved[2];"),
     {"interface", "layout", "ffi"}),
    ("a struct in reserved space",
     (" unsigned long long reserved[16];",
      " struct raft_update_reads more; unsigned long long reserved[14];"),
     {"interface", "layout", "ffi"}),
    ("a member of a union",
     (" struct raft_timeout_now timeout_now;",
      " struct raft_timeout_now timeout_now; struct raft_request_vote more;"),
     {"interface", "layout", "ffi"}),
    ("another name of a parameter",
     ("raft_role(const struct raft *r)", "raft_role(const struct raft *raft)"),
     {"ffi"}),
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
    ("another version node", {"node": "RAFT_2.0"}, {"interface", "symbols", "frozen"}),
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
        self.listed, self.baseline, self.abi, self.copy = paths
        self.libc = dependencies.libc_symbols(cc)

    def rejecting(self, header, version_script, library):
        """Names of the checks that reject an interface."""
        accepted = {
            "symbols": not symbols.differences(self.cc, header, self.listed, version_script,
                                               library),
            "dependencies": not dependencies.shared_problems(library, self.libc),
            "ffi": generated.is_current(self.copy, ffi.declarations(self.cc, header)),
            "names": not names.problems(cdecl.declarations(self.cc, header)),
            "layout": not layout.check(self.cc, header, self.abi)[1],
            "frozen": not self.broken(header, library),
            "interface": interface.check(library, os.path.dirname(header), self.baseline)[0],
        }
        return {name for name, accepts in accepted.items() if not accepts}

    def broken(self, header, library):
        """What an interface breaks of those of the releases."""
        model, text = layout.table(self.cc, header)
        now, found = frozen.Table(text.splitlines()), []
        for release in frozen.releases(self.abi):
            folder = os.path.join(self.abi, release)
            old = frozen.Table(frozen.lines_of(os.path.join(folder, model + ".txt")))
            found += frozen.broken(old, now) + frozen.missing_symbols(
                frozen.lines_of(os.path.join(folder, "symbols.txt")),
                elf.exported_symbols(library))
        return found


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
            right = right and ("frozen" in found) == ("frozen" in expected)
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
