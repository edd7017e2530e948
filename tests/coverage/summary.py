#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lines and branches of src/ that the tests reached, as counted by gcov.

summary.py SRC BUILD     summarize all .gcda files below BUILD. Exit 1 if a line or branch without a
                         marker was not reached, if a marker is wrong, or if too little was reached
summary.py --self-test   show that each of these is reported

A line of source of which one branch cannot be reached has a marker with the reason, at its end or
in a comment of its own on the lines directly above it:

    if (a && b) { /* unreachable: a implies b, because ... */

    /* unreachable(2): no caller passes a null pointer; the check protects against
       a later one */
    return a != nullptr && b != nullptr;

The number is that of branches: gcov counts two for each operand of a condition. Without a number it
is one. `unreachable(line)` stands for a line that is not reached at all.

Branches that only an exception takes are not counted: src/ is compiled without exceptions."""
import collections
import json
import os
import re
import subprocess
import sys

LINES, BRANCHES = 100.0, 98.9  # per cent that must be reached

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.DOTALL)
MARKER = re.compile(r'(?:/\*+|//)[\s*]*unreachable(?:\((\w*)\))?:\s*(.*?)\s*(?:\*/)?$', re.DOTALL)
LOOKS_LIKE_ONE = re.compile(r'(?:/\*+|//)[\s*]*unreachable\b', re.IGNORECASE)


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
        """Add gcov's report on one object file."""
        for file in report['files']:
            path = os.path.normpath(os.path.join(report['current_working_directory'], file['file']))
            if not path.startswith(source + os.sep):
                continue
            name = os.path.relpath(path, source)
            functions = {f['name']: plain(f['demangled_name']) for f in file['functions']}
            for line in file['lines']:
                number = line['line_number']
                self.lines[name, number] += line['count']
                branches = [b for b in line['branches'] if not b['throw']]
                function = functions.get(line.get('function_name'), '')
                for i, branch in enumerate(branches):
                    self.branches[name, number, function, len(branches), i] += branch['count']

    def missed(self):
        """{(file, line): 'line' or the number of branches} of what was not reached."""
        found = {key: 'line' for key, times in self.lines.items() if times == 0}
        for (file, number, *_), times in self.branches.items():
            if times == 0 and found.get((file, number)) != 'line':
                found[file, number] = found.get((file, number), 0) + 1
        return {key: str(what) for key, what in found.items()}

    def rows(self):
        """(file, lines reached, lines, branches reached, branches); the last is the total."""
        table = collections.defaultdict(lambda: [0, 0, 0, 0])
        for counts, at in ((self.lines, 0), (self.branches, 2)):
            for key, times in counts.items():
                for row in (table[key[0]], table['\x7f']):
                    row[at] += times > 0
                    row[at + 1] += 1
        return [('all' if name == '\x7f' else name, *row) for name, row in sorted(table.items())]


def per_cent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def code_lines(text):
    """The numbers of the lines that have something other than comments."""
    blanked = COMMENT.sub(lambda match: re.sub(r'[^\n]', ' ', match.group()), text)
    return {number for number, line in enumerate(blanked.splitlines(), 1) if line.strip()}


def read_markers(file, text):
    """({(file, line): 'line' or the number of branches}, complaints)"""
    markers, complaints = {}, []
    code = code_lines(text)
    last = text.count('\n') + 1
    for comment in COMMENT.finditer(text):
        if not LOOKS_LIKE_ONE.match(comment.group()):
            continue
        number = text.count('\n', 0, comment.start()) + 1
        match = MARKER.match(comment.group())
        what = (match.group(1) or '1') if match else ''
        if not match or not match.group(2) or not re.fullmatch(r'line|[1-9][0-9]*', what):
            complaints.append('%s:%d: write /* unreachable: reason */, unreachable(2): or '
                              'unreachable(line):' % (file, number))
            continue
        # The line that it ends, or else the next line with code.
        while number not in code and number <= last:
            number += 1
        if number > last:
            complaints.append('%s: a marker at the end of the file' % file)
            continue
        if (file, number) in markers:
            complaints.append('%s:%d: two markers for one line' % (file, number))
        markers[file, number] = what
    return markers, complaints


def named(what):
    return 'the line' if what == 'line' else what + (' branch' if what == '1' else ' branches')


def judge(missed, markers, total):
    """Complaints."""
    for key in sorted(missed.keys() | markers.keys()):
        found, marked = missed.get(key), markers.get(key)
        if found == marked:
            continue
        if marked is None:
            yield '%s:%d: not reached: %s' % (*key, named(found))
        elif found is None:
            yield '%s:%d: marked as unreachable, but reached' % key
        else:
            yield '%s:%d: not reached: %s; marked: %s' % (*key, named(found), named(marked))
    _, lines, all_lines, branches, all_branches = total
    if all_lines == 0 or all_branches == 0:
        yield 'nothing was measured'
    if per_cent(lines, all_lines) < LINES:
        yield 'less than %g %% of the lines' % LINES
    if round(per_cent(branches, all_branches), 1) < BRANCHES:
        yield 'less than %g %% of the branches' % BRANCHES


def files_below(folder, *endings):
    for current, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.join(current, name)


def gcov(path):
    done = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities',
                           '--demangled-names', os.path.basename(path)], check=True, text=True,
                          cwd=os.path.dirname(path), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def summarize(source, build):
    source = os.path.realpath(source)
    coverage, texts, markers, complaints = Coverage(), {}, {}, []
    for path in files_below(build, '.gcda'):
        for report in gcov(path):
            coverage.add(report, source)
    for path in files_below(source, '.cpp', '.hpp'):
        file = os.path.relpath(path, source)
        with open(path, encoding='utf-8') as text:
            texts[file] = text.read()
        found, wrong = read_markers(file, texts[file])
        markers.update(found)
        complaints += wrong

    rows = coverage.rows()
    print('%-28s %15s %17s' % ('', 'lines', 'branches'))
    for name, lines, all_lines, branches, all_branches in rows:
        print('%-28s %5d of %4d %4.0f%%  %5d of %4d %4.0f%%' % (
            name, lines, all_lines, per_cent(lines, all_lines), branches, all_branches,
            per_cent(branches, all_branches)))
    total = rows[-1] if rows else ('all', 0, 0, 0, 0)
    complaints += judge(coverage.missed(), markers, total)
    for complaint in complaints:
        print(complaint)
        place = re.match(r'([^:]+):(\d+): (?:not reached|marked)', complaint)
        if place:
            print('    ' + texts[place.group(1)].splitlines()[int(place.group(2)) - 1].strip())
    print('%.1f %% of the lines, %.1f %% of the branches; %d lines marked, %d complaints' % (
        per_cent(*total[1:3]), per_cent(*total[3:5]), len(markers), len(complaints)))
    return 1 if complaints else 0


