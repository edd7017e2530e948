#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the example of a README and compare what it prints.

usage: readme.py README LANGUAGE COMMAND...
The example is the block of that language, and what it prints is the block `text` behind it. The
program is given to COMMAND on its standard input."""

import re
import subprocess
import sys


def main() -> int:
    readme, language, *command = sys.argv[1:]
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    blocks = re.findall(rf"```{language}\n(.*?)```.*?```text\n(.*?)```", text, re.DOTALL)
    if not blocks:
        sys.exit(f"{readme} has no example in {language}")
    for program, expected in blocks:
        done = subprocess.run(command, input=program, text=True, stdout=subprocess.PIPE,
                              check=False)
        if done.returncode != 0 or done.stdout != expected:
            sys.exit(f"status {done.returncode}; printed:\n{done.stdout}instead of:\n{expected}")
        print(f"{readme}: {len(program.splitlines())} lines run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
