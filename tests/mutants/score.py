# SPDX-License-Identifier: MIT
"""score.py BUILD: what the tests make of a library with a bug in it. See docs/testing.rst."""
import argparse
import fnmatch
import hashlib
import json
import os
import queue
import sys
import threading

import curated
import draw
from judge import Judge
from suite import SUITES, Build
from workshop import DoesNotBuild, Workshop

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def digest_of(*folders):
    """Of all that is in these folders of the tree."""
    digest = hashlib.sha256()
    for folder in folders:
        for path, names, files in sorted(os.walk(os.path.join(ROOT, folder))):
            names[:] = sorted(name for name in names if name != "mutants")
            for name in sorted(f for f in files if not f.endswith((".pyc", ".patch", ".rst"))):
                with open(os.path.join(path, name), "rb") as file:
                    digest.update(name.encode() + b"\0" + file.read())
    return digest.hexdigest()[:16]


class Score:
    """Judges mutants, in several workshops at once, and remembers what became of them."""

    def __init__(self, options, build):
        self.options, self.build = options, build
        self.core = digest_of("src", "include")
        self.suite = self.core + digest_of("tests") + "%d%s" % (
            options.worlds, options.without)
        self.state_path = os.path.join(options.work, "state.json")
        self.state, self.lock = {}, threading.Lock()
        if not options.fresh and os.path.exists(self.state_path):
            with open(self.state_path, encoding="utf-8") as file:
                self.state = json.load(file)
        out = options.without.split(",")
        build.tests = [t for t in build.tests if t.suite not in out and t.name not in out]
        self.base = Workshop(build, os.path.join(options.work, "base"))
        self.base.begin({})
        self.judge = None

    def save(self):
        with open(self.state_path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.state, file, indent=1)
        os.replace(self.state_path + ".new", self.state_path)

    def check_unmutated(self):
        """All must pass before a failure means anything; also tells what is usual."""
        usual = self.state.get("unmutated:" + self.suite)
        if usual is None:
            usual, judge = {}, Judge(self.options.worlds)
            failed = self._in_parallel(self.build.tests, lambda test, _: self._check(
                judge, test, usual))
            if any(failed):
                sys.exit("the unmutated tree does not pass its tests")
            self.state["unmutated:" + self.suite] = usual
            self.save()
        self.judge = Judge(self.options.worlds, usual)
        self.build.tests.sort(key=lambda test: (SUITES.index(test.suite), usual[test.name]))

    def _check(self, judge, test, usual):
        outcome = judge.run(self.base, test)
        usual[test.name] = outcome.cpu
        if not outcome.passed:
            print("UNMUTATED: %s fails: %s" % (test.name, outcome.what))
        return not outcome.passed

    def _in_parallel(self, items, work):
        """work(item, number of the worker), in order; the results, in order."""
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
                except BaseException as error:  # its traceback is shown by the caller
                    broken.append(error)
        threads = [threading.Thread(target=worker, args=(n,)) for n in range(self.options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]
        return results

    def workshops(self):
        return [Workshop(self.build, os.path.join(self.options.work, "shop%d" % n), self.base)
                for n in range(self.options.jobs)]

    def run_all(self, mutants):
        """Of a list: what became of each."""
        shops = self.workshops()
        return self._in_parallel(mutants, lambda m, n: self.result(shops[n], m))

    def run_random(self, draws, wanted):
        """The first so many, in the order of the seed, that compile to something else."""
        shops, kept, begin = self.workshops(), [], 0
        while len(kept) < wanted and begin < len(draws):
            batch = draws[begin:begin + wanted - len(kept)]
            begin += len(batch)
            results = self._in_parallel(batch, lambda d, n: self.result(shops[n], d()))
            kept += [r for r in results if r["fate"] in ("killed", "survived")]
        return kept

    def result(self, shop, mutant):
        text = "".join(k + "\0" + v for k, v in sorted(mutant.files.items()))
        key = "%s:%s" % (mutant.name, hashlib.sha256(text.encode()).hexdigest()[:16])
        known = self.state.get(key)
        if known is None or not self._is_final(known, mutant):
            known = self.put_to_the_test(shop, mutant)
            known["core"], known["suite"] = self.core, self.suite
            with self.lock:
                self.state[key] = known
                self.save()
        with self.lock:
            print(line_of(known), flush=True)
        return known

    def _is_final(self, known, mutant):
        """Tests that have changed since may kill what survived."""
        if known["core"] != self.core and not self.options.keep:
            return False
        alone = all(known.get(a, {}).get("how") for a in mutant.alone)
        return known["suite"] == self.suite or (
            known["fate"] in ("killed", "discarded") and alone)

    def put_to_the_test(self, shop, mutant):
        result = {"name": mutant.name, "area": mutant.area, "bug": mutant.bug,
                  "source": mutant.source, "alone": mutant.alone, "fate": "survived"}
        shop.begin(mutant.files)
        try:
            shop.library([])
            self._suite(shop, result)
            if result["fate"] == "survived" and not mutant.source and shop.is_equal():
                result["fate"] = "discarded"
            for name, suite in (("sim", "simulation"), ("model", "model")):
                if name in mutant.alone and suite not in self.options.without:
                    result[name] = self._alone(shop, suite)
        except DoesNotBuild as error:
            result["fate"] = "error" if mutant.source else "discarded"
            result["why"] = str(error)
        return result

    def _suite(self, shop, result):
        result["seconds"] = 0.0
        for test in sorted(self.build.tests, key=lambda test: (
                test.suite in ("model", "simulation"), shop.rebuilds(test.program))):
            outcome = self.judge.run(shop, test)
            result["seconds"] += outcome.seconds
            if not outcome.passed:
                result.update(fate="killed", by=test.name, kind=test.suite,
                              how=outcome.how, what=outcome.what, seeds=outcome.seeds)
                break
        result["seconds"] = round(result["seconds"], 2)

    def _alone(self, shop, suite):
        seconds = 0.0
        for test in (t for t in self.build.tests if t.suite == suite and t.name != "digest"):
            outcome = self.judge.run(shop, test)
            seconds += outcome.seconds
            if not outcome.passed:
                return {"how": outcome.how, "what": outcome.what, "by": test.name,
                        "seconds": round(seconds, 2), "seeds": outcome.seeds}
        return {"how": "", "seconds": round(seconds, 2), "seeds": self.options.worlds}


def alone_text(result, name):
    if name not in result["alone"] or name not in result:
        return "-"
    found = result[name]
    if not found["how"]:
        return "MISSED"
    seeds = "seed %d, " % found["seeds"] if found["seeds"] else ""
    return "%s%.1f s" % (seeds, found["seconds"])


def line_of(result):
    by = "%s (%s): %s" % (result["by"], result["how"], result["what"]) if "by" in result else \
        result.get("why", "").split("\n")[0]
    return "%-9s %-34s %6.2f s  sim %-16s model %-8s %s" % (
        result["fate"].upper() if result["fate"] != "killed" else "killed", result["name"],
        result.get("seconds", 0), alone_text(result, "sim"), alone_text(result, "model"), by[:90])


def missed(results):
    """Curated mutants that the simulator or the small worlds should have found alone."""
    return [(r["name"], a) for r in results for a in r["alone"] if a in r and not r[a]["how"]]


def summary(title, results):
    fates = [r["fate"] for r in results]
    killed = fates.count("killed")
    invariant = sum(r.get("how") == "invariant" for r in results)
    print("\n%s: %d of %d killed (%.1f %%), %d of them by an invariant; %d survived, %d errors" % (
        title, killed, len(fates), 100.0 * killed / max(len(fates), 1), invariant,
        fates.count("survived"), fates.count("error")))
    for result in results:
        if result["fate"] != "killed":
            print("  %s %s: %s" % (result["fate"], result["name"], result["bug"]))
    for name, alone in missed(results):
        print("  %s alone does not find %s" % (alone, name))


def chosen(options):
    """The curated mutants that the options ask for."""
    mutants = curated.load(ROOT, options.patches)
    if options.only:
        mutants = [m for m in mutants if fnmatch.fnmatch(m.name, "*%s*" % options.only)]
    if options.sample:
        mutants.sort(key=lambda m: hashlib.sha256((options.key + m.name).encode()).digest())
        mutants = mutants[:options.sample]
    if not mutants:
        sys.exit("no such mutant")
    return mutants


def parse():
    p = argparse.ArgumentParser(prog="tools/mutants", description="The mutation score of the tests")
    p.add_argument("build", help=argparse.SUPPRESS)
    p.add_argument("--only", metavar="PATTERN", help="curated ones with such a name")
    p.add_argument("--sample", type=int, metavar="K", help="K curated ones, chosen by --key")
    p.add_argument("--key", default="", metavar="HASH")
    p.add_argument("--random", type=int, metavar="N", help="N random ones, not the curated")
    p.add_argument("--seed", type=int, default=1, help="of the random ones (%(default)s)")
    p.add_argument("--worlds", type=int, default=1000, metavar="N",
                   help="seeds that the simulator tries (%(default)s)")
    p.add_argument("--without", default="", metavar="NAME,...",
                   help="leave these tests, or suites of tests, out")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    p.add_argument("--json", metavar="FILE", help="write the results there, too")
    p.add_argument("--fresh", action="store_true", help="do not go on where an earlier run stopped")
    p.add_argument("--keep", action="store_true",
                   help="what was killed stays so though other files of src/ have changed")
    p.add_argument("--patches", default=HERE, metavar="DIR", help="other curated mutants")
    p.add_argument("--refresh", action="store_true", help="only rewrite the patches' positions")
    p.add_argument("--work", default=None, help=argparse.SUPPRESS)
    options = p.parse_args()
    options.work = options.work or os.path.join(ROOT, "build", "mutants")
    os.makedirs(options.work, exist_ok=True)
    return options


def main():
    options = parse()
    try:
        if options.refresh:
            curated.refresh(ROOT, options.patches)
            return 0
        mutants = [] if options.random else chosen(options)
    except curated.Stale as stale:
        sys.exit("ERROR: a patch does not apply: %s" % stale)
    score = Score(options, Build(ROOT, options.build, os.environ.get("MESON", "meson")))
    score.check_unmutated()
    if options.random:
        results = score.run_random(draw.draw(ROOT, options.seed), options.random)
        summary("random mutants of seed %d" % options.seed, results)
        good = sum(r["fate"] == "killed" for r in results) >= 0.95 * options.random
    else:
        results = score.run_all(mutants)
        summary("curated mutants", results)
        good = all(r["fate"] == "killed" for r in results) and not missed(results)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"core": score.core, "worlds": options.worlds, "mutants": results}, file,
                      indent=1)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
