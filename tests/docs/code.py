#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check every block of code in the pages. A block must be one of these:

- a quotation (`literalinclude`) of a file that a test compiles or reads, or of another page;
- equal to a part of such a file of the same language, but for white space and comments;
- C that compiles with raft.h, as it is or as the body of a function;
- shell whose syntax is right, and whose programs, files, options, suites and targets exist;
- a program that a test takes out of the page and runs, or lines that another check reads from it;
- a session at a terminal (`console`) that a test repeats;
- text; lines of it that begin with `$ ` are judged as shell.

usage: code.py ROOT BUILD COMPILER...
       code.py --self-test ROOT BUILD COMPILER..."""
import os
import re
import subprocess
import sys
import tempfile

import blocks
import built
import shell

LANGUAGES = {'c': ('.c', '.h'), 'go': ('.go',), 'js': ('.js',), 'javascript': ('.js',),
             'python': ('.py',), 'rust': ('.rs',), 'sh': (), 'console': (), 'text': (), 'cmake': (),
             'meson': ()}
# Where code of other libraries is shown: it cannot be compiled here.
OTHERS = 'docs/guide/coming-from/'
# (page, language): a test that takes the blocks out of the page and runs them; its text, or that of
# the build file that calls it, must have this.
RUN_BY = {
    ('docs/guide/building.rst', 'cmake'): ('tests/install/consumers.py', "building.rst'"),
    ('docs/guide/building.rst', 'meson'): ('tests/install/consumers.py', "building.rst'"),
    ('bindings/javascript/README.md', 'js'):
        ('bindings/javascript/meson.build', "'tests/readme.test.js', 'README.md'"),
    ('docs/playground/engine/README.md', 'js'):
        ('bindings/javascript/meson.build', "docs/playground/engine/README.md'"),
}
# Files that are tested by other means than a command of `meson test`.
TESTED = ('bindings/go/',)  # go test ./...
PRELUDE = '''#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern struct raft raft;
extern struct raft_event event;
extern struct raft_update update;
'''


def squeezed(text, language):
    """The text without comments, with all white space reduced to single spaces."""
    if language == 'python':
        text = re.sub(r'#.*', '', text)
    else:
        text = re.sub(r'/\*.*?\*/|//[^\n]*', '', text, flags=re.S)
    return ' '.join(text.split())


class Judge:
    def __init__(self, root, build, compiler):
        self.root, self.compiler = root, compiler
        self.built = built.Built(root, build)
        self.shell = shell.Shell(self.built)
        self.left_out = []
        self.sources = {}

    def tested(self, path):
        return (self.built.is_compiled(path) or self.built.is_named(path) or
                self.built.is_read(path) or path.endswith(('.rst', '.md')) or
                path.startswith(TESTED) and path.endswith('.go'))

    def sources_of(self, language):
        """The squeezed texts of the tested files of a language."""
        if language not in self.sources:
            self.sources[language] = [squeezed(self.built.read(path), language)
                                      for path in blocks.tree.files(self.root)
                                      if path.endswith(LANGUAGES[language]) and self.tested(path)]
        return self.sources[language]

    def quotation(self, block):
        if not os.path.isfile(os.path.join(self.root, block.text)):
            return [block.complaint(f'quotes {block.text}, which does not exist')]
        if self.tested(block.text):
            return []
        if self.built.is_left_out(block.text):
            self.left_out.append(block.text)
            return []
        return [block.complaint(f'quotes {block.text}, which no test compiles or reads')]

    def compiles(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'block.c')
            for code in (text, 'void block(void);\nvoid block(void) {\n' + text + '}\n'):
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(PRELUDE + code)
                if subprocess.run([*self.compiler, '-std=c11', '-Wall', '-Wextra', '-Werror',
                                   '-fsyntax-only', '-I', os.path.join(self.root, 'include'), path],
                                  capture_output=True, check=False).returncode == 0:
                    return True
        return False

    def is_run(self, block):
        if block.language == 'console':
            return self.built.is_named(block.path, 'docs/tutorial/session.py')
        # As bindings/digest/readme.py does, which is given the page and the language.
        tests = self.built.read(os.path.join(os.path.dirname(block.path), 'meson.build'))
        if re.search(rf"readme\.py'.*'README\.md'\)?,\s*'{block.language}'", tests, re.S):
            return True
        test, what = RUN_BY.get((block.path, block.language), ('', ''))
        return what != '' and what in self.built.read(test)

    def code(self, block):
        if block.path.startswith(OTHERS):
            return []
        if block.language not in LANGUAGES:
            return [block.complaint(f'no check knows the language "{block.language}"')]
        if block.language in ('sh', 'text'):
            text = block.text
            if block.language == 'text':
                text = '\n'.join(re.findall(r'^ *\$ (.*)', text, re.M))
            return [block.complaint(what) for what in self.shell.complaints(text)]
        if self.is_run(block):
            return []
        if LANGUAGES[block.language]:
            text = squeezed(block.text, block.language)
            if any(text in source for source in self.sources_of(block.language)):
                return []
        if block.language == 'c' and self.compiles(block.text):
            return []
        return [block.complaint(f'{block.language} that no test compiles or runs, and that is in '
                                'no tested file')]

    def page(self, path, text):
        for block in blocks.of_page(path, text):
            if block.kind == 'quotation':
                yield from self.quotation(block)
            elif block.kind == 'code':
                yield from self.code(block)
            else:
                yield block.complaint(block.kind)


def main():
    if sys.argv[1] == '--self-test':
        import code_cases  # pylint: disable=import-outside-toplevel
        judge = Judge(sys.argv[2], sys.argv[3], sys.argv[4:])
        return code_cases.run(judge)
    root, build, *compiler = sys.argv[1:]
    judge, complaints, seen = Judge(root, build, compiler), [], 0
    for path, text in blocks.pages(root):
        seen += 1
        complaints += judge.page(path, text)
    for path in sorted(set(judge.left_out)):
        print(f'not judged: {path} is not part of this build')
    return blocks.tree.report(complaints or ([] if seen else [f'{root}: no pages']), seen)


if __name__ == '__main__':
    sys.exit(main())
