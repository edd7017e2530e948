#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""race.py PROGRAM: 0 if the thread sanitizer finds a data race in it."""
import os
import subprocess
import sys

# It stops at the first race, because memory that two threads have overwritten may keep the program
# from ending. Reports about mutexes are not wanted.
OPTIONS = 'halt_on_error=1 report_mutex_bugs=0'
LONGEST = 100  # seconds, if no race is seen

env = dict(os.environ)
env['TSAN_OPTIONS'] = ' '.join(filter(None, [env.get('TSAN_OPTIONS'), OPTIONS]))
try:
    done = subprocess.run(sys.argv[1:], capture_output=True, text=True, timeout=LONGEST, env=env)
    output, failed = done.stdout + done.stderr, done.returncode != 0
except subprocess.TimeoutExpired:
    output, failed = 'it did not end\n', False
found = failed and 'ThreadSanitizer: data race' in output
print('a data race was found' if found else output + 'no data race was found')
sys.exit(0 if found else 1)
