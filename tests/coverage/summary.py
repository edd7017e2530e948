#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lines and branches of src/ that the tests reached, by gcov's own account.

summary.py SRC LISTED BUILD   summarize all .gcda below BUILD; 1 if something that is not in LISTED
                              was not reached, something in it was, or too little was reached
summary.py --self-test        show that each of these is noticed

LISTED has a line for each line of source of which something is not reached, with the reason:

    file | the line, without its indentation | "line" or the number of branches | reason

Branches that only an exception takes are not counted: the core is built without exceptions."""
import collections
import json
import os
import re
import subprocess
import sys

LINES, BRANCHES = 100.0, 98.0  # per cent that must be reached


def plain(name):
    """A function without its parameters and template arguments: instances are one function."""
    shorter = None
    while shorter != name:
        shorter, name = name, re.sub(r'\([^()]*\)|(?<!operator)<[^<>]*>', '', name)
    return name


class Coverage:
    def __init__(self):
        self.lines = collections.defaultdict(int)  # (file, line): times
        self.branches = collections.defaultdict(int)  # (file, line, function, of, which): times

    def add(self, report, source):
        """What gcov said of one object."""
        for file in report['files']:
            path = os.path.normpath(os.path.join(report['current_working_directory'], file['file']))
            if os.path.dirname(path) != source:
                continue
            name = os.path.basename(path)
            functions = {f['name']: plain(f['demangled_name']) for f in file['functions']}
            for line in file['lines']:
                number = line['line_number']
                self.lines[name, number] += line['count']
                branches = [b for b in line['branches'] if not b['throw']]
                function = functions.get(line.get('function_name'), '')
                for i, branch in enumerate(branches):
                    self.branches[name, number, function, len(branches), i] += branch['count']

    def missed(self, text_of):
        """{(file, text): "line" or the number of branches} of what was not reached."""
        found = {}
        for (file, number), times in self.lines.items():
            if times == 0:
                found[file, text_of(file, number)] = 'line'
        for (file, number, *_), times in self.branches.items():
            key = file, text_of(file, number)
            if times == 0 and found.get(key) != 'line':
                found[key] = found.get(key, 0) + 1
        return {key: str(what) for key, what in found.items()}

    def rows(self):
        """(file, lines reached, lines, branches reached, branches), the sum last."""
        table = collections.defaultdict(lambda: [0, 0, 0, 0])
        for counts, at in ((self.lines, 0), (self.branches, 2)):
            for key, times in counts.items():
                for row in (table[key[0]], table['\x7f']):
                    row[at] += times > 0
                    row[at + 1] += 1
        return [('all' if name == '\x7f' else name, *row) for name, row in sorted(table.items())]


def per_cent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def judge(missed, listed, total):
    """Complaints."""
    for key in sorted(missed):
        if missed[key] != listed.get(key):
            yield '%s: not reached (%s): %s' % (key[0], missed[key], key[1])
    for key in sorted(listed):
        if key not in missed:
            yield '%s: listed, but reached or gone: %s' % key
    _, lines, all_lines, branches, all_branches = total
    if all_lines == 0 or all_branches == 0:
        yield 'nothing was measured'
    if per_cent(lines, all_lines) < LINES:
        yield 'less than %g %% of the lines' % LINES
    if per_cent(branches, all_branches) < BRANCHES:
        yield 'less than %g %% of the branches' % BRANCHES


def read_list(text):
    listed = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith('#'):
            file, rest = line.split(' | ', 1)
            source, what, reason = rest.rsplit(' | ', 2)
            if not reason.strip():
                sys.exit('no reason: ' + line)
            listed[file.strip(), source.strip()] = what.strip()
    return listed


def data_files(build):
    for folder, _, names in os.walk(build):
        for name in names:
            if name.endswith('.gcda'):
                yield os.path.join(folder, name)


def gcov(path):
    done = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities',
                           '--demangled-names', os.path.basename(path)], check=True, text=True,
                          cwd=os.path.dirname(path), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def summarize(source, listed_path, build):
    source = os.path.realpath(source)
    coverage = Coverage()
    for path in data_files(build):
        for report in gcov(path):
            coverage.add(report, source)
    texts = {}

    def text_of(file, number):
        if file not in texts:
            with open(os.path.join(source, file), encoding='utf-8') as text:
                texts[file] = text.read().splitlines()
        return texts[file][number - 1].strip()

    rows = coverage.rows()
    print('%-18s %15s %17s' % ('', 'lines', 'branches'))
    for name, lines, all_lines, branches, all_branches in rows:
        print('%-18s %5d of %4d %4.0f%%  %5d of %4d %4.0f%%' % (
            name, lines, all_lines, per_cent(lines, all_lines), branches, all_branches,
            per_cent(branches, all_branches)))
    with open(listed_path, encoding='utf-8') as text:
        listed = read_list(text.read())
    total = rows[-1] if rows else ('all', 0, 0, 0, 0)
    complaints = list(judge(coverage.missed(text_of), listed, total))
    print('\n'.join(complaints) or '%.1f %% of the lines, %.1f %% of the branches; %d lines listed'
          % (per_cent(*total[1:3]), per_cent(*total[3:5]), len(listed)))
    return 1 if complaints else 0


def self_test():
    def report(first, second, throwing):
        branches = [{'count': first, 'throw': False}, {'count': second, 'throw': False},
                    {'count': throwing, 'throw': True}]
        lines = [{'line_number': n, 'count': first, 'function_name': 'f',
                  'branches': branches if n == 1 else []} for n in range(1, 3)]
        return {'current_working_directory': '/', 'files': [
            {'file': '/src/a.cpp', 'functions': [{'name': 'f', 'demangled_name': 'f<int>()'}],
             'lines': lines}]}

    def complaints(reports, listed):
        coverage = Coverage()
        for one in reports:
            coverage.add(one, '/src')
        rows = coverage.rows() or [('all', 0, 0, 0, 0)]
        return list(judge(coverage.missed(lambda _, n: 'line %d' % n), read_list(listed), rows[-1]))

    both, one, none = report(1, 1, 0), report(1, 0, 0), report(0, 0, 0)
    entry = 'a.cpp | line 1 | 1 | because\n'
    global BRANCHES
    BRANCHES, kept = 50.0, BRANCHES
    assert complaints([both], '') == []
    assert complaints([one, report(0, 1, 0)], '') == []  # by two tests together
    assert complaints([one], entry) == []
    assert complaints([one], '')  # not listed
    assert complaints([both], entry)  # reached, but listed
    assert complaints([one], entry.replace('| 1 |', '| 2 |'))  # another number
    assert complaints([none], 'a.cpp | line 1 | line | x\na.cpp | line 2 | line | x\n')  # too little
    assert complaints([], '')  # nothing measured
    BRANCHES = kept
    assert complaints([one], entry)  # too few branches
    print('each is noticed')
    return 0


if __name__ == '__main__':
    if sys.argv[1:] == ['--self-test']:
        sys.exit(self_test())
    sys.exit(summarize(*sys.argv[1:]))
