# SPDX-License-Identifier: MIT
"""expect_failure.py TEXT PROGRAM ARGUMENT...: a negative test. The program must fail, and its
output must contain TEXT."""
import subprocess
import sys

text, *command = sys.argv[1:]
done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                      errors="replace")
print(done.stdout[-2000:])
if done.returncode == 0:
    sys.exit("the program succeeded")
if text not in done.stdout:
    sys.exit("the program failed, but its output lacks: " + text)
