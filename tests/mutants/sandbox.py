# SPDX-License-Identifier: MIT
"""Builds one mutant at a time: a copy of src/ and the objects that the mutant changes. The library
is linked as a shared one, so programs that do not see into src/ need no new link."""
import hashlib
import os
import shutil
import subprocess
import threading

from build_dir import CORE, LIBRARIES, SHIPPED


class DoesNotBuild(Exception):
    pass


def library_name(wraps):
    tag = hashlib.sha256(" ".join(wraps).encode()).hexdigest()[:8] if wraps else "plain"
    return "libraft_%s.so" % tag


class Sandbox:
    def __init__(self, build, path, base=None):
        """`base`: the sandbox of the unmutated tree, whose programs are used where possible."""
        self.build, self.path, self.base = build, os.path.abspath(path), base
        self.changed, self.made = set(), {}
        self.lock = threading.RLock()  # several sandboxes share the base
        shutil.rmtree(self.path, ignore_errors=True)
        for folder in ("lib", "bin", "obj"):
            os.makedirs(os.path.join(self.path, folder))
        shutil.copytree(os.path.join(build.root, "src"), os.path.join(self.path, "src"))

    def begin(self, files):
        """Start again, with new contents for some files of src/."""
        for name in self.changed:
            shutil.copyfile(os.path.join(self.build.root, "src", name), self._source(name))
        self.changed, self.made = set(files), {}
        for name, text in files.items():
            with open(self._source(name), "w", encoding="utf-8") as file:
                file.write(text)

    def program(self, name):
        """The path of the program, to be run with environment()."""
        link = self.build.links[name]
        self.library(link.wraps)
        if self.base is not None and not self.rebuilds(name):
            return self.base.program(name)
        return self._once(name, lambda: self._link_program(name, link))

    def rebuilds(self, name):
        """Must the program itself be compiled again? Only if it includes a changed file of src/."""
        return any(self._touched(output) for output in self.build.links[name].objects)

    def environment(self):
        return dict(os.environ, LD_LIBRARY_PATH=os.path.join(self.path, "lib"))

    def library(self, wraps):
        return self._once(library_name(wraps), lambda: self._link_library(wraps))

    def is_equal(self):
        """Do the changed files compile to the same object code as the unmutated ones?"""
        for output in self.build.core_objects(SHIPPED):
            if self._touched(output):
                codes = []
                for source in (os.path.join(self.build.root, "src"), self._source("")):
                    compiled = self._compile(output, source, "equal.o", ("-O2", "-g0"))
                    with open(compiled, "rb") as file:
                        codes.append(file.read())
                if codes[0] != codes[1]:
                    return False
        return True

    def _source(self, name):
        return os.path.join(self.path, "src", name)

    def _touched(self, output):
        return not self.changed.isdisjoint(self.build.sources.get(output, ()))

    def _once(self, key, make):
        with self.lock:
            if key not in self.made:
                self.made[key] = make()
            return self.made[key]

    def _object(self, output):
        if not self._touched(output):
            return output
        return self._once(output, lambda: self._compile(output, self._source(""),
                                                        output.replace("/", "_")))

    def _compile(self, output, source, name, more=()):
        """Compile as Meson does, but with these sources in place of src/."""
        target, args = os.path.join(self.path, "obj", name), []
        skip = False
        for arg in self.build.compile[output]:
            if skip or arg == "-MD":
                skip = False
            elif arg in ("-MQ", "-MF", "-o"):
                skip = True
            else:
                args.append(self._moved(arg, source))
        self._run(args + list(more) + ["-w", "-o", target])
        return target

    def _moved(self, arg, source):
        option, path = ("-I", arg[2:]) if arg.startswith("-I") else ("", arg)
        path = os.path.normpath(os.path.join(self.build.path, path))
        src = os.path.join(self.build.root, "src")
        if path == src or path.startswith(src + os.sep):
            return option + os.path.normpath(source + path[len(src):])
        return arg

    def _link_library(self, wraps):
        target = os.path.join(self.path, "lib", library_name(wraps))
        objects = [self._object(output) for output in self.build.core_objects(CORE)]
        self._run(["c++", "-shared", "-s", "-Wl,-soname," + library_name(wraps), "-o", target]
                  + objects + wraps)
        return target

    def _link_program(self, name, link):
        target = os.path.join(self.path, "bin", name.replace("/", "_"))
        objects = [self._object(output) for output in link.objects]
        args = [self.library(link.wraps) if a in LIBRARIES else a for a in link.args]
        self._run([link.command, "-s", "-o", target] + objects + args)
        return target

    def _run(self, args):
        done = subprocess.run(args, cwd=self.build.path, capture_output=True, text=True,
                              start_new_session=True)
        if done.returncode != 0:
            raise DoesNotBuild(done.stderr.strip()[:2000])
