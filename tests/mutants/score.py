# SPDX-License-Identifier: MIT
"""score.py: how many mutants do the tests kill? See README.md."""
import argparse
import fnmatch
import hashlib
import json
import os
import queue
import sys
import threading

import mutant
import random_mutants
import refresh
import table
from build_dir import SUITES, Build
from runner import Runner
from sandbox import DoesNotBuild, Sandbox

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def digest_of(*folders):
    """A digest of everything in these folders, tests/mutants left out."""
    digest = hashlib.sha256()
    for folder in folders:
        for path, names, files in sorted(os.walk(os.path.join(ROOT, folder))):
            names[:] = sorted(name for name in names if name != "mutants")
            for name in sorted(f for f in files if not f.endswith(".pyc")):
                with open(os.path.join(path, name), "rb") as file:
                    digest.update(name.encode() + b"\0" + file.read())
    return digest.hexdigest()[:16]


def load_state(options):
    path = os.path.join(options.work, "state.json")
    if options.fresh or not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def key_of(one):
    text = "".join(k + "\0" + v for k, v in sorted(one.files.items()))
    return "%s:%s" % (one.name, hashlib.sha256(text.encode()).hexdigest()[:16])


class Score:
    """Runs the tests on mutants, in several sandboxes at once, and remembers the results."""

    def __init__(self, options, build):
        self.options, self.build = options, build
        self.core = digest_of("src", "include")
        self.suite = self.core + digest_of("tests") + "%d%s" % (options.seeds, options.without)
        self.state, self.lock = load_state(options), threading.Lock()
        out = options.without.split(",")
        build.tests = [t for t in build.tests if t.suite not in out and t.name not in out]
        self.base = Sandbox(build, os.path.join(options.work, "base"))
        self.base.begin({})
        self.runner = None

    def save(self):
        path = os.path.join(self.options.work, "state.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.state, file, indent=1)
        os.replace(path + ".new", path)

    def check_unmutated(self):
        """Without a mutant every test must pass. This also measures how long each one takes."""
        usual = self.state.get("unmutated:" + self.suite)
        if usual is None:
            usual, runner = {}, Runner(self.options.seeds)
            failed = self._in_parallel(self.build.tests, lambda test, _: self._check(
                runner, test, usual))
            if any(failed):
                sys.exit("ERROR: tests fail without a mutant")
            self.state["unmutated:" + self.suite] = usual
            self.save()
        self.runner = Runner(self.options.seeds, usual)
        self.build.tests.sort(key=lambda test: (SUITES.index(test.suite), usual[test.name]))

    def _check(self, runner, test, usual):
        outcome = runner.run(self.base, test)
        usual[test.name] = outcome.cpu
        if not outcome.passed:
            print("without a mutant %s fails: %s" % (test.name, outcome.what))
        return not outcome.passed

    def _in_parallel(self, items, work):
        """The results of work(item, number of the worker), in the order of the items."""
        results, todo, broken = [None] * len(items), queue.Queue(), []
        for item in enumerate(items):
            todo.put(item)

        def worker(number):
            while not broken:
                try:
                    i, item = todo.get_nowait()
                except queue.Empty:
                    return
                try:
                    results[i] = work(item, number)
                except BaseException as error:  # the caller raises it again
                    broken.append(error)
        threads = [threading.Thread(target=worker, args=(n,)) for n in range(self.options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]
        return results

    def sandboxes(self):
        return [Sandbox(self.build, os.path.join(self.options.work, "sandbox%d" % n), self.base)
                for n in range(self.options.jobs)]

    def run_all(self, mutants):
        """The results of these mutants."""
        sandboxes = self.sandboxes()
        return self._in_parallel(mutants, lambda m, n: self.result(sandboxes[n], m))

    def run_random(self, draws, wanted):
        """The results of the first `wanted` that compile to other code."""
        sandboxes, kept, begin = self.sandboxes(), [], 0
        while len(kept) < wanted and begin < len(draws):
            batch = draws[begin:begin + wanted - len(kept)]
            begin += len(batch)
            results = self._in_parallel(batch, lambda d, n: self.result(sandboxes[n], d()))
            kept += [r for r in results if r["fate"] in ("killed", "survived")]
        return kept

    def result(self, sandbox, one):
        key = key_of(one)
        known = self.state.get(key)
        if known is None or not self._is_final(known, one):
            known = self.run_tests(sandbox, one)
            known["core"], known["suite"] = self.core, self.suite
            with self.lock:
                self.state[key] = known
                self.save()
        with self.lock:
            print(line_of(known), flush=True)
        return known

    def _is_final(self, known, one):
        """Does an earlier result still count? Changed tests may kill what survived before."""
        if known["core"] != self.core and not self.options.keep:
            return False
        alone = all(known.get(a, {}).get("how") for a in one.alone)
        return known["suite"] == self.suite or (
            known["fate"] in ("killed", "discarded") and alone)

    def run_tests(self, sandbox, one):
        result = {"name": one.name, "area": one.area, "title": one.title,
                  "alone": one.alone, "fate": "survived"}
        sandbox.begin(one.files)
        try:
            sandbox.library([])
            self._suite(sandbox, result)
            if result["fate"] == "survived" and not one.source and sandbox.is_equal():
                result["fate"] = "discarded"
            for name, suite in (("sim", "simulation"), ("model", "model")):
                if name in one.alone and suite not in self.options.without:
                    result[name] = self._alone(sandbox, suite)
        except DoesNotBuild as error:
            result["fate"] = "error" if one.source else "discarded"
            result["why"] = str(error)
        return result

    def _suite(self, sandbox, result):
        result["seconds"] = 0.0
        for test in sorted(self.build.tests, key=lambda test: (
                test.suite in ("model", "simulation"), sandbox.rebuilds(test.program))):
            outcome = self.runner.run(sandbox, test)
            result["seconds"] += outcome.seconds
            if not outcome.passed:
                result.update(fate="killed", by=test.name, kind=test.suite,
                              how=outcome.how, what=outcome.what, seeds=outcome.seeds)
                break
        result["seconds"] = round(result["seconds"], 2)

    def _alone(self, sandbox, suite):
        seconds = 0.0
        for test in (t for t in self.build.tests if t.suite == suite):
            outcome = self.runner.run(sandbox, test)
            seconds += outcome.seconds
            if not outcome.passed:
                return {"how": outcome.how, "what": outcome.what, "by": test.name,
                        "seconds": round(seconds, 2), "seeds": outcome.seeds}
        return {"how": "", "seconds": round(seconds, 2), "seeds": self.options.seeds}


def line_of(result):
    by = "%s (%s): %s" % (result["by"], result["how"], result["what"]) if "by" in result else \
        result.get("why", "").split("\n")[0]
    return "%-9s %-34s %6.2f s  sim %-16s model %-8s %s" % (
        result["fate"].upper() if result["fate"] != "killed" else "killed", result["name"],
        result.get("seconds", 0), table.alone_text(result, "sim"),
        table.alone_text(result, "model"), by[:90])


def missed(results):
    """Mutants that the simulator or the model check should have found without other tests."""
    return [(r["name"], a) for r in results for a in r["alone"] if a in r and not r[a]["how"]]


def summary(title, results, stale):
    fates = [r["fate"] for r in results]
    killed = fates.count("killed")
    invariant = sum(r.get("how") == "invariant" for r in results)
    print("\n%s: %d of %d killed (%.1f %%), %d of them by an invariant; %d survived, %d do not "
          "build, %d skipped as stale" % (
              title, killed, len(fates), 100.0 * killed / max(len(fates), 1), invariant,
              fates.count("survived"), fates.count("error"), len(stale)))
    for result in results:
        if result["fate"] != "killed":
            print("  %s %s: %s" % (result["fate"], result["name"], result["title"]))
    for name, alone in missed(results):
        print("  %s alone does not find %s" % (alone, name))
    print_stale(stale)


def print_stale(stale):
    for name, why in stale:
        print("  stale %s: %s" % (name, why))


def check(options):
    """The status of --check."""
    good, stale = mutant.load(ROOT, options.mutants)
    notes = [(m.name, note) for m in good for note in m.notes]
    print("%d mutants: %d fit src/, %d are stale; %d notes; %d run with each commit" % (
        len(good) + len(stale), len(good), len(stale), len(notes), sum(m.commit for m in good)))
    print_stale(stale)
    for name, note in notes:
        print("  note %s: %s" % (name, note))
    if stale:
        print("To refresh one: stage what you have changed in src/, put the bug into src/ by\n"
              "hand, then `tools/mutants --refresh NAME`. See tests/mutants/README.md.")
    if not good and not stale:
        print("there is no mutant")
    return 1 if stale or not good else 0


def chosen(options):
    """The hand-written mutants that the options ask for, and the stale ones among them."""
    good, stale = mutant.load(ROOT, options.mutants)
    if options.only:
        good = [m for m in good if fnmatch.fnmatch(m.name, "*%s*" % options.only)]
        stale = [s for s in stale if fnmatch.fnmatch(s[0], "*%s*" % options.only)]
    if options.commit:
        marked = {d.name for d in mutant.describe(options.mutants) if "commit" in d.fields}
        good = [m for m in good if m.commit]
        if options.half is not None:
            good = good[options.half::2]
        stale = [s for s in stale if s[0] in marked]
    return good, stale


def parse():
    p = argparse.ArgumentParser(
        prog="tools/mutants", description="How many bugs do the tests find? Puts one bug at a time "
        "into a copy of src/, builds it and runs the tests until one fails. An interrupted run "
        "continues where it stopped. See tests/mutants/README.md.")
    what = p.add_argument_group("which mutants (without an option: all that are written by hand)")
    what.add_argument("--only", metavar="PATTERN", help="those with PATTERN in their name")
    what.add_argument("--commit", action="store_true", help="those marked `commit: yes`")
    what.add_argument("--half", type=int, choices=(0, 1),
                      help="with --commit: every second one, from the first or the second on")
    what.add_argument("--random", type=int, metavar="N",
                      help="N random mutants: operators, literals, statements")
    what.add_argument("--seed", type=int, default=1, help="seed of --random (%(default)s)")
    how = p.add_argument_group("how they are run")
    how.add_argument("--seeds", type=int, default=1000, metavar="N",
                     help="how many seeds the simulator runs (%(default)s)")
    how.add_argument("--without", default="", metavar="NAME,...",
                     help="leave out these tests or suites")
    how.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    how.add_argument("--json", metavar="FILE", help="also write the results to FILE")
    how.add_argument("--fresh", action="store_true", help="forget the results of earlier runs")
    how.add_argument("--keep", action="store_true",
                     help="keep earlier results even if src/ has changed")
    other = p.add_argument_group("instead of a run (these need no build)")
    other.add_argument("--check", action="store_true",
                       help="does each mutant fit src/? Fails if one does not, and names it")
    other.add_argument("--refresh", nargs="+", metavar="NAME",
                       help="rewrite a mutant from the unstaged change in src/, which is then "
                       "undone; without a change, bring its function names up to date")
    other.add_argument("--table", action="store_true",
                       help="print the mutants and the last results as a Markdown table")
    other.add_argument("--self-test", action="store_true",
                       help="(needs a build) are mutants that change nothing, that are stale, or "
                       "that do not build reported as such?")
    p.add_argument("--build", help=argparse.SUPPRESS)
    p.add_argument("--mutants", default=os.path.join(HERE, "bugs"), help=argparse.SUPPRESS)
    p.add_argument("--work", default=os.path.join(ROOT, "build", "mutants"), help=argparse.SUPPRESS)
    return p.parse_args()


def run(options):
    good, stale = ([], []) if options.random else chosen(options)
    if not good and not options.random:
        print_stale(stale)
        sys.exit("ERROR: no such mutant")
    score = Score(options, Build(ROOT, options.build, os.environ.get("MESON", "meson")))
    score.check_unmutated()
    if options.random:
        results = score.run_random(random_mutants.draw(ROOT, options.seed), options.random)
        summary("random mutants of seed %d" % options.seed, results, [])
        passed = sum(r["fate"] == "killed" for r in results) >= 0.95 * options.random
    else:
        results = score.run_all(good)
        summary("mutants", results, stale)
        passed = all(r["fate"] == "killed" for r in results) and not missed(results)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"core": score.core, "seeds": options.seeds, "mutants": results,
                       "stale": [name for name, _ in stale]}, file, indent=1)
    return 0 if passed else 1


def main():
    options = parse()
    if options.check:
        return check(options)
    if options.refresh:
        try:
            return refresh.refresh(ROOT, options.mutants, options.refresh)
        except LookupError as error:
            sys.exit("ERROR: %s" % error.args[0])
    os.makedirs(options.work, exist_ok=True)
    if options.table:
        good, stale = mutant.load(ROOT, options.mutants)
        state = load_state(options)
        table.print_table(good, stale, {m.name: state[key_of(m)] for m in good
                                        if key_of(m) in state})
        return 0
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
