#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check every source file: licence line, length, width, tabs and trailing white space.

text.py ROOT           print every breach; exit 1 if there is one
text.py --self-test    show that each kind of breach is reported"""
import os
import sys

import tree

LONGEST_FILE = 400
LONGEST_LINE = 100
ANY_LENGTH = {'include/raft.h'}  # the public header is one file, comments included
LICENCE = 'SPDX-License-Identifier: MIT'


def is_source(path, text):
    return (tree.is_c(path) or path.endswith(('.py', '.js', '.ts', '.cs', '.java')) or
            os.path.basename(path) == 'meson.build' or
            text.startswith('#!') and not text.startswith('#!/usr/bin/make'))


def check_text(path, text):
    lines = text.splitlines()
    if not any(LICENCE in line for line in lines[:2]) and os.path.dirname(path):
        yield f'{path}:1: no licence line'
    if len(lines) > LONGEST_FILE and path not in ANY_LENGTH:
        yield f'{path}: {len(lines)} lines are more than {LONGEST_FILE}'
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            yield f'{path}:{number}: {len(line)} columns are more than {LONGEST_LINE}'
        if '\t' in line or line != line.rstrip():
            yield f'{path}:{number}: a tab, or white space at the end'


def check(root):
    complaints, seen = [], 0
    for path in tree.files(root):
        text = tree.read(root, path)
        if text is not None and path not in tree.GENERATED and is_source(path, text):
            seen += 1
            complaints += check_text(path, text)
    if seen == 0:
        complaints.append(f'{root}: no sources')
    return complaints, seen


C_HEAD = '/* SPDX-License-Identifier: MIT */\n'
HEAD = '# SPDX-License-Identifier: MIT\n'
BREACHES = { # what is wrong: (files, a part of the complaint)
    'no licence': ({'src/step.cpp': 'int x;\n'}, 'licence'),
    'no licence in a script': ({'tools/x': '#!/bin/sh\n\n' + HEAD}, 'licence'),
    'no licence in Python': ({'tests/x.py': 'x = 1\n'}, 'licence'),
    'no licence in JavaScript': ({'bindings/x.js': 'let x;\n'}, 'licence'),
    'no licence in C#': ({'bindings/x.cs': 'class X {}\n'}, 'licence'),
    'no licence in a build file': ({'src/meson.build': "x = 1\n"}, 'licence'),
    'long file': ({'tests/x.c': C_HEAD + 'int x;\n' * LONGEST_FILE}, f'more than {LONGEST_FILE}'),
    'long line': ({'src/step.hpp': C_HEAD + '//' + 'x' * LONGEST_LINE + '\n'}, 'columns'),
    'tab': ({'src/step.cpp': C_HEAD + '\tint x;\n'}, 'a tab'),
    'space at the end': ({'.ci/run': '#!/bin/sh\n' + HEAD + 'true \n'}, 'white space'),
    'nothing to check': ({'README.md': 'text\n'}, 'no sources'),
    'only a build folder': ({'build/x.c': 'int x;\n'}, 'no sources'),
}
FINE = {
    'src/step.cpp': C_HEAD + 'int x;\n' * (LONGEST_FILE - 1),
    'include/raft.h': C_HEAD + 'int x;\n' * LONGEST_FILE,
    'tools/x': '#!/bin/sh\n' + HEAD + '#' + 'é' * (LONGEST_LINE - 1) + '\n',
    'meson.build': "project('x')\n",  # the licence of the project stands in it
    'abi/raft.ffi.h': 'int x;\n',  # generated
    'abi/1.0/raft.h': 'int x; \n',  # of a release
    'build-x/x.c': 'int x; \n',
    'docs/x.txt': 'no source \n',
}


if __name__ == '__main__':
    sys.exit(tree.main(check, BREACHES, {'a tree without a breach': FINE}))
