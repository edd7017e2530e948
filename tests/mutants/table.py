# SPDX-License-Identifier: MIT
"""table.py RESULTS.json: the curated mutants as a page of the documentation."""
import json
import re
import sys

AREAS = (("votes", "Votes and pre-votes"), ("commit", "Commit"),
         ("append", "Append and progress"), ("persistence", "Persistence acknowledgements"),
         ("snapshots", "Snapshots"), ("membership", "Membership and joint consensus"),
         ("transfer", "Leadership transfer"), ("reads", "Reads and leases"),
         ("limits", "Limits and time"))


def escaped(text):
    return re.sub(r"([*`|_\\])", r"\\\1", text)


def alone(mutant, name):
    found = mutant.get(name)
    if name not in mutant["alone"] or not found:
        return "–"
    seeds = "seed %d, " % found["seeds"] if found["seeds"] else ""
    return "%s%.1f s" % (seeds, found["seconds"]) if found["how"] else "**missed**"


def linked(source):
    """The cited thread as a link, its title as it is."""
    thread = re.match(r"([\w.-]+/[\w.-]+)#(\d+), (.*)", source)
    if not thread:
        return escaped(source)
    return "`%s#%s <https://github.com/%s/issues/%s>`__, %s" % (
        thread[1], thread[2], thread[1], thread[2], escaped(thread[3]))


def row(mutant):
    how = {"check": "", "invariant": " (invariant)", "crash": " (crash)",
           "timeout": " (no end)"}.get(mutant.get("how", ""), "")
    killer = "%s%s, %.1f s" % (mutant["by"], how, mutant["seconds"]) if "by" in mutant else \
        "**survived**"
    cells = ["%s (%s)" % (escaped(mutant["bug"]), linked(mutant["source"])),
             escaped(killer) if "by" in mutant else killer,
             alone(mutant, "sim"), alone(mutant, "model")]
    return "   * - " + "\n     - ".join(cells)


def main(path):
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    title = "Bugs that the tests catch"
    print(".. SPDX-License-Identifier: MIT\n\n%s\n%s\n" % (title, "=" * len(title)))
    print("Each was put into the library, one at a time; see :ref:`mutation-score`. The time is that\n"
          "of the tests until one failed. The last columns say when the simulator (of at most %s\n"
          "seeds) and the exhausted small worlds found it by themselves; a dash: it breaks nothing\n"
          "that they look at.\n" % format(results["worlds"], ","))
    for area, name in AREAS:
        rows = [row(m) for m in results["mutants"] if m["area"] == area]
        print("%s\n%s\n" % (name, "-" * len(name)))
        print(".. list-table::\n   :header-rows: 1\n   :widths: 55 21 12 12\n")
        print("   * - Bug\n     - Killed by\n     - Simulator alone\n     - Small worlds alone")
        print("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
