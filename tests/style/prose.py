#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Find sentences in the pages and the public header that readers found hard to understand: with a
subject without a noun, verbs of people for code, or phrases that usual words can replace. words.py
has the project's former private names.

prose.py ROOT           print every use; exit 1 if there is one
prose.py --self-test    show that each rule reports its breach, and what is allowed is not"""
import re
import sys
import tempfile

import tree

IDLE = r'(?:groups?|servers?|peers?|members?|followers?|logs?|them|all|they)'
# rule: (a regular expression for a sentence, what to write instead). All ignore capitals.
# Two of them make a sentence of a label such as "What a caller can set."
VERB = ('(?:is|are|was|were|may|can|cannot|must|do|does|has|allows|arrives?|asks?|becomes?|comes?|'
        'contains?|counts?|depends?|differs?|ends?|follows?|gathers?|gets?|goes|happens?|hears?|'
        'holds?|knows?|leads?|left|loads?|means?|needs?|reads?|refers?|remains?|returns?|serves?|'
        'shares?|sends?|stays?|stops?|takes?|took|uses?|waits?|wakes?|wants?|writes?)')
NO_NOUN = 'a subject without a noun'
RULES = {
    NO_NOUN: (rf'^(?:what|who|that which)\b.*\b{VERB}\b.*\b{VERB}\b.*\.$',
              'name the thing: "the data that", "a client that"'),
    'whoever': (r'\b(?:whoever|whomever|whosoever)\b', '"those who", "anyone who"'),
    'somebody': (r'\bsomebody\b', 'who? "a client", "an attacker"; else "someone"'),
    'notice': (r'\bnotic(?:e|es|ed|ing)\b', '"detect", "find"'),
    'groups rest': (rf'\b{IDLE} (?:that |which |may |can )?rests?\b(?! of)', '"is idle"'),
    'take for': (r'\btaken for\b|\btakes? (?:\w+ ){1,4}for (?:dead|gone|lost|expired)\b',
                 '"considers", "treats as"'),
    'stand': (r'\b(?:logs?|entries|clocks?|servers?) stands?\b(?! (?:still|for|in|out|by)\b)',
              '"is", "has stopped"'),
    'want': (r'\b(?:library|leader|follower|server|switch|test|function|struct|log) wants?\b',
             '"needs", "expects"'),
    'live': (r'\b(?:seeds?|runs?) (?:is|are|was|were) lived\b', '"runs"'),
    'tell': (r'\b(?:tests?|accessors?|getters?|records?|traces?|files?) tells?\b',
             '"says", "shows", "returns"'),
}
EXPRESSIONS = {rule: re.compile(text, re.IGNORECASE) for rule, (text, _) in RULES.items()}
MARKS = r'^ *(?:/\*\*|\*(?=\s))? *(?:[-*] )*'  # of comments and lists
UNDERLINE = re.compile(r'([=\-~^"#*])\1{2,}$')
CHECKED = ('CHANGELOG.md', 'CONTRIBUTING.md', 'README.md', 'SECURITY.md', 'docs/', 'bindings/',
           'apps/', 'examples/', 'bench/', 'packaging/', 'abi/', 'include/raft.h')


def paragraphs(text):
    """(number of the first line, lines) of what is neither a heading nor code."""
    lines, begin, indent, in_code = text.splitlines() + [''], None, 0, False
    for number, line in enumerate(lines):
        depth = len(line) - len(line.lstrip())
        if line.strip().startswith('```'):
            in_code, line = not in_code, ''
        elif in_code == 'directive':
            in_code = not line.strip() or depth > indent
            in_code = 'directive' if in_code else False
        if re.match(r' *\.\. (?:code-block|literalinclude|raw|toctree|image|figure)::', line):
            in_code, indent, line = 'directive', depth, ''
        if in_code:
            line = ''
        new = re.match(r' *(?:[-*] |\d+\. |/\*\*|\||#+ )', line)
        if begin is not None and (not line.strip() or new):
            yield begin + 1, lines[begin:number]
            begin = None
        if begin is None and line.strip():
            begin = number


def sentences(text):
    """(line, sentence) of the paragraphs, headings left out."""
    for first, lines in paragraphs(text):
        if any(UNDERLINE.match(line.strip()) for line in lines[:3]) or lines[0].startswith('#'):
            continue
        joined = '\n'.join(re.sub(MARKS, '', line) for line in lines)
        begin = 0
        for end in [match.end() for match in re.finditer(r'[.!?]\s', joined)] + [len(joined)]:
            sentence = joined[begin:end].strip()
            blank = len(joined[begin:end]) - len(joined[begin:end].lstrip())
            number = first + joined.count('\n', 0, begin + blank)
            yield number, ' '.join(sentence.split())
            begin = end


def check_text(path, text):
    for number, sentence in sentences(text):
        for rule, expression in EXPRESSIONS.items():
            # A comment in the header begins with a label: "What a leader knows."
            label = rule == NO_NOUN and path.endswith('.h')
            if expression.search(sentence) and not label:
                yield f'{path}:{number}: {rule}: write {RULES[rule][1]}'


def check(root):
    complaints, seen = [], 0
    for path in tree.files(root):
        if path.startswith(CHECKED) and path.endswith(('.rst', '.md', '.h')) and \
                (path == 'include/raft.h' or not path.endswith('.h')):
            seen += 1
            complaints += check_text(path, tree.read(root, path))
    if seen == 0:
        complaints.append(f'{root}: no pages')
    return complaints, seen


FOUND = {
    NO_NOUN: ['What follows is ignored.', 'It ends. Who hears it\nwaits.',
              '- What is sent\n  may be lost.', '   * - What was left, remains.'],
    'whoever': ['For whoever reads it.'],
    'somebody': ['Then somebody asks.'],
    'notice': ['A test notices it.', 'It was noticed.'],
    'groups rest': ['The groups rest.', 'A group that rests sleeps.'],
    'take for': ['It is taken for gone.', 'A follower takes the leader for dead.'],
    'stand': ['The logs stand so.', 'The clock stands.'],
    'want': ['The switch wants a default.'],
    'live': ['Each seed is lived once.'],
    'tell': ['No accessor tells it.'],
}
NOT_FOUND = ['What happens\n------------\n', '## What happens\n', '**What happens.** It ends.',
             'What is lost?\n', 'What hurts: nothing.', 'What every message must satisfy.',
             'Half rest, half work.',
             'All the rest of the groups', 'A notification.', 'A clock that stands still.',
             '.. code-block:: text\n\n   What follows is noticed.\n', '```\nwhoever\n```\n',
             'The client wants an answer.']


def self_test():
    failed = 0
    for rule, texts in FOUND.items():
        for text in texts:
            complaints = list(check_text('docs/x.rst', text))
            if len(complaints) != 1 or rule not in complaints[0]:
                failed += 1
                print(f'FAILED: "{text}": expected one complaint of {rule}: {complaints}')
    for text in NOT_FOUND:
        complaints = list(check_text('docs/x.rst', text))
        if complaints:
            failed += 1
            print(f'FAILED: "{text}": expected no complaint: {complaints}')
    with tempfile.TemporaryDirectory() as folder:
        tree.write(folder, {'docs/x.rst': 'x\n\nA. They\nnotice it.\n', 'src/x.md': 'somebody\n',
                            'include/raft.h': '/** One.\n * Somebody.\n */\n'})
        complaints = [complaint.rsplit(':', 2)[0] for complaint in check(folder)[0]]
    if complaints != ['docs/x.rst:3', 'include/raft.h:2']:
        failed += 1
        print(f'FAILED: in a tree: {complaints}')
    print(f'{failed} failed')
    return 1 if failed else 0


def main():
    if sys.argv[1:] == ['--self-test']:
        return self_test()
    return tree.report(*check(sys.argv[1]))


if __name__ == '__main__':
    sys.exit(main())
