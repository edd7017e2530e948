# SPDX-License-Identifier: MIT
"""A Sphinx extension: `.. readme-table:: HEADING` shows the first table below a heading of
README.md, so that the table is written once. The options `rows` and `columns` choose some of them,
by name."""

import os
import re

from docutils.parsers.rst import Directive, directives

import generated

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "README.md")


def rows(text, heading):
    """The cells of the table, row by row; the line of dashes is left out."""
    below = text.split("\n## %s\n" % heading)[1].split("\n## ")[0]
    table = re.search(r"(?:^\|.*\n)+", below, re.M).group(0)
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return [row for row in found if set("".join(row)) - set("-: ")]


def chosen(cells, names, columns):
    """The table with the rows of these names (None: all) and the columns of these."""
    head = cells[0]
    by_name = {row[0]: row for row in cells[1:]}
    places = [0] + [head.index(name) for name in columns or head[1:]]
    return [[row[place] for place in places]
            for row in [head] + [by_name[name] for name in names or by_name]]


class ReadmeTable(Directive):
    """The heading is the argument."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"rows": directives.unchanged, "columns": directives.unchanged}

    def names(self, option):
        return [name.strip() for name in self.options.get(option, "").split(",") if name.strip()]

    def run(self):
        self.state.document.settings.env.note_dependency(README)
        with open(README, encoding="utf-8") as file:
            text = file.read()
        try:
            cells = chosen(rows(text, self.arguments[0]), self.names("rows"),
                           self.names("columns"))
        except (AttributeError, IndexError, KeyError, ValueError) as error:
            raise self.error("no such table in README.md, or not all of it: %r" % error) from None
        return generated.parsed(self, generated.list_table(
            cells, header_rows=1, stub_columns=1, **{"class": "wide"}))


def setup(app):
    app.add_directive("readme-table", ReadmeTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
