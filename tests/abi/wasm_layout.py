# SPDX-License-Identifier: MIT
"""Generate or check abi/wasm32/layout.txt, the same table as layout.py makes, without running
a program: clang writes the numbers into an array, which is read from its output.

usage: wasm_layout.py CLANG HEADER [FILE]
"""

import os
import re
import subprocess
import sys
import tempfile

import cdecl
import generated
import layout

OPTIONS = ["--target=wasm32", "-std=c11", "-ffreestanding", "-nostdlibinc"]


def table(cc, header):
    """The content of layout.txt."""
    header = os.path.abspath(header)
    declarations = cdecl.declarations([*cc, *OPTIONS], header)
    rows, values = [], []  # what is printed, with % for each of the numbers
    for struct, fields in declarations.structs.items():
        rows.append("struct %s %%d" % struct)
        values.append("sizeof(struct %s)" % struct)
        for field in layout.fields_of(fields):
            rows.append("  %s %%d %%d" % field)
            values += ["offsetof(struct %s, %s)" % (struct, field),
                       "sizeof(((struct %s *)0)->%s)" % (struct, field)]
    for enum, enumerators in declarations.enums.items():
        if enum:
            rows.append("enum %s %%d" % enum)
            values.append("sizeof(enum %s)" % enum)
        else:
            rows.append("enum without a tag")
        for name, _ in enumerators:
            rows.append("  %s %%d" % name)
            values.append(name)
    for name in declarations.typedefs:
        rows.append("typedef %s %%d" % name)
        values.append("sizeof(%s)" % name)
    text = "\n".join(rows) + "\n"
    return text % tuple(numbers(cc, header, values))


def numbers(cc, header, values):
    """The values of constant expressions."""
    with tempfile.TemporaryDirectory() as scratch:
        source = os.path.join(scratch, "layout.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write('#include "%s"\n#include <stddef.h>\nconst int table[] = {%s};\n'
                       % (header, ", ".join(values)))
        code = subprocess.run([*cc, *OPTIONS, "-S", "-emit-llvm", "-o", "-", source], check=True,
                              capture_output=True, text=True).stdout
    array = re.search(r"@table = .*?\[(\d+) x i32\] \[(.*?)\]", code)
    result = [int(n) for n in re.findall(r"i32 (-?\d+)", array[2])]
    if len(result) != len(values):
        raise ValueError("%d numbers, not %d" % (len(result), len(values)))
    return result


if __name__ == "__main__":
    sys.exit(generated.main(table, optional=False))
