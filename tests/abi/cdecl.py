# SPDX-License-Identifier: MIT
"""What raft.h declares, read from the preprocessed header.

The header is plain C without bit-fields, nested function types or macros in
declarations, so a few patterns read all of it. Anything they do not understand
raises an error: nothing is skipped silently.
"""

import re
import subprocess

MARK = "RAFT_API_MARK"


class Declarations:
    """Functions, structs, enums and typedefs, each in the header's order."""

    def __init__(self, text):
        self.text = text
        self.functions = {}  # name: (return type, [(type, name)])
        self.structs = {}    # name: [(type, field, array length or None)]
        self.enums = {}      # name: [(enumerator, value)]
        self.typedefs = {}   # name: type
        for statement in split_statements(text):
            self._read(statement)

    def _read(self, statement):
        if statement.startswith("typedef "):
            kind, name = re.fullmatch(r"typedef (.+) (\w+)", statement).groups()
            self.typedefs[name] = kind
        elif match := re.fullmatch(r"enum (\w+) \{(.*)\}", statement):
            self.enums[match[1]] = read_enumerators(match[2])
        elif match := re.fullmatch(r"struct (\w+) \{(.*)\}", statement):
            self.structs[match[1]] = read_fields(match[2])
        elif match := re.fullmatch(r"(.+?)(\w+) ?\((.*)\)", statement):
            self.functions[match[2]] = (match[1].strip(), read_parameters(match[3]))
        else:
            raise ValueError("not understood: " + statement)


def preprocess(cc, header):
    """The header's own lines after preprocessing, functions still marked."""
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
    """The declarations as any FFI reads them: no attributes, `bool`, plain numbers."""
    text = re.sub(r"\b%s " % MARK, "", text).replace("_Bool", "bool")
    return re.sub(r"= ([^,\n}]*<<[^,\n}]*)", lambda m: "= %d" % value_of(m[1]), text)


def exported(text):
    """Names of the functions that the header marks as exported."""
    return sorted(re.findall(r"\b%s\b[^;{]*?\b(\w+)\s*\(" % MARK, text))


def value_of(expression):
    """An enumerator's value: a number, or a number shifted left."""
    numbers = [int(part.strip(), 0) for part in expression.split("<<")]
    return numbers[0] if len(numbers) == 1 else numbers[0] << numbers[1]


def split_statements(text):
    """Top-level statements, on one line each, without the semicolon."""
    depth, start, text = 0, 0, " ".join(text.split())
    for at, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if char == ";" and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    if text[start:].strip():
        raise ValueError("not understood: " + text[start:])


def read_enumerators(body):
    """[(name, value)] of an enum's body."""
    result, following = [], 0
    for part in filter(None, (part.strip() for part in body.split(","))):
        name, _, expression = part.partition("=")
        value = value_of(expression) if expression else following
        result.append((name.strip(), value))
        following = value + 1
    return result


def read_fields(body):
    """[(type, name, length)] of a struct's body; an unnamed union is one field
    whose type is the list of its members and whose name is empty."""
    fields = []
    for part in split_statements(body.strip()):
        if union := re.fullmatch(r"union \{(.*)\}", part):
            fields.append((read_fields(union[1]), "", None))
        elif pointer := re.fullmatch(r"void \(\*(\w+)\)\(.*\)", part):
            fields.append(("void (*)()", pointer[1], None))
        else:
            kind, name, length = re.fullmatch(r"(.+?)(\w+)(?:\[(\d+)\])?", part).groups()
            fields.append((kind.strip(), name, int(length) if length else None))
    return fields


def read_parameters(body):
    """[(type, name)] of a function's parameters."""
    result = []
    for part in body.split(","):
        kind, name = re.fullmatch(r"\s*(.+?)(\w+)\s*", part).groups()
        result.append((kind.strip(), name))
    return result
