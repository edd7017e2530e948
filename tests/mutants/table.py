# SPDX-License-Identifier: MIT
"""The mutants written by hand as a table in Markdown: what killed each, from the last results."""
import re

import mutant

HOW = {"check": "", "invariant": " (invariant)", "crash": " (crash)", "timeout": " (no end)"}


def escaped(text):
    return text.replace("|", "\\|")


def linked(source):
    """The cited thread as a link, with its title."""
    thread = re.match(r"([\w.-]+/[\w.-]+)#(\d+), (.*)", source)
    if not thread:
        return escaped(source)
    return "[%s#%s](https://github.com/%s/issues/%s) %s" % (
        thread[1], thread[2], thread[1], thread[2], escaped(thread[3]))


def alone_text(result, name, nothing="-"):
    """Did this suite find the mutant without the other tests, and how soon?"""
    if name not in result["alone"] or name not in result:
        return nothing
    found = result[name]
    if not found["how"]:
        return "MISSED"
    seeds = "seed %d, " % found["seeds"] if found["seeds"] else ""
    return "%s%.1f s" % (seeds, found["seconds"])


def print_table(mutants, stale, results):
    """`results`: by name; a mutant may have none."""
    print("| Bug | Rule | Source | Killed by | Simulator alone | Model check alone |")
    print("|---|---|---|---|---|---|")
    for m in sorted(mutants, key=lambda m: (mutant.AREAS.index(m.area), m.name)):
        result = results.get(m.name, {"alone": m.alone, "fate": "not run"})
        killer = "%s%s, %.1f s" % (result["by"], HOW[result["how"]], result["seconds"]) \
            if "by" in result else "**%s**" % result["fate"]
        print("| %s | %s | %s | %s | %s | %s |" % (
            escaped(m.title), escaped(m.breaks), linked(m.source), escaped(killer),
            alone_text(result, "sim"), alone_text(result, "model")))
    for name, _ in stale:
        print("| %s | | | **stale** | | |" % name)
