# SPDX-License-Identifier: MIT
"""Information about a library, from nm and readelf."""

import os
import re
import subprocess

ENVIRONMENT = {**os.environ, "LC_ALL": "C"}


def run(*command):
    """Standard output of a command; raises an error if the command fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env=ENVIRONMENT).stdout


def exported_symbols(library):
    """Every exported symbol with its type and version, except the version nodes."""
    lines = run("nm", "-D", "--defined-only", "--with-symbol-versions", library).splitlines()
    symbols = [line.split()[-2:] for line in lines]
    return sorted("%s %s" % (kind, name) for kind, name in symbols
                  if not (kind == "A" and re.fullmatch(r"RAFT_\d+\.\d+(@@?RAFT_\d+\.\d+)?", name)))


def undefined_symbols(library, dynamic):
    """[(name, is weak)] of the symbols that a library needs from others."""
    command = ["nm", "-D", "-u", library] if dynamic else ["nm", "-u", library]
    found = re.findall(r"^\s+([Uwv]) ([^\s@]+)", run(*command), re.MULTILINE)
    return sorted({(name, kind != "U") for kind, name in found})


def defined_symbols(library, dynamic):
    """Names of the symbols that a library or archive defines for others."""
    command = ["nm", "--defined-only", "--extern-only", library]
    if dynamic:
        command.insert(1, "-D")
    return {name.split("@")[0] for name in
            re.findall(r"^[0-9a-f]* ?[A-TV-Za-z] (\S+)$", run(*command), re.MULTILINE)}


def needed(library):
    """The libraries that the dynamic loader loads for this one, and its soname."""
    dynamic = run("readelf", "-d", library)
    names = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    soname = re.findall(r"\(SONAME\).*\[(.+)\]", dynamic)
    return names, soname[0] if soname else None


def is_instrumented(library):
    """Was the library built for sanitizers or coverage? They add symbols of their own."""
    return bool(re.search(r"\b(__(asan|ubsan|tsan|msan|sanitizer)_|__gcov_|llvm_gcda_|__llvm_prof)",
                          run("nm", library)))


def has_debug_information(library):
    """Was the library compiled with -g? Without it, a dump contains no types."""
    return ".debug_info" in run("readelf", "-S", "-W", library)


def machine(path):
    """The class, byte order and machine of an ELF file."""
    with open(path, "rb") as file:
        head = file.read(20)
    return head[:6] + head[18:] if head[:4] == b"\x7fELF" else None
