#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compile the public header alone, and twice included, in every standard.

header.py INCLUDE_DIR COMPILER...   each compiler once; which language it speaks is asked."""
import os
import subprocess
import sys
import tempfile

C = ['c11', 'c17', 'c2x']
CXX = ['c++11', 'c++17', 'c++20', 'c++23']
STRICT = ['-Wall', '-Wextra', '-pedantic-errors', '-Werror', '-Wundef']
STRICT_C = ['-Wc++-compat', '-Wstrict-prototypes']
ONCE = '#include <raft.h>\nint main(void) { return 0; }\n'
TWICE = '#include <raft.h>\n#include <raft.h>\nint main(void) { return 0; }\n'


def compiles(compiler, language, standard, include, source):
    extension = '.c' if language == 'c' else '.cpp'
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'user' + extension)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(source)
        command = [compiler, '-x', language, '-std=' + standard, *STRICT,
                   *(STRICT_C if language == 'c' else []), '-I', include, '-fsyntax-only', path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stderr


def knows(compiler, language, standard):
    done = subprocess.run([compiler, '-x', language, '-std=' + standard, '-fsyntax-only', '-'],
                          input='int main(void) { return 0; }\n', capture_output=True, text=True,
                          check=False)
    return done.returncode == 0


def broken_copies(include, folder):
    """Headers that each break one promise: the check must notice."""
    with open(os.path.join(include, 'raft.h'), encoding='utf-8') as file:
        good = file.read()
    yield 'no guard', good.replace('#define RAFT_H\n', ''), TWICE, 'both'
    yield 'no stddef.h', good.replace('#include <stddef.h>\n', ''), ONCE, 'both'
    yield 'old prototype', good.replace('#endif /* RAFT_H */',
                                        'int raft_old();\n#endif /* RAFT_H */'), ONCE, 'c'
    yield 'GNU extension', good.replace('#endif /* RAFT_H */',
                                        'struct raft_gnu { int n; int rest[0]; };\n#endif'
                                        ), ONCE, 'both'
    yield 'C only', good.replace('#endif /* RAFT_H */', 'extern int class;\n#endif'), ONCE, 'c++'


def main():
    include, compilers = sys.argv[1], sys.argv[2:]
    failed = count = 0
    for compiler in dict.fromkeys(compilers):
        for language, standards in (('c', C), ('c++', CXX)):
            known = [s for s in standards if knows(compiler, language, s)]
            if not known:
                print(f'{compiler} knows no {language} standard of {standards}: skipped')
            for standard in known:
                for source in (ONCE, TWICE):
                    ok, errors = compiles(compiler, language, standard, include, source)
                    count += 1
                    if not ok:
                        failed += 1
                        print(f'FAILED: {compiler} -std={standard}\n{errors}')
            if not known:
                continue
            with tempfile.TemporaryDirectory() as folder:
                for name, text, source, where in broken_copies(include, folder):
                    if where not in ('both', language):
                        continue
                    with open(os.path.join(folder, 'raft.h'), 'w', encoding='utf-8') as file:
                        file.write(text)
                    ok, _ = compiles(compiler, language, known[0], folder, source)
                    count += 1
                    if ok:
                        failed += 1
                        print(f'FAILED: {compiler} -std={known[0]} accepts a header with: {name}')
    print(f'{count} compilations, {failed} not as expected')
    return 1 if failed or count == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
