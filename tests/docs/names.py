#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the names in the pages: a name that begins with raft_ or RAFT_ must occur in the source,
and the path of a file must lead to one.

names.py ROOT           print every name that is unknown; exit 1 if there is one
names.py --self-test    show that each kind of breach is reported"""
import glob
import os
import re
import sys
import tempfile

import blocks

tree = blocks.tree
NAME = re.compile(r'(?<![\w./-])(?:raft_[a-z]\w*|RAFT_[A-Z]\w*)(\*?)')
LITERAL = {'.rst': re.compile(r'``([^`\n]+)``|:file:`([^`\n]+)`'),
           '.md': re.compile(r'`([^`\n]+)`')}
TEMPLATE = re.compile(r'(?:NAME|ARCH|AREA)\b|^raft_name$')  # a part for the reader to fill in
PATH = re.compile(r'[\w.*-]+(?:/[\w.*-]+)+/?')
OTHERS = 'docs/guide/coming-from/'  # pages with names of other libraries
INSTALLED = {'include/raft-core/raft.h'}


def names_of_source(root):
    """The words that begin with raft_ or RAFT_ in all files but the pages."""
    names = set()
    for path in tree.files(root):
        if not path.endswith(('.rst', '.md')):
            text = tree.read(root, path) or ''
            names.update(re.findall(r'(?:\b|_)(raft_[a-z]\w*|RAFT_[A-Z]\w*)', text))
    return names


def exists(root, path, word):
    """Is it the path of a file, or of the files of a form, below the root or the page's folder?"""
    return any(glob.glob(os.path.join(root, place, word)) for place in ('', os.path.dirname(path)))


def check_text(root, path, text, names):
    literal = LITERAL[os.path.splitext(path)[1]]
    for number, line in enumerate(text.splitlines(), 1):
        for match in NAME.finditer(line):
            name = match[0].rstrip('*')
            begins = match[1] and any(known.startswith(name) for known in names)
            if name not in names and not begins and not TEMPLATE.search(name):
                yield f'{path}:{number}: {match[0]} is in no source'
        for match in literal.finditer(line):
            word = next(filter(None, match.groups()))
            is_path = PATH.fullmatch(word) and not word.startswith('build/') and \
                os.path.isdir(os.path.join(root, word.split('/')[0])) and word not in INSTALLED
            if is_path and not TEMPLATE.search(word) and not exists(root, path, word):
                yield f'{path}:{number}: there is no {word}'


def check(root):
    complaints, seen, names = [], 0, names_of_source(root)
    for path, text in blocks.pages(root):
        seen += 1
        if not path.startswith(OTHERS):
            complaints += check_text(root, path, text, names)
    if seen == 0:
        complaints.append(f'{root}: no pages')
    return complaints, seen


SOURCE = {'include/raft.h': 'int raft_step(void); /* RAFT_BUSY, RAFT_UPDATE_ENTRIES */\n'}
BREACHES = {  # what is wrong: (files, a part of the complaint)
    'no such function': ({'a.md': 'Call `raft_stop()`.\n'}, 'raft_stop'),
    'no such function in a role': ({'docs/a.rst': ':c:func:`raft_stop`\n'}, 'raft_stop'),
    'no such constant': ({'a.md': '`RAFT_BUSYY`\n'}, 'RAFT_BUSYY'),
    'none begins so': ({'a.md': '`RAFT_UPDATES_*`\n'}, 'RAFT_UPDATES_*'),
    'no such file': ({'docs/a.rst': 'In ``include/raft.hpp``.\n'}, 'no include/raft.hpp'),
    'no such file in a role': ({'docs/a.rst': ':file:`include/none/x`\n'}, 'no include/none/x'),
    'no files of this form': ({'a.md': '`include/*.hpp`\n'}, 'no include/*.hpp'),
}
FINE = {
    'a tree without a breach': {
        'docs/a.rst': ':c:func:`raft_step`, ``RAFT_UPDATE_*``, ``include/raft.h`` or build/x.\n',
        'docs/guide/coming-from/a.rst': '``raft_append()``\n',
        'docs/b.rst': '``docs/*.rst``\n',
        'a.md': '`include/`, `and/or`, `build/docs/html`, `raft_NAME`, `docs/NAME.rst`\n'},
}


def complaints_about(files):
    with tempfile.TemporaryDirectory() as folder:
        tree.write(folder, {**SOURCE, **files})
        return check(folder)[0]


def main():
    if sys.argv[1:] == ['--self-test']:
        return tree.judge_cases(BREACHES, FINE, complaints_about)
    return tree.report(*check(sys.argv[1]))


if __name__ == '__main__':
    sys.exit(main())
