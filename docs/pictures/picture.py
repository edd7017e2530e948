# SPDX-License-Identifier: MIT
"""A Sphinx extension with one directive:

    .. picture:: NAME

It puts a picture of docs/pictures into the page, with its caption and a link to the same run in the
playground. tools/pictures has drawn it; the SVG becomes a part of the page, so that it has the
colours of the page's theme."""

import json
import os

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

STATIC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
TELEPHONE = 400  # pixels: a wider picture does not become smaller, but is scrolled


def pictures_of(folder):
    with open(os.path.join(folder, "pictures.json"), encoding="utf-8") as file:
        return json.load(file)


class Picture(SphinxDirective):
    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        folder = self.config.pictures_folder
        try:
            text = pictures_of(folder)[name]
        except (OSError, KeyError) as error:
            raise self.error("no picture %s in the folder '%s': run tools/docs"
                             % (name, folder)) from error
        path = os.path.join(folder, name + ".svg")
        self.env.note_dependency(path)
        with open(path, encoding="utf-8") as file:
            svg = file.read()
        wide = text["width"] > TELEPHONE
        # What is scrolled can be reached with the keyboard.
        scroll = ' tabindex="0" role="group" aria-label="%s"' % text["title"] if wide else ""
        html = '<div class="run-scroll%s"%s>\n%s</div>' % ("" if wide else " narrow", scroll, svg)
        up = "../" * self.env.docname.count("/")
        caption = nodes.caption("", "", nodes.strong("", text["title"] + ". "),
                                nodes.Text(text["caption"] + " "),
                                nodes.reference("", "Open it in the playground",
                                                refuri=up + text["link"]), nodes.Text("."))
        figure = nodes.figure("", nodes.raw("", html, format="html"), caption,
                              classes=["picture"], ids=["picture-" + name.replace("_", "-")])
        self.set_source_info(figure)
        return [figure]


def add_style(_app, config):
    config.html_static_path.append(STATIC)


def setup(app):
    app.add_config_value("pictures_folder", "", "env")
    app.add_directive("picture", Picture)
    app.add_css_file("pictures.css")
    app.connect("config-inited", add_style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
