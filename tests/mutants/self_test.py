# SPDX-License-Identifier: MIT
"""Tests of the mutation score itself. Without --build: how mutants find their place in src/, and
how they are refreshed. With --build DIR: how results are reported."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import cxx
import edit
import mutant

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUGS = os.path.join(HERE, "bugs")
failures = []


def expect(what, condition, output=""):
    print("%s  %s" % ("ok    " if condition else "FAILED", what))
    if not condition:
        failures.append(what)
        print(output)


def script(root, *args):
    path = os.path.join(root, "tests", "mutants", "score.py")
    done = subprocess.run([sys.executable, path, *args], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def negative(kind):
    return os.path.join(HERE, "negative", kind)


def stale_in(tree):
    stale = []
    for description in mutant.describe(BUGS):
        try:
            description.fit(tree)
        except edit.Stale as error:
            stale.append("%s: %s" % (description.name, error))
    return stale


def rebuilt(tree, text_of, path_of=lambda path: path):
    """The tree with other texts and paths."""
    made = edit.Tree.__new__(edit.Tree)
    made.sources = [edit.Source(path_of(s.path), text_of(s)) for s in tree.sources]
    made.collect()
    return made


def one_token_a_line(source):
    """The text in another layout, without comments."""
    return "\n".join(t.text for t in source.code)


def renamed(source, chosen):
    """The text with one variable renamed in each function, the one that `chosen` picks."""
    text = source.text
    for function in reversed(source.functions):
        names = sorted(cxx.locals_of(source.code, function))
        if not names:
            continue
        name = chosen(names)
        for i in range(function.last, function.first, -1):
            if source.code[i].text == name and source.code[i - 1].key != ".":
                text = text[:source.code[i].begin] + "other_" + text[source.code[i].begin:]
    return text


def test_places():
    """What a refactoring may do without making a mutant stale."""
    tree = edit.Tree(os.path.join(ROOT, "src"))
    before = set(stale_in(tree))

    def expect_fit(what, other):
        new = [line for line in stale_in(other) if line not in before]
        expect(what, not new, "\n".join(new))
    expect_fit("another layout makes no mutant stale", rebuilt(tree, one_token_a_line))
    expect_fit("moving all files makes no mutant stale",
               rebuilt(tree, lambda s: s.text, lambda path: "moved/new_" + path))
    for what, chosen in (("first", lambda names: names[0]), ("last", lambda names: names[-1]),
                         ("middle", lambda names: names[len(names) // 2])):
        expect_fit("renaming the %s local variable of every function makes no mutant stale" % what,
                   rebuilt(tree, lambda s, c=chosen: renamed(s, c)))
    empty = rebuilt(tree, lambda s: "")
    expect("without any source all mutants are stale",
           len(stale_in(empty)) == len(mutant.describe(BUGS)) > 0)


def test_check():
    status, text = script(ROOT, "--check", "--mutants", negative("stale"))
    expect("--check fails for a stale mutant, names it and shows the nearest place",
           status == 1 and "stale stale: edit 1 fits nowhere" in text and
           re.search(r"nearest is:\n    \S+\.[ch]pp:\d+, in ", text), text)
    for kind in ("no-op", "unbuildable"):
        status, text = script(ROOT, "--check", "--mutants", negative(kind))
        expect("the mutant of the self-test %s fits src/" % kind, status == 0, text)
    with tempfile.TemporaryDirectory() as folder:
        status, text = script(ROOT, "--check", "--mutants", folder)
        expect("--check fails if there is no mutant", status == 1, text)


SOURCE = """\
int limit(const Server &server, int n) {
    const int most = server.last - server.first;
    if (n > most) {
        return most;
    }
    return n > 3 && n != most ? n : 3;
}

