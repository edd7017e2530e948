# SPDX-License-Identifier: MIT
"""The experiments of the quick start: lines that its page adds to the program, and what follows.

usage: experiments.py PAGE PROGRAM.c N     print the program with the line of experiment N
       experiments.py --judge N PROGRAM    run it; do its output and status match the page?
"""
import re
import subprocess
import sys

PLACES = {  # as the page names a place: what the program has before the added line
    "first in the loop of ``send_all``": "for (unsigned i = 0; i < messages->n; i++) {\n",
    "first in ``step``": "static void step(struct server *s, struct raft_event *event) {\n",
    "after ``raft_init``": '        die("raft_init", "no memory");\n    }\n',
}
COMMANDS = ["red", "green", "blue"]
# Of each experiment: the exit status, the servers that apply all commands, and a part of the
# output.
RESULTS = [
    (0, "123", "leads"),
    (1, "12", "no agreement: some server has not applied all commands"),
    (1, "", "no server leads: no majority takes part"),
    (0, "123", "server 1 leads"),
]


def experiments(page):
    """[(the line, the place)] of the page."""
    with open(page, encoding="utf-8") as file:
        text = " ".join(file.read().split())
    places = "|".join(re.escape(place) for place in PLACES)
    return re.findall(rf"- ``([^`]+)``, ({places}):", text)


def changed(page, program, number):
    """The program with the line of an experiment."""
    found = experiments(page)
    if len(found) != len(RESULTS):
        raise ValueError(f"{page} has {len(found)} experiments, not {len(RESULTS)}")
    line, place = found[number]
    with open(program, encoding="utf-8") as file:
        text = file.read()
    if text.count(PLACES[place]) != 1:
        raise ValueError(f"{program} has not one place that is {place}")
    return text.replace(PLACES[place], PLACES[place] + line + "\n")


def judge(number, program):
    """Complaints."""
    status, servers, part = RESULTS[number]
    run = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False, timeout=60)
    print(run.stdout)
    if run.returncode != status:
        yield f"status {run.returncode} and not {status}"
    if part not in run.stdout:
        yield f"it does not print: {part}"
    for server in "123":
        applied = re.findall(rf"server {server} applied entry \d+: (\w+)", run.stdout)
        if applied != (COMMANDS if server in servers else []):
            yield f"server {server} applied {applied}"


def main():
    if sys.argv[1] != "--judge":
        print(changed(sys.argv[1], sys.argv[2], int(sys.argv[3])), end="")
        return 0
    complaints = list(judge(int(sys.argv[2]), sys.argv[3]))
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
