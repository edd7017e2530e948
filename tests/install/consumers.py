#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Build a program against libraft in each way that a user would, and run it.

usage: consumers.py ROOT PREFIX PROGRAM.C MESON...

PREFIX is where the library was installed; ROOT is its source. Each way must use the library that
it names: the program is asked which libraries it needs. An example, the quick start, is the
program. The lines for CMake, Meson and the compiler alone are those of
docs/guide/building.rst."""
import os
import re
import shutil
import subprocess
import sys
import tempfile


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit('FAILED: %s\n%s%s' % (' '.join(command), done.stdout, done.stderr))
    return done.stdout


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def blocks(root, language):
    """The blocks of a language in the guide to building."""
    with open(os.path.join(root, 'docs/guide/building.rst'), encoding='utf-8') as file:
        text = file.read()
    found = re.findall(rf'^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)', text, re.M)
    return [re.sub(r'^   ', '', block, flags=re.M) for block in found]


def judge(way, program, shared, libraries=None):
    """Run the program. `shared`: it must need the shared library, which is in this folder."""
    env = dict(os.environ)
    if libraries:
        env['LD_LIBRARY_PATH'] = libraries
    needed = subprocess.run(['ldd', program], capture_output=True, text=True, env=env,
                            check=False).stdout
    lines = [line for line in needed.splitlines() if 'libraft' in line]
    if shared != bool(lines) or any('not found' in line for line in lines):
        sys.exit(f'FAILED: {way}: according to ldd, the program needs\n{needed}')
    if shared and libraries and libraries not in lines[0]:
        sys.exit(f'FAILED: {way}: another library is used: {lines[0]}')
    for other in ('libstdc++', 'libc++', 'libgcc_s'):
        if other in needed:
            sys.exit(f'FAILED: {way}: a C program needs {other}')
    run([program], env=env)
    print('ok', way)


def size(scratch, root, prefix):
    """README's size of the stripped library, within a tenth, because compilers differ."""
    stripped = os.path.join(scratch, 'stripped')
    run(['strip', '-o', stripped, os.path.join(prefix, 'lib', 'libraft-core.so')])
    measured = os.path.getsize(stripped) / 1000
    with open(os.path.join(root, 'README.md'), encoding='utf-8') as file:
        said = re.search(r'shared library, stripped \| (\d+) kB', file.read())
    if said is None or abs(int(said[1]) - measured) > measured / 10:
        sys.exit(f'FAILED: README does not say that the stripped library has {measured:.0f} kB')
    print(f'ok the size, {measured:.0f} kB')


def pkg_config(scratch, prefix, source):
    libdir = os.path.join(prefix, 'lib')
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(libdir, 'pkgconfig'))
    flags = run(['pkg-config', '--cflags', '--libs', 'raft-core'], env=env).split()
    program = os.path.join(scratch, 'pkg-config')
    headers = run(['cc', '-M', source, *flags])
    if os.path.join(prefix, 'include', 'raft-core', 'raft.h') not in headers:
        sys.exit('FAILED: pkg-config: another raft.h is used:\n' + headers)
    run(['cc', '-std=c11', '-Wall', '-Wextra', '-Werror', '-o', program, source, *flags])
    judge('pkg-config', program, True, libdir)
    cflags = [flag for flag in flags if flag.startswith('-I')]
    archive = os.path.join(libdir, 'libraft-core.a')
    run(['cc', '-std=c11', '-o', program, *cflags, source, archive, '-static'])
    judge('the archive, -static', program, False)


def without_build_system(scratch, root, source):
    """The lines of the guide, with the source in the folder libraft."""
    lines, = [block for block in blocks(root, 'sh') if 'c++ -std=c++20' in block]
    folder = os.path.join(scratch, 'by-hand')
    os.makedirs(folder)
    os.symlink(root, os.path.join(folder, 'libraft'))
    shutil.copy2(source, os.path.join(folder, 'app.c'))
    run(['sh', '-e', '-c', lines], cwd=folder)
    judge('the compiler alone', os.path.join(folder, 'a.out'), False)


CMAKE = '''cmake_minimum_required(VERSION 3.16)
project(user LANGUAGES C)
add_executable(app %s)
%s'''


def cmake(scratch, way, lines, source, shared, options=()):
    folder = os.path.join(scratch, way.replace(' ', '-'))
    write(os.path.join(folder, 'CMakeLists.txt'), CMAKE % (source, lines))
    build = os.path.join(folder, 'build')
    run(['cmake', '-G', 'Ninja', '-S', folder, '-B', build, '-DCMAKE_BUILD_TYPE=Debug', *options])
    run(['cmake', '--build', build])
    judge('CMake, ' + way, os.path.join(build, 'app'), shared)


