# SPDX-License-Identifier: MIT
"""Check that four lists have the same names: the symbols that the library exports,
abi/symbols.txt, the version script and the functions in the header.

usage: symbols.py CC HEADER LIST MAP LIBRARY
"""

import re
import shlex
import sys

import cdecl
import elf


def read_map(path):
    """The symbols of a version script, in the format of `nm`: T name@@NODE."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/|#[^\n]*", "", file.read(), flags=re.DOTALL)
    symbols = []
    for node, body in re.findall(r"(\w+(?:\.\w+)*)\s*\{(.*?)\}", text, re.DOTALL):
        exported = re.search(r"global:(.*?)(local:|$)", body, re.DOTALL)
        symbols += ["T %s@@%s" % (name, node) for name in re.findall(r"\w+", exported[1])]
    return sorted(symbols)


def differences(cc, header, listed, version_script, library):
    """Differences from abi/symbols.txt (`listed`), one sentence each."""
    with open(listed, encoding="utf-8") as file:
        expected = sorted(line.strip() for line in file if line.strip())
    if not expected:
        return ["%s is empty" % listed]
    functions = cdecl.exported(cdecl.preprocess(cc, header))
    declared = sorted(cdecl.declarations(cc, header).functions)
    problems = []
    for what, found in (("the library", elf.exported_symbols(library)),
                        ("the version script", read_map(version_script))):
        problems += ["%s lacks: %s" % (what, symbol) for symbol in expected if symbol not in found]
        problems += ["%s has in addition: %s" % (what, symbol)
                     for symbol in found if symbol not in expected]
    names = sorted(re.sub(r"^T (\w+)@@.*$", r"\1", symbol) for symbol in expected)
    problems += ["the header lacks: " + name for name in names if name not in functions]
    problems += ["the header has in addition: " + name
                 for name in functions if name not in names]
    problems += ["declared without RAFT_API: " + name for name in declared if name not in functions]
    return problems


def main():
    problems = differences(shlex.split(sys.argv[1]), *sys.argv[2:6])
    print("\n".join(problems) or "the four lists have the same names")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
