# SPDX-License-Identifier: MIT
"""The check that CI runs must be able to fail: judged by ceilings that are all below what was
found, the same programs must exceed each.

usage: test_check.py ARGUMENT OF measure.py..."""
import json
import os
import subprocess
import sys
import tempfile

SKIPPED = 77


def check(*arguments):
    measure = os.path.join(os.path.dirname(os.path.abspath(__file__)), "measure.py")
    done = subprocess.run([sys.executable, "-B", measure, "--check", *sys.argv[1:], *arguments],
                          stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="")
    return done.returncode, done.stdout.count("EXCEEDED")


def main():
    with tempfile.TemporaryDirectory() as folder:
        found, lowered = (os.path.join(folder, name) for name in ("found.json", "lowered.json"))
        status, _ = check("--json", found)
        if status == SKIPPED:
            return SKIPPED
        with open(found, encoding="utf-8") as file:
            rows = json.load(file)["budgets"]
        for row in rows:
            row["at_most"] = row["value"] - 0.01
        with open(lowered, "w", encoding="utf-8") as file:
            json.dump(rows, file)
        return 0 if check("--budgets", lowered) == (1, len(rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
