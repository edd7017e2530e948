# SPDX-License-Identifier: MIT
"""A Sphinx extension: `.. source-map::` draws the map of src/ from the includes in its files.

It reads the source with tests/style/layers.py, the check of the layers, so that the map shows what
is checked. A layer whose modules include each other is drawn by dot."""

import html
import os
import re
import subprocess
import sys

from docutils import nodes
from docutils.parsers.rst import Directive

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.append(os.path.join(ROOT, "tests", "style"))
import layers  # pylint: disable=wrong-import-position

PURPOSE = {
    "abi": "the C functions: pointer checks, getters, setters",
    "step": "which function handles which event",
    "events": "one file for each event or message",
    "rules": "what several events share",
    "state": "what a server stores",
    "base": "memory, encoding, random numbers, invariants",
}


def include_graph(folder):
    """{module: modules that it includes}"""
    files = layers.read_sources(folder)
    graph = {}
    for path in sorted(files):
        complaints = list(layers.check_includes(path, files, graph))
        if complaints:
            raise ValueError("\n".join(complaints))
    return graph


def layer(module):
    return module.split("/")[0]


def short(module):
    return module.split("/")[-1]


def below(graph, module):
    """All modules that a module includes, also by way of others."""
    found = set()
    for other in graph[module]:
        found |= {other} | below(graph, other)
    return found


def reduced(graph):
    """The graph without the includes that follow from others."""
    return {module: {other for other in others
                     if not any(other in below(graph, between) for between in others)}
            for module, others in graph.items()}


def drawing(name, graph):
    """One layer as SVG: who includes whom, without what follows from others."""
    inner = {module: {other for other in others if layer(other) == name}
             for module, others in graph.items() if layer(module) == name}
    edges = [(module, other) for module, others in sorted(reduced(inner).items())
             for other in sorted(others)]
    if not edges:
        return ""
    lines = ["digraph { rankdir=LR; ranksep=0.35; nodesep=0.12; bgcolor=transparent;",
             "node [shape=box, height=0.3, margin=0.08, fontname=monospace, fontsize=12];"]
    lines += ['"%s" -> "%s";' % (short(module), short(other)) for module, other in edges]
    svg = subprocess.run(["dot", "-Tsvg"], input="\n".join(lines) + "}", text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<title>.*?</title>|<!--.*?-->", "", svg, flags=re.S)
    title = "Includes within %s; the list below has them as text" % name
    svg = svg.replace("<svg", '<svg role="img" aria-label="%s"' % title, 1)
    return '<div class="dot">%s</div>' % svg


def chips(modules):
    return "<ul>%s</ul>" % "".join("<li>%s</li>" % html.escape(short(m)) for m in modules)


def band(name, graph):
    modules = sorted(module for module in graph if layer(module) == name)
    counts = {}
    for module in modules:
        for other in graph[module]:
            counts[layer(other)] = counts.get(layer(other), 0) + 1
    lower = ["%s %d" % (other, counts[other]) for other in reversed(layers.LAYERS)
             if other != name and other in counts]
    down = '<p class="down">includes: %s</p>' % ", ".join(lower) if lower else ""
    return ('<div class="layer"><p><strong>%s</strong>: %s</p>%s%s</div>'
            % (name, PURPOSE[name], chips(modules), down))


def includes_as_text(graph):
    rows = "".join("<li><code>%s</code>: %s</li>"
                   % (module, ", ".join(sorted(graph[module])) or "nothing")
                   for module in sorted(graph))
    return "<details><summary>All includes, as a list</summary><ul>%s</ul></details>" % rows


class SourceMap(Directive):
    """`.. source-map::` without arguments: the layers. With the name of a layer: its drawing."""

    optional_arguments = 1

    def run(self):
        env = self.state.document.settings.env
        source = os.path.join(ROOT, "src")
        for path in layers.read_sources(source):
            env.note_dependency(os.path.join(source, path))
        graph = include_graph(source)
        if self.arguments:
            text = drawing(self.arguments[0], graph)
        else:
            text = ('<div class="layers">%s</div>%s' % (
                "".join(band(name, graph) for name in reversed(layers.LAYERS)),
                includes_as_text(graph)))
        if not text:
            raise self.error("no module of %s includes another" % self.arguments[0])
        return [nodes.raw("", text, format="html")]


def setup(app):
    app.add_directive("source-map", SourceMap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
