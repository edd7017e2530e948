# SPDX-License-Identifier: MIT
"""The Sphinx directive `error-table`, which generates the table of error codes.

Name, value and meaning come from the comments of enum raft_error in raft.h. The page adds the
cause and the remedy of each code:

    .. error-table::

       RAFT_NOMEM
          An allocation failed.

          Free memory and step the same event again.

A code that the header calls "Never returned" has neither. Every other code must have both.
"""

import os
import re
import xml.etree.ElementTree as xml

from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from docutils import nodes

TABLE = """\
.. list-table::
   :header-rows: 1
   :widths: 22 6 22 26 24

   * - Name
     - Value
     - Meaning
     - Cause
     - Remedy
"""
ROW = """\
   * - :c:enumerator:`{name}`
     - {value}
     - {meaning}
     - {cause}
     - {remedy}
"""
NEVER = "Never returned."


def error_codes(folder):
    """[(name, value, meaning)] of enum raft_error in Doxygen's XML."""
    codes, following = [], 0
    for enum in xml.parse(os.path.join(folder, "raft_8h.xml")).iter("memberdef"):
        if enum.findtext("name") != "raft_error":
            continue
        for value in enum.findall("enumvalue"):
            given = value.findtext("initializer")
            following = int(given.strip("= ")) if given else following
            meaning = "".join(value.find("briefdescription").itertext()).strip()
            codes.append((value.findtext("name"), following, meaning))
            following += 1
    return codes


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


def table(codes, explained):
    """(reStructuredText of the table, list of problems)."""
    rows = TABLE
    problems = ["%s is not in raft.h" % name
                for name in explained if name not in {code[0] for code in codes}]
    for name, value, meaning in codes:
        texts = explained.get(name, [])
        wanted = 0 if meaning == NEVER else 2
        if not meaning or len(texts) != wanted:
            problems.append("%s has %d paragraphs here, not %d" % (name, len(texts), wanted))
        cause, remedy = (texts + ["", ""])[:2]
        rows += ROW.format(name=name, value=value, meaning=meaning, cause=cause, remedy=remedy)
    return rows, problems + ([] if codes else ["raft.h has no error codes"])


class ErrorTable(Directive):
    """.. error-table::"""

    has_content = True

    def run(self):
        rows, problems = table(error_codes(os.environ["RAFT_DOXYGEN_XML"]),
                               explanations(self.content))
        if problems:
            raise self.error("; ".join(problems))
        node = nodes.container()
        self.state.nested_parse(StringList(rows.splitlines(), "error-table"), 0, node)
        return node.children


def setup(app):
    app.add_directive("error-table", ErrorTable)
    return {"parallel_read_safe": True}
