# SPDX-License-Identifier: MIT
"""self_test.py BUILD: a mutant that changes nothing must be told as survived and not found alone;
a patch that does not apply, or does not compile, is an error; so is nothing to do. Positions in
patches are found again."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
failures = []


def expect(what, condition, output):
    print("%s  %s" % ("ok    " if condition else "FAILED", what))
    if not condition:
        failures.append(what)
        print(output)


def score(build, work, folder, *more):
    results = os.path.join(work, "results.json")
    done = subprocess.run([sys.executable, os.path.join(HERE, "score.py"), build, "--work", work,
                           "--patches", os.path.join(HERE, "negative", folder), "--worlds", "20",
                           "--json", results, *more], capture_output=True, text=True)
    mutants = []
    if os.path.exists(results):
        with open(results, encoding="utf-8") as file:
            mutants = json.load(file)["mutants"]
        os.remove(results)
    return done.returncode, mutants, done.stdout + done.stderr


POSITION = re.compile(r"^@@ .*$", re.M)
FORGOTTEN = "@@ -1,1 +1,1 @@"


def refreshed(build, work):
    """The patches in a copy, their positions forgotten and found again; which of them lost more."""
    copy = os.path.join(work, "patches")
    os.makedirs(copy)
    forgotten = {}
    for path in glob.glob(os.path.join(HERE, "*.patch")):
        with open(path, encoding="utf-8") as file:
            forgotten[os.path.basename(path)] = POSITION.sub(FORGOTTEN, file.read())
    for name, text in forgotten.items():
        with open(os.path.join(copy, name), "w", encoding="utf-8") as file:
            file.write(text)
    subprocess.run([sys.executable, os.path.join(HERE, "score.py"), build, "--work", work,
                    "--patches", copy, "--refresh"], check=True)
    differing = []
    for name, text in sorted(forgotten.items()):
        with open(os.path.join(copy, name), encoding="utf-8") as file:
            found = file.read()
        if FORGOTTEN in found or POSITION.sub(FORGOTTEN, found) != text:
            differing.append(name)
    return len(forgotten), differing


def main(build):
    work = tempfile.mkdtemp(prefix="mutants-")
    try:
        status, mutants, text = score(build, work, "no-op")
        expect("a mutant that changes nothing survives, and the status says so",
               status == 1 and [m["fate"] for m in mutants] == ["survived"], text)
        expect("nor is it found by the simulator or the small worlds alone",
               "sim alone does not find no-op" in text and
               "model alone does not find no-op" in text, text)
        status, mutants, text = score(build, work, "stale")
        expect("a patch that does not apply is an error",
               status == 1 and not mutants and "does not apply" in text, text)
        status, mutants, text = score(build, work, "unbuildable")
        expect("a patch that does not compile is an error",
               status == 1 and [m["fate"] for m in mutants] == ["error"], text)
        patches, differing = refreshed(build, work)
        expect("positions that were forgotten are found again", patches > 0 and not differing,
               ", ".join(differing))
        status, mutants, text = score(build, work, "no-op", "--only", "no such name")
        expect("nothing to do is an error", status == 1 and "no such mutant" in text, text)
    finally:
        shutil.rmtree(work)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
