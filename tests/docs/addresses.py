#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the external links of the pages. The tests use no network, so addresses.txt lists them all
in one place, where people can try them: `addresses.py . --try` needs curl.

addresses.py ROOT           print every address that is wrong or not listed; exit 1 if there is one
addresses.py ROOT --write   write the list
addresses.py ROOT --try     ask for each; print those that cannot be had
addresses.py --self-test    show that each kind of breach is reported"""
import os
import re
import subprocess
import sys
import tempfile

import blocks

LIST = 'tests/docs/addresses.txt'
HEAD = '# SPDX-License-Identifier: MIT\n# External links of the pages: addresses.py.\n'
ADDRESS = re.compile(r'\bhttps?:/+[^\s<>"`)\]]+')
GOOD = re.compile(r'https://([\w-]+\.)+[a-z]{2,}(/[\w./~%+-]*)?(#[\w.-]+)?')
EXAMPLE = re.compile(r'[a-z]+://(?:localhost|127\.|10\.|\$|([\w-]+\.)*example(\.org)?)')


def addresses(root):
    """(address, where) of all pages. Addresses of examples lead nowhere."""
    for path, text in blocks.pages(root):
        for number, line in enumerate(text.splitlines(), 1):
            for match in ADDRESS.finditer(line):
                if not EXAMPLE.match(match[0]):
                    yield match[0].rstrip('.,;:\'*'), f'{path}:{number}'


def listed(root):
    text = blocks.tree.read(root, LIST) if os.path.exists(os.path.join(root, LIST)) else ''
    return [line for line in text.splitlines() if not line.startswith('#')]


def check(root):
    complaints, seen, known = [], set(), listed(root)
    for address, where in addresses(root):
        seen.add(address)
        if not GOOD.fullmatch(address):
            complaints.append(f'{where}: {address} is not the form of an address')
        elif address not in known:
            complaints.append(f'{where}: {address} is not listed: addresses.py . --write')
    complaints += [f'{LIST}: no page has {address}' for address in known if address not in seen]
    if not seen:
        complaints.append(f'{root}: no addresses')
    return complaints, len(seen)


def write(root):
    with open(os.path.join(root, LIST), 'w', encoding='utf-8') as file:
        file.write(HEAD + ''.join(sorted({address + '\n' for address, _ in addresses(root)})))


def ask(root):
    failed = 0
    for address in listed(root):
        done = subprocess.run(['curl', '--silent', '--location', '--fail', '--max-time', '30',
                               '--output', os.devnull, address], check=False)
        if done.returncode != 0:
            failed += 1
            print(f'{address}: curl says {done.returncode}')
    print(f'{failed} failed')
    return 1 if failed else 0


ONE = {LIST: HEAD + 'https://a.org/b\n', 'a.md': 'See [b](https://a.org/b).\n'}
BREACHES = {
    'not listed': ({**ONE, 'b.rst': '`c <https://a.org/c>`_\n'}, 'https://a.org/c is not listed'),
    'not encrypted': ({**ONE, 'b.md': '[c](http://a.org/b)\n'}, 'not the form'),
    'no host': ({**ONE, 'b.md': '[c](https:///a.org/b)\n'}, 'not the form'),
    'half an address': ({**ONE, 'b.md': '[c](https://a)\n'}, 'not the form'),
    'no longer used': ({**ONE, LIST: ONE[LIST] + 'https://a.org/c\n'}, 'no page has'),
    'no address': ({'a.md': 'https://example.org and http://127.0.0.1:80\n'}, 'no addresses'),
}


def complaints_about(files):
    with tempfile.TemporaryDirectory() as folder:
        blocks.tree.write(folder, files)
        return check(folder)[0]


def main():
    if sys.argv[1:] == ['--self-test']:
        return blocks.tree.judge_cases(BREACHES, {'a tree without a breach': ONE}, complaints_about)
    if sys.argv[2:] == ['--try']:
        return ask(sys.argv[1])
    if sys.argv[2:] == ['--write']:
        write(sys.argv[1])
    return blocks.tree.report(*check(sys.argv[1]))


if __name__ == '__main__':
    sys.exit(main())
