# SPDX-License-Identifier: MIT
"""Generate or check the tables abi/MODEL.txt: size and alignment of every public struct, offset,
size and type of every field, value of every enumerator, and the signature of every function.

There is one table for each data model. The numbers are those of the compiler, which writes them
into an array of an object file. Nothing is run, so the target can be any machine.

usage: layout.py CC HEADER                 print the table of this compiler
       layout.py CC HEADER FOLDER          compare it with the table in FOLDER
       layout.py CLANG HEADER FOLDER --targets
       layout.py CLANG HEADER FOLDER --write
The last two compare, or write, the tables of all TARGETS.
"""

import os
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile

import cdecl
import generated

# (size of a pointer, alignment of struct raft): name of the data model
MODELS = {(8, 8): "lp64", (4, 8): "ilp32", (4, 4): "i386"}
# The first target of each model is the one that the table is written from.
TARGETS = {
    "lp64": ["x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu", "s390x-linux-gnu",
             "powerpc64le-linux-gnu", "x86_64-windows-msvc", "x86_64-windows-gnu",
             "arm64-apple-macos", "x86_64-unknown-freebsd"],
    "ilp32": ["armv7-linux-gnueabihf", "wasm32", "i686-windows-msvc", "i686-windows-gnu",
              "mipsel-linux-gnu", "riscv32-linux-gnu", "x86_64-linux-gnux32"],
    "i386": ["i386-linux-gnu", "i386-unknown-freebsd"],
}
# Only headers of the compiler itself are needed.
OPTIONS = ["-std=c11", "-ffreestanding", "-fno-lto", "-w"]
MARK = b"the numbers begin here:"


class UnknownModel(Exception):
    """The compiler's data model has no table."""


def fields_of(fields):
    """(name, type) of each field, including the members of unnamed unions."""
    for kind, name, length in fields:
        if name:
            yield name, kind + ("[%d]" % length if length else "")
        else:
            yield from fields_of(kind)


def table(cc, header):
    """(data model, text of its table) for a compiler."""
    header = os.path.abspath(header)
    declarations = cdecl.declarations([*cc, *OPTIONS], header)
    rows, values = [], ["sizeof(void *)", "_Alignof(struct raft)"]
    for name, fields in declarations.structs.items():
        rows.append("struct %s %%d %%d" % name)
        values += ["sizeof(struct %s)" % name, "_Alignof(struct %s)" % name]
        for field, kind in fields_of(fields):
            rows.append("  %s %%d %%d %s" % (field, kind))
            values += ["offsetof(struct %s, %s)" % (name, field),
                       "sizeof(((struct %s *)0)->%s)" % (name, field)]
    for enum, enumerators in declarations.enums.items():
        rows.append("enum %s %%d" % enum if enum else "enum without a tag")
        values += ["sizeof(enum %s)" % enum] if enum else []
        rows += ["  %s %%d" % name for name, _ in enumerators]
        values += [name for name, _ in enumerators]
    for name, kind in declarations.typedefs.items():
        rows.append("typedef %s %%d %s" % (name, kind))
        values.append("sizeof(%s)" % name)
    for name, (kind, parameters) in declarations.functions.items():
        rows.append("function %s %s(%s)" % (name, kind, ", ".join(t for t, _ in parameters)))
    pointer, alignment, *found = numbers(cc, header, values)
    if (pointer, alignment) not in MODELS:
        raise UnknownModel("pointers of %d bytes, alignment %d" % (pointer, alignment))
    return MODELS[pointer, alignment], "\n".join(rows) % tuple(found) + "\n"


def numbers(cc, header, values):
    """The values of constant expressions, each as 4 bytes, the highest first."""
    with tempfile.TemporaryDirectory() as scratch:
        source, binary = os.path.join(scratch, "layout.c"), os.path.join(scratch, "layout.o")
        with open(source, "w", encoding="utf-8") as file:
            file.write('#include "%s"\n#include <stddef.h>\n'
                       "#define N(v) (v) >> 24 & 255, (v) >> 16 & 255, (v) >> 8 & 255, (v) & 255,\n"
                       "const unsigned char table[] = {%s\n%s};\n" % (
                           header, "".join("%d, " % byte for byte in MARK),
                           "\n".join("N(%s)" % value for value in values)))
        subprocess.run([*cc, *OPTIONS, "-c", "-o", binary, source], check=True)
        with open(binary, "rb") as file:
            _, found, after = file.read().partition(MARK)
    if not found:
        raise RuntimeError("%s contains no table" % binary)
    return struct.unpack_from(">%di" % len(values), after)


def check(cc, header, folder):
    """(name of the table, differences) for a compiler."""
    model, text = table(cc, header)
    path = os.path.join(folder, model + ".txt")
    return path, [] if generated.is_current(path, text) else generated.difference(path, text)


def on_targets(clang, header, folder, write):
    """Compare or write the tables of all targets. Returns the exit status."""
    failed = 0
    for model, targets in TARGETS.items():
        for number, target in enumerate(targets):
            cc = [*clang, "--target=" + target, "-nostdlibinc"]
            if write and number == 0:
                with open(os.path.join(folder, model + ".txt"), "w", encoding="utf-8") as file:
                    file.write(table(cc, header)[1])
            path, lines = check(cc, header, folder)
            lines += [] if os.path.basename(path) == model + ".txt" else ["not " + model]
            failed += bool(lines)
            print("%s: %s" % (target, "\n".join(["differs from " + path, *lines]) if lines
                              else model))
    return 1 if failed else 0


def main():
    cc, header = shlex.split(sys.argv[1]), sys.argv[2]
    try:
        if len(sys.argv) == 3:
            print(table(cc, header)[1], end="")
            return 0
        if len(sys.argv) == 5:
            if not shutil.which(cc[0]):
                print("skipped: %s is not installed" % cc[0])
                return 77
            return on_targets(cc, header, sys.argv[3], sys.argv[4] == "--write")
        path, lines = check(cc, header, sys.argv[3])
    except UnknownModel as model:
        print("skipped: there is no table for", model)
        return 77
    print("\n".join(["%s differs from the header; see abi/README.md" % path, *lines]) if lines
          else "%s: up to date" % path)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
