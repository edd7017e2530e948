# SPDX-License-Identifier: MIT
"""Edits that find their place in src/ by content. See README.md for what a pattern may say."""
import collections
import math
import os
import re

import cxx

SIGNS = {"- ": "-", "+ ": "+", "  ": " "}
KEYWORDS = set("auto bool break case char const continue default do else false for if int nullptr "
               "return sizeof static static_cast switch true uint8_t uint32_t uint64_t unsigned "
               "void while UINT32_MAX UINT64_MAX".split())
LONGEST_GAP = 600  # tokens
LONGEST_PATH = 6   # of names, with the operators between them


class Stale(Exception):
    """A mutant that no longer fits src/."""


class Source:
    """One file of src/."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.code = cxx.tokens(text)
        self.positions = {}
        for i, token in enumerate(self.code):
            self.positions.setdefault(token.key, []).append(i)
        self.functions = cxx.functions(self.code)

    def function_at(self, index):
        return next((f for f in self.functions if f.first <= index <= f.last), None)

    def line_of(self, index):
        return self.text.count("\n", 0, self.code[index].begin) + 1

    def place(self, index):
        function = self.function_at(index)
        return "%s:%d%s" % (self.path, self.line_of(index),
                            ", in %s" % function.name if function else "")


class Tree:
    """All of src/."""

    def __init__(self, src):
        self.sources = []
        for folder, _, names in sorted(os.walk(src)):
            for name in sorted(n for n in names if n.endswith((".cpp", ".hpp", ".h"))):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    self.sources.append(Source(os.path.relpath(path, src), file.read()))
        self.collect()

    def collect(self):
        self.keys = {key for source in self.sources for key in source.positions}
        self.scopes = {part.strip() for source in self.sources for t in source.code
                       if "::" in t.text for part in t.text.split("::")} | self.keys

    def named(self, name):
        """The parts of src/ with this name, of a function or of a file: (source, first, end)."""
        for source in self.sources:
            if os.path.basename(source.path) == name:
                yield source, 0, len(source.code)
            for f in source.functions:
                if f.name == name:
                    yield source, f.first, f.last + 1

    def everywhere(self):
        return ((source, 0, len(source.code)) for source in self.sources)


class Part:
    """Some tokens of the pattern. `sign`: "-" are replaced, " " are kept."""

    def __init__(self, sign, tokens, new=None):
        self.sign, self.tokens, self.new = sign, tokens, new


class Site:
    """Where an edit fits: the texts to put in, as (begin, end, new text), and what was matched."""

    def __init__(self, source, first, last, changes, held):
        self.source, self.first, self.last = source, first, last
        self.changes, self.held = changes, held


class Edit:
    """`where`: the function, or the file, that it is expected in; None: anywhere. `only`: it
    fits other places too, which are not meant. `lines`: (sign, text), the sign being one of "-",
    "+" and " "."""

    def __init__(self, where, lines, only=False, optional=False):
        self.where, self.lines, self.only, self.optional = where, lines, only, optional
        self.parts = self._parse()
        self.pattern = [t for p in self.parts for t in p.tokens]
        self.literals = {t.key for t in self.pattern if t.kind != "holder" and t.key != "..."}

    def _parse(self):
        parts = []
        for sign, text in self.lines:
            if sign == "+":
                if not parts or parts[-1].new is None and parts[-1].sign == " ":
                    parts.append(Part("-", [], text))
                else:
                    parts[-1].new = text if parts[-1].new is None else parts[-1].new + "\n" + text
            elif parts and parts[-1].sign == sign and parts[-1].new is None:
                parts[-1].tokens += cxx.tokens(text)
            else:
                parts.append(Part(sign, cxx.tokens(text)))
        for part in parts:
            if part.sign == "-" and part.new is None:
                part.new = ""
        return parts

    def text(self):
        where = self.where and ("only in " if self.only else "in ") + self.where
        head = [h for h in (where, self.optional and "if present") if h]
        return (", ".join(head) + ":\n" if head else "") + "".join(
            ("%s %s" % line).rstrip() + "\n" for line in self.lines)

    def sites(self, places):
        """All the places that it fits, each once."""
        found = {}
        for source, first, end in places:
            for i in self._starts(source, first, end):
                site = self._site_at(source, i, end)
                if site is not None:
                    found.setdefault((source.path, tuple(site.changes)), site)
        return list(found.values())

    def locate(self, tree):
        """The one place, and a note for the maintainer if it is not quite as expected."""
        near = self.sites(tree.named(self.where)) if self.where else []
        sites = near if self.only else self.sites(tree.everywhere())
        if len(near) == 1:
            return near[0], len(sites) > 1 and "fits %d places; say `only in %s`" % (
                len(sites), self.where)
        if len(sites) == 1:
            return sites[0], self.where and "is not in %s any more but at %s" % (
                self.where, sites[0].source.place(sites[0].first))
        if sites:
            raise Stale("fits %d places:\n%s" % (len(sites), self._listing(near or sites)))
        elsewhere = self.sites(tree.everywhere()) if self.only else []
        if elsewhere:
            raise Stale("does not fit %s, where only it is meant; it fits:\n%s" % (
                self.where, self._listing(elsewhere)))
        raise Stale("fits nowhere; the nearest is:\n    " + self.nearest(tree))

    @staticmethod
    def _listing(sites):
        lines = ["    " + site.source.place(site.first) for site in sites]
        return "\n".join(lines[:4] + ["    ..."] * (len(lines) > 4))

    def _starts(self, source, first, end):
        """Where to try: before the word of the pattern that is rarest in the file."""
        if not self.literals <= source.positions.keys():
            return ()
        before_gap = [t.key for t in self.pattern]
        before_gap = before_gap[:before_gap.index("...")] if "..." in before_gap else before_gap
        words = [(len(source.positions[key]), k) for k, key in enumerate(before_gap)
                 if key in self.literals]
        if not words:
            return range(first, end)
        k = min(words)[1]
        slack = LONGEST_PATH * sum(t.kind == "holder" for t in self.pattern[:k])
        return sorted({i for at in source.positions[before_gap[k]]
                       for i in range(max(at - k - slack, first), min(at - k + 1, end))})

    def _site_at(self, source, at, end):
        function = source.function_at(at)
        end = min(end, function.last + 1) if function else end
        matched = match(source.code, self.pattern, at, end)
        if matched is None:
            return None
        spans, held, access = matched
        changes, k = [], 0
        for part in self.parts:
            n = len(part.tokens)
            if part.sign == "-":
                changes.append(self._change(source, spans, k, n, fill(part.new, held, access)))
            k += n
        return Site(source, at, spans[-1][1] - 1, changes, held)

    @staticmethod
    def _change(source, spans, k, n, new):
        code = source.code
        if n > 0:
            return code[spans[k][0]].begin, code[spans[k + n - 1][1] - 1].end, new
        if k > 0:
            at = code[spans[k - 1][1] - 1].end
            return at, at, "\n" + new
        at = code[spans[0][0]].begin
        return at, at, new + "\n"

    def check_names(self, tree, site):
        """Names in the new text that are not in scope: the mutant would not compile."""
        function = site.source.function_at(site.first)
        near = {t.key for t in site.source.code[function.first:function.last]} \
            if function else set()
        for _, _, new in site.changes:
            code = cxx.tokens(new)
            near |= {b.key for a, b in zip(code, code[1:])
                     if b.kind == "name" and (a.kind == "name" or a.key in ("*", "&"))}
            for i, token in enumerate(code):
                scopes = [part.strip() for part in token.text.split("::")[:-1] if part.strip()]
                if token.kind != "name" or token.key in KEYWORDS or "std" in scopes or \
                        token.key.startswith("RAFT_") or not scopes and token.key in near:
                    continue
                follows = code[i + 1] if i + 1 < len(code) else None
                is_variable = (i == 0 or code[i - 1].key != ".") and not scopes and \
                    re.fullmatch(r"[a-z](?![A-Z])\w*", token.key) and (
                        follows is None or follows.kind != "name" and follows.key not in ("(", "<"))
                if is_variable or token.key not in tree.keys or not tree.scopes.issuperset(scopes):
                    raise Stale("would go to %s, where `%s` is unknown" % (
                        site.source.place(site.first), token.text))

    def nearest(self, tree):
        """The place that shares most with the pattern, rare words counting more."""
        count = collections.Counter(t.key for s in tree.sources for t in s.code)
        wanted = {key: 1 / (1 + math.log(1 + count[key])) for key in self.literals}
        size, best = sum(len(p.tokens) for p in self.parts) + 2, (0.0, None, 0)
        for source in tree.sources:
            for i in range(len(source.code)):
                if source.code[i].key not in wanted:
                    continue
                keys = {t.key for t in source.code[i:i + size]}
                score = sum(wanted[key] for key in keys & wanted.keys())
                function = source.function_at(i)
                if self.where in (os.path.basename(source.path), function and function.name):
                    score *= 1.2
                if score > best[0]:
                    best = (score, source, i)
        _, source, i = best
        if source is None:
            return "nothing like it"
        last = min(i + size, len(source.code)) - 1
        text = " ".join(source.text[source.code[i].begin:source.code[last].end].split())
        return "%s: %s" % (source.place(i), text[:120])


def match(code, pattern, at, end):
    """The spans of code that the tokens of a pattern fit, from `at` on; what the holders hold,
    and with which operator their members are reached. None: it does not fit."""
    spans, held = [], {}

    def go(k, i):
        if k == len(pattern):
            return True
        token = pattern[k]
        if token.key == "...":
            lengths = range(0, min(end - i, LONGEST_GAP) + 1)
        elif i >= end:
            return False
        elif token.kind == "holder":
            lengths = holder_lengths(code, i, end, held.get(token.text))
        else:
            lengths = (1,) if code[i].key == token.key else ()
        for n in lengths:
            fresh = token.kind == "holder" and token.text not in held
            if fresh:
                held[token.text] = code[i:i + n]
            spans.append((i, i + n))
            if go(k + 1, i + n):
                return True
            spans.pop()
            if fresh:
                del held[token.text]
        return False

    if not go(0, at):
        return None
    access = {p.text: code[spans[k][1]].text for k, p in enumerate(pattern[:-1])
              if p.kind == "holder" and pattern[k + 1].key == "."}
    return spans, held, access


def holder_lengths(code, i, end, bound):
    """A holder stands for a name, or for a path of names such as `step.server`."""
    if code[i].kind != "name" or code[i].key in KEYWORDS or i > 0 and code[i - 1].key == ".":
        return
    if bound is not None:
        if [t.key for t in code[i:i + len(bound)]] == [t.key for t in bound]:
            yield len(bound)
        return
    n = 1
    while True:
        yield n
        follows = [t.key if t.key == "." else t.kind for t in code[i + n:min(i + n + 2, end)]]
        if n > LONGEST_PATH or follows != [".", "name"]:
            return
        n += 2


def fill(text, held, access):
    """A new text, with what the holders hold."""
    def put(m):
        if m[1] not in held:
            raise Stale("%s is not in its pattern" % m[1])
        tokens = held[m[1]]
        operator = access.get(m[1], m[2]) if m[2] else ""
        return "".join(t.text for t in tokens) + operator
    return re.sub(r"(\$\w+)(\.(?!\.)|->)?", put, text)


def parse(text):
    """Edits, separated by blank lines."""
    edits = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        head = re.fullmatch(r"(?:(only )?in (\S+?))?(?:(?:, )?(if present))?:", lines[0])
        for line in lines[1 if head else 0:]:
            if line[:2] not in SIGNS:
                raise Stale("not a line of an edit: %s" % line)
        body = [(SIGNS[line[:2]], line[2:]) for line in lines[1 if head else 0:]]
        if all(sign == "+" for sign, _ in body):
            raise Stale("an edit without a line that tells its place")
        edits.append(Edit(head[2], body, bool(head[1]), bool(head[3])) if head else
                     Edit(None, body))
    return edits
