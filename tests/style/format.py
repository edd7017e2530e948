#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that all C and C++ files are formatted as .clang-format says.

format.py ROOT           name the files that are not; exit 1 if there is one
format.py --fix ROOT     format them
format.py --self-test    show that a file which is not formatted is reported

.clang-format is written for clang-format 14; other versions format differently. Without version 14
every call says so and exits with 77, which Meson counts as skipped."""
import os
import shutil
import subprocess
import sys
import tempfile

import tree

VERSION = '14'
SKIP = 77


def find_clang_format():
    """The path of clang-format 14, or None after saying what is there instead."""
    for name in ('clang-format-' + VERSION, 'clang-format'):
        path = shutil.which(name)
        if path is None:
            continue
        said = subprocess.run([path, '--version'], stdout=subprocess.PIPE, text=True).stdout
        if f'version {VERSION}.' in said:
            return path
        print(f'{path} is not version {VERSION}: {said.strip()}')
    print(f'clang-format {VERSION} is not installed: the formatting is not checked')
    return None


def unformatted(clang_format, root, paths):
    """Those of the files that clang-format would change."""
    done = subprocess.run([clang_format, '--dry-run', '--ferror-limit=1', *paths], cwd=root,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    warned = {line.split(':', 1)[0] for line in done.stderr.splitlines()
              if '[-Wclang-format-violations]' in line}
    return sorted(warned)


def self_test(clang_format, style):
    with tempfile.TemporaryDirectory() as folder:
        with open(style, encoding='utf-8') as file:
            tree.write(folder, {'.clang-format': file.read(),
                                'src/good.cpp': 'int f(int x) { return x; }\n',
                                'src/bad.cpp': 'int f(int x)\n{\n  return x;\n}\n'})
        found = unformatted(clang_format, folder, ['src/good.cpp', 'src/bad.cpp'])
    print('reported:', *found)
    return 0 if found == ['src/bad.cpp'] else 1


def main():
    arguments = sys.argv[1:]
    if not arguments:
        sys.exit(__doc__)
    clang_format = find_clang_format()
    if clang_format is None:
        return SKIP
    if arguments == ['--self-test']:
        here = os.path.dirname(os.path.abspath(__file__))
        return self_test(clang_format, os.path.join(here, '../../.clang-format'))
    root = arguments[-1]
    paths = [path for path in tree.files(root) if tree.is_c(path)]
    if not paths:
        sys.exit(f'{root}: no C or C++ files')
    found = unformatted(clang_format, root, paths)
    if arguments[0] == '--fix' and found:
        subprocess.run([clang_format, '-i', *found], cwd=root, check=True)
        print('formatted:', *found)
        return 0
    for path in found:
        print(f'{path}: not formatted; run tools/format')
    print(f'{len(paths)} files, {len(found)} not formatted')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