def test_judgement():
    def report(first, second, throwing):
        branches = [{'count': first, 'throw': False}, {'count': second, 'throw': False},
                    {'count': throwing, 'throw': True}]
        lines = [{'line_number': n, 'count': first, 'function_name': 'f',
                  'branches': branches if n == 1 else []} for n in range(1, 3)]
        return {'current_working_directory': '/', 'files': [
            {'file': '/src/state/a.cpp', 'functions': [{'name': 'f', 'demangled_name': 'f<int>()'}],
             'lines': lines},
            {'file': '/srcs/b.cpp', 'functions': [], 'lines': [
                {'line_number': 1, 'count': 0, 'branches': []}]}]}  # not below src/

    def complaints(reports, text):
        coverage = Coverage()
        for one in reports:
            coverage.add(one, '/src')
        rows = coverage.rows() or [('all', 0, 0, 0, 0)]
        markers, wrong = read_markers('state/a.cpp', text)
        return wrong + list(judge(coverage.missed(), markers, rows[-1]))

    both, one, none = report(1, 1, 0), report(1, 0, 0), report(0, 0, 0)
    marked = 'if (a) { /* unreachable: why */\n}\n'
    global BRANCHES
    BRANCHES, kept = 50.0, BRANCHES
    assert complaints([both], 'x\ny\n') == []
    assert complaints([one, report(0, 1, 0)], 'x\ny\n') == []  # by two tests together
    assert complaints([one], marked) == []
    assert complaints([one], 'x\ny\n')  # without a marker
    assert complaints([both], marked)  # reached, but marked
    assert complaints([one], marked.replace('unreachable', 'unreachable(2)'))  # another number
    assert complaints([one], 'x\n' + marked)  # the marker is on another line
    lines = 'x(); // unreachable(line): a\ny(); // unreachable(line): b\n'
    assert len(complaints([none], lines)) == 2  # too few lines, too few branches
    assert complaints([], '')  # nothing measured
    BRANCHES = kept
    assert complaints([one], marked)  # too few branches


def test_markers():
    def markers(text):
        found, wrong = read_markers('a.cpp', text)
        return {line: what for (_, line), what in found.items()}, len(wrong)

    assert markers('x; /* unreachable: why */\n') == ({1: '1'}, 0)
    assert markers('x; // unreachable(3): why\n') == ({1: '3'}, 0)
    assert markers('// unreachable: why\nx;\ny;\n') == ({2: '1'}, 0)
    assert markers('/* unreachable(line): why\n   and why */\n\n// more\nx;\n') == ({5: 'line'}, 0)
    assert markers('if (a &&\n    /* unreachable: why */\n    b)\n') == ({3: '1'}, 0)
    assert markers('x; /* reached */ // not unreachable: why\n') == ({}, 0)
    assert markers('x; /* unreachable: */\n') == ({}, 1)  # no reason
    assert markers('x; /* unreachable because of y */\n') == ({}, 1)
    assert markers('x; /* unreachable(some): why */\n') == ({}, 1)
    assert markers('x; /* unreachable(0): why */\n') == ({}, 1)
    assert markers('x;\n// unreachable: why\n') == ({}, 1)  # nothing follows
    assert markers('// unreachable: why\nx; // unreachable: why\n')[1] == 1  # two for one line


def self_test():
    test_judgement()
    test_markers()
    print('each fault is reported')
    return 0


if __name__ == '__main__':
    if sys.argv[1:] == ['--self-test']:
        sys.exit(self_test())
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(summarize(*sys.argv[1:]))
