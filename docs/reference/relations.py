# SPDX-License-Identifier: MIT
"""What the pages of docs/ say about the functions and error codes of raft.h, and which functions
belong together: for the site and for the man pages."""

import os
import re

import header

TABLE = re.compile(r"^\.\. function-table::\n\n((?:   \w+\n?)+)", re.M)


def sources():
    """{page: text} of the pages that people write."""
    found = {}
    for folder, subfolders, names in os.walk(header.DOCS):
        subfolders[:] = [name for name in subfolders if name != "functions"]
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".rst"):
                with open(path, encoding="utf-8") as file:
                    found[os.path.relpath(path, header.DOCS)[:-len(".rst")]] = file.read()
    return found


def topics(pages):
    """{function: (page, the functions of the same table)}"""
    found = {}
    for page, text in pages.items():
        for table in TABLE.findall(text):
            names = table.split()
            for name in names:
                if name in found:
                    raise ValueError(f"{name} is in two tables")
                found[name] = page, names
    return found


def event_of(name, items):
    """The struct with the fields of an event, whose comment describes the event."""
    struct = "raft_event_" + name[len("RAFT_"):].lower()
    return struct if ("struct", struct) in items else None


def related(functions, topic):
    """{function: the functions to read about next}: those that its comment names, those whose
    comments name it, and its neighbours in the table."""
    named = {name: [ref[:-2] for ref in one.references() if ref.endswith("()")]
             for name, one in functions.items()}
    found = {}
    for name in functions:
        names = named[name] + [other for other in functions if name in named[other]]
        names += topic[name][1]
        found[name] = [other for other in dict.fromkeys(names) if other != name]
    return found


def explanations(lines):
    """{name: [paragraph, ...]} of the content of the directive."""
    found, name = {}, None
    for line in lines:
        if re.fullmatch(r"RAFT_\w+", line):
            name = line
            found[name] = [""]
        elif not line.strip():
            if name and found[name][-1]:
                found[name].append("")
        elif name and line.startswith("   "):
            found[name][-1] = (found[name][-1] + " " + line.strip()).strip()
        else:
            raise ValueError("neither a name nor an indented paragraph: " + line)
    return {name: [text for text in texts if text] for name, texts in found.items()}


def directive(name, pages):
    """The lines of the content of a directive that is on one of the pages."""
    text = next(text for text in pages.values() if f".. {name}::\n" in text)
    content = text.split(f".. {name}::\n", 1)[1]
    return [line[3:] for line in re.split(r"^\S", content, maxsplit=1, flags=re.M)[0].split("\n")]


def titles(pages):
    """{last part of the path of a page: its title}"""
    found = {}
    for page, text in pages.items():
        heading = re.search(r"^(\S.*)\n==+$", text, re.M)
        if heading:
            found[page.rsplit("/", 1)[-1]] = heading[1]
    return found


def tables(pages):
    """(heading, functions) of each table, in the order of the pages."""
    for page in sorted({page for page, _ in topics(pages).values()}):
        text = pages[page]
        for match in TABLE.finditer(text):
            headings = re.findall(r"^(\S.*)\n--+$", text[:match.start()], re.M)
            yield headings[-1], match[1].split()
