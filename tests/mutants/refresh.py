# SPDX-License-Identifier: MIT
"""Rewrites the edits of mutants whose place in src/ has changed."""
import os
import subprocess

import cxx
import derive
import edit
import mutant
from edit import Stale


def git(root, *args):
    return subprocess.run(["git", "-C", root, *args], check=True, capture_output=True,
                          text=True).stdout


def refresh(root, folder, names):
    """0: all of them fit now."""
    known = {d.name: d for d in mutant.describe(folder)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LookupError("there is no mutant %s; first write its header to bugs/AREA/%s.mutant" % (
            unknown[0], unknown[0]))
    changed = git(root, "diff", "--name-only", "--", "src").split()
    if changed and len(names) == 1:
        from_change(root, known[names[0]], changed)
        return 0
    if changed:
        raise LookupError("src/ has a change that is not staged: which of the mutants is it? "
                          "Name one, or stage the change (git add src)")
    tree = edit.Tree(os.path.join(root, "src"))
    return 1 if [name for name in names if not from_place(known[name], tree)] else 0


def from_change(root, description, paths):
    """The mutant becomes what the working tree has and the index has not; src/ is restored."""
    patch = git(root, "diff", "--", "src")
    saved = os.path.join(root, "build", "mutants", description.name + ".patch")
    os.makedirs(os.path.dirname(saved), exist_ok=True)
    with open(saved, "w", encoding="utf-8") as file:
        file.write(patch)
    new = {}
    for path in paths:
        if not os.path.exists(os.path.join(root, path)):
            raise LookupError("%s is deleted: stage that (git add -A src)" % path)
        with open(os.path.join(root, path), encoding="utf-8") as file:
            new[os.path.relpath(path, "src")] = file.read()
    git(root, "checkout", "--", *paths)
    try:
        tree = edit.Tree(os.path.join(root, "src"))
        optional = optional_places(description)
        edits = [e for path, text in new.items() for e in derive.edits_of(tree, path, text)]
        for e in edits:
            e.optional = e.where in optional
        write(description, edits)
        made = mutant.Description(description.path).fit(tree)
        wrong = [path for path, text in new.items() if not cxx.same(text, made.files.get(path, ""))]
        if wrong:
            raise Stale("the new edits do not make the change of " + wrong[0])
    except (Stale, LookupError, StopIteration) as error:
        raise LookupError("%s; the change is in %s" % (error, saved)) from None
    print("%s is rewritten from the change of %s, which is undone (it is kept in %s):\n" % (
        description.name, ", ".join(paths), os.path.relpath(saved, root)))
    with open(description.path, encoding="utf-8") as file:
        print(file.read())


def optional_places(description):
    try:
        return {e.where for e in description.edits() if e.optional}
    except Stale:
        return set()


def from_place(description, tree):
    """Without a change in src/: name the places where the edits fit now, and drop optional edits
    that fit nowhere. Does the mutant fit?"""
    try:
        description.fit(tree)
    except Stale as stale:
        print("%s: %s" % (description.name, stale))
        print("    Stage what you have changed in src/, put this bug into src/ by hand, and run\n"
              "    tools/mutants --refresh %s\n" % description.name)
        return False
    kept = []
    for e in description.edits():
        try:
            site, _ = e.locate(tree)
        except Stale:
            continue
        function = site.source.function_at(site.first)
        e.where = function.name if function else os.path.basename(site.source.path)
        e.only = len(e.sites(tree.everywhere())) > 1
        kept.append(e)
    write(description, kept)
    print("%s: up to date" % description.name)
    return True


def write(description, edits):
    with open(description.path, "w", encoding="utf-8") as file:
        file.write(description.head.rstrip("\n") + "\n\n" + "\n".join(e.text() for e in edits))
