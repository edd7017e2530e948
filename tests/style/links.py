#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that every relative link of the Markdown files leads to a file, and to a heading of it.

links.py ROOT           print every broken link; exit 1 if there is one
links.py --self-test    show that each kind of breach is reported"""
import os
import re
import sys

import tree

LINK = re.compile(r'\[[^]]*\]\(([^)\s]+)\)')
CODE = re.compile(r'```.*?```', re.S)


def anchors(text):
    """The anchors of the headings, as sites that show Markdown make them."""
    headings = re.findall(r'^#+ +(.+?) *$', CODE.sub('', text), re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def check_link(root, path, link):
    """A complaint about a link in the file `path`, or None."""
    target, _, anchor = link.partition('#')
    place = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
    full = os.path.join(root, place)
    if place.startswith('..') or not os.path.exists(full):
        return f'{path}: a link to {link}, which does not exist'
    if anchor and (not place.endswith('.md') or anchor not in anchors(tree.read(root, place))):
        return f'{path}: a link to {link}, which has no such heading'
    return None


def check(root):
    complaints, seen = [], 0
    for path in tree.files(root):
        text = tree.read(root, path) if path.endswith('.md') else None
        links = [link for link in LINK.findall(CODE.sub('', text or ''))
                 if not re.match(r'[a-z]+:', link)]
        seen += bool(links)
        complaints += filter(None, [check_link(root, path, link) for link in links])
    if seen == 0:
        complaints.append(f'{root}: no links')
    return complaints, seen


BREACHES = { # what is wrong: (files, a part of the complaint)
    'no such file': ({'a.md': '[x](none.md)\n'}, 'does not exist'),
    'below another folder': ({'d/a.md': '[x](d/a.md)\n'}, 'does not exist'),
    'outside the tree': ({'a.md': '[x](../tmp)\n'}, 'does not exist'),
    'no such heading': ({'a.md': '# A\n[x](#b)\n'}, 'no such heading'),
    'no such heading elsewhere': ({'a.md': '[x](b.md#c)\n', 'b.md': '```\n# c\n```\n'},
                                  'no such heading'),
    'no link': ({'a.md': '[x](https://example.org/none)\n```\n[x](none.md)\n```\n'}, 'no links'),
}
FINE = {
    'README.md': '# A, `b` and C-d\n[x](d) [y](d/a.md#two-words) [z](#a-b-and-c-d)\n',
    'd/a.md': '## Two words\n[x](../README.md) [y](https://example.org)\n',
}


if __name__ == '__main__':
    sys.exit(tree.main(check, BREACHES, {'a tree without a breach': FINE}))
