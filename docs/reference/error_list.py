# SPDX-License-Identifier: MIT
"""The Sphinx directive `error-list`, which generates the list of error codes.

Name, value and meaning come from the comments of enum raft_error in raft.h. The page adds the
cause and the remedy of each code:

    .. error-list::

       RAFT_NOMEM
          An allocation failed.

          Free memory and step the same event again.

A code that the header calls "Never returned" has neither. Every other code must have both.

The directive `event-errors` is the table of events and their codes, as raft.h lists them.
"""

import os

from docutils.parsers.rst import Directive
from docutils import nodes

import generated
import header
import relations

ENTRY = """\
_`{name}` = {value}
   {meaning}

   *Cause:* {cause}

   *Remedy:* {remedy}

"""
NEVER = "Never returned."


def error_codes(folder):
    """[(name, value, meaning)] of enum raft_error in Doxygen's XML."""
    codes = header.read(folder).items["enum", "raft_error"].members
    return [(code.name, code.value, code.text()) for code in codes]


def entries(codes, explained):
    """(reStructuredText of the list, list of problems)."""
    text, unused = "", []
    problems = ["%s is not in raft.h" % name
                for name in explained if name not in {code[0] for code in codes}]
    for name, value, meaning in codes:
        texts = explained.get(name, [])
        wanted = 0 if meaning == NEVER else 2
        if not meaning or len(texts) != wanted:
            problems.append("%s has %d paragraphs here, not %d" % (name, len(texts), wanted))
        elif wanted:
            text += ENTRY.format(name=name, value=value, meaning=meaning, cause=texts[0],
                                 remedy=texts[1])
        else:
            unused.append(":c:enumerator:`%s` (%s)" % (name, value))
    text += "The library never returns these codes: " + ", ".join(unused) + ".\n"
    return text, problems + ([] if codes else ["raft.h has no error codes"])


class ErrorList(Directive):
    """.. error-list::"""

    has_content = True

    def run(self):
        text, problems = entries(error_codes(os.environ["RAFT_DOXYGEN_XML"]),
                                 relations.explanations(self.content))
        if problems:
            raise self.error("; ".join(problems))
        found = generated.parsed(self, text)
        for term in [term for node in found for term in node.findall(nodes.term)]:
            term.children = [nodes.strong("", "", *term.children)]
        return found


def event_errors(found):
    """reStructuredText of the table of events and the codes that their comments list."""
    events = found.items["enum", "raft_event_type"]
    rows = [("Event", "Codes")]
    for event in events.members:
        struct = relations.event_of(event.name, found.items)
        place = found.items["struct", struct] if struct else events
        link = f":c:struct:`{event.name} <{struct}>`" if struct else f":c:enumerator:`{event.name}`"
        listed = found.listed_errors(place, None if struct else event.name)
        codes = ", ".join(f":c:enumerator:`{code}`" for code in listed)
        if not codes:
            raise ValueError(f"raft.h does not list the errors of {event.name}")
        rows.append((link, codes))
    return generated.list_table(rows, header_rows=1, widths="30 70")


class EventErrors(Directive):
    """.. event-errors::"""

    def run(self):
        found = header.read(os.environ["RAFT_DOXYGEN_XML"])
        return generated.parsed(self, event_errors(found))


def setup(app):
    app.add_directive("error-list", ErrorList)
    app.add_directive("event-errors", EventErrors)
    return {"parallel_read_safe": True}
