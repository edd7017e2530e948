# SPDX-License-Identifier: MIT
"""Size of every public struct, offset of every field and value of every
enumerator, as the compiler sees them. What libabigail cannot reach from a
function's signature is held by this table.

usage: layout.py CC HEADER [TABLE]
Prints the table, or compares it with TABLE.
"""

import os
import shlex
import subprocess
import sys
import tempfile

import cdecl


def fields_of(fields):
    """Names of the fields, those of unnamed unions included."""
    for kind, name, _ in fields:
        if name:
            yield name
        else:
            yield from fields_of(kind)


def program(declarations, header):
    """A C program that prints the table."""
    lines = ['#include "%s"' % header, "#include <stddef.h>", "#include <stdio.h>",
             "int main(void) {"]
    for struct, fields in declarations.structs.items():
        lines.append('printf("struct %s %%zu\\n", sizeof(struct %s));' % (struct, struct))
        for field in fields_of(fields):
            lines.append('printf("  %s %%zu %%zu\\n", offsetof(struct %s, %s), '
                         'sizeof(((struct %s *)0)->%s));' % (field, struct, field, struct, field))
    for enum, enumerators in declarations.enums.items():
        lines.append('printf("enum %s %%zu\\n", sizeof(enum %s));' % (enum, enum))
        for name, _ in enumerators:
            lines.append('printf("  %s %%d\\n", %s);' % (name, name))
    for name in declarations.typedefs:
        lines.append('printf("typedef %s %%zu\\n", sizeof(%s));' % (name, name))
    return "\n".join(lines + ["return 0;", "}", ""])


def table(cc, header):
    """The table of a header, as text."""
    header = os.path.abspath(header)
    declarations = cdecl.Declarations(cdecl.unmarked(cdecl.preprocess(cc, header)))
    with tempfile.TemporaryDirectory() as scratch:
        source, binary = os.path.join(scratch, "layout.c"), os.path.join(scratch, "layout")
        with open(source, "w", encoding="utf-8") as file:
            file.write(program(declarations, header))
        subprocess.run([*cc, "-std=c11", "-o", binary, source], check=True)
        return subprocess.run([binary], check=True, capture_output=True, text=True).stdout


def main():
    cc, header = shlex.split(sys.argv[1]), sys.argv[2]
    now = table(cc, header)
    if len(sys.argv) < 4:
        print(now, end="")
        return 0
    if not os.path.exists(sys.argv[3]):
        print("skipped: no table for this architecture")
        return 77
    with open(sys.argv[3], encoding="utf-8") as file:
        expected = file.read().splitlines()
    gone = [line for line in expected if line not in now.splitlines()]
    if expected != now.splitlines():
        print("the header departs from %s; lines that it lacks now: %s" % (sys.argv[3], gone))
        return 1
    print("%d lines equal" % len(expected))
    return 0


if __name__ == "__main__":
    sys.exit(main())
