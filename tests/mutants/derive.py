# SPDX-License-Identifier: MIT
"""From a change of src/ the edits that a mutant's file says: short, and each fits one place."""
import difflib
import re

import cxx
from edit import KEYWORDS, Edit, Source

WIDTH = 96
ENDS = {";", "{", "}"}
OPERANDS = ENDS | {",", "&&", "||", "?", ":", "=", "return"}
CLAUSES = ENDS | {",", "?", ":"}


def edits_of(tree, path, new_text):
    """The edits that make the new text of a file from the one in the tree."""
    source = next(s for s in tree.sources if s.path == path)
    new = Source(path, new_text)
    return [edit_for(tree, source, old_range, new_code)
            for old_range, new_code in changed(source, new)]


def changed(source, new):
    """What differs, for each group of lines: ((first, end) of the old tokens, the new tokens)."""
    matcher = difflib.SequenceMatcher(None, source.text.splitlines(), new.text.splitlines(), False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        a, b = in_lines(source, i1, i2)
        c, d = in_lines(new, j1, j2)
        old_code, new_code = source.code, new.code
        while a < b and c < d and old_code[b - 1].text == new_code[d - 1].text:
            b, d = b - 1, d - 1
        while a < b and c < d and old_code[a].text == new_code[c].text:
            a, c = a + 1, c + 1
        while c == d and a > 0 and a < b and old_code[a].key in ENDS and \
                old_code[a - 1].text == old_code[b - 1].text:
            a, b = a - 1, b - 1
        while c == d and a < b < len(old_code) and old_code[a].key in ENDS and \
                old_code[a].text == old_code[b].text:
            a, b = a + 1, b + 1
        if a < b or c < d:
            yield (a, b), [(new.text, t) for t in new_code[c:d]]


def in_lines(source, first, end):
    """The tokens of these lines (from 0)."""
    starts = [0] + [m.end() for m in re.finditer("\n", source.text)] + [len(source.text) + 1]
    begin, stop = starts[first], starts[min(end, len(starts) - 1)]
    inside = [i for i, t in enumerate(source.code) if begin <= t.begin < stop]
    if inside:
        return inside[0], inside[-1] + 1
    after = next((i for i, t in enumerate(source.code) if t.begin >= begin), len(source.code))
    return after, after


def edit_for(tree, source, old, new_code):
    """The shortest window around a change whose pattern fits one place."""
    function = source.function_at(old[0]) or source.function_at(max(old[0] - 1, 0))
    where = function.name if function else source.path.rsplit("/", 1)[-1]
    variables = cxx.locals_of(source.code, function) if function else set()

    def made(window, *context):
        return make(source, window, old, new_code, variables, where, context)
    only = None
    for a, b in windows(source, function, old):
        edit = made((a, b))
        if edit is None or b - a < 3:
            continue
        if len(edit.sites(tree.everywhere())) == 1:
            return with_context(tree, source, function, edit, lambda *c, w=(a, b): made(w, *c))
        if only is None and len(edit.sites(tree.named(where))) == 1:
            only, edit.only = (a, b), True
            narrow = edit
        if only is not None and b - a > 12:
            break
    if only is None:
        raise LookupError("no pattern of %s tells the change from others" % source.place(old[0]))
    return with_context(tree, source, function, narrow, lambda *c: made(only, *c))


def with_context(tree, source, function, plain, made):
    """The edit, with words around it that tell the variables which only its new text names: it
    then still fits after they are renamed."""
    def change(edit):
        sites = edit.sites(tree.named(edit.where) if plain.only else tree.everywhere())
        return [(begin, end, [t.text for t in cxx.tokens(new)])
                for site in sites for begin, end, new in site.changes]
    wanted, context, best = change(plain), [], plain
    added = cxx.tokens("\n".join(text for sign, text in plain.lines if sign == "+"))
    new = {t.key for i, t in enumerate(added) if i == 0 or added[i - 1].key != "."}
    for name in sorted(new & cxx.locals_of(source.code, function)) if function else ():
        for i in range(function.body, function.last):
            if source.code[i].text != name or source.code[i - 1].key == ".":
                continue
            edit = made(*context, (i, i + 3))
            if edit is not None and change(edit) == wanted:
                context.append((i, i + 3))
                edit.only, best = plain.only, edit
                break
    return best


def windows(source, function, old):
    """Wider and wider: the operand, the clause, the statement, more statements."""
    code = source.code
    least = function.first if function else 0
    most = function.last + 1 if function else len(code)
    a, b = old
    if a == b and a > least and code[a - 1].key in ENDS:
        a = back(code, a - 1, least, ENDS)  # what is new follows a statement
        yield a, b
    else:
        for ends in (OPERANDS, CLAUSES, ENDS):
            a, b = back(code, a, least, ends), ahead(code, b, most, ends)
            yield a, b
            if b < most and code[b].key == ";":
                yield a, b + 1
    while a > least or b < most:
        if a > least:
            a = back(code, a - 1, least, ENDS)
            yield a + (code[a].key == "}" and a < old[0]), b
        if b < most:
            b = min(ahead(code, b, most, ENDS) + 1, most)
            yield a + (code[a].key == "}" and a < old[0]), b


def back(code, a, least, ends):
    depth = 0
    while a > least:
        key = code[a - 1].key
        depth += (key in (")", "]")) - (key in ("(", "["))
        if depth < 0 or depth == 0 and key in ends:
            break
        a -= 1
    return a


def ahead(code, b, most, ends):
    depth = 0
    while b < most:
        key = code[b].key
        depth += (key in ("(", "[")) - (key in (")", "]"))
        if depth < 0 or depth == 0 and key in ends:
            break
        b += 1
    return b


def make(source, window, old, new_code, variables, where, context=()):
    """An edit that replaces the window, or that keeps what precedes a change far inside it. None:
    the context overlaps the window."""
    (a, b), (c, d) = window, old
    code = [(source.text, t) for t in source.code]
    if any(i < b and a < j for i, j in context):
        return None
    held = {t.key for i, j in (window, *context) for _, t in code[i:j]} & variables - KEYWORDS
    around = [(i, " ".join(rendered(code[i:j], held))) for i, j in sorted(context)]
    lines = [(" ", text + " ...") for i, text in around if i < a]
    following = [(" ", "... " + text) for i, text in around if i >= b]
    before, after = [], []
    first, end = back(source.code, c, a, OPERANDS), ahead(source.code, d, b, OPERANDS)
    if c == d and (c == a or source.code[c - 1].key in ENDS):
        first, end = c, d
    if not new_code:
        first, end = c, d
    if first - a > 6 or c == d == first or not new_code:
        before, a = code[a:first], first
    if b - end > 6 or c == d == first or not new_code:
        after, b = code[end:b], end
    lines += [(" ", line) for line in rendered(before, held)]
    lines += [("-", line) for line in rendered(code[a:b], held)]
    lines += [("+", line) for line in rendered(code[a:c] + new_code + code[d:b], held)]
    lines += [(" ", line) for line in rendered(after, held)] + following
    return Edit(where, lines) if any(sign != "+" for sign, _ in lines) else None


def rendered(tokens, held):
    """Tokens as lines of text, spaced as they were."""
    lines, previous = [""], None
    for text, t in tokens:
        gap = previous is not None and (
            re.search(r"\s", text[previous[1].end:t.begin]) if text is previous[0] else
            previous[1].key not in (".", "(", "[") and t.key not in (".", ")", "]", ",", ";"))
        is_member = previous is not None and previous[1].key == "."
        word = "$" + t.text if t.text in held and not is_member else t.text
        if gap and len(lines[-1]) + len(word) >= WIDTH:
            lines.append(word)
        else:
            lines[-1] += (" " if gap else "") + word
        previous = (text, t)
    return [line for line in lines if line]
