# SPDX-License-Identifier: MIT
"""Draws the figures of measure.py as SVG: the cost of a step over one variable.

usage: plot.py FIGURES.json FOLDER"""
import json
import math
import os
import sys
from html import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, BOTTOM = 80, 36, 56
HEADING, LEGEND_LINE = 34, 16  # above the plot: the title, a line for each curve
COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad")

# File, title, variable, unit, and the figures to draw with their names.
PLOTS = (
    ("cost-servers", "One entry at a time, and an idle heartbeat interval", "servers",
     "instructions",
     (("W1/N=", "an entry to commit"), ("W4/N=", "a heartbeat interval"),
      ("C-Raft W1/N=", "an entry to commit, C-Raft 0.15"))),
    ("cost-window", "Entries in flight, 3 servers", "entries in flight", "instructions",
     (("W3/window=", "an entry to commit"), ("acknowledgement/window=", "an acknowledgement"),
      ("C-Raft W3/window=", "an entry to commit, C-Raft 0.15"))),
    ("cost-batch", "Batches, 3 servers", "entries in a batch", "instructions per entry",
     (("W2/batch=", "an entry to commit"),)),
    ("cost-log", "The log's length and its terms", "entries, or terms", "instructions",
     (("lookup/terms=", "an empty AppendEntries at random, against terms; 1,000,000 entries"),
      ("lookup/entries=", "the same against entries; 100 terms"),
      ("acknowledgement/terms=", "an acknowledgement, against terms"))),
    ("cost-restart", "Restart from a log of one term", "entries", "instructions per entry",
     (("restart/entries=", "an entry"),)),
)


def series(figures, prefix):
    points = [(float(name[len(prefix):]), value) for name, value in figures.items()
              if name.startswith(prefix)]
    return sorted(points)


class Scale:
    """A logarithmic axis over whole decades."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.start, self.end = start, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        return [10 ** power for power in range(self.low, self.high + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def text(x, y, content, anchor="middle", **more):
    attributes = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attributes}>'
            f"{escape(content)}</text>")


def line(x1, y1, x2, y2, colour):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}"/>')


def axes(x, y, top, variable, unit):
    parts = []
    for tick in x.ticks():
        parts.append(line(x.at(tick), top, x.at(tick), HEIGHT - BOTTOM, "#ddd"))
        parts.append(text(x.at(tick), HEIGHT - BOTTOM + 18, number(tick)))
    for tick in y.ticks():
        parts.append(line(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick), "#ddd"))
        parts.append(text(LEFT - 8, y.at(tick) + 4, number(tick), "end"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, variable))
    middle = (top + HEIGHT - BOTTOM) / 2
    parts.append(text(14, middle, unit, transform=f"rotate(-90 14 {middle:.1f})"))
    return parts


def curve(x, y, points, colour):
    places = [(x.at(a), y.at(b)) for a, b in points]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for (a, b), (variable, value) in zip(places, points):
        parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}">'
                     f"<title>{variable:,g}: {value:,.1f}</title></circle>")
    return parts


def draw(title, variable, unit, curves):
    """One plot; curves: (name, points)."""
    everything = [point for _, points in curves for point in points]
    top = HEADING + LEGEND_LINE * len(curves)
    x = Scale([a for a, _ in everything], LEFT, WIDTH - RIGHT)
    y = Scale([b for _, b in everything], HEIGHT - BOTTOM, top)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" font-size="12" fill="#333" role="img">',
             f"<title>{escape(title)}</title>",
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
             text(WIDTH / 2, 20, title, font_size="14", font_weight="bold")]
    parts += axes(x, y, top, variable, unit)
    for i, (name, points) in enumerate(curves):
        colour = COLOURS[i % len(COLOURS)]
        parts += curve(x, y, points, colour)
        parts.append(f'<rect x="{LEFT}" y="{HEADING + LEGEND_LINE * i}" width="8" height="8" '
                     f'fill="{colour}"/>')
        parts.append(text(LEFT + 14, HEADING + 8 + LEGEND_LINE * i, name, "start"))
    parts.append("</svg>\n")
    return "\n".join(parts)


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        figures = json.load(file)["figures"]
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, title, variable, unit, wanted in PLOTS:
        curves = [(label, series(figures, prefix)) for prefix, label in wanted]
        curves = [(label, points) for label, points in curves if points]
        if not curves:
            print(f"{name}: no figures", file=sys.stderr)
            return 1
        path = os.path.join(sys.argv[2], name + ".svg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(draw(title, variable, unit, curves))
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
