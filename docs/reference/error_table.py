# SPDX-License-Identifier: MIT
"""The Sphinx directive `error-table`, which generates the table of error codes.

Name, value and meaning come from the comments of enum raft_error in raft.h. The page adds the
cause and the remedy of each code:

    .. error-table::

       RAFT_NOMEM
          An allocation failed.

          Free memory and step the same event again.

A code that the header calls "Never returned" has neither. Every other code must have both.

The directive `event-errors` is the table of events and their codes, as raft.h lists them.
"""

import os

from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from docutils import nodes

import header
import relations

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
EVENTS = """\
.. list-table::
   :header-rows: 1
   :widths: 30 70

   * - Event
     - Codes
"""


def error_codes(folder):
    """[(name, value, meaning)] of enum raft_error in Doxygen's XML."""
    codes = header.read(folder).items["enum", "raft_error"].members
    return [(code.name, code.value, code.text()) for code in codes]


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
                               relations.explanations(self.content))
        if problems:
            raise self.error("; ".join(problems))
        node = nodes.container()
        self.state.nested_parse(StringList(rows.splitlines(), "error-table"), 0, node)
        return node.children


def event_errors(found):
    """reStructuredText of the table of events and the codes that their comments list."""
    events = found.items["enum", "raft_event_type"]
    rows = EVENTS
    for event in events.members:
        struct = relations.event_of(event.name, found.items)
        place = found.items["struct", struct] if struct else events
        link = f":c:struct:`{event.name} <{struct}>`" if struct else f":c:enumerator:`{event.name}`"
        listed = found.listed_errors(place, None if struct else event.name)
        codes = ", ".join(f":c:enumerator:`{code}`" for code in listed)
        if not codes:
            raise ValueError(f"raft.h does not list the errors of {event.name}")
        rows += f"   * - {link}\n     - {codes}\n"
    return rows


class EventErrors(Directive):
    """.. event-errors::"""

    def run(self):
        rows = event_errors(header.read(os.environ["RAFT_DOXYGEN_XML"]))
        node = nodes.container()
        self.state.nested_parse(StringList(rows.splitlines(), "event-errors"), 0, node)
        return node.children


def setup(app):
    app.add_directive("error-table", ErrorTable)
    app.add_directive("event-errors", EventErrors)
    return {"parallel_read_safe": True}
