# SPDX-License-Identifier: MIT
"""What a Meson build directory knows: the test programs, how their objects are compiled and
linked, and the files that each object is made from."""
import json
import os
import re
import shlex
import subprocess

# The libraries that the test programs link. A mutant replaces either.
LIBRARIES = {"src/libraft_checked.a", "tests/memory/libraft_failing.a"}
CORE = "src/libraft_checked.a.p/"
SHIPPED = "src/libraft_core.a.p/"
# Cheapest first. Static checks (style, header, ABI) and the tests of raft-kv are left out.
SUITES = ("unit", "scenario", "c", "memory", "fuzz", "model", "simulation")


class Test:
    """One test: a program with its arguments."""

    def __init__(self, name, suite, program, args):
        self.name, self.suite, self.program, self.args = name, suite, program, args


class Link:
    """How a program is linked: its own objects, its arguments, the linker's options."""

    def __init__(self, command, objects, args):
        self.command, self.objects, self.args = command, objects, args

    @property
    def wraps(self):
        return [arg for arg in self.args if arg.startswith("-Wl,--wrap=")]


class Build:
    """A build directory in which everything is built."""

    def __init__(self, root, path, meson):
        self.root, self.path = root, os.path.abspath(path)
        with open(os.path.join(self.path, "compile_commands.json"), encoding="utf-8") as file:
            self.compile = {c["output"]: shlex.split(c["command"]) for c in json.load(file)}
        self.links = self._links()
        self.sources = self._sources()
        self.tests = self._tests(meson)

    def _ask(self, *command):
        return subprocess.run(command, cwd=self.path, check=True, capture_output=True,
                              text=True).stdout

    def _links(self):
        """From build.ninja: `build PROGRAM: cpp_LINKER OBJECTS | LIBRARIES`, LINK_ARGS below."""
        links, program = {}, None
        with open(os.path.join(self.path, "build.ninja"), encoding="utf-8") as file:
            for line in file:
                edge = re.match(r"build (\S+): (c|cpp)_LINKER (.*)", line)
                if edge:
                    inputs = edge[3].split("|")[0].split()
                    program = Link("cc" if edge[2] == "c" else "c++", inputs, [])
                    links[edge[1]] = program
                elif program is not None and line.startswith(" LINK_ARGS ="):
                    program.args = line.split("=", 1)[1].split()
                elif not line.startswith(" "):
                    program = None
        return {name: link for name, link in links.items() if LIBRARIES & set(link.args)}

    def _sources(self):
        """The files of src/ that each object is made from."""
        sources, current = {}, None
        src = os.path.join(self.root, "src") + os.sep
        for line in self._ask("ninja", "-t", "deps").splitlines():
            if line and not line.startswith(" "):
                current = sources.setdefault(line.split(":")[0], set())
            elif line.strip():
                path = os.path.normpath(os.path.join(self.path, line.strip()))
                if path.startswith(src):
                    current.add(path[len(src):])
        return sources

    def _tests(self, meson):
        tests = []
        for test in json.loads(self._ask(meson, "introspect", "--tests", self.path)):
            program = os.path.relpath(test["cmd"][0], self.path)
            suite = test["suite"][0].split(":")[-1]
            if program in self.links and suite in SUITES and not is_negative(test):
                tests.append(Test(test["name"], suite, program, test["cmd"][1:]))
        absent = set(SUITES) - {test.suite for test in tests}
        if absent:
            raise LookupError("no tests of " + ", ".join(sorted(absent)))
        return sorted(tests, key=lambda test: SUITES.index(test.suite))

    def core_objects(self, prefix=CORE):
        return [output for output in self.compile if output.startswith(prefix)]


def is_negative(test):
    """Does it test the tests, with a fault outside the library?"""
    program, args = os.path.basename(test["cmd"][0]), test["cmd"][1:]
    if program == "raft-sim":
        return test["name"] != "simulation"
    return program.startswith("model") and (len(args) > 1 or program != "model")