int other(const Server &server, int n) { return n > 3 ? n : server.last; }
"""
CHANGES = (  # (what, from, to)
    ("an operator", "n > most)", "n >= most)"),
    ("a condition that another function has too", "return n > 3 &&", "return n >= 3 &&"),
    ("a variable that only the new text names", "n > 3 &&", "server.first > most &&"),
    ("a statement that is dropped", "    if (n > most) {\n        return most;\n    }\n", ""),
    ("a statement that is new", "    if (n > most) {\n", "    n += 1;\n    if (n > most) {\n"),
)


def test_refresh():
    with tempfile.TemporaryDirectory() as root:
        shutil.copytree(HERE, os.path.join(root, "tests", "mutants"))
        bug = os.path.join(root, "tests", "mutants", "bugs", "limits", "one.mutant")
        path = os.path.join(root, "src", "deep", "limit.cpp")
        os.makedirs(os.path.dirname(path))
        write(path, SOURCE)
        head = "title: One\nbreaks: a rule\nsource: self_test.py\nalone: sim\n\n"
        for command in (("init", "-q"), ("add", "src")):
            subprocess.run(["git", "-C", root, *command], check=True, capture_output=True)
        for what, old, new in CHANGES:
            write(bug, head + "in gone:\n- no_such_text;\n")
            write(path, SOURCE.replace(old, new))
            status, text = script(root, "--refresh", "one")
            expect("--refresh takes over %s, and restores src/" % what,
                   status == 0 and read(path) == SOURCE, text)
            made = fit(bug, root)
            expect("    what it wrote makes the same change", made is not None and cxx.same(
                made.files["deep/limit.cpp"], SOURCE.replace(old, new)), read(bug))
            write(path, re.sub(r"\b(n|most|server)\b", r"other_\1", SOURCE))
            expect("    and still fits after its variables are renamed", fit(bug, root) is not None,
                   read(bug))
            write(path, SOURCE)
        for new, known in (("most > n", True), ("least > n", False), ("other($server, n)", True),
                           ("none($server, n)", False), ("gone::other($server, n)", False),
                           ("gone::limit($server, n)", False)):
            write(bug, head + "in limit:\n  $server.last ...\n- n > most\n+ %s\n" % new)
            expect("a new text `%s` is %s" % (new, "accepted" if known else "stale"),
                   (fit(bug, root) is not None) == known)
        status, text = script(root, "--refresh", "no-such-name")
        expect("--refresh needs a mutant's name",
               status == 1 and "there is no mutant" in text, text)
        write(bug, head + "in gone:\n- $n > $most)\n+ $n >= $most)\n\nin gone, if present:\n- x\n")
        status, text = script(root, "--refresh", "one")
        expect("--refresh without a change names the function and drops what is optional and gone",
               status == 0 and "in limit:" in read(bug) and "if present" not in read(bug),
               read(bug))
        write(bug, head + "in gone:\n- no_such_text;\n")
        status, text = script(root, "--refresh", "one")
        expect("--refresh without a change says what to do with a stale mutant",
               status == 1 and "by hand" in text, text)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def fit(path, root):
    try:
        return mutant.Description(path).fit(edit.Tree(os.path.join(root, "src")))
    except edit.Stale:
        return None


def score(build, work, folder, *more):
    results = os.path.join(work, "results.json")
    status, text = script(ROOT, "--build", build, "--work", work, "--mutants", folder,
                          "--seeds", "20", "--json", results, *more)
    mutants = []
    if os.path.exists(results):
        mutants = json.loads(read(results))["mutants"]
        os.remove(results)
    return status, mutants, text


def test_results(build):
    with tempfile.TemporaryDirectory(prefix="mutants-") as work:
        status, mutants, text = score(build, work, negative("no-op"))
        expect("a mutant that changes nothing survives, and the status is not 0",
               status == 1 and [m["fate"] for m in mutants] == ["survived"], text)
        expect("neither the simulator nor the model check finds it alone",
               "sim alone does not find no-op" in text and
               "model alone does not find no-op" in text, text)
        status, mutants, text = score(build, work, negative("unbuildable"))
        expect("a mutant that does not compile is an error",
               status == 1 and [m["fate"] for m in mutants] == ["error"], text)
        both = os.path.join(work, "both")
        shutil.copytree(negative("stale"), both)
        shutil.copytree(negative("unbuildable"), both, dirs_exist_ok=True)
        status, mutants, text = score(build, work, both)
        expect("a stale mutant is skipped, named and counted; the others are run",
               [m["name"] for m in mutants] == ["unbuildable"] and
               "1 skipped as stale" in text and re.search("^  stale stale: ", text, re.M), text)
        status, mutants, text = score(build, work, negative("stale"))
        expect("nothing but stale mutants is an error", status == 1 and not mutants, text)
        status, mutants, text = score(build, work, negative("no-op"), "--only", "no such name")
        expect("no mutant to run is an error", status == 1 and "no such mutant" in text, text)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build")
    options = p.parse_args()
    if options.build:
        test_results(options.build)
    else:
        test_places()
        test_check()
        test_refresh()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
