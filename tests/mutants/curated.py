# SPDX-License-Identifier: MIT
"""Mutants written by hand: a header of `Name: value` lines, then a unified diff of src/. A hunk is
found by its text, which must occur once: line numbers may be out of date, nothing else may."""
import difflib
import glob
import os
import re

HEADERS = ("Bug", "Source", "Area", "Alone")


class Stale(Exception):
    pass


class Mutant:
    """`files`: the new text of the files of src/ that it changes. `alone`: which of sim and model
    must find it by themselves."""

    def __init__(self, name, area, bug, source, alone, files):
        self.name, self.area, self.bug, self.source = name, area, bug, source
        self.alone, self.files = alone, files


def load(root, folder):
    return [read(root, path) for path in sorted(glob.glob(os.path.join(folder, "*.patch")))]


def read(root, path):
    with open(path, encoding="utf-8") as file:
        head, diff = split(file.read())
    name = os.path.basename(path)[:-len(".patch")]
    for key in HEADERS:
        if not head.get(key):
            raise Stale("%s: no %s" % (name, key))
    alone = head["Alone"].split(":")[0].split()
    if not alone or not set(alone) <= {"sim", "model", "none"}:
        raise Stale("%s: Alone must be sim, model, both, or none and why" % name)
    if "none" in alone and ":" not in head["Alone"]:
        raise Stale("%s: why can neither find it?" % name)
    try:
        files = patched(os.path.join(root, "src"), diff)
    except Stale as stale:
        raise Stale("%s: %s" % (name, stale)) from None
    return Mutant(name, head["Area"], head["Bug"], head["Source"],
                  [a for a in alone if a != "none"], files)


def split(text):
    """The header and the diff."""
    at = text.index("--- a/src/") if "--- a/src/" in text else len(text)
    return dict(re.findall(r"^(\w+): (.*)$", text[:at], re.M)), text[at:]


def patched(src, diff):
    files = {}
    for part in re.split(r"^(?=--- a/src/)", diff, flags=re.M)[1:]:
        name = re.match(r"--- a/src/(\S+)\n\+\+\+ b/src/(\S+)\n", part)
        with open(os.path.join(src, name[1]), encoding="utf-8") as file:
            text = file.read()
        for hunk in re.split(r"^@@.*\n", part, flags=re.M)[1:]:
            lines = hunk.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if line[0] in " -")
            new = "".join(line[1:] for line in lines if line[0] in " +")
            if text.count(old) != 1 or old == new:
                raise Stale("a hunk of %s fits %d times" % (name[1], text.count(old)))
            text = text.replace(old, new)
        files[name[1]] = text
    if not files:
        raise Stale("no diff")
    return files


def diff_of(src, files):
    """The diff, with as little context as tells where it belongs."""
    parts = []
    for name, text in sorted(files.items()):
        with open(os.path.join(src, name), encoding="utf-8") as file:
            old = file.read()
        for context in range(1, 20):
            part = "".join(difflib.unified_diff(
                old.splitlines(keepends=True), text.splitlines(keepends=True),
                "a/src/" + name, "b/src/" + name, n=context))
            try:
                if patched(src, part) == {name: text}:
                    break
            except Stale:
                pass
        parts.append(part)
    return "".join(parts)


def refresh(root, folder):
    """Write each patch anew against the present sources."""
    for path in sorted(glob.glob(os.path.join(folder, "*.patch"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        head = text[:text.index("--- a/src/")]
        diff = diff_of(os.path.join(root, "src"), read(root, path).files)
        with open(path, "w", encoding="utf-8") as file:
            file.write(head + diff)
