# SPDX-License-Identifier: MIT
"""Every function, type and constant of raft.h must appear on a page of the site,
and the table of errors must have the header's codes.

usage: complete.py DOXYGEN_XML_FOLDER SPHINX_OBJECTS_INV ERRORS_RST
"""

import os
import re
import sys
import xml.etree.ElementTree as xml
import zlib

KINDS = {"function": "function", "enum": "enum", "enumvalue": "enumerator", "typedef": "type"}


def public_names(folder):
    """(kind, name) of all that Doxygen found in the header."""
    for compound in xml.parse(os.path.join(folder, "index.xml")).getroot():
        if compound.get("kind") == "struct":
            yield "struct", compound.findtext("name")
        elif compound.get("kind") == "file":
            for member in compound.findall("member"):
                if member.get("kind") in KINDS:
                    yield KINDS[member.get("kind")], member.findtext("name")


def documented_names(path):
    """(kind, name) of all that the site documents."""
    with open(path, "rb") as file:
        compressed = file.read().split(b"zlib.\n", 1)[1]
    for line in zlib.decompress(compressed).decode().splitlines():
        name, kind = line.split()[:2]
        domain, _, kind = kind.partition(":")
        if domain == "c":
            yield kind, name.rsplit(".", 1)[-1] if kind == "enumerator" else name


def error_codes(folder):
    """[(name, value)] of enum raft_error."""
    codes, following = [], 0
    for enum in xml.parse(os.path.join(folder, "raft_8h.xml")).iter("memberdef"):
        if enum.findtext("name") == "raft_error":
            for value in enum.findall("enumvalue"):
                given = value.findtext("initializer")
                following = int(given.strip("= ")) if given else following
                codes.append((value.findtext("name"), following))
                following += 1
    return codes


def error_rows(path):
    """[(name, value)] of the table on the errors page."""
    with open(path, encoding="utf-8") as file:
        rows = re.findall(r"^   \* - :c:enumerator:`(RAFT_\w+)`\n     - (\d+)$", file.read(), re.M)
    return [(name, int(value)) for name, value in rows]


def main():
    folder, inventory, errors = sys.argv[1:4]
    public, documented = set(public_names(folder)), set(documented_names(inventory))
    problems = ["on no page: %s %s" % pair for pair in sorted(public - documented)]
    codes, rows = error_codes(folder), error_rows(errors)
    problems += ["not in the table of errors: %s = %d" % pair for pair in codes if pair not in rows]
    problems += ["not in the header: %s = %d" % pair for pair in rows if pair not in codes]
    if not public or not codes:
        problems.append("nothing found in " + folder)
    print("\n".join(problems) or "%d names and %d error codes" % (len(public), len(codes)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
