#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the layout of src/: layers, include depth, length of functions, permitted headers.

layers.py SRC_DIR        print every breach; exit 1 if there is one
layers.py --self-test    show that each kind of breach is reported"""
import functools
import os
import re
import sys

import tree

LONGEST_FUNCTION = 80
DEEPEST = 9

# The layers, lowest first: a folder of src/, or a module at the top of src/. A file may include
# files of its own layer and of lower ones.
LAYERS = ['base', 'state', 'rules', 'events', 'step', 'abi']
FOLDERS = {'base', 'state', 'rules', 'events'}
# A file of this folder includes no other module of it: what two events share is a rule. The
# exception is the header that declares every handler.
SEPARATE = 'events'
DECLARATIONS = 'events/events.hpp'

# System headers that src/ may include: libc, and the parts of the C++ standard library that need
# no run-time library.
SYSTEM = {'raft.h', 'cstddef', 'cstdint', 'cstdlib', 'cstring', 'climits', 'algorithm', 'array',
          'bit', 'concepts', 'limits', 'new', 'numeric', 'optional', 'span', 'type_traits',
          'utility'}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
NO_FUNCTION = re.compile(r'\s*(?:namespace|struct|class|union|enum|extern|if|for|while|switch|do|'
                         r'else|return|case|\})\b')


def module_of(path):
    """X.hpp and X.cpp are one module, named by its path below src/ without the suffix."""
    return os.path.splitext(path)[0]


def layer_of(path):
    """The height of a file's layer, or None."""
    folder, name = os.path.split(module_of(path))
    layer = folder or name
    if layer not in LAYERS or bool(folder) != (layer in FOLDERS):
        return None
    return LAYERS.index(layer)


def signature_start(lines, number):
    """The first line of the signature that ends in line `number`."""
    while number > 0:
        before = lines[number - 1].rstrip()
        if not before.strip() or before.lstrip().startswith('#') or before.endswith(
                (';', '}', '{', ':', '*/')):
            break
        number -= 1
    return number


def function_lengths(lines):
    """Yield (first line number, length) of each function: from its signature, whose last line
    ends in `) ... {`, to the closing brace in the column where the signature begins."""
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
    if path.endswith('.hpp') and '#pragma once' not in lines:
        yield f'{path}: no #pragma once'
    for start, length in function_lengths(lines):
        if length > LONGEST_FUNCTION:
            yield f'{path}:{start}: a function of {length} lines, more than {LONGEST_FUNCTION}'


def resolve(path, name, files):
    """The file of src/ that `#include "name"` in `path` means: relative to it, or to src/."""
    for folder in (os.path.dirname(path), ''):
        candidate = os.path.normpath(os.path.join(folder, name))
        if candidate in files:
            return candidate
    return None


def check_include(path, target):
    """Complaints about one include of a file of src/ by another module."""
    own, other = layer_of(path), layer_of(target)
    if own is None or other is None:
        return  # reported for the file itself
    if other > own:
        yield f'"{target}" is in a higher layer: {LAYERS[own]} may not include {LAYERS[other]}'
    elif other == own and LAYERS[own] == SEPARATE and target != DECLARATIONS:
        yield f'"{target}" is another file of {SEPARATE}/: move what both need to rules/'


def check_includes(path, files, graph):
    own = module_of(path)
    graph.setdefault(own, set())
    if layer_of(path) is None:
        yield f'{path}: not in a layer: src/ has {", ".join(LAYERS)}'
    for number, line in enumerate(files[path].splitlines(), 1):
        match = INCLUDE.match(line)
        if match is None:
            continue
        kind, name = match.groups()
        if kind == '<':
            if name not in SYSTEM:
                yield f'{path}:{number}: <{name}> is not a permitted system header'
            continue
        target = resolve(path, name, files)
        if target is None:
            yield f'{path}:{number}: "{name}" is not a file of src/'
        elif module_of(target) != own:
            graph[own].add(module_of(target))
            for complaint in check_include(path, target):
                yield f'{path}:{number}: {complaint}'


def find_cycle(graph):
    done, path = set(), []

    def walk(module):
        if module in path:
            return path[path.index(module):] + [module]
        if module in done:
            return None
        path.append(module)
        for other in sorted(graph.get(module, ())):
            cycle = walk(other)
            if cycle:
                return cycle
        path.pop()
        done.add(module)
        return None

    for module in sorted(graph):
        cycle = walk(module)
        if cycle:
            return cycle
    return None


def longest_chain(graph):
    """The longest chain of modules in which each includes the next; `graph` has no cycle."""
    @functools.lru_cache(maxsize=None)
    def chain_from(module):
        below = [chain_from(other) for other in sorted(graph.get(module, ()))]
        return (module, *max(below, key=len, default=()))

    return max(map(chain_from, sorted(graph)), key=len, default=())


def read_sources(folder):
    """{path below the folder: text} of all C++ files."""
    files = {}
    for current, _, names in os.walk(folder):
        for name in names:
            if name.endswith(('.cpp', '.hpp')):
                path = os.path.join(current, name)
                with open(path, encoding='utf-8') as file:
                    files[os.path.relpath(path, folder)] = file.read()
    return files


def check(folder):
    """(complaints, files, levels of includes)"""
    files = read_sources(folder)
    if not files:
        return [f'{folder}: no sources'], 0, 0
    graph, complaints = {}, []
    for path in sorted(files):
        complaints += check_text(path, files[path])
        complaints += check_includes(path, files, graph)
    cycle = find_cycle(graph)
    if cycle:
        return complaints + ['a cycle of includes: ' + ' -> '.join(cycle)], len(files), 0
    chain = longest_chain(graph)
    if len(chain) > DEEPEST:
        complaints.append(f'{len(chain)} levels of includes are more than {DEEPEST}: ' +
                          ' -> '.join(chain))
    return complaints, len(files), len(chain)


