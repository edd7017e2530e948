#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""race.py PROGRAM: 0 if the thread sanitizer finds a data race in it."""
import subprocess
import sys

done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
found = 'ThreadSanitizer: data race' in done.stderr
print('a data race was found' if found else done.stdout + done.stderr + 'no data race was found')
sys.exit(0 if found and done.returncode != 0 else 1)
