# SPDX-License-Identifier: MIT
"""Every function, type and constant of raft.h must appear on a page of the site, each function on
a page of its own and in the table of a topic; and the comment of every function must describe its
parameters and its result.

usage: complete.py DOXYGEN_XML_FOLDER FOLDER_OF_THE_SITE
"""

import os
import sys
import xml.etree.ElementTree as xml
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference"))
import header

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


def documented_names(site):
    """(kind, name) of all that the site documents."""
    with open(os.path.join(site, "objects.inv"), "rb") as file:
        compressed = file.read().split(b"zlib.\n", 1)[1]
    for line in zlib.decompress(compressed).decode().splitlines():
        name, kind = line.split()[:2]
        domain, _, kind = kind.partition(":")
        if domain == "c":
            yield kind, name.rsplit(".", 1)[-1] if kind == "enumerator" else name
            if kind == "enum":  # Sphinx 8 does not list a function with the same name
                yield "function", name


def undescribed(functions):
    """Problems in the comments of functions. The handle `r`, which every function takes, is
    described at struct raft only."""
    for one in functions.values():
        described = set(one.arguments) | ({"r"} if one.name != "raft_init" else set())
        for parameter in sorted({name for _, name in one.parameters if name} - described):
            yield "%s(): no @param %s" % (one.name, parameter)
        if (one.type != "void" and one.returns is None and
                not header.text_of(one.brief).startswith("Returns ")):
            yield "%s(): no @return" % one.name


def unreachable(site, functions):
    """Functions that lack their page, or the anchor `#c.NAME` on the page of a topic."""
    topics, folder = "", os.path.join(site, "reference")
    for name in os.listdir(folder):
        if name.endswith(".html"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                topics += file.read()
    for function in sorted(functions):
        anchor = 'id="c.%s"' % function
        path = os.path.join(folder, "functions", function + ".html")
        text = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                text = file.read()
        if anchor not in text:
            yield "no declaration of %s() in %s" % (function, path)
        if anchor not in topics:
            yield "no anchor of %s() on the page of a topic" % function


def main():
    folder, site = sys.argv[1:3]
    public, documented = set(public_names(folder)), set(documented_names(site))
    problems = ["on no page: %s %s" % pair for pair in sorted(public - documented)]
    functions = header.read(folder).functions()
    problems += unreachable(site, functions)
    problems += undescribed(functions)
    if not public:
        problems.append("nothing found in " + folder)
    print("\n".join(problems) or "%d names are documented" % len(public))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
