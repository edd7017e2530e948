# SPDX-License-Identifier: MIT
"""The declarations of include/raft.h with their comments, read from Doxygen's XML, for the pages of
functions (function_pages.py) and the man pages (../man/pages.py).

usage: header.py XML_FOLDER        run Doxygen, strictly: a warning is an error
"""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from typing import Dict, List, NamedTuple, Optional, Tuple

DOCS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(DOCS)
ENDS = (";", "{", "}", "*/")  # of the line before a statement, and of its last line
BLOCK_MAX = 20  # lines


def run_doxygen(folder, doxygen="doxygen", strict=True):
    """Write the XML of the header to a folder."""
    with open(os.path.join(DOCS, "Doxyfile"), encoding="utf-8") as file:
        text = file.read()
    folder = os.path.abspath(folder)
    text += f'INPUT = "{ROOT}/include/raft.h"\nSTRIP_FROM_PATH = "{ROOT}"\n'
    text += f'OUTPUT_DIRECTORY = "{os.path.dirname(folder)}"\n'
    text += f'XML_OUTPUT = "{os.path.basename(folder)}"\n'
    if not strict:
        text += "WARNINGS = NO\nWARN_AS_ERROR = NO\n"
    os.makedirs(folder, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".Doxyfile", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        subprocess.run([doxygen, file.name], check=True)


class Item(NamedTuple):
    """A function, struct or enum, or a member of a struct or an enumerator."""
    kind: str
    name: str
    type: str  # of a function or member
    parameters: List[Tuple[str, str]]  # (type, name)
    brief: xml.Element
    body: List[xml.Element]  # paragraphs, without what follows
    arguments: Dict[str, xml.Element]  # descriptions of parameters
    returns: Optional[xml.Element]
    members: List["Item"]
    value: str  # of an enumerator
    group: str  # the group's name, or ""

    def text(self):
        """The whole comment, without formatting."""
        return " ".join(filter(None, map(text_of, [self.brief, *self.body])))

    def references(self):
        """The names that the comment refers to: `raft_step()`, `RAFT_NOMEM`, `raft_entry`."""
        nodes = [self.brief, *self.body, *self.arguments.values()]
        nodes += [] if self.returns is None else [self.returns]
        names = [ref.text for node in nodes for ref in node.iter("ref")]
        for member in self.members:
            names += member.references()
        return list(dict.fromkeys(names))


def text_of(node):
    return "" if node is None else re.sub(r"\s+", " ", "".join(node.itertext())).strip()


def declared_type(node):
    return re.sub(r"\* (?=\*)", "*", text_of(node))


def comment(node):
    """(body, arguments, returns) of a detaileddescription: Doxygen puts the descriptions of
    parameters and results into the paragraphs."""
    body, arguments, returns = [], {}, None
    for paragraph in [] if node is None else node.findall("para"):
        for part in paragraph.findall("parameterlist"):
            for one in part.findall("parameteritem"):
                described = one.find("parameterdescription/para")
                arguments[one.findtext("parameternamelist/parametername")] = described
            paragraph.remove(part)
        for part in paragraph.findall("simplesect[@kind='return']"):
            returns = part.find("para")
            paragraph.remove(part)
        if text_of(paragraph):
            body.append(paragraph)
    return body, arguments, returns


def item(node, kind, name, group=""):
    body, arguments, returns = comment(node.find("detaileddescription"))
    parameters = [(declared_type(p.find("type")), p.findtext("declname") or "")
                  for p in node.findall("param")]
    members, following = [], 0
    for value in node.findall("enumvalue"):
        given = (value.findtext("initializer") or "").strip("= ")
        if given:
            shifted = re.fullmatch(r"(\d+) *<< *(\d+)", given)
            following = int(shifted[1]) << int(shifted[2]) if shifted else int(given, 0)
        member = item(value, "enumerator", value.findtext("name"))
        members.append(member._replace(value=str(following)))
        following += 1
    for variable in node.findall("sectiondef/memberdef[@kind='variable']"):
        members.append(item(variable, "member", variable.findtext("name")))
    declared = declared_type(node.find("type")) + (node.findtext("argsstring") or "")
    return Item(kind, name, declared if kind == "member" else declared_type(node.find("type")),
                parameters, node.find("briefdescription"), body, arguments, returns, members,
                "", group)


class Header(NamedTuple):
    overview: List[xml.Element]  # paragraphs of the first comment
    items: Dict[Tuple[str, str], Item]  # by kind ("function", "struct", "enum") and name
    groups: Dict[str, List[xml.Element]]  # the comments of groups

    def functions(self):
        return {name: one for (kind, name), one in self.items.items() if kind == "function"}

    def enumerators(self):
        """{enumerator: its enum}"""
        return {value.name: one for (kind, _), one in self.items.items() if kind == "enum"
                for value in one.members}

    def errors(self, one):
        """The members of enum raft_error that a function's @return names; for raft_step() also
        those that the comments of the events name."""
        found = [] if one.returns is None else [ref.text for ref in one.returns.iter("ref")]
        if one.name == "raft_step":
            for (_, name), event in self.items.items():
                found += event.references() if name.startswith("raft_event_") else []
        return [code for code in self.items["enum", "raft_error"].members if code.name in found]

    def listed_errors(self, one, about=None):
        """The codes behind "Error:" or "Errors:" in a comment; `about`: in the paragraph that
        begins with this name."""
        codes = {code.name for code in self.items["enum", "raft_error"].members}
        found = []
        for paragraph in one.body:
            if about is None or text_of(paragraph).startswith(about):
                listing = bool(re.search(r"\bErrors?:", paragraph.text or ""))
                for ref in paragraph:
                    found += [ref.text] if listing and ref.text in codes else []
                    listing = listing or bool(re.search(r"\bErrors?:", ref.tail or ""))
        return list(dict.fromkeys(found))


def read(folder):
    """The Header in a folder of Doxygen's XML."""
    overview, items, groups = [], {}, {}
    for name in sorted(os.listdir(folder)):
        if not re.match(r"(raft_8h|group_|struct)", name):
            continue
        for compound in xml.parse(os.path.join(folder, name)).iter("compounddef"):
            kind, group = compound.get("kind"), compound.findtext("compoundname")
            if kind == "struct":
                items[kind, group] = item(compound, kind, group)
                continue
            body = comment(compound.find("detaileddescription"))[0]
            if kind == "group":
                groups[group] = body
            else:
                overview, group = body, ""
            for member in compound.iter("memberdef"):
                key = member.get("kind"), member.findtext("name")
                if key[0] in ("function", "enum") and (group or key not in items):
                    items[key] = item(member, *key, group)
    return Header(overview, items, groups)


def versions(path=os.path.join(ROOT, "abi", "libraft.map")):
    """{function: version in which it was added}, from the nodes of the linker's version script."""
    with open(path, encoding="utf-8") as file:
        nodes = re.findall(r"RAFT_([\d.]+) \{(.*?)\}", file.read(), re.S)
    return {name: version for version, body in nodes for name in re.findall(r"\braft_\w+", body)}


def first_sentence(brief):
    """The brief description without the period and the references to sections."""
    text = re.sub(r" \((?:§|figure)[^)]*\)", "", text_of(brief))
    return text.rstrip(".")


def programs():
    """{function: [(program in docs/examples, lines)]}: the first statement of each program that
    calls the function; lines are (first, last), from 1."""
    found: Dict[str, List[Tuple[str, Tuple[int, int]]]] = {}
    folder = os.path.join(DOCS, "examples")
    names = [name for name in os.listdir(folder) if name.endswith(".c")]
    # Whole programs first; cluster.c is what the other programs share.
    for name in sorted(names, key=lambda name: (name != "quickstart.c", name == "cluster.c", name)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            lines = file.read().split("\n")
        for number, line in enumerate(lines, 1):
            for function in re.findall(r"\b(raft_\w+)\(", re.sub(r"/\*.*?(\*/|$)", "", line)):
                uses = found.setdefault(function, [])
                if name not in [used for used, _ in uses]:
                    uses.append((name, statement(lines, number)))
    return found


def statement(lines, number):
    """The lines of the statement that line `number` belongs to, with the block that follows it if
    that is short."""
    first = last = number
    while lines[first - 2].strip() and not lines[first - 2].rstrip().endswith(ENDS):
        first -= 1
    while not lines[last - 1].rstrip().endswith(ENDS):
        last += 1
    if lines[last - 1].endswith("{"):
        close = lines[first - 1][:-len(lines[first - 1].lstrip())] + "}"
        block = lines[last:last + BLOCK_MAX]
        if close in block:
            last += block.index(close) + 1
    return first, last


if __name__ == "__main__":
    run_doxygen(sys.argv[1])
