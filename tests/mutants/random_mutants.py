# SPDX-License-Identifier: MIT
"""Random mutants: each replaces one operator, literal, statement or result of src/. A seed decides
their order. Comments, strings, assertions and preprocessor lines are not changed."""
import glob
import hashlib
import os
import re

from mutant import Mutant

SWAPS = {
    " < ": (" <= ", " >= "), " <= ": (" < ", " > "), " > ": (" >= ", " <= "),
    " >= ": (" > ", " < "), " == ": (" != ",), " != ": (" == ",),
    " && ": (" || ",), " || ": (" && ",),
    " + ": (" - ",), " - ": (" + ",), " * ": (" / ",), " / ": (" * ",),
    " += ": (" -= ",), " -= ": (" += ",), "++": ("--",), " & ": (" | ",), " | ": (" & ",),
    " |= ": (" &= ",), " << ": (" >> ",), " >> ": (" << ",),
    "std::min": ("std::max",), "std::max": ("std::min",),
    "true": ("false",), "false": ("true",),
    "kNewSet": ("kOldSet",), "kOldSet": ("kNewSet",),
}
SWAP = re.compile("|".join(
    r"\b%s\b" % re.escape(key) if key[0].isalpha() else re.escape(key) for key in SWAPS))
NUMBER = re.compile(r"(?<![\w.'])(\d+)(?=[UL]*\b)(?![\w.'x])")
CONDITION = re.compile(r"\b(?:if|while) \(")
RETURN = re.compile(r"\breturn ([^;{}]+);")
STATEMENT = re.compile(r"(?<=[;{}])(\s*)((?:\(void\))?[A-Za-z_*][^;{}]*);")
NOT_DROPPED = re.compile(r"(return|const|auto|using|static|constexpr|struct|class|enum|inline|"
                         r"explicit|default|template|friend|case|namespace|static_assert|INVARIANT|"
                         r"raft_\w+ \w+ ?=|u?int\d*(_t)? |unsigned |bool |size_t |char |void "
                         r"|[A-Z]\w+ [&*]?\w)")
CODE = re.compile(r"RAFT_[A-Z]+")
ERRORS = ("RAFT_NOTLEADER", "RAFT_INVALID", "RAFT_BUSY", "RAFT_BADID", "RAFT_MALFORMED")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def visible(text):
    """The text with spaces in place of everything that is not mutated."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text,
                  flags=re.S)
    text = re.sub(r"^#ifdef RAFT_INVARIANTS.*?^#endif", blank, text, flags=re.S | re.M)
    text = re.sub(r"^[ \t]*#[^\n]*(?:\\\n[^\n]*)*", blank, text, flags=re.M)
    return re.sub(r"\b(?:static_assert|INVARIANT)\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\);", blank,
                  text)


def closing(text, at):
    """The position of the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    raise ValueError("unbalanced")


def sites(text):
    """All possible changes of a file: (begin, end, replacement)."""
    code, found = visible(text), []
    for m in SWAP.finditer(code):
        found += [(m.start(), m.end(), new) for new in SWAPS[m[0]]]
    for m in NUMBER.finditer(code):
        number = int(m[1])
        found += [(m.start(1), m.end(1), str(n)) for n in (number + 1, number - 1) if n >= 0]
    for m in CONDITION.finditer(code):
        end = closing(code, m.end() - 1)
        found.append((m.end() - 1, end + 1, "(!" + text[m.end() - 1:end + 1] + ")"))
    for m in RETURN.finditer(code):
        found += returned(text, m)
    for m in STATEMENT.finditer(code):
        if not NOT_DROPPED.match(m[2]):
            found.append((m.start(2), m.end(), ";"))
    return found


def returned(text, m):
    """Other results for a `return`."""
    value = text[m.start(1):m.end(1)]
    if value == "0":
        return [(m.start(1), m.end(1), "RAFT_INVALID")]
    if value == "nullptr" or re.fullmatch(r"\d+|true|false", value):
        return []
    code = CODE.search(m[1])
    if "fail(" in m[1] and code:
        return [(m.start(1) + code.start(), m.start(1) + code.end(), new)
                for new in ERRORS if new != code[0]][:1]
    if re.search(r" (==|!=|<|>|<=|>=|&&|\|\|) |^!|^\w+\([^?]*\)$", m[1]):
        return [(m.start(1), m.end(1), "!(" + value + ")")]
    return []


def draw(root, seed):
    """All random mutants in the order of the seed, each as a function that makes it (a mutant holds
    a whole file). A change of other lines, or a move to another file, does not change the order."""
    every, seen, src = [], {}, os.path.join(root, "src")
    for path in sorted(glob.glob(os.path.join(src, "**", "*.?pp"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for begin, end, new in sites(text):
            place = (before_and_after(text, begin, end, new)[0], text[begin:end], new)
            seen[place] = seen.get(place, 0) + 1
            key = hashlib.sha256(repr((seed, place, seen[place])).encode()).hexdigest()
            every.append((key, os.path.relpath(path, src), text, begin, end, new))
    every.sort()
    return [lambda s=s: make(seed, *s) for s in every]


def before_and_after(text, begin, end, new):
    """The lines that a change touches, without indentation."""
    first, last = text.rfind("\n", 0, begin) + 1, text.find("\n", end)
    return (" ".join(text[first:last].split()),
            " ".join((text[first:begin] + new + text[end:last]).split()))


def make(seed, key, name, text, begin, end, new):
    line = text.count("\n", 0, begin) + 1
    return Mutant("random-%d-%s" % (seed, key[:8]), os.path.splitext(name)[0],
                  "%s:%d: `%s` → `%s`" % ((name, line) + before_and_after(text, begin, end, new)),
                  {name: text[:begin] + new + text[end:]})
