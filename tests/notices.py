# SPDX-License-Identifier: MIT
"""notices.py TEXT PROGRAM ARGUMENT...: it was broken on purpose; it must fail, and say TEXT."""
import subprocess
import sys

text, *command = sys.argv[1:]
done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                      errors="replace")
print(done.stdout[-2000:])
if done.returncode == 0:
    sys.exit("nothing was noticed")
if text not in done.stdout:
    sys.exit("it failed, but did not say: " + text)
