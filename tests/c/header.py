#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compile the public header in every C and C++ standard: alone, included twice, with the example
from its first comment, and with a program whose switches have no default. Then compile it with
small enums: the header must refuse them, or give its own enums 4 bytes.

usage: header.py INCLUDE_DIR COMPILER...   repeated compilers are tried once"""
import os
import re
import subprocess
import sys
import tempfile

C = ['c11', 'c17', 'c2x']
CXX = ['c++11', 'c++17', 'c++20', 'c++23']
STRICT = ['-Wall', '-Wextra', '-pedantic-errors', '-Werror', '-Wundef']
SWITCHES = ['-Wswitch', '-Wswitch-enum']
STRICT_C = ['-Wc++-compat', '-Wstrict-prototypes']
ONCE = '#include <raft.h>\nint main(void) { return 0; }\n'
TWICE = '#include <raft.h>\n#include <raft.h>\nint main(void) { return 0; }\n'
# The functions that the example leaves to its reader.
EXAMPLE = '''#include <raft.h>
int next_event(struct raft_event *event);
raft_time read_clock(void);
void report(const char *text);
void save_and_sync(raft_term term, raft_id voted_for);
void start_writing_entries(const struct raft_update_entries *entries);
void start_writing_snapshot(const struct raft_update_snapshot *snapshot);
void send_messages(const struct raft_update_messages *messages);
void apply_up_to(raft_index index);
void set_timer(raft_time time);
void run(raft_id id, const char *address);
void run(raft_id id, const char *address) {
%s}
'''


HERE = os.path.dirname(os.path.abspath(__file__))
# Processors whose compilers have small enums, with and without -fshort-enums, and whether the
# compiler tells the preprocessor the size of enums (ARM does). clang needs no C library for them.
ENUM_TARGETS = [('arm-none-eabi', True), ('armv7a-none-eabihf', True), ('riscv32-none-elf', False)]


def read_file(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def read_header(include):
    return read_file(os.path.join(include, 'raft.h'))


def example_of(header):
    """A program with the code between @code and @endcode in the header's first comment."""
    lines = re.search(r' \* @code\{\.c\}\n(.*?) \* @endcode\n', header, re.S)[1]
    return EXAMPLE % re.sub(r'^ \* ?', '', lines, flags=re.M)


def compiles(compiler, language, standard, include, source, options=()):
    extension = '.c' if language == 'c' else '.cpp'
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'user' + extension)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(source)
        command = [compiler, '-x', language, '-std=' + standard, *STRICT,
                   *(STRICT_C if language == 'c' else []), *options, '-I', include,
                   '-fsyntax-only', path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stderr


def knows(compiler, language, standard):
    done = subprocess.run([compiler, '-x', language, '-std=' + standard, '-fsyntax-only', '-'],
                          input='int main(void) { return 0; }\n', capture_output=True, text=True,
                          check=False)
    return done.returncode == 0


def broken_cases(good):
    """Yield cases that must not compile: defect, header, program, language or 'both'."""
    end = '#endif /* RAFT_H */'
    yield 'no include guard', good.replace('#define RAFT_H\n', ''), TWICE, 'both'
    yield 'no stddef.h', good.replace('#include <stddef.h>\n', ''), ONCE, 'both'
    yield 'an old prototype', good.replace(end, 'int raft_old();\n' + end), ONCE, 'c'
    yield 'a GNU extension', good.replace(
        end, 'struct raft_gnu { int n; int rest[0]; };\n' + end), ONCE, 'both'
    yield 'a C++ keyword', good.replace(end, 'extern int class;\n' + end), ONCE, 'c++'
    yield 'an enumerator that a switch lacks', good.replace(
        'RAFT_BARRIER,', 'RAFT_BARRIER, RAFT_OTHER,'), SWITCH_PROGRAM, 'both'
    yield 'a missing field in the example', good, example_of(
        good.replace('&update.snapshot', '&update.snapshots')), 'both'


SWITCH_PROGRAM = read_file(os.path.join(HERE, 'switches.c'))


class Results:
    """Counts compilations, and prints those with an unexpected result."""

    def __init__(self):
        self.count = self.failed = 0

    def add(self, as_expected, text):
        self.count += 1
        if not as_expected:
            self.failed += 1
            print('FAILED: ' + text)


def check(compiler, language, standards, include, results):
    known = [s for s in standards if knows(compiler, language, s)]
    if not known:
        print(f'skipped: {compiler} supports none of {standards}')
        return
    header = read_header(include)
    check_enums(compiler, language, known[0], include, results)
    for standard in known:
        for source in (ONCE, TWICE, example_of(header)):
            ok, errors = compiles(compiler, language, standard, include, source)
            results.add(ok, f'{compiler} -std={standard}\n{errors}')
        ok, errors = compiles(compiler, language, standard, include, SWITCH_PROGRAM, SWITCHES)
        results.add(ok, f'{compiler} -std={standard}, switches\n{errors}')
    with tempfile.TemporaryDirectory() as folder:
        for defect, text, source, where in broken_cases(header):
            if where not in ('both', language):
                continue
            with open(os.path.join(folder, 'raft.h'), 'w', encoding='utf-8') as file:
                file.write(text)
            ok, _ = compiles(compiler, language, known[0], folder, source, SWITCHES)
            results.add(not ok, f'{compiler} -std={known[0]} accepts {defect}')


def check_enums(compiler, language, standard, include, results):
    """On the compiler's own processor, the header must refuse small enums in words."""
    small = ['-fshort-enums']
    ok, errors = compiles(compiler, language, standard, include, ONCE, small)
    arm = '__ARM_SIZEOF_MINIMAL_ENUM' in macros(compiler, small)
    results.add(ok if arm else not ok and 'compile without -fshort-enums' in errors,
                f'{compiler} -std={standard} -fshort-enums\n{errors}')
    # The layout test, for other processors.
    layout = read_file(os.path.join(HERE, 'layout.c'))
    for target, tells_size in ENUM_TARGETS:
        cross = ['--target=' + target, '-ffreestanding', '-nostdinc++']
        if not macros(compiler, cross):
            continue # not clang, or a clang without this processor
        for options in ([], ['-fno-short-enums'], small):
            ok, errors = compiles(compiler, language, standard, include, layout, cross + options)
            refused = not ok and 'compile without -fshort-enums' in errors
            results.add(refused if options == small and not tells_size else ok,
                        f'{compiler} -std={standard} {cross + options}\n{errors}')


def macros(compiler, options):
    """The predefined macros, or '' if the compiler does not know the options."""
    return subprocess.run([compiler, *options, '-dM', '-E', '-x', 'c', os.devnull], check=False,
                          capture_output=True, text=True).stdout


def main():
    include, compilers = sys.argv[1], sys.argv[2:]
    results = Results()
    for compiler in dict.fromkeys(compilers):
        check(compiler, 'c', C, include, results)
        check(compiler, 'c++', CXX, include, results)
    print(f'{results.count} compilations, {results.failed} with an unexpected result')
    return 1 if results.failed or results.count == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
