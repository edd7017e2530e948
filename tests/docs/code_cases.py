# SPDX-License-Identifier: MIT
"""Cases for the self-test of code.py: pages of one block, judged as parts of the real tree."""


def rst(language, *lines):
    return '.. code-block:: %s\n\n' % language + ''.join('   %s\n' % line for line in lines)


def quote(path):
    return '.. literalinclude:: %s\n   :language: c\n' % path


BREACHES = {  # what is wrong: (a page, a part of the complaint)
    'a quotation of nothing': (quote('none.c'), 'does not exist'),
    'a quotation of a file that is not tested': (quote('Doxyfile'), 'no test compiles or reads'),
    'C with an error': (rst('c', 'raft_step(&raft, &event);'), 'c that no test'),
    'C with a function that does not exist': (rst('c', 'raft_stop(&raft);'), 'c that no test'),
    'Python in no test': (rst('python', 'print(1)'), 'python that no test'),
    'an unknown language': (rst('fortran', 'STOP'), 'language "fortran"'),
    'no language': ('.. code-block::\n\n   x\n', 'language ""'),
    'a paragraph with two colons': ('So::\n\n   x = 1\n', 'without a language'),
    'another directive': ('.. parsed-literal::\n\n   x\n', '`parsed-literal`'),
    'shell with an error': (rst('sh', "echo 'x"), 'syntax'),
    'no such program': (rst('sh', 'sudo raft-nothing'), 'no program'),
    'no such program behind another': (rst('sh', 'echo x | raft-nothing'), 'no program'),
    'no such program inside': (rst('sh', 'echo $(raft-nothing)'), 'no program'),
    'no such tool': (rst('sh', 'tools/none'), 'no program'),
    'no such script': (rst('sh', 'python3 tests/none.py'), 'no `tests/none.py`'),
    'not built': (rst('sh', 'build/test/tests/none'), 'no program'),
    'no such option': (rst('sh', 'tools/mutants --none'), 'no option `--none`'),
    'no such option of a script that a tool calls': (rst('sh', 'tools/mutants --only lease --nil'),
                                                     'no option `--nil`'),
    'no such command of a tool': (rst('sh', 'tools/soak sometimes'), 'does not know'),
    'no such file': (rst('sh', 'cc docs/examples/none.c'), 'no `docs/examples/none.c`'),
    'no such suite': (rst('sh', 'meson test -C build --suite none'), 'the suite `none`'),
    'no such setup': (rst('sh', 'meson test -C build --setup none'), 'no setup `none`'),
    'no such option of Meson': (rst('sh', 'meson setup build -Dnone=1'), 'no option `none`'),
    'no such target': (rst('sh', 'ninja -C build none'), 'no target `none`'),
    'a command in a text': (rst('text', '$ tools/none', 'output'), 'no program'),
}
FINE = {
    'quotations': quote('examples/loop.c') + quote('examples/cluster.h') +
                  quote('reference/wire-vectors.txt'),
    'C that compiles': rst('c', 'raft_close(&raft);') + rst('c', 'int n(void);'),
    'a part of a program': rst('c', 'if (due <= time) {  /* a comment */', '  return 0;') +
                           rst('go', 'raw, err := raft.Encode(m, n.raft.ID(), n.address)'),
    'text': rst('text', 'raft-nothing'),
    'shell': rst('sh', 'sudo meson setup build -Dtests=enabled --libdir=lib && cd build',
                 'X=1 python3 tests/style/text.py . # a comment', 'tools/test quick',
                 'for i in 1 2; do tools/mutants --only lease \\', '  --check; done | head -n 1',
                 'meson test -C build/test --setup valgrind --suite scenario'),
}


def run(judge):
    """The exit status of the self-test."""
    failed = 0
    for what, (page, part) in BREACHES.items():
        complaints = list(judge.page('docs/page.rst', page))
        if len(complaints) != 1 or part not in complaints[0]:
            failed += 1
            print(f'FAILED: {what}: expected one complaint with "{part}": {complaints}')
    fenced = list(judge.page('page.md', '- x\n\n  ```c\n  none();\n  ```\n'))
    if [complaint.split(': ')[0] for complaint in fenced] != ['page.md:3']:
        failed += 1
        print(f'FAILED: a fence of Markdown: {fenced}')
    for what, page in FINE.items():
        complaints = list(judge.page('docs/page.rst', page))
        if complaints:
            failed += 1
            print(f'FAILED: {what}: expected no complaint: {complaints}')
    print(f'{len(BREACHES) + len(FINE) + 1} cases, {failed} failed')
    return 1 if failed else 0
