# SPDX-License-Identifier: MIT
"""The library's types and functions against the libabigail baseline.

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

# Two common recipes pass a broken struct: `abidiff --headers-dir` on a dump
# without locations, and any dump of a library without debug information. Hence
# these options, the proof below that the dump shows types, and no headers when
# two dumps are compared.
OPTIONS = ["--drop-private-types", "--exported-interfaces-only", "--type-id-style", "hash",
           "--no-corpus-path", "--no-show-locs", "--no-comp-dir-path", "--no-elf-needed"]
WITNESSES = ["raft_event_start", "n_entries", "raft_update", "raft_configuration", "reserved_union"]


class NoDebugInformation(Exception):
    """The library was built without -g."""


def dump(library, headers, output):
    """Write a dump of the library's interface."""
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
        raise RuntimeError("the dump of %s does not show %s" % (library, missing))


def compare(baseline, now):
    """(equal, what abidiff reports). Field renames are reported too."""
    result = subprocess.run(["abidiff", "--harmless", baseline, now], check=False,
                            capture_output=True, text=True)
    return result.returncode == 0, result.stdout + result.stderr


def check(library, headers, baseline):
    """(equal, report) of a library against a baseline."""
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
            print("skipped: no baseline for this architecture")
            return 77
        equal, report = check(library, headers, path)
    except NoDebugInformation:
        print("skipped: the library was built without debug information")
        return 77
    print("the interface is that of the baseline" if equal else report)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
