# SPDX-License-Identifier: MIT
"""C++ as a sequence of tokens, and where its functions begin and end."""
import re

TOKEN = re.compile(r"""
    (?P<space>   \s+ | /\*.*?\*/ | //[^\n]* | (?:(?<=\n)|\A)[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])* )
  | (?P<string>  "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
  | (?P<number>  \d(?:[\w.]|'\w)* )
  | (?P<name>    (?:::\s*)?(?:[A-Za-z_]\w*\s*::\s*)*~?[A-Za-z_]\w* )
  | (?P<holder>  \$\w+ )
  | (?P<other>   \.\.\. | <<= | >>= | -> | \+\+ | -- | << | <= | >= | == | != | && | \|\| | ::
               | [-+*/%&|^]= | . )
""", re.S | re.X)


KEYS = {"->": "."}  # a reference may become a pointer


class Token:
    """`key` is what a pattern is compared with. It leaves out namespaces: functions may move."""
    __slots__ = ("kind", "text", "key", "begin", "end")

    def __init__(self, kind, text, begin):
        self.kind, self.text, self.begin, self.end = kind, text, begin, begin + len(text)
        self.key = text.rsplit("::", 1)[-1].strip() if kind == "name" else KEYS.get(text, text)


def tokens(text):
    """White space, comments and the preprocessor's lines are left out."""
    return [Token(m.lastgroup, m[0], m.start()) for m in TOKEN.finditer(text)
            if m.lastgroup != "space"]


def same(a, b):
    """Do two texts differ in their layout and their comments only?"""
    return [t.text for t in tokens(a)] == [t.text for t in tokens(b)]


class Function:
    """From its first token to its closing brace: indexes into the tokens of its file."""

    def __init__(self, name, first, body, last):
        self.name, self.first, self.body, self.last = name, first, body, last


SCOPES = {"namespace", "struct", "class", "enum", "union", "extern"}


def functions(code):
    """The functions of a file, in order. What is inside a function is part of it."""
    found, head, i = [], 0, 0
    while i < len(code):
        key = code[i].key
        if key in (";", "}") or (key == ":" and code[i - 1].key in ("public", "private")):
            head = i + 1
        elif key == "{":
            name = function_name(code[head:i])
            end = closing(code, i)
            if name is not None and is_initializer(code, head, i):
                i = end
            elif name is not None:
                found.append(Function(name, head, i, end))
                i, head = end, end + 1
            elif i > head and code[i - 1].key == "=":
                i = end  # a table
            else:
                head = i + 1
        i += 1
    return found


def closing(code, at):
    """The index of the brace or parenthesis that closes the one at `at`."""
    opening, depth = code[at].key, 0
    ending = {"{": "}", "(": ")", "[": "]"}[opening]
    for i in range(at, len(code)):
        depth += (code[i].key == opening) - (code[i].key == ending)
        if depth == 0:
            return i
    return len(code) - 1


def is_initializer(code, head, brace):
    """Does this brace belong to a member that a constructor initializes, `: member_{0}`?"""
    keys = [t.key for t in code[head:brace]]
    return code[brace - 1].kind == "name" and ":" in keys and \
        keys[-1] not in ("const", "noexcept", "override", "final")


def function_name(head):
    """The name in the head of a definition; None: a namespace, a type or a table."""
    keys = [t.key for t in head]
    for i, token in enumerate(head[1:], 1):
        if token.key == "=":
            return None if keys[i - 1] != "operator" else "operator="
        if token.key == "(" and keys[i - 1] not in ("alignas", "__attribute__", "visibility"):
            if keys[0] in SCOPES - {"struct", "enum", "extern"} or keys[i - 1] == "(":
                return None
            return keys[i - 1] if head[i - 1].kind == "name" else "operator"
    return None


def locals_of(code, function):
    """The parameters and local variables of a function, as far as they can be told."""
    found = set()
    for i in range(function.first + 1, function.last):
        token, before, after = code[i], code[i - 1], code[i + 1].key
        declares = before.kind == "name" and before.key not in NOT_TYPES or \
            before.key in ("&", "*", "&&", ">") and (
                code[i - 2].kind == "name" and code[i - 2].key not in NOT_TYPES
                or code[i - 2].key == ">")
        if re.fullmatch(r"[a-z]\w*", token.text) and declares and \
                after in ("=", ";", ",", ")", "{", ":", "[") and not (
                    before.key in ("&&", "*", ">") and (after == ")" or after == ";")
                    and i > function.body):
            found.add(token.key)
    return found


NOT_TYPES = {"return", "case", "goto", "else", "new", "delete", "operator", "namespace", "using",
             "typename", "struct", "class", "enum", "break", "continue", "sizeof"}
