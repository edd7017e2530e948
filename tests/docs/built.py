# SPDX-License-Identifier: MIT
"""What a build directory tells: which files are compiled into what the tests run, which files the
tests' commands name, and the names of programs, suites and options."""
import json
import os
import re
import subprocess

SOURCES = ('.c', '.h', '.cpp', '.hpp')


def load(build, name):
    with open(os.path.join(build, 'meson-info', f'intro-{name}.json'), encoding='utf-8') as file:
        return json.load(file)


class Built:
    def __init__(self, root, build):
        self.root, self.build = os.path.abspath(root), os.path.abspath(build)
        self.tests = load(self.build, 'tests')
        self.targets = load(self.build, 'targets')
        self.options = {option['name'] for option in load(self.build, 'buildoptions')}
        self.suites = {suite.split(':')[-1] for test in self.tests for suite in test['suite']}
        self.compiled = self.inputs_of_tests()
        self.commands = [[self.relative(word) for word in test['cmd']] for test in self.tests]
        self.programs = {}  # path below the build directory: paths of its sources
        for target in self.targets:
            if target['type'] == 'executable':
                sources = [self.relative(source) for part in target['target_sources']
                           for source in part.get('sources', [])]
                self.programs[os.path.relpath(target['filename'][0], self.build)] = sources

    def relative(self, path):
        """A path below the root; a path that is not absolute is one of the build directory."""
        if '/' not in path:
            return path
        return os.path.relpath(os.path.join(self.build, path), self.root)

    def inputs_of_tests(self):
        """The sources from which the tests' programs are built, and their libraries."""
        used = {name for test in self.tests for name in test['depends']}
        outputs = [os.path.relpath(file, self.build) for target in self.targets
                   if target['id'] in used for file in target['filename']]
        listed = subprocess.run(['ninja', '-C', self.build, '-t', 'inputs', *outputs], text=True,
                                stdout=subprocess.PIPE, check=True).stdout
        return {self.relative('./' + path) for path in listed.splitlines()
                if path.endswith(SOURCES)}

    def is_compiled(self, path, through=()):
        """Is it a source of a program that a test runs, or included by one, or through headers of
        its folder?"""
        if path in self.compiled:
            return True
        if not path.endswith(('.h', '.hpp')):
            return False
        folder, name = os.path.split(path)
        include = re.compile(r'#include ["<](?:.*/)?' + re.escape(name) + '[">]')
        headers = {os.path.join(folder, other) for other in os.listdir(
            os.path.join(self.root, folder)) if other.endswith(('.h', '.hpp'))} - {path, *through}
        return any(include.search(self.read(source)) for source in self.compiled) or \
            any(include.search(self.read(header)) and self.is_compiled(header, (path, *through))
                for header in headers)

    def is_left_out(self, path):
        """A source of whose folder, or the folder above, nothing is built: a dependency lacks."""
        folder = os.path.dirname(os.path.join(self.root, path))
        places = {folder, os.path.dirname(folder)} - {self.root}
        return path.endswith(SOURCES) and \
            not any(os.path.dirname(target['defined_in']) in places for target in self.targets)

    def is_named(self, path, *words):
        """Does the command of a test name the file, and these words?"""
        return any(path in command and all(word in command for word in words)
                   for command in self.commands)

    def is_read(self, path):
        """Does a test's script in the file's folder name the file, as one that it reads?"""
        folder, name = os.path.split(path)
        scripts = {word for command in self.commands for word in command
                   if word.endswith('.py') and os.path.dirname(word) == folder}
        return any(f"'{name}'" in self.read(script) for script in scripts)

    def read(self, path):
        try:
            with open(os.path.join(self.root, path), encoding='utf-8') as file:
                return file.read()
        except (OSError, UnicodeDecodeError):
            return ''
