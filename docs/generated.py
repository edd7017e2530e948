# SPDX-License-Identifier: MIT
"""reStructuredText that directives generate."""

from docutils import nodes
from docutils.statemachine import StringList


def list_table(rows, **options):
    """The text of a table. The options are those of the directive list-table, with _ for -."""
    lines = [".. list-table::"]
    lines += [f"   :{name.replace('_', '-')}: {value}" for name, value in options.items()] + [""]
    for row in rows:
        lines += [f"   {' ' if at else '*'} - {cell}".rstrip() for at, cell in enumerate(row)]
    return "\n".join(lines) + "\n\n"


def parsed(directive, text):
    """The nodes of the text that a directive has generated."""
    node = nodes.container()
    directive.state.nested_parse(StringList(text.splitlines(), directive.name), 0, node)
    return node.children
