#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a test that needs a tool.

usage: tool.py TOOL[,TOOL...] COMMAND...
If a tool is missing, the status is 77, or 1 if RAFT_INSIST is set in the environment. A TOOL is a
program, or python:MODULE for a module that Debian's Python can import, or a path, which must
exist."""

import os
import shutil
import subprocess
import sys

SKIPPED = 77


def is_there(tool: str) -> bool:
    if tool.startswith("python:"):
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        done = subprocess.run([python, "-c", "import " + tool[len("python:"):]], check=False,
                              stderr=subprocess.DEVNULL)
        return done.returncode == 0
    if "/" in tool:
        return os.path.exists(tool)
    return shutil.which(tool) is not None


def main() -> int:
    missing = [tool for tool in sys.argv[1].split(",") if not is_there(tool)]
    if missing:
        insist = os.environ.get("RAFT_INSIST")
        print(f"{'FAILED' if insist else 'SKIPPED'}: not installed: {', '.join(missing)}")
        return 1 if insist else SKIPPED
    return subprocess.run(sys.argv[2:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