def cmake_ways(scratch, root, prefix, source):
    installed, included = blocks(root, 'cmake')
    found = re.sub(r'\(raft-core 1\.0 ', '(raft-core ${VERSION} ', installed)
    if found == installed:
        sys.exit('FAILED: the guide to building does not ask for raft-core 1.0')
    found = 'if(NOT VERSION)\n  set(VERSION 1.0)\nendif()\n' + found
    static = found.replace('raft-core::raft-core', 'raft-core::static')
    here = ['-DCMAKE_PREFIX_PATH=' + prefix]
    cmake(scratch, 'find_package', found, source, True, here)
    cmake(scratch, 'find_package static', static, source, False, here)
    for version in ('2.0', '1.99'): # another major version, and a later one
        if subprocess.run(['cmake', '-S', os.path.join(scratch, 'find_package'), '-B',
                           os.path.join(scratch, 'refused'), f'-DVERSION={version}', *here],
                          capture_output=True, check=False).returncode == 0:
            sys.exit('FAILED: find_package accepts version ' + version)
    os.makedirs(os.path.join(scratch, 'add_subdirectory'))
    os.symlink(root, os.path.join(scratch, 'add_subdirectory', 'libraft'))
    cmake(scratch, 'add_subdirectory', included, source, True, ['-DBUILD_SHARED_LIBS=ON'])


# What a user's subprojects/libraft.wrap holds.
WRAP = '''[wrap-file]
directory = libraft

[provide]
dependency_names = raft-core
'''


def meson_subproject(scratch, root, source, meson):
    folder = os.path.join(scratch, 'meson')
    lines, = blocks(root, 'meson')
    write(os.path.join(folder, 'meson.build'), "project('user', 'c')\n" + lines)
    write(os.path.join(folder, 'subprojects', 'libraft.wrap'), WRAP)
    copied = run(['git', '-C', root, 'ls-files', '-z', '--', 'meson.build', 'meson_options.txt',
                  'src', 'include', 'abi', 'packaging', 'LICENSE', 'docs', 'bench', 'tests', 'apps',
                  'examples']).split('\0')
    for name in copied:
        if name and os.path.exists(os.path.join(root, name)):
            target = os.path.join(folder, 'subprojects', 'libraft', name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(root, name), target)
    shutil.copy2(source, os.path.join(folder, 'app.c'))
    build = os.path.join(folder, 'build')
    run([*meson, 'setup', build, folder, '--wrap-mode=forcefallback', '-Ddefault_library=static',
         '-Doptimization=0'])
    run([*meson, 'compile', '-C', build])
    judge('Meson subproject, static', os.path.join(build, 'app'), False)
    targets = run([*meson, 'introspect', '--targets', build]).count('"build_by_default": true')
    if targets > 5:
        sys.exit(f'FAILED: the subproject builds {targets} targets')


def read(root, name):
    with open(os.path.join(root, name), encoding='utf-8') as file:
        return file.read()


def shell(commands, folder, prefix):
    """Run the commands of a page for users who have installed the library at the prefix."""
    libdir = os.path.join(prefix, 'lib')
    path = os.pathsep.join([os.path.join(libdir, 'pkgconfig'),
                            os.environ.get('PKG_CONFIG_PATH', '')])
    env = dict(os.environ, PKG_CONFIG_PATH=path, LD_LIBRARY_PATH=libdir)
    return run(['bash', '-e', '-c', commands], cwd=folder, env=env)


def minimal(scratch, root, prefix):
    """Copy raft-minimal as its README says. A copy compiles, and says how it is used."""
    page = read(root, 'examples/minimal/README.md')
    commands = re.search(r'## Copy it\n.*?```sh\n(.*?)```', page, re.S)[1]
    shell(commands.replace('/tmp', scratch), root, prefix)
    program = os.path.join(scratch, 'map', 'minimal', 'raft-minimal')
    usage = subprocess.run([program], capture_output=True, text=True, check=False,
                           env=dict(os.environ, LD_LIBRARY_PATH=os.path.join(prefix, 'lib'))).stderr
    if not usage.startswith('usage:'):
        sys.exit('FAILED: a copy of raft-minimal prints ' + usage)
    print('ok raft-minimal, copied as its README says')


def simulator(scratch, root, prefix):
    """The commands of the guide, in a copy of the folder. They print what the guide quotes."""
    for folder in ('simulator', 'wire'):
        shutil.copytree(os.path.join(root, 'examples', folder),
                        os.path.join(scratch, 'examples', folder))
    page = read(root, 'docs/guide/testing.rst')
    commands, output = re.search(r'^\.\. code-block:: sh\n\n((?:   .*\n)+)\n'
                                 r'\.\. code-block:: text\n\n((?:   .*\n)+)', page, re.M).groups()
    printed = shell(commands, scratch, prefix)
    if printed.split() != output.split():
        sys.exit('FAILED: the simulator prints\n%sand not, as its guide says\n%s' %
                 (printed, output))
    print('ok the simulator, as its guide says')


def main():
    root, prefix, source = (os.path.abspath(path) for path in sys.argv[1:4])
    os.environ.pop('LD_LIBRARY_PATH', None)
    with tempfile.TemporaryDirectory() as scratch:
        size(scratch, root, prefix)
        pkg_config(scratch, prefix, source)
        without_build_system(scratch, root, source)
        cmake_ways(scratch, root, prefix, source)
        meson_subproject(scratch, root, source, sys.argv[4:])
        simulator(scratch, root, prefix)
        minimal(scratch, root, prefix)


if __name__ == '__main__':
    main()
