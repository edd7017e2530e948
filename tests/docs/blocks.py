# SPDX-License-Identifier: MIT
"""The blocks of code in the pages: reStructuredText and Markdown."""
import os
import re
import sys
from typing import NamedTuple

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'style'))
import tree  # pylint: disable=wrong-import-position

FENCE = re.compile(r'^( *)```(.*)$')
DIRECTIVE = re.compile(r'^( *)\.\. ([\w-]+)::(?: +(.*))?$')
# Directives that show code in another way than the two that are used.
OTHER_CODE = {'code', 'sourcecode', 'parsed-literal', 'highlight'}


class Block(NamedTuple):
    """A block of code, or the quotation of a file."""
    path: str
    line: int  # of its beginning
    kind: str  # 'code', 'quotation', or what is wrong with it
    language: str  # of code
    text: str  # the code, or the path of the quoted file

    def complaint(self, what):
        return f'{self.path}:{self.line}: {what}'


def indented(lines, start, indent):
    """The lines from `start` that are deeper than the indent, and the number of the next line."""
    end = start
    while end < len(lines) and (not lines[end].strip() or
                                len(lines[end]) - len(lines[end].lstrip()) > indent):
        end += 1
    return lines[start:end], end


def dedent(lines):
    filled = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    return '\n'.join(line[min(filled, default=0):] for line in lines).strip('\n') + '\n'


def of_rst(path, text):
    lines, number = text.splitlines(), 0
    while number < len(lines):
        line, begin = lines[number], number + 1
        directive = DIRECTIVE.match(line)
        number += 1
        if directive is None:
            # `::` at the end of a paragraph begins a block of no language.
            if line.rstrip().endswith('::') and not line.lstrip().startswith('..'):
                yield Block(path, begin, 'a block of code without a language', '', '')
            continue
        indent, name, argument = directive.groups()
        if name in OTHER_CODE:
            what = f'`{name}` instead of `code-block` or `literalinclude`'
            yield Block(path, begin, what, '', '')
        elif name == 'literalinclude':
            target = os.path.normpath(os.path.join(os.path.dirname(path), argument or ''))
            yield Block(path, begin, 'quotation', '', target)
        elif name == 'code-block':
            body, number = indented(lines, number, len(indent))
            options = [line for line in body if re.match(r' +:[\w-]+:', line)]
            yield Block(path, begin, 'code', argument or '', dedent(body[len(options):]))


def of_markdown(path, text):
    lines, number = text.splitlines(), 0
    while number < len(lines):
        fence, begin = FENCE.match(lines[number]), number + 1
        number += 1
        if fence:
            body = []
            while number < len(lines) and lines[number].strip() != '```':
                body.append(lines[number])
                number += 1
            number += 1
            yield Block(path, begin, 'code', fence[2].strip(), dedent(body))


def pages(root):
    """(path, text) of every page."""
    for path in tree.files(root):
        if path.endswith(('.rst', '.md')):
            yield path, tree.read(root, path)


def of_page(path, text):
    return (of_rst if path.endswith('.rst') else of_markdown)(path, text)
