#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Install the library into a temporary folder (the staging folder), then build and run a
program against the installed files.

usage: installed.py BUILD_DIR PREFIX CC PROGRAM.C -- MESON...

Another library named libraft may be installed on the machine, such as C-Raft's on Debian. Each
step therefore checks that the tools found this library. A negative test checks that is_ours()
tells the two apart."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

# In no other library of the name libraft.
DISTINCT_SYMBOLS = ('raft_configuration_at', 'raft_term_of', 'raft_last_stored')


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit('FAILED: %s\n%s%s' % (' '.join(command), done.stdout, done.stderr))
    return done.stdout


def is_ours(library):
    symbols = subprocess.run(['nm', '-D', '--defined-only', library], capture_output=True,
                             text=True, check=True).stdout.split()
    names = {symbol.split('@')[0] for symbol in symbols}
    return all(name in names for name in DISTINCT_SYMBOLS)


def one(pattern):
    found = glob.glob(pattern, recursive=True)
    if len(found) != 1:
        sys.exit(f'FAILED: {pattern} must match exactly one file, but matches {found}')
    return found[0]


def flags_from_pkg_config(stage, prefix):
    pc = one(os.path.join(stage, '**', 'pkgconfig', 'raft-core.pc'))
    env = dict(os.environ, PKG_CONFIG_LIBDIR=os.path.dirname(pc))
    env.pop('PKG_CONFIG_PATH', None)
    here = '--define-variable=prefix=' + stage + prefix
    version = run(['pkg-config', '--modversion', 'raft-core'], env=env).strip()
    flags = run(['pkg-config', here, '--cflags', '--libs', 'raft-core'], env=env).split()
    libdir = run(['pkg-config', here, '--variable=libdir', 'raft-core'], env=env).strip()
    print('pkg-config: raft-core', version, *flags)
    for flag in flags: # every path must be in the staging folder
        if flag.startswith(('-I', '-L')) and not flag[2:].startswith(stage):
            sys.exit(f'FAILED: pkg-config returns a path outside the staging folder: {flag}')
    return flags, libdir


def check_header(cc, program, cflags, stage):
    headers = run([cc, '-M', program, *cflags]).split()
    used = [h for h in headers if os.path.basename(h) == 'raft.h']
    if len(used) != 1 or not os.path.abspath(used[0]).startswith(stage):
        sys.exit(f'FAILED: the compiler used another header: {used}')


def check_shared(cc, program, flags, libdir, stage):
    binary = os.path.join(stage, 'dynamic')
    run([cc, '-std=c11', '-Wall', '-Werror', '-DSHOW_LIBRARY', program, *flags,
         '-Wl,-rpath,' + libdir, '-o', binary, '-ldl'])
    out = run([binary])
    print(out, end='')
    loaded = [line.split()[1] for line in out.splitlines() if line.startswith('library ')]
    if len(loaded) != 1 or not os.path.realpath(loaded[0]).startswith(stage):
        sys.exit(f'FAILED: raft_step() is not from the installed library: {loaded}')
    needed = run(['ldd', binary])
    mine = [line for line in needed.splitlines() if 'libraft' in line]
    if len(mine) != 1 or libdir not in mine[0]:
        sys.exit(f'FAILED: according to ldd, the program needs another library: {mine}')
    for other in ('libstdc++', 'libc++', 'libgcc_s', 'libsupc++'):
        if other in needed:
            sys.exit(f'FAILED: a C program needs {other}')
    if not is_ours(os.path.realpath(loaded[0])):
        sys.exit('FAILED: the program loaded a library without the symbols of this one')


def check_static(cc, program, cflags, libdir, stage):
    archive = os.path.join(libdir, 'libraft-core.a')
    for name, extra in (('archive', []), ('static', ['-static'])):
        binary = os.path.join(stage, name)
        run([cc, '-std=c11', program, *cflags, archive, *extra, '-o', binary])
        print(name + ':', run([binary]), end='')
        done = subprocess.run(['ldd', binary], capture_output=True, text=True, check=False)
        if 'libraft' in done.stdout or 'libstdc++' in done.stdout:
            sys.exit(f'FAILED: the program is linked with {archive}, but needs\n{done.stdout}')
        if extra and done.returncode == 0 and '=>' in done.stdout:
            sys.exit('FAILED: the program linked with -static needs shared libraries')


def check_the_check():
    """is_ours() must reject every other libraft on this machine."""
    others = [f for f in glob.glob('/usr/lib/*/libraft.so*') + glob.glob('/usr/lib/libraft.so*')
              if not os.path.islink(f)]
    for other in others:
        if is_ours(other):
            sys.exit(f'FAILED: is_ours() accepts {other}')
        print('is_ours() rejects', other)


def main():
    os.environ.pop('LD_LIBRARY_PATH', None) # Meson sets it to its build directory
    at = sys.argv.index('--')
    build, prefix, cc, program = sys.argv[1:at]
    meson = sys.argv[at + 1:]
    for tool in ('pkg-config', 'nm', 'ldd'):
        if shutil.which(tool) is None:
            print(f'skipped: {tool} is not installed')
            return 77
    with tempfile.TemporaryDirectory(dir=build) as stage:
        stage = os.path.realpath(stage)
        run([*meson, 'install', '-C', build, '--no-rebuild', '--destdir', stage,
             '--tags', 'runtime,devel'])
        flags, libdir = flags_from_pkg_config(stage, prefix)
        cflags = [f for f in flags if f.startswith('-I')]
        check_header(cc, program, cflags, stage)
        check_shared(cc, program, flags, libdir, stage)
        check_static(cc, program, cflags, libdir, stage)
    check_the_check()
    return 0


if __name__ == '__main__':
    sys.exit(main())
