# SPDX-License-Identifier: MIT
"""Every function, type and constant of raft.h must appear on a page of the site, and
the comment of every function must describe its parameters and its result.

usage: complete.py DOXYGEN_XML_FOLDER SPHINX_OBJECTS_INV
"""

import os
import sys
import xml.etree.ElementTree as xml
import zlib

KINDS = {"function": "function", "enum": "enum", "enumvalue": "enumerator", "typedef": "type",
         "define": "macro"}


def public_names(folder):
    """(kind, name) of all that Doxygen found in the header. Doxygen gives an enum without a name
    one that begins with @, or since 1.9.8 an empty one; its enumerators count."""
    for compound in xml.parse(os.path.join(folder, "index.xml")).getroot():
        if compound.get("kind") == "struct":
            yield "struct", compound.findtext("name")
        elif compound.get("kind") == "file":
            for member in compound.findall("member"):
                name = member.findtext("name")
                if member.get("kind") in KINDS and name and not name.startswith("@"):
                    yield KINDS[member.get("kind")], name


def documented_names(path):
    """(kind, name) of all that the site documents."""
    with open(path, "rb") as file:
        compressed = file.read().split(b"zlib.\n", 1)[1]
    for line in zlib.decompress(compressed).decode().splitlines():
        name, kind = line.split()[:2]
        domain, _, kind = kind.partition(":")
        if domain == "c":
            yield kind, name.rsplit(".", 1)[-1] if kind == "enumerator" else name
            if kind == "enum":  # Sphinx 8 does not list a function with the same name
                yield "function", name


def undescribed(folder):
    """Problems in the comments of functions. The handle `r`, which every function takes, is
    described at struct raft only."""
    for function in xml.parse(os.path.join(folder, "raft_8h.xml")).iter("memberdef"):
        if function.get("kind") != "function":
            continue
        name = function.findtext("name")
        described = {node.text for node in function.iter("parametername")}
        described |= {"r"} if name != "raft_init" else set()
        taken = {node.text for node in function.iterfind("param/declname")}
        for parameter in sorted(taken - described):
            yield "%s(): no @param %s" % (name, parameter)
        brief = "".join(function.find("briefdescription").itertext()).strip()
        if ("".join(function.find("type").itertext()) != "void"
                and not brief.startswith("Returns ")
                and function.find(".//simplesect[@kind='return']") is None):
            yield "%s(): no @return" % name


def main():
    folder, inventory = sys.argv[1:3]
    public, documented = set(public_names(folder)), set(documented_names(inventory))
    problems = ["on no page: %s %s" % pair for pair in sorted(public - documented)]
    problems += undescribed(folder)
    if not public:
        problems.append("nothing found in " + folder)
    print("\n".join(problems) or "%d names are documented" % len(public))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
