# SPDX-License-Identifier: MIT
"""Check the man pages.

usage: check.py FOLDER       every page is correct roff, has the sections that its kind needs,
                             and refers only to pages that exist; needs groff and mandoc
       check.py --self-test  show that each kind of breach is reported
"""

import os
import re
import subprocess
import sys
import tempfile

CHECKERS = (["groff", "-man", "-ww", "-Tutf8"], ["mandoc", "-T", "lint", "-W", "warning"])
# There is no date, so that the same source gives the same bytes. A long name can leave a line that
# some versions of groff cannot fill.
ALLOWED = re.compile("missing date|cannot adjust line")
LEFT_OVER = re.compile(r"``|:c:|:doc:|&[lg]t;|</?\w+>")


def sections(text):
    return re.findall(r"^\.SH (.*)$", text, re.M)


def wanted_sections(name, text):
    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"]
    if name == "libraft.7":
        return wanted + ["FUNCTIONS", "EVENTS", "UPDATES", "ERRORS"]
    prototype = re.search(rf"\b{name[:-2]}\((.*)", text)
    if not prototype:
        return wanted + ["MEMBERS" if "\n.B struct " in text else "VALUES"]
    result = text[:prototype.start()].rsplit("\n", 1)[-1]
    described = "RETURN VALUE" in sections(text) or "\nReturns " in text or "void " in result
    return wanted + ["HISTORY"] + ([] if described else ["RETURN VALUE"])


def complaints_about(name, text, names):
    """What is wrong with a page, apart from its roff."""
    page, section = name.rsplit(".", 1)
    if not re.search(rf"^\.SH NAME\n{page} \\- \w.*[^.]$", text, re.M):
        yield "no line for whatis(1)"
    if f"\n.TH {page} {section} " not in text:
        yield "no title"
    for wanted in wanted_sections(name, text):
        if wanted not in sections(text):
            yield f"no section {wanted}"
    for empty in re.findall(r"^\.SH (.*)\n\.SH", text, re.M):
        yield f"the section {empty} is empty"
    for other, number in re.findall(r"(?:\.BR |\\fB)(\w+)(?:\\fP| )\((\d)\)", text):
        if f"{other}.{number}" not in names:
            yield f"there is no page {other}({number})"
    for left in LEFT_OVER.findall(text):
        yield f"not roff: {left}"


def roff_complaints(path):
    for command in CHECKERS:
        done = subprocess.run(command + [path], text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT if "lint" in command else subprocess.PIPE)
        found = done.stdout if "lint" in command else done.stderr
        yield from (line for line in found.splitlines() if not ALLOWED.search(line))


def check(folder):
    names = sorted(os.listdir(folder))
    problems = [] if len(names) > 1 and "libraft.7" in names else ["no pages in " + folder]
    for name in names:
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        problems += [f"{name}: {one}" for one in complaints_about(name, text, names)]
        problems += [f"{name}: {one}" for one in roff_complaints(path)]
    return problems, len(names)


GOOD = r"""
.\" A page.
.TH raft_x 3 "" "libraft 1" "libraft Manual"
.SH NAME
raft_x \- the x
.SH SYNOPSIS
.nf
.B int raft_x(struct raft *r);
.fi
.SH DESCRIPTION
Returns the x.
.SH HISTORY
Added.
.SH SEE ALSO
.BR libraft (7)
""".lstrip()
BREACHES = {  # what is wrong: (old text, new text, part of the complaint)
    "no name": ("raft_x \\- the x", "the x", "whatis"),
    "a name with a period": ("the x\n.SH S", "the x.\n.SH S", "whatis"),
    "no title": (".TH raft_x 3", ".TH raft_y 3", "no title"),
    "no section": ("SEE ALSO", "ALSO", "no section SEE ALSO"),
    "no result": ("Returns the x", "The x", "no section RETURN VALUE"),
    "no history": (".SH HISTORY\nAdded.\n", "", "no section HISTORY"),
    "an empty section": ("Added.\n", "", "HISTORY is empty"),
    "no such page": ("libraft (7)", "raft_y (3)", "no page raft_y(3)"),
    "no such page in the text": ("the x.", "the x of \\fBraft_y\\fP(3).", "no page raft_y(3)"),
    "reStructuredText": ("the x.", "the ``x``.", "not roff"),
    "an unknown request": ("Added.\n", "Added.\n.XY\n", "XY"),
    "a bad escape": ("Added.", "Added \\[nonsense].", "nonsense"),
}


def self_test():
    failed = 0
    for what, (old, new, part) in [("fine", ("", "", ""))] + list(BREACHES.items()):
        text = GOOD.replace(old, new) if old else GOOD
        with tempfile.TemporaryDirectory() as folder:
            for name, content in ("raft_x.3", text), ("libraft.7", ""):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(content)
            problems = [one for one in check(folder)[0] if one.startswith("raft_x.3")]
        if bool(problems) != bool(part) or not any(part in one for one in problems or [""]):
            failed += 1
            print(f"FAILED: {what}: {problems}")
    print(f"{len(BREACHES) + 1} cases, {failed} failed")
    return 1 if failed else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    problems, count = check(sys.argv[1])
    print("\n".join(problems) or f"{count} pages are correct")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