def including(*names):
    return ''.join(f'#include "{name}"\n' for name in names)


def chain_of(levels):
    """Files of one folder in which each includes the next."""
    files = {f'rules/r{i}.cpp': including(f'r{i}.hpp', f'r{i + 1}.hpp') for i in range(levels - 1)}
    files.update({f'rules/r{i}.hpp': '#pragma once\n' for i in range(levels)})
    return files


GUARD = '#pragma once\n'
LONG_BODY = '    x++;\n' * (LONGEST_FUNCTION - 1)
BREACHES = { # what is wrong: (files, a part of the complaint)
    'no guard': ({'step.hpp': 'int x;\n'}, 'pragma once'),
    'long function': ({'step.cpp': 'void f(int x) {\n' + LONG_BODY + '}\n'}, 'a function'),
    'long method': ({'step.cpp': 'struct S {\n    int f(int x) const {\n' +
                     LONG_BODY.replace('    ', '        ') + '    }\n};\n'}, 'a function'),
    'long signature': ({'step.cpp': 'void f(int x,\n       int y) {\n' + LONG_BODY + '}\n'},
                       'a function'),
    'base includes state': ({'base/bytes.hpp': GUARD + including('../state/server.hpp'),
                             'state/server.hpp': GUARD}, 'base may not include state'),
    'state includes rules': ({'state/server.cpp': including('rules/commit.hpp'),
                              'rules/commit.hpp': GUARD}, 'state may not include rules'),
    'rules include events': ({'rules/commit.cpp': including('events/on_read.hpp'),
                              'events/on_read.hpp': GUARD}, 'rules may not include events'),
    'events include step': ({'events/on_read.cpp': including('../step.hpp'),
                             'step.hpp': GUARD}, 'events may not include step'),
    'step includes abi': ({'step.cpp': including('abi.hpp'), 'abi.hpp': GUARD},
                          'step may not include abi'),
    'event includes event': ({'events/on_read.cpp': including('on_vote.hpp'),
                              'events/on_vote.hpp': GUARD}, 'another file of events/'),
    'event header includes event': ({'events/on_read.hpp': GUARD + including('on_vote.hpp'),
                                     'events/on_vote.hpp': GUARD}, 'another file of events/'),
    'declarations include event': ({'events/events.hpp': GUARD + including('on_vote.hpp'),
                                    'events/on_vote.hpp': GUARD}, 'another file of events/'),
    'unknown file': ({'tools.cpp': 'int x;\n'}, 'not in a layer'),
    'unknown folder': ({'misc/server.cpp': 'int x;\n'}, 'not in a layer'),
    'folder in a folder': ({'state/misc/server.cpp': 'int x;\n'}, 'not in a layer'),
    'step as a folder': ({'step/clock.cpp': 'int x;\n'}, 'not in a layer'),
    'base as a file': ({'base.cpp': 'int x;\n'}, 'not in a layer'),
    'unknown include': ({'state/server.cpp': including('peer.hpp')}, 'not a file of src/'),
    'cycle': ({'rules/commit.cpp': including('reads.hpp'),
               'rules/reads.cpp': including('sending.hpp'),
               'rules/sending.cpp': including('commit.hpp'),
               'rules/commit.hpp': GUARD, 'rules/reads.hpp': GUARD, 'rules/sending.hpp': GUARD},
              'a cycle'),
    'too deep': (chain_of(DEEPEST + 1), f'{DEEPEST + 1} levels'),
    'run-time library': ({'state/server.cpp': '#include <vector>\n'}, '<vector>'),
    'input and output': ({'state/server.cpp': '#include <stdio.h>\n'}, '<stdio.h>'),
    'nothing to check': ({}, 'no sources'),
}
FINE = {
    'a small src/': {
        'base/vector.hpp': GUARD,
        'state/peer.hpp': GUARD + including('base/vector.hpp'),
        'state/server.hpp': GUARD + including('peer.hpp', '../base/vector.hpp') +
                            '#include <raft.h>\n',
        'state/server.cpp': including('server.hpp', 'state/peer.hpp') + '#include <algorithm>\n' +
                            'void f(int x) {\n' + '    x++;\n' * (LONGEST_FUNCTION - 2) + '}\n',
        'rules/sending.hpp': GUARD + including('state/server.hpp'),
        'rules/commit.hpp': GUARD + including('rules/sending.hpp'),
        'events/events.hpp': GUARD + including('state/server.hpp'),
        'events/on_read.hpp': GUARD + including('state/server.hpp'),
        'events/on_vote.cpp': including('events/events.hpp', 'rules/commit.hpp'),
        'events/on_read.cpp': including('on_read.hpp', '../rules/commit.hpp', 'base/vector.hpp'),
        'step.hpp': GUARD + including('state/server.hpp'),
        'step.cpp': including('step.hpp', 'events/on_read.hpp', 'rules/commit.hpp'),
        'abi.cpp': including('step.hpp', 'state/server.hpp'),
    },
    'as deep as permitted': chain_of(DEEPEST),
}


def main():
    if sys.argv[1:] == ['--self-test']:
        return tree.judge_cases(check, BREACHES, FINE)
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(__doc__)
    complaints, seen, levels = check(sys.argv[1])
    print('\n'.join(complaints + [f'{seen} files, {levels} levels of includes, '
                                  f'{len(complaints)} complaints']))
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
