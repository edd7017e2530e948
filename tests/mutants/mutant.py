# SPDX-License-Identifier: MIT
"""Mutants written by hand: AREA/NAME.mutant is a header, then edits of src/ (see README.md)."""
import glob
import os
import re

import edit
from edit import Stale

REQUIRED = ("title", "source", "breaks", "alone")
AREAS = ("votes", "timers", "commit", "append", "persistence", "snapshots", "membership",
         "transfer", "reads", "limits", "sleep")


class Mutant:
    """A mutant that fits src/. `files`: the new text of each file that it changes. `alone`: which
    of the simulator (sim) and the bounded model check (model) must find it without other tests.
    `notes`: what a maintainer should know of how it fits."""

    def __init__(self, name, area, title, files, breaks="", source="", alone=(), commit=False,
                 notes=()):
        self.name, self.area, self.title, self.files = name, area, title, files
        self.breaks, self.source, self.alone = breaks, source, alone
        self.commit, self.notes = commit, notes


class Description:
    """What a file says, whether it fits src/ or not."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".mutant")]
        self.area = os.path.basename(os.path.dirname(path))
        with open(path, encoding="utf-8") as file:
            self.head, _, self.body = file.read().partition("\n\n")
        self.fields = dict(re.findall(r"^(\w+): (.+)$", self.head, re.M))
        self.alone = self.fields.get("alone", "").split(":")[0].split()

    def check(self):
        for key in REQUIRED:
            if key not in self.fields:
                raise Stale("there is no line `%s:`" % key)
        unknown = [line for line in self.head.split("\n")
                   if line.split(":")[0] not in REQUIRED + ("commit",)]
        if unknown:
            raise Stale("not a line of a header: %s" % unknown[0])
        if not self.alone or not set(self.alone) <= {"sim", "model", "none"}:
            raise Stale("`alone:` must say sim, model, both, or none and the reason")
        if self.area not in AREAS:
            raise Stale("`%s` is not an area" % self.area)
        if self.fields.get("commit", "yes") != "yes":
            raise Stale("`commit:` must say yes, or be left out")
        if "none" in self.alone and ": " not in self.fields["alone"]:
            raise Stale("`alone: none` needs the reason")

    def edits(self):
        if not self.body.strip():
            raise Stale("there is no edit; see `tools/mutants --refresh`")
        return edit.parse(self.body)

    def fit(self, tree):
        """The mutant; raises Stale."""
        self.check()
        files, notes = self._apply(tree)
        return Mutant(self.name, self.area, self.fields["title"], files,
                      breaks=self.fields["breaks"], source=self.fields["source"],
                      alone=[a for a in self.alone if a != "none"],
                      commit=self.fields.get("commit") == "yes", notes=notes)

    def _apply(self, tree):
        changes, notes = [], []
        edits = self.edits()
        for number, one in sorted(enumerate(edits, 1), key=lambda e: e[1].optional):
            try:
                site, note = one.locate(tree)
                one.check_names(tree, site)
                if any(overlaps(site, c, other) for other, c in changes):
                    raise Stale("would go to %s, which another edit changes" %
                                site.source.place(site.first))
            except Stale as stale:
                if not one.optional:
                    raise Stale("edit %d %s" % (number, stale)) from None
                notes.append("edit %d, which is optional, %s" % (number, stale))
                continue
            if note:
                notes.append("edit %d %s" % (number, note))
            changes += [(site.source, change) for change in site.changes]
        return apply_changes(changes), notes


def overlaps(site, change, source):
    return source is site.source and any(
        a[0] < change[1] and change[0] < a[1] or a[:2] == change[:2] for a in site.changes)


def apply_changes(changes):
    """The new texts: {path: text}."""
    files = {}
    for source, (begin, end, new) in sorted(changes, key=lambda c: c[1][:2], reverse=True):
        text = files.get(source.path, source.text)
        files[source.path] = text[:begin] + new + text[end:]
    for source in {c[0] for c in changes}:
        if files[source.path] == source.text:
            raise Stale("changes nothing")
    return files


def describe(folder):
    """All mutants of a folder, by name."""
    paths = glob.glob(os.path.join(folder, "*", "*.mutant"))
    return sorted((Description(path) for path in paths), key=lambda d: d.name)


def load(root, folder):
    """All mutants that fit, and the others as (name, why)."""
    tree, good, stale = edit.Tree(os.path.join(root, "src")), [], []
    for description in describe(folder):
        try:
            good.append(description.fit(tree))
        except Stale as error:
            stale.append((description.name, str(error)))
    return good, stale
