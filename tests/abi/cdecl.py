# SPDX-License-Identifier: MIT
"""Parser for the declarations in raft.h, after preprocessing.

The header is plain C: its declarations have no bit-fields, no nested function
types and no macros, so a few patterns cover all of them. A declaration that
matches no pattern raises an error; none is skipped.
"""

import re
import subprocess

MARK = "RAFT_API_MARK"


class Declarations:
    """Functions, structs, enums and typedefs, each kind in the header's order."""

    def __init__(self, text):
        self.functions = {}  # name: (return type, [(type, name)])
        self.structs = {}    # name: [(type, field, array length or None)]
        self.enums = {}      # name, "" for those without a tag: [(enumerator, value)]
        self.typedefs = {}   # name: type
        announced = set()    # structs declared before their definition
        for statement in split_statements(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
            if forward := re.fullmatch(r"struct (\w+)", statement):
                announced.add(forward[1])
            else:
                self._read(statement)
        if undefined := announced - self.structs.keys():
            raise ValueError("declared, but not defined: %s" % sorted(undefined))

    def _read(self, statement):
        if statement.startswith("typedef "):
            kind, name = re.fullmatch(r"typedef (.+) (\w+)", statement).groups()
            self.typedefs[name] = kind
        elif match := re.fullmatch(r"enum ?(\w*) \{(.*)\}", statement):
            self.enums.setdefault(match[1], []).extend(read_enumerators(match[2]))
        elif match := re.fullmatch(r"struct (\w+) \{(.*)\}", statement):
            self.structs[match[1]] = read_fields(match[2])
        elif match := re.fullmatch(r"(.+?)(\w+) ?\((.*)\)", statement):
            self.functions[match[2]] = (match[1].strip(), read_parameters(match[3]))
        else:
            raise ValueError("unknown kind of declaration: " + statement)


def declarations(cc, header):
    """The Declarations of a header file."""
    return Declarations(unmarked(preprocess(cc, header)))


def preprocess(cc, header):
    """The header's own lines after preprocessing, with MARK in place of RAFT_API."""
    lines = subprocess.run(
        [*cc, "-E", "-std=c11", "-D%s=%s" % ("RAFT_API", MARK), "-x", "c", header],
        check=True, capture_output=True, text=True).stdout.splitlines()
    own, kept = False, []
    for line in lines:
        if marker := re.match(r'#\s*(?:line )?\d+ "([^"]*)"', line):
            own = marker[1] == header
        elif own and line.strip():
            kept.append(line.rstrip())
    return "\n".join(kept) + "\n"


def unmarked(text):
    """Remove MARK and static assertions, and write `bool` and plain numbers, which every
    FFI can read."""
    text = re.sub(r"\b%s " % MARK, "", text).replace("_Bool", "bool")
    text = re.sub(r"\b_Static_assert\([^;]*\);\n", "", text)
    # gcc -E puts a word from a macro of another header on a line of its own.
    text = re.sub(r"^ +bool\n +", "    bool ", text, flags=re.MULTILINE)
    return re.sub(r"= ([^,\n}]*<<[^,\n}]*)", lambda m: "= %d" % value_of(m[1]), text)


def exported(text):
    """Names of the functions that have MARK."""
    return sorted(re.findall(r"\b%s\b[^;{]*?\b(\w+)\s*\(" % MARK, text))


def value_of(expression):
    """Value of an enumerator: a number, or a number shifted left."""
    numbers = [int(part.strip(), 0) for part in expression.split("<<")]
    return numbers[0] if len(numbers) == 1 else numbers[0] << numbers[1]


def split_statements(text):
    """Yield each top-level statement on one line, without its semicolon."""
    depth, start, text = 0, 0, " ".join(text.split())
    for at, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if char == ";" and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    if text[start:].strip():
        raise ValueError("no semicolon after: " + text[start:])


def read_enumerators(body):
    """[(name, value)] of the body of an enum."""
    result, following = [], 0
    for part in filter(None, (part.strip() for part in body.split(","))):
        name, _, expression = part.partition("=")
        value = value_of(expression) if expression else following
        result.append((name.strip(), value))
        following = value + 1
    return result


def read_fields(body):
    """[(type, name, length)] of the body of a struct. An unnamed union is one field with
    an empty name; its type is the list of its members."""
    fields = []
    for part in split_statements(body.strip()):
        if union := re.fullmatch(r"union \{(.*)\}", part):
            fields.append((read_fields(union[1]), "", None))
        elif pointer := re.fullmatch(r"void \(\*(\w+)\)\((.*)\)", part):
            kinds = ", ".join(kind for kind, _ in read_parameters(pointer[2]))
            fields.append(("void (*)(%s)" % kinds, pointer[1], None))
        else:
            kind, name, length = re.fullmatch(r"(.+?)(\w+)(?:\[(\d+)\])?", part).groups()
            fields.append((kind.strip(), name, int(length) if length else None))
    return fields


def flat(fields):
    """The fields of a struct, with the members of unnamed unions in place of these."""
    for kind, name, length in fields:
        if name:
            yield kind, name, length
        else:
            yield from flat(kind)


def read_parameters(body):
    """[(type, name)] of the parameters of a function."""
    result = []
    for part in body.split(","):
        kind, name = re.fullmatch(r"\s*(.+?)(\w+)\s*", part).groups()
        result.append((kind.strip(), name))
    return result
