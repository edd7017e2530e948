# SPDX-License-Identifier: MIT
"""Generate or check abi/ARCH/layout.txt: the size of every public struct, the
offset and size of every field and the value of every enumerator, as the compiler
computes them. It covers the types that no function signature leads to, which the
libabigail baseline lacks.

usage: layout.py CC HEADER [FILE]
Prints the table, or compares FILE with it.
"""

import os
import subprocess
import sys
import tempfile

import cdecl
import generated


def fields_of(fields):
    """Names of the fields, including the members of unnamed unions."""
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
        lines.append('printf("enum %s %%zu\\n", sizeof(enum %s));' % (enum, enum) if enum
                     else 'puts("enum without a tag");')
        for name, _ in enumerators:
            lines.append('printf("  %s %%d\\n", %s);' % (name, name))
    for name in declarations.typedefs:
        lines.append('printf("typedef %s %%zu\\n", sizeof(%s));' % (name, name))
    return "\n".join(lines + ["return 0;", "}", ""])


def table(cc, header):
    """The content of layout.txt."""
    header = os.path.abspath(header)
    declarations = cdecl.declarations(cc, header)
    with tempfile.TemporaryDirectory() as scratch:
        source, binary = os.path.join(scratch, "layout.c"), os.path.join(scratch, "layout")
        with open(source, "w", encoding="utf-8") as file:
            file.write(program(declarations, header))
        subprocess.run([*cc, "-std=c11", "-o", binary, source], check=True)
        return subprocess.run([binary], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(generated.main(table, optional=True))
