#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same seeds give the same updates, field for field, with every build of the library.

variants.py --root DIR --build DIR [--jobs N] [--insist] [--few | --platforms]

Builds the core with every compiler, optimization and word size of the table below, links each
with the program beside this file, and compares the digests of all seeded clusters; also those of
a core without the fast path. Negative tests: a changed constant, a type that is as wide as the
machine's word and a number in the machine's byte order must each change a digest. A machine of 32
bits refuses configurations that are larger than its memory; a size that wraps must be noticed.
With --few, only some variants are built: those of the negative tests that need no emulator.
Variants that cannot be built here are left out; with --insist that is a failure. Exit 77: fewer
than two variants, nothing to compare."""
import argparse
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys

# <asm/errno.h> and other headers are where a 32-bit compiler of Debian does not look.
WIDTH_32 = ['-m32', '-idirafter', '/usr/include/x86_64-linux-gnu']
BIG = ['-static']
EMULATOR = ['qemu-s390x']

# name: (compiler, flags of the architecture, optimization, what runs it)
VARIANTS = {
    'gcc -O0': ('g++', [], '-O0', []),
    'gcc -O2': ('g++', [], '-O2', []),
    'gcc -O3': ('g++', [], '-O3', []),
    'clang -O0': ('clang++', [], '-O0', []),
    'clang -O2': ('clang++', [], '-O2', []),
    'gcc -m32 -O0': ('g++', WIDTH_32, '-O0', []),
    'gcc -m32 -O2': ('g++', WIDTH_32, '-O2', []),
    'clang -m32 -O2': ('clang++', WIDTH_32, '-O2', []),
    'big-endian s390x, gcc -O2': ('s390x-linux-gnu-g++', BIG, '-O2', EMULATOR),
}


def foreign(machine):
    """A cross compiler of Debian, and qemu-user. The names of the machine differ."""
    names = {'arm-linux-gnueabihf': 'arm', 'powerpc64le-linux-gnu': 'ppc64le'}
    qemu = 'qemu-' + names.get(machine, machine.split('-')[0])
    return (machine + '-g++', BIG, '-O2', [qemu])


# With --platforms: what tools/platforms has installed.
PLATFORMS = {
    'aarch64': foreign('aarch64-linux-gnu'),
    'armhf, 32 bits': foreign('arm-linux-gnueabihf'),
    'riscv64': foreign('riscv64-linux-gnu'),
    'ppc64el': foreign('powerpc64le-linux-gnu'),
    'Windows, MinGW': ('x86_64-w64-mingw32-g++-posix', BIG, '-O2', ['wine']),
    'libc++': ('clang++', ['-stdlib=libc++'], '-O2', []),
}

FEW = ('gcc -O0', 'gcc -O2', 'clang -O2', 'gcc -m32 -O0')

# name: (variant, file, text, its replacement)
EQUAL = {
    'without the fast path': (
        'gcc -O2', 'step.cpp',
        'INVARIANT(s.fast_path == FastPath::kNone || s.fast_path == fast_path::find(s));',
        's.fast_path = FastPath::kNone;'),
}
BROKEN = {
    'a changed constant': (
        'gcc -O0', 'base/random.hpp', '0x9e3779b9U', '0x9e3779b7U'),
    'a type as wide as the word': (
        'gcc -m32 -O0', 'base/random.hpp', 'uint64_t{next()} * bound) >> 32',
        'static_cast<uintptr_t>(next()) * bound) >> (sizeof(uintptr_t) * 8 - 32)'),
    'a size that wraps': (
        'gcc -m32 -O0', 'state/configuration.cpp', 'uint64_t size = sizeof(Configuration)',
        'size_t size = sizeof(Configuration)'),
    "the machine's byte order": (
        'big-endian s390x, gcc -O2', 'base/bytes.hpp',
        'static_cast<unsigned char>(value >> (8 * i))',
        'reinterpret_cast<const unsigned char *>(&value)[i]'),
}

CORE_FLAGS = ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics', '-Wall',
              '-Wextra', '-Wpedantic', '-Wshadow', '-Wold-style-cast', '-Werror']
PROGRAM_FLAGS = ['-std=c++20', '-O1', '-Wall', '-Wextra', '-Wpedantic']


def files(folder, *endings):
    return sorted(os.path.join(where, name) for where, _, names in os.walk(folder)
                  for name in names if name.endswith(endings))


class Builder:
    def __init__(self, root, build, jobs):
        self.root, self.build = root, build
        here = os.path.dirname(os.path.abspath(__file__))
        # The program uses the public header alone; these two folders also hold what does not.
        beside = {'observe': ('answers', 'fields', 'record'),
                  'driver': ('carry_out', 'disk', 'driver', 'follow', 'judge', 'judge_messages',
                             'judge_sleep', 'judge_step', 'message', 'random', 'types', 'view')}
        self.program = files(here, '.cpp', '.hpp') + [
            path for folder, names in beside.items()
            for path in files(os.path.join(here, '..', folder), '.cpp', '.hpp')
            if os.path.basename(path)[:-4] in names]
        self.include = os.path.join(root, 'include')
        self.cache = [shutil.which('ccache')] if shutil.which('ccache') else []
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.compiling = {}  # by object: variants share some

    def run(self, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit('%s\n%s' % (' '.join(command), done.stdout))

    def compile(self, command, target):
        self.run(command + ['-o', target + '.new'])
        os.rename(target + '.new', target)

    def objects(self, compiler, flags, sources, key):
        """Compile, unless the same was compiled before: `key` is a digest of all sources."""
        stamp = hashlib.sha256(repr((compiler, flags, sources, key)).encode()).hexdigest()[:16]
        folder = os.path.join(self.build, stamp)
        os.makedirs(folder, exist_ok=True)
        objects = [os.path.join(folder, os.path.basename(s) + '.o') for s in sources]
        for source, target in zip(sources, objects):
            if target not in self.compiling and not os.path.exists(target):
                command = self.cache + [compiler] + flags + ['-c', source]
                self.compiling[target] = self.pool.submit(self.compile, command, target)
        return objects

    def begin(self, variant, source_dir):
        """Start compiling; what it returns is for link()."""
        compiler, arch, level, _ = VARIANTS[variant]
        # The program is built once for each architecture, by gcc: only the core is compared. One
        # C++ library cannot take the objects of another, so libc++ has a program of its own.
        same = compiler == 'clang++' and '-stdlib=libc++' not in arch
        program_compiler = 'g++' if same else compiler
        core_key = content(files(source_dir, '.cpp', '.hpp') + files(self.include, '.h'))
        program_key = content(self.program + files(self.include, '.h'))
        common = arch + ['-I' + self.include]
        core = self.objects(compiler, CORE_FLAGS + [level] + common + ['-I' + source_dir],
                            files(source_dir, '.cpp'), core_key)
        sources = [name for name in self.program if name.endswith('.cpp')]
        program = self.objects(program_compiler, PROGRAM_FLAGS + common, sources, program_key)
        return program_compiler, arch, core + program

    def link(self, begun, name):
        compiler, arch, objects = begun
        for target in objects:
            if target in self.compiling:
                self.compiling[target].result()
        program = executable(os.path.join(self.build, re.sub(r'\W+', '-', name)), compiler)
        self.run([compiler] + arch + objects + ['-o', program])
        return program


def content(paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, 'rb') as file:
            digest.update(os.path.basename(path).encode() + b'\0' + file.read() + b'\0')
    return digest.hexdigest()


def executable(path, compiler):
    """The name that the linker gives it: Wine runs programs of Linux, too."""
    return path + '.exe' if 'mingw' in compiler else path


def available(variant, build):
    compiler, arch, _, runner = VARIANTS[variant]
    if not shutil.which(compiler) or (runner and not shutil.which(runner[0])):
        return False
    # A compiler for 32 bits may be there without its libraries.
    probe = executable(os.path.join(build, 'probe'), compiler)
    done = subprocess.run([compiler] + arch + ['-x', 'c++', '-', '-o', probe], text=True,
                          input='#include <vector>\n#include <cstdlib>\nint main() {}\n',
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0 and subprocess.run(runner + [probe]).returncode == 0


def stream(program, runner):
    done = subprocess.run(runner + [program], stdout=subprocess.PIPE, text=True)
    return done.returncode, [line.rstrip('\r') for line in done.stdout.splitlines()]


def first_difference(lines, others):
    for line, other in zip(lines, others):
        if line != other:
            return '%s is not %s' % (other, line)
    return '%d lines are not %d' % (len(others), len(lines))


def change_copy(source, copy, file, what, instead):
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    path = os.path.join(copy, file)
    with open(path, encoding='utf-8') as original:
        text = original.read()
    if text.count(what) != 1:
        sys.exit('not once in %s: %s' % (file, what))
    with open(path, 'w', encoding='utf-8') as changed:
        changed.write(text.replace(what, instead))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--root', required=True)
    parser.add_argument('--build', required=True)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--insist', action='store_true')
    parser.add_argument('--few', action='store_true')
    parser.add_argument('--platforms', action='store_true')
    options = parser.parse_args()
    os.makedirs(options.build, exist_ok=True)
    if options.platforms:
        VARIANTS.update(PLATFORMS)
    source = os.path.join(os.path.abspath(options.root), 'src')
    builder = Builder(os.path.abspath(options.root), options.build, options.jobs)
    if options.few:
        for variant in set(VARIANTS) - set(FEW):
            del VARIANTS[variant]
    present = [v for v in VARIANTS if available(v, options.build)]
    failed = False
    for variant in VARIANTS:
        if variant not in present:
            print('not here: ' + variant)
            failed |= options.insist
    if len(present) < 2:
        sys.exit(1 if failed else 77)

    begun = {name: builder.begin(name, source) for name in present}
    reference = None
    for name in present:
        code, lines = stream(builder.link(begun[name], name), VARIANTS[name][3])
        if reference is None:
            reference = lines
        if code != 0:
            print('\n'.join(lines[-10:]))
        same = lines == reference
        verdict = 'ok    ' if code == 0 and same else 'FAILED'
        print('%s  %s: %d lines%s' % (verdict, name, len(lines),
                                      '' if same else ': ' + first_difference(reference, lines)))
        failed |= code != 0 or not same
    print(reference[-1])

    for name, change in {**EQUAL, **BROKEN}.items():
        variant = change[0]
        if variant not in present:
            continue
        copy = os.path.join(options.build, 'changed', re.sub(r'\W+', '-', name))
        change_copy(source, copy, *change[1:])
        code, lines = stream(builder.link(builder.begin(variant, copy), name),
                             VARIANTS[variant][3])
        same = code == 0 and lines == reference
        fine = same == (name in EQUAL)
        print('%s  %s: %s' % ('ok    ' if fine else 'FAILED', name,
                              'the same' if same else first_difference(reference, lines)))
        failed |= not fine
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
