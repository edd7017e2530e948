# SPDX-License-Identifier: MIT
"""Compare the types and functions of the library with the libabigail baseline.

usage: interface.py dump LIBRARY HEADERS OUTPUT
       interface.py check LIBRARY HEADERS BASELINE
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import elf

# Two common ways to call libabigail do not detect a changed struct: `abidiff
# --headers-dir` on a dump without locations, and a dump of a library without debug
# information. Therefore the headers are given to abidw and not to abidiff, and each
# dump must contain the names in WITNESSES.
OPTIONS = ["--drop-private-types", "--exported-interfaces-only", "--type-id-style", "hash",
           "--no-corpus-path", "--no-show-locs", "--no-comp-dir-path", "--no-elf-needed"]
WITNESSES = ["raft_event_start", "n_entries", "raft_update", "raft_configuration", "reserved_union"]


class NoDebugInformation(Exception):
    """The library was built without -g."""


def dump(library, headers, output):
    """Write a dump of the interface of the library."""
    if not elf.has_debug_information(library):
        raise NoDebugInformation(library)
    subprocess.run(["abidw", *OPTIONS, "--headers-dir", headers, "--out-file", output, library],
                   check=True)
    with open(output, encoding="utf-8") as file:
        text = re.sub(r"(<abi-instr[^>]*?) path='[^']*'", r"\1", file.read())
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)
    missing = [name for name in WITNESSES if "name='%s'" % name not in text]
    if missing:
        raise RuntimeError("the dump of %s does not contain %s" % (library, missing))


def compare(baseline, now):
    """(equal, report of abidiff). A renamed field counts as a difference."""
    result = subprocess.run(["abidiff", "--harmless", baseline, now], check=False,
                            capture_output=True, text=True)
    return result.returncode == 0, result.stdout + result.stderr


def check(library, headers, baseline):
    """(equal, report) of the comparison of a library with a baseline."""
    with tempfile.TemporaryDirectory() as scratch:
        now = os.path.join(scratch, "now.abi")
        dump(library, headers, now)
        return compare(baseline, now)


def main():
    verb, library, headers, path = sys.argv[1:5]
    if not shutil.which("abidw"):
        print("skipped: libabigail's abidw is not installed")
        return 77
    try:
        if verb == "dump":
            dump(library, headers, path)
            return 0
        if not os.path.exists(path):
            print("skipped: this architecture has no baseline")
            return 77
        equal, report = check(library, headers, path)
    except NoDebugInformation:
        print("skipped: the library was built without debug information")
        return 77
    print("the interface equals the baseline" if equal else report)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
