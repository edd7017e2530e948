# SPDX-License-Identifier: MIT
"""Negative test of the check that CI runs: the same programs with budgets that no
figure is within must exceed each.

usage: test_check.py ARGUMENT OF measure.py..."""
import json
import os
import subprocess
import sys
import tempfile

SKIPPED = 77


HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    with open(os.path.join(HERE, "budgets.json"), encoding="utf-8") as file:
        rows = json.load(file)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump([{**row, "at_most": -1} for row in rows], file)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "measure.py"), "--check",
             *sys.argv[1:], "--budgets", file.name],
            stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="")
    if done.returncode == SKIPPED:
        return SKIPPED
    return 0 if (done.returncode, done.stdout.count("EXCEEDED")) == (1, len(rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
