#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the digest program of each language and compare the transcripts with that of C.

usage: compare.py --list
       compare.py [--gc] LIBRARY CLUSTER SCRATCH LANGUAGE
       compare.py --bench [--steps N] [--runs N] LIBRARY CLUSTER SCRATCH [LANGUAGE...]

LIBRARY is the shared library and CLUSTER the program in C. If a tool is missing, the status is 77,
or 1 if RAFT_INSIST is set in the environment. --gc: with forced garbage collections.
"""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
from typing import Dict, List, NamedTuple, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
COLLECT_EVERY = "10"  # steps, with --gc
JNA = os.environ.get("RAFT_JNA", "/usr/share/java/jna.jar")


class Language(NamedTuple):
    """How to run a program. In the words, {bindings} is the folder above this one, {library} the
    shared library, {libdir} its folder, {include} that of raft.h, {scratch} an empty folder and
    {python} Python. The program gets the path of the transcript, or --bench STEPS, behind `run`."""
    needs: List[str]  # a command; if it fails, a tool is missing
    run: List[str]
    build: List[List[str]] = []  # commands before


LANGUAGES: Dict[str, Language] = {
    "python": Language(
        ["{python}", "-c", "import cffi"], ["{python}", "{bindings}/python/digest.py"]),
    "javascript-native": Language(
        ["node", "{bindings}/javascript/tests/needs.js", "native"],
        ["node", "--expose-gc", "{bindings}/javascript/digest.js", "native"]),
    "javascript-wasm": Language(
        ["node", "{bindings}/javascript/tests/needs.js", "wasm"],
        ["node", "--expose-gc", "{bindings}/javascript/digest.js", "wasm"]),
    "go": Language(
        ["go", "version"], ["env", "LD_LIBRARY_PATH={libdir}", "{scratch}/digest"],
        [["env", "GOFLAGS=-mod=mod", "GOPROXY=off", "CGO_CFLAGS=-I{include}",
          "PKG_CONFIG_PATH={libdir}/../meson-uninstalled", "sh", "-c",
          "cd {bindings}/go && exec go build -o {scratch}/digest ./digest"]]),
    "rust": Language(
        ["cargo", "--version"],
        ["env", "LD_LIBRARY_PATH={libdir}", "{scratch}/target/release/examples/digest"],
        [["env", "RAFT_LIB_DIR={libdir}", "cargo", "build", "--offline", "--release", "--quiet",
          "--example", "digest", "--manifest-path", "{bindings}/rust/Cargo.toml",
          "--target-dir", "{scratch}/target"]]),
    "luajit": Language(
        ["luajit", "-v"], ["luajit", "{bindings}/examples/luajit/digest.lua"]),
    "ruby": Language(
        ["ruby", "-r", "fiddle", "-e", ""], ["ruby", "{bindings}/examples/ruby/digest.rb"]),
    "php": Language(
        ["php", "-d", "ffi.enable=1", "-r", "FFI::cdef('');"],
        ["php", "-d", "ffi.enable=1", "{bindings}/examples/php/digest.php"]),
    "csharp": Language(
        ["sh", "-c", "mcs --version && mono --version"],
        ["env", "LD_LIBRARY_PATH={libdir}", "mono", "{scratch}/digest.exe"],
        [["sh", "-c", "exec mcs -unsafe -optimize -warn:4 -warnaserror -out:{scratch}/digest.exe "
          "{bindings}/examples/csharp/*.cs"]]),
    # The class Native loads the library of JNA and prints the version.
    "java": Language(
        ["sh", "-c", f"javac -version && java -cp {JNA} com.sun.jna.Native"],
        ["java", "-cp", JNA + ":{scratch}", "Digest"],
        [["sh", "-c", f"exec javac -Xlint:all,-serial -Werror -cp {JNA} -d {{scratch}} "
          "{bindings}/examples/java/*.java"]]),
}


class Runner:
    def __init__(self, library: str, cluster: str, scratch: str) -> None:
        library = os.path.abspath(library)
        self.cluster = os.path.abspath(cluster)
        self.scratch = os.path.abspath(scratch)
        self.words = {"bindings": os.path.dirname(HERE), "library": library, "python": PYTHON,
                      "libdir": os.path.dirname(library),
                      "include": os.path.join(os.path.dirname(os.path.dirname(HERE)), "include")}
        self.env = dict(os.environ, RAFT_LIBRARY=library, PYTHONDONTWRITEBYTECODE="1")

    def command(self, words: List[str], name: str) -> List[str]:
        folder = os.path.join(self.scratch, name)
        os.makedirs(folder, exist_ok=True)
        return [word.format(scratch=folder, **self.words) for word in words]

    def run(self, command: List[str], **env: str) -> str:
        done = subprocess.run(command, env=dict(self.env, **env), check=False, text=True,
                              stdout=subprocess.PIPE)
        if done.returncode != 0:
            sys.exit(f"FAILED: {' '.join(command)}: status {done.returncode}\n{done.stdout}")
        return done.stdout

    def is_there(self, name: str) -> bool:
        command = self.command(LANGUAGES[name].needs, name)
        try:
            done = subprocess.run(command, env=self.env, check=False, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as error:
            print(f"{name}: {error}")
            return False
        if done.returncode != 0:
            print(f"{name}: {' '.join(command)}: {done.stdout}")
        return done.returncode == 0

    def prepare(self, name: str) -> None:
        for command in LANGUAGES[name].build:
            self.run(self.command(command, name))

    def program(self, name: Optional[str]) -> List[str]:
        """The command of a language; None: C."""
        return [self.cluster] if name is None else self.command(LANGUAGES[name].run, name)

    def transcript(self, name: Optional[str], gc: bool) -> bytes:
        folder = os.path.join(self.scratch, name or "c")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "transcript-gc" if gc else "transcript")
        if os.path.exists(path):
            os.remove(path)
        if gc and name is not None:
            self.run(self.program(name) + [path], RAFT_GC=COLLECT_EVERY)
        else:
            self.run(self.program(name) + [path])
        with open(path, "rb") as file:
            return file.read()

    def times(self, name: Optional[str], steps: int, runs: int) -> Dict[str, float]:
        """Medians of the nanoseconds that a step takes."""
        found: Dict[str, List[float]] = {}
        for _ in range(runs):
            for line in self.run(self.program(name) + ["--bench", str(steps)]).splitlines():
                what, value = line.split()
                found.setdefault(what, []).append(float(value))
        return {what: statistics.median(values) for what, values in found.items()}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def compare(runner: Runner, name: str, gc: bool) -> int:
    runner.prepare(name)
    expected, found = runner.transcript(None, False), runner.transcript(name, gc)
    print(f"c: {sha256(expected)}\n{name}: {sha256(found)}")
    if sha256(expected) == sha256(found):
        return 0
    ours, theirs = found.splitlines(), expected.splitlines()
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b),
              min(len(ours), len(theirs)))
    print(f"line {at + 1} differs:")
    for who, lines in ("c", theirs), (name, ours):
        print(f"{who}: {lines[at].decode() if at < len(lines) else 'no such line'}")
    return 1


def bench(runner: Runner, names: List[str], steps: int, runs: int) -> int:
    c = runner.times(None, steps * 10, runs)
    print(f"| language | a step that changes nothing | ratio to C | submitting | ratio to C |")
    print("|---|---:|---:|---:|---:|")
    print(f"| C | {c['null']:.0f} ns | 1 | {c['submit']:.0f} ns | 1 |")
    for name in names:
        runner.prepare(name)
        t = runner.times(name, steps, runs)
        print(f"| {name} | {t['null']:.0f} ns | {t['null'] / c['null']:.0f} | "
              f"{t['submit']:.0f} ns | {t['submit'] / c['submit']:.0f} |")
    return 0


def main() -> int:
    if sys.argv[1:] == ["--list"]:
        print("\n".join(LANGUAGES))
        return 0
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--bench", action="store_true")
    parser.add_argument("--gc", action="store_true")
    parser.add_argument("--steps", type=int, default=200000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("paths", nargs=3)
    parser.add_argument("languages", nargs="*")
    options = parser.parse_args()
    runner = Runner(*options.paths)
    names = options.languages or list(LANGUAGES)
    missing = [name for name in names if not runner.is_there(name)]
    if missing:
        print(f"{'FAILED' if os.environ.get('RAFT_INSIST') else 'SKIPPED'}: not installed for: "
              + ", ".join(missing))
        return 1 if os.environ.get("RAFT_INSIST") else SKIPPED
    if options.bench:
        return bench(runner, names, options.steps, options.runs)
    return max(compare(runner, name, options.gc) for name in names)


if __name__ == "__main__":
    sys.exit(main())
