# SPDX-License-Identifier: MIT
"""Build a library that has the interface of a header and no implementation.

The checks examine interfaces only, so a stub is enough to test them with a broken
interface, and it is built quickly.
"""

import os
import subprocess

import cdecl


def source(declarations, extra):
    """C++ code that defines every function of the header."""
    lines = ['#include <raft.h>', 'extern "C" {']
    for name, (kind, parameters) in declarations.functions.items():
        listed = ", ".join("%s %s" % parameter for parameter in parameters)
        lines.append("RAFT_API %s %s(%s) { __builtin_trap(); }" % (kind, name, listed))
    return "\n".join(lines + [extra, "}", ""])


def version_script(names, node):
    """A version script that exports these names."""
    return "%s {\n global:\n%s local: *;\n};\n" % (node, "".join("  %s;\n" % n for n in names))


def build(cc, cxx, folder, header, extra="", extra_names=(), node="RAFT_1.0", flags=()):
    """Build a stub in a new folder from the text of a header. Return the paths of the
    header, the version script and the library."""
    os.makedirs(folder)
    header_path = os.path.join(folder, "raft.h")
    with open(header_path, "w", encoding="utf-8") as file:
        file.write(header)
    declarations = cdecl.declarations(cc, header_path)
    map_path, library = os.path.join(folder, "raft.map"), os.path.join(folder, "libraft-core.so")
    with open(map_path, "w", encoding="utf-8") as file:
        file.write(version_script([*sorted(declarations.functions), *extra_names], node))
    with open(os.path.join(folder, "stub.cpp"), "w", encoding="utf-8") as file:
        file.write(source(declarations, extra))
    subprocess.run([*cxx, "-std=c++20", "-g", "-O0", "-fPIC", "-shared", "-w", "-I", folder,
                    "-Wl,-soname,libraft-core.so.1", "-Wl,--version-script=" + map_path, *flags,
                    "-nostdlib", os.path.join(folder, "stub.cpp"), "-lc", "-o", library],
                   check=True)
    return header_path, map_path, library
