# SPDX-License-Identifier: MIT
"""sites.py PROGRAM LIBRARY [SYMBOL...]: has every place of the library that allocates failed?

PROGRAM (with --places) prints the addresses to which failed allocations returned. They are
compared with all calls of malloc, calloc and realloc that the disassembly shows in functions of
LIBRARY, inlined or instantiated ones included, and in the SYMBOLs given beside."""
import re
import subprocess
import sys

PROGRAM, LIBRARY, BESIDE = sys.argv[1], sys.argv[2], sys.argv[3:]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def functions_of_library():
    names = set(BESIDE)
    for line in output("nm", "--defined-only", "--format=posix", LIBRARY).splitlines():
        fields = line.split()
        if len(fields) >= 2 and fields[1] in "tTwWuV":
            names.add(fields[0].split(".")[0])
    return names


def calls(functions):
    """Return address of each call that allocates: the function that it is in."""
    places, function, pending = {}, None, None
    for line in output("objdump", "-d", "--no-show-raw-insn", PROGRAM).splitlines():
        head = re.match(r"[0-9a-f]+ <([^>]+)>:$", line)
        if head:
            function, pending = head.group(1).split(".")[0], None
            continue
        instruction = re.match(r"\s*([0-9a-f]+):\s+(.*)", line)
        if not instruction:
            continue
        if pending:
            places[int(instruction.group(1), 16)] = pending
        call = re.search(r"\b(call|jmp)\w*\s.*<__wrap_(malloc|calloc|realloc)>",
                         instruction.group(2))
        if call and call.group(1) == "jmp" and function in functions:
            sys.exit("a tail call allocates in %s: its place cannot be told" % function)
        pending = function if call and function in functions else None
    return places


run = subprocess.run([PROGRAM, "--places"], capture_output=True, text=True)
if run.returncode != 0:
    sys.exit(run.stdout + run.stderr)
absolute = "EXEC (" in output("readelf", "-h", PROGRAM)
failed = {int(line.split()[1 if absolute else 2], 16) for line in run.stdout.splitlines()
          if line.startswith("place ")}
sites = calls(functions_of_library())
unreached = sorted(set(sites) - failed)
for place in unreached:
    where = output("addr2line", "-e", PROGRAM, "-i", "%x" % (place - 1)).split("\n")[0]
    print("never failed: %s (%s)" % (where, sites[place]))
print("%d places of the library allocate, %d of them failed" % (len(sites),
                                                                len(sites) - len(unreached)))
if len(sites) < 10:
    sys.exit("so few? the disassembly was not understood")
sys.exit(1 if unreached else 0)
