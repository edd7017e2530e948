#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keep the house tidy: short files, short functions, includes that only point down.

style.py SRC_DIR         complain about every breach and exit 1 if there is one
style.py --self-test     show that each kind of breach is noticed"""
import os
import re
import sys
import tempfile

LONGEST_FILE = 400
LONGEST_FUNCTION = 80
LONGEST_LINE = 100

# The floors of the house (docs/architecture.rst), from the ground up. A room may use rooms
# of lower floors; on its own floor only if no circle comes of it.
FLOORS = [
    {'vector', 'random', 'bytes', 'invariant', 'settings'},
    {'configuration', 'quorum', 'progress', 'trail', 'outbox'},
    {'server', 'message'},
    {'replication', 'roles', 'reads', 'commit', 'membership', 'leadership', 'election', 'append',
     'snapshot', 'start', 'tracing'},
    {'raft'},
    {'steady'},
    {'abi'},
]
# What of the outside may be used: libc, and of the standard library what is header-only.
SYSTEM = {'raft.h', 'cstddef', 'cstdint', 'cstdlib', 'cstring', 'climits', 'algorithm', 'array',
          'bit', 'concepts', 'limits', 'new', 'numeric', 'optional', 'span', 'type_traits',
          'utility'}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
NO_FUNCTION = re.compile(r'\s*(?:namespace|struct|class|union|enum|extern|if|for|while|switch|do|'
                         r'else|return|case|\})\b')


def floor_of(room):
    for height, rooms in enumerate(FLOORS):
        if room in rooms:
            return height
    return None


def signature_start(lines, number):
    """The signature that ends in this line may take several."""
    while number > 0:
        before = lines[number - 1].rstrip()
        if not before.strip() or before.lstrip().startswith('#') or before.endswith(
                (';', '}', '{', ':', '*/')):
            break
        number -= 1
    return number


def function_lengths(lines):
    """Yield (first line number, length) of each function, from its signature, whose last line
    ends in `) ... {`, to the line that closes it in the signature's column."""
    number = 0
    while number < len(lines):
        line = lines[number].rstrip()
        start = signature_start(lines, number)
        if not line.endswith('{') or ')' not in line or NO_FUNCTION.match(lines[start]):
            number += 1
            continue
        indent = lines[start][:len(lines[start]) - len(lines[start].lstrip())]
        end = number + 1
        while end < len(lines) and not lines[end].startswith(indent + '}'):
            end += 1
        yield start + 1, end - start + 1
        number = end + 1


def check_text(path, text):
    lines = text.splitlines()
    if not lines or 'SPDX-License-Identifier: MIT' not in lines[0]:
        yield f'{path}:1: no licence line'
    if len(lines) > LONGEST_FILE:
        yield f'{path}: {len(lines)} lines are more than {LONGEST_FILE}'
    if path.endswith('.hpp') and '#pragma once' not in lines:
        yield f'{path}: no #pragma once'
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            yield f'{path}:{number}: {len(line)} columns are more than {LONGEST_LINE}'
        if '\t' in line or line != line.rstrip():
            yield f'{path}:{number}: a tab, or white space at the end'
    for start, length in function_lengths(lines):
        if length > LONGEST_FUNCTION:
            yield f'{path}:{start}: a function of {length} lines, more than {LONGEST_FUNCTION}'


def check_includes(path, text, graph):
    room = os.path.splitext(os.path.basename(path))[0]
    height = floor_of(room)
    if height is None:
        yield f'{path}: the room is on no floor: say in style.py where it belongs'
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match is None:
            continue
        kind, name = match.groups()
        if kind == '<':
            if name not in SYSTEM:
                yield f'{path}:{number}: <{name}> is not among what may be used'
            continue
        other = os.path.splitext(name)[0]
        if other == room:
            continue
        target = floor_of(other)
        if target is None:
            yield f'{path}:{number}: "{name}" is on no floor'
        elif target > height:
            yield f'{path}:{number}: "{name}" is above: {room} may only look down'
        graph.setdefault(room, set()).add(other)


