#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libraft and C-Raft on one machine: no file of one has the place of a file of the other, and a
program is built with each.

usage: beside.py PREFIX PROGRAM.C

PREFIX is where libraft was installed, PROGRAM.C a program for it. C-Raft is Debian's
libraft-dev."""
import os
import subprocess
import sys
import tempfile

THEIRS = '''#include <raft.h>
#include <stdio.h>
int main(void) {
    puts(raft_strerror(RAFT_NOTLEADER));
    return 0;
}
'''


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def places(files, prefix):
    """Paths below the prefix, without the folder that Debian names after the machine."""
    machine = run('cc', '-print-multiarch').strip()
    return {os.path.relpath(file, prefix).replace(f'lib/{machine}/', 'lib/') for file in files}

# A library that keeps its copy of libraft to itself, and a program that also uses C-Raft.
OUTER = '''#include <raft.h>
#include <stdio.h>
int inner(void);
int main(void) {
    puts(raft_strerror(RAFT_NOTLEADER));
    return inner();
}
'''
INNER = '''#include <raft.h>
int inner(void) { /* 0: raft_init() is libraft's; C-Raft's would read its other arguments */
    struct raft r;
    int error = raft_init(&r, 1, "1");
    error = error != 0 ? error : raft_seed(&r, 1); /* C-Raft has none */
    raft_close(&r);
    return error;
}
'''


def both_in_one_process(scratch, prefix, env):
    """As docs/guide/porting.rst says."""
    inner, outer = os.path.join(scratch, 'inner.c'), os.path.join(scratch, 'outer.c')
    for path, text in ((inner, INNER), (outer, OUTER)):
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
    library = os.path.join(scratch, 'libinner.so')
    run('cc', '-shared', '-fPIC', '-o', library, inner, '-I', prefix + '/include/raft-core',
        prefix + '/lib/libraft-core.a', '-Wl,--exclude-libs,ALL', '-Wl,-Bsymbolic')
    binary = os.path.join(scratch, 'both')
    flags = run('pkg-config', '--cflags', '--libs', 'raft', env=env).split()
    run('cc', '-o', binary, outer, *flags, library, '-Wl,-rpath,' + scratch, env=env)
    run(binary, env=env)
    print('ok both in one process')


def main():
    prefix, program = os.path.abspath(sys.argv[1]), sys.argv[2]
    ours = places([os.path.join(where, name) for where, _, names in os.walk(prefix)
                   for name in names], prefix)
    listed = run('dpkg', '-L', 'libraft-dev', 'libraft2').split()
    theirs = places([file for file in listed if not os.path.isdir(file)], '/usr')
    if not any(name.endswith('raft.h') for name in ours & {'include/raft-core/raft.h'}):
        sys.exit('FAILED: libraft is not in ' + prefix)
    if 'include/raft.h' not in theirs or ours & theirs:
        sys.exit(f'FAILED: files of both: {sorted(ours & theirs)}')

    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(prefix, 'lib', 'pkgconfig'),
               LD_LIBRARY_PATH=os.path.join(prefix, 'lib'))
    with tempfile.TemporaryDirectory() as scratch:
        source = os.path.join(scratch, 'theirs.c')
        with open(source, 'w', encoding='utf-8') as file:
            file.write(THEIRS)
        for package, text, library in (('raft', source, 'libraft.so.2'),
                                       ('raft-core', program, 'libraft-core.so.1')):
            binary = os.path.join(scratch, package)
            flags = run('pkg-config', '--cflags', '--libs', package, env=env).split()
            run('cc', '-o', binary, text, *flags, env=env)
            needed = [line.split()[0] for line in run('ldd', binary, env=env).splitlines()
                      if 'libraft' in line]
            if needed != [library]:
                sys.exit(f'FAILED: with the flags of {package}, the program needs {needed}')
            run(binary, env=env)
            print('ok', package, 'is', library)
        both_in_one_process(scratch, prefix, env)


if __name__ == '__main__':
    main()
