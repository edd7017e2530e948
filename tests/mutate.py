# SPDX-License-Identifier: MIT
"""mutate.py SOURCE OLD NEW OUTPUT: a copy with one rule broken; OLD occurs exactly once."""
import sys

source, old, new, output = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = file.read()
if text.count(old) != 1:
    sys.exit("%s: %r occurs %d times" % (source, old, text.count(old)))
with open(output, "w", encoding="utf-8") as file:
    file.write(text.replace(old, new))
