#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Find the project's former private words where the usual term should stand.

words.py ROOT           print every use; exit 1 if there is one
words.py --self-test    show that each word is found, and what is allowed is not

Names in the code count too: `short_way`, `ShortWay` and `--short-way` are all "short way"."""
import re
import sys

import tree

# word: (a regular expression, what to write instead). In an expression a space stands for
# anything that may separate two words of a text, a comment or a name.
WORDS = {
    'short way': ('short way', 'fast path'),
    'long way': ('long way', 'general path'),
    'last word': ('last words?', 'final notification'),
    'in vain': ('in vain', 'without effect; never completes'),
    'sabotage': ('sabotage[ds]?', 'fault injection; negative test; broken environment'),
    'story': ('stor(?:y|ies)', 'scenario'),
    'worlds': ('(?:small )?worlds?', 'simulated cluster; run; bounded model check'),
}
# What is checked: files and folders.
CHECKED = ('.ci/', 'CHANGELOG.md', 'CONTRIBUTING.md', 'README.md', 'SECURITY.md', 'docs/',
           'include/', 'src/', 'tools/')
# (a path's beginning, the text of a line): uses that are right where they are.
ALLOWED = []
SUFFIXES = ('.c', '.h', '.cpp', '.hpp', '.py', '.rst', '.md', '.txt', '.build', '.json', '.csv',
            '.patch', '.supp', '.map')

SEPARATOR = r'(?:[-_]|[\s*#/]+)?'


def expression(words):
    return re.compile(r'(?<![a-z])' + words.replace(' ', SEPARATOR) + r'(?![a-z])', re.IGNORECASE)


EXPRESSIONS = {word: expression(words) for word, (words, _) in WORDS.items()}


def is_text(path, text):
    return path.endswith(SUFFIXES) or text.startswith('#!')


def check_text(path, text):
    lines = text.splitlines()
    # A capital in the middle of a name begins a word of it.
    split = re.sub(r'(?<=[a-z])(?=[A-Z][a-z])', '_', text)
    for word, pattern in EXPRESSIONS.items():
        for match in pattern.finditer(split):
            number = split.count('\n', 0, match.start())
            if not any(path.startswith(start) and part in lines[number]
                       for start, part in ALLOWED):
                yield f'{path}:{number + 1}: "{word}": write {WORDS[word][1]}'


def check(root):
    complaints, seen = [], 0
    for path in tree.files(root):
        text = tree.read(root, path)
        if path.startswith(CHECKED) and text is not None and is_text(path, text):
            seen += 1
            complaints += check_text(path, text)
    if seen == 0:
        complaints.append(f'{root}: no text')
    return complaints, seen


FOUND = {
    'short way': ['the short way', 'the short\nway', ' * the short\n * way', 'short_way.cpp',
                  'strange-short-way', 'ShortWay x;', 'int shortWay;'],
    'long way': ['The Long Way', 'long_way_args'],
    'last word': ['the last word', 'last_words'],
    'in vain': ['wait_in_vain', 'in vain'],
    'sabotage': ['--sabotage storm', 'Forty-one sabotages'],
    'story': ['story.cpp', 'two stories', 'Story s;', 'read_story()'],
    'worlds': ['--worlds 40', 'small worlds', 'seeded worlds', 'class World {', 'world.cpp'],
}
NOT_FOUND = ['shortest way', 'along way', 'in vainly', 'history',
             'stored', 'worldwide', 'directory inventory', 'always']


BREACHES = {f'{word} in "{text}"': ({'docs/x.rst': text}, f'"{word}"')
            for word, texts in FOUND.items() for text in texts}
BREACHES['the place'] = ({'docs/x.rst': 'a\nthe short way\n', 'build/x.rst': 'the short way\n',
                          'examples/x.c': '// the short way\n'},
                         'docs/x.rst:2: "short way": write fast path')
BREACHES['a use that is allowed elsewhere'] = ({'docs/x.rst': 'where all worlds meet'}, '"worlds"')
FINE = {text: {'docs/x.rst': text} for text in NOT_FOUND}
FINE['an allowed use'] = {'src/x.cpp': 'where all worlds meet'}


if __name__ == '__main__':
    if sys.argv[1:] == ['--self-test']:
        ALLOWED.append(('src/', 'all worlds meet'))
    sys.exit(tree.main(check, BREACHES, FINE))
