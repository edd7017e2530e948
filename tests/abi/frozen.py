# SPDX-License-Identifier: MIT
"""Compare the interface with those of the releases, which abi/X.Y keeps. See abi/README.md.

usage: frozen.py list ABI                      print the releases
       frozen.py check ABI MAP LIBRARY         compare
       frozen.py run ABI RELEASE LIBRARY       run the release's x86-64 program with the library
"""

import hashlib
import os
import re
import subprocess
import sys

import elf
import layout
import symbols

SUMS = "SHA256SUMS"
PROGRAM = "program-x86_64"
LOADER = "/lib64/ld-linux-x86-64.so.2"


def releases(abi):
    """The releases that have a folder, the oldest first."""
    found = [name for name in os.listdir(abi) if re.fullmatch(r"\d+\.\d+", name)]
    return sorted(found, key=lambda name: [int(part) for part in name.split(".")])


def lines_of(path):
    """The lines of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def sum_of(path):
    """The SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def changed_files(folder):
    """Files of a folder that differ from its SHA256SUMS, one sentence each."""
    listed = dict(reversed(line.split()) for line in lines_of(os.path.join(folder, SUMS)))
    present = {os.path.relpath(os.path.join(base, name), folder)
               for base, _, names in os.walk(folder) for name in names} - {SUMS}
    return ["%s: %s" % (name, "is missing" if name not in present else
                        "is not listed" if name not in listed else "was changed")
            for name in sorted(present | listed.keys())
            if name not in present or listed.get(name) != sum_of(os.path.join(folder, name))]


class Table:
    """A table of layout.py. `facts` has what must not change, `fields` the fields of structs."""

    def __init__(self, lines):
        self.facts, self.fields = {}, {}
        for line in lines:
            head, _, value = line.strip().partition(" ")
            if not line.startswith(" "):
                name, _, value = value.partition(" ")
                section = head + " " + name
                self.facts[section] = value
            elif section.startswith("struct"):
                at, size, kind = value.split(" ", 2)
                self.fields[section, head] = (int(at), int(at) + int(size), kind)
            else:
                self.facts[section + ": " + head] = value


def broken(frozen, now):
    """What the table `now` breaks of the table `frozen`, one sentence each.

    Everything stays, except reserved fields. A new field lies in space that was reserved."""
    found = ["%s: was %s, is %s" % (name, value, now.facts.get(name, "removed"))
             for name, value in frozen.facts.items() if now.facts.get(name) != value]
    reserved = {}  # struct: [(begin, end)]
    for (struct, name), place in frozen.fields.items():
        if name.startswith("reserved"):
            reserved.setdefault(struct, []).append(place[:2])
        elif now.fields.get((struct, name)) != place:
            found.append("%s.%s: was %s, is %s" % (
                struct, name, place, now.fields.get((struct, name), "removed")))
    for (struct, name), place in now.fields.items():
        if struct not in frozen.facts or frozen.fields.get((struct, name)) is not None and (
                frozen.fields[struct, name] == place or not name.startswith("reserved")):
            continue
        if not any(begin <= place[0] and place[1] <= end
                   for begin, end in reserved.get(struct, [])):
            found.append("%s.%s is new, and not in reserved space" % (struct, name))
    return found


def missing_symbols(frozen, exported):
    """Symbols of a release that a library lacks. A symbol that got a newer version must still be
    there in the old version, with one @."""
    return ["the library lacks " + symbol for symbol in frozen
            if symbol not in exported and symbol.replace("@@", "@") not in exported]


def compared(abi, version_script, library):
    """What is wrong, one sentence each. The tables in `abi` are those of the present header."""
    found, frozen = [], releases(abi)
    nodes = [symbol.split("@@RAFT_")[1] for symbol in symbols.read_map(version_script)]
    newest = max(nodes, key=lambda node: [int(part) for part in node.split(".")])
    found += ["%s has no folder" % node for node in sorted({*nodes} - {newest} - {*frozen})]
    found += [] if frozen else ["there is no release"]
    for release in frozen:
        folder, problems = os.path.join(abi, release), []
        problems = changed_files(folder)
        for model in layout.TARGETS if not problems else ():
            old, new = (Table(lines_of(os.path.join(at, model + ".txt"))) for at in (folder, abi))
            problems += ["%s: %s" % (model, text) for text in broken(old, new)]
        if not problems:
            problems = missing_symbols(lines_of(os.path.join(folder, "symbols.txt")),
                                       elf.exported_symbols(library))
        found += ["%s: %s" % (release, text) for text in problems]
    return found


def run(abi, release, library):
    """Run the machine code of a release. Returns the exit status."""
    program = os.path.join(abi, release, PROGRAM)
    if not os.path.exists(LOADER) or elf.machine(library) != elf.machine(program):
        print("skipped: the machine code is for x86-64, Linux and glibc")
        return 77
    if elf.is_instrumented(library):
        print("skipped: the program cannot load an instrumented library")
        return 77
    used = {"T " + name.replace("@", "@@") for name in elf.run("nm", "-D", "-u", program).split()
            if name.startswith("raft_")}
    listed = {*lines_of(os.path.join(abi, release, "symbols.txt"))}
    if used != listed:
        print("the program does not use", sorted(listed - used), "but", sorted(used - listed))
        return 1
    # Through the loader, so that the file need not be executable.
    command = [LOADER, "--library-path", os.path.dirname(library)]
    loaded = elf.run(*command, "--list", program)
    print(loaded)
    if os.path.join(os.path.dirname(library), "libraft-core.so.1") not in loaded:
        return 1
    return subprocess.run([*command, program], check=False).returncode


def main():
    verb, abi = sys.argv[1:3]
    if verb == "list":
        print("\n".join(releases(abi)))
        return 0
    if verb == "run":
        return run(abi, *sys.argv[3:5])
    found = compared(abi, *sys.argv[3:5])
    print("\n".join(found) or "the interface contains those of " + " ".join(releases(abi)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