def find_circle(graph):
    done, path = set(), []

    def walk(room):
        if room in path:
            return path[path.index(room):] + [room]
        if room in done:
            return None
        path.append(room)
        for other in sorted(graph.get(room, ())):
            circle = walk(other)
            if circle:
                return circle
        path.pop()
        done.add(room)
        return None

    for room in sorted(graph):
        circle = walk(room)
        if circle:
            return circle
    return None


def check(folder):
    graph, complaints, seen = {}, [], 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(('.cpp', '.hpp')):
            continue
        path = os.path.join(folder, name)
        with open(path, encoding='utf-8') as file:
            text = file.read()
        seen += 1
        complaints += check_text(path, text)
        complaints += check_includes(path, text, graph)
    circle = find_circle(graph)
    if circle:
        complaints.append('a circle of includes: ' + ' -> '.join(circle))
    if seen == 0:
        complaints.append(f'{folder}: no sources')
    return complaints, seen


HEAD = '/* SPDX-License-Identifier: MIT */\n'
LONG_BODY = '    x++;\n' * (LONGEST_FUNCTION - 1)
BREACHES = { # what is wrong: (files, a word of the complaint)
    'licence': ({'raft.cpp': 'int x;\n'}, 'licence'),
    'long file': ({'raft.cpp': HEAD + 'int x;\n' * LONGEST_FILE}, f'more than {LONGEST_FILE}'),
    'long line': ({'raft.cpp': HEAD + '//' + 'x' * LONGEST_LINE + '\n'}, 'columns'),
    'tab': ({'raft.cpp': HEAD + '\tint x;\n'}, 'a tab'),
    'no guard': ({'raft.hpp': HEAD + 'int x;\n'}, 'pragma once'),
    'long function': ({'raft.cpp': HEAD + 'void f(int x) {\n' + LONG_BODY + '}\n'}, 'a function'),
    'long method': ({'raft.cpp': HEAD + 'struct S {\n    int f(int x) const {\n' +
                     LONG_BODY.replace('    ', '        ') + '    }\n};\n'}, 'a function'),
    'long signature': ({'raft.cpp': HEAD + 'void f(int x,\n       int y) {\n' + LONG_BODY + '}\n'},
                       'a function'),
    'looks up': ({'trail.cpp': HEAD + '#include "raft.hpp"\n'}, 'may only look down'),
    'unknown room': ({'cellar.cpp': HEAD}, 'on no floor'),
    'unknown include': ({'trail.cpp': HEAD + '#include "cellar.hpp"\n'}, 'on no floor'),
    'circle': ({'commit.cpp': HEAD + '#include "reads.hpp"\n',
                'reads.cpp': HEAD + '#include "roles.hpp"\n',
                'roles.cpp': HEAD + '#include "commit.hpp"\n'}, 'a circle'),
    'run-time library': ({'trail.cpp': HEAD + '#include <vector>\n'}, '<vector>'),
    'input and output': ({'trail.cpp': HEAD + '#include <stdio.h>\n'}, '<stdio.h>'),
    'nothing to check': ({}, 'no sources'),
}
FINE = {
    'trail.hpp': HEAD + '#pragma once\n#include "vector.hpp"\n#include <raft.h>\n',
    'trail.cpp': HEAD + '#include "trail.hpp"\n#include <algorithm>\nvoid f(int x) {\n' +
                 '    x++;\n' * (LONGEST_FUNCTION - 2) +
                 '}\n',
    'roles.cpp': HEAD + '#include "replication.hpp"\n#include "server.hpp"\n',
}


def complaints_about(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
                file.write(text)
        return check(folder)[0]


def self_test():
    failed = 0
    for what, (files, word) in BREACHES.items():
        complaints = complaints_about(files)
        if not any(word in complaint for complaint in complaints):
            failed += 1
            print(f'FAILED: {what} is not noticed: {complaints}')
    complaints = complaints_about(FINE)
    if complaints:
        failed += 1
        print(f'FAILED: nothing is wrong, yet: {complaints}')
    print(f'{len(BREACHES) + 1} cases, {failed} failed')
    return 1 if failed else 0


def main():
    if sys.argv[1:] == ['--self-test']:
        return self_test()
    complaints, seen = check(sys.argv[1])
    print('\n'.join(complaints + [f'{seen} files, {len(complaints)} complaints']))
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
