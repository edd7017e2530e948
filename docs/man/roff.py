# SPDX-License-Identifier: MIT
"""Text of man pages (the macros of man(7)), from Doxygen's XML and from the pages of docs/."""

import re
import textwrap

import header

WIDTH = 78  # of a line of the source
SPECIAL = {"\\": "\\e", "-": "\\-", "^": "\\(ha", "~": "\\(ti", "`": "\\(ga", "§": "\\[sc]"}


def escape(text):
    return re.sub(r"[\\\-^~`§]", lambda match: SPECIAL[match[0]], text)


def wrap(text):
    """Lines of text. A line must not begin like a request."""
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return ["\\&" + line if line.startswith((".", "'")) else line for line in lines]


def code(lines):
    """A block of code, indented. An empty line would be a paragraph."""
    lines = textwrap.dedent("\n".join(lines)).rstrip().split("\n")
    escaped = [escape(line).replace("'", "\\(aq") for line in lines]
    return [".PP", ".RS 4", ".nf", *("\\&" + line if line else "\\&" for line in escaped), ".fi",
            ".RE"]


def inline(node, pages):
    """The text of a node up to its end, without the text behind it."""
    parts = [escape(node.text or "")]
    for child in node:
        parts += [styled(child, pages), escape(child.tail or "")]
    return "".join(parts)


def styled(node, pages):
    if node.tag == "ref":
        text = escape(header.text_of(node))
        if text.endswith("()"):
            return f"\\fB{text[:-2]}\\fP(3)"
        return f"\\fB{text}\\fP"
    if node.tag in ("computeroutput", "bold"):
        return f"\\fB{escape(header.text_of(node))}\\fP"
    if node.tag == "emphasis":
        return f"\\fI{escape(header.text_of(node))}\\fP"
    return inline(node, pages)


def blocks(paragraphs, pages, labelled=False):
    """Lines of paragraphs. `labelled`: the text goes on behind a label, as an item of a list does;
    then the first two, a first sentence and the rest, become one paragraph."""
    lines, pending = [], []

    def flush():
        text = re.sub(r"\s+", " ", "".join(pending)).strip()
        pending.clear()
        if text:
            lines.extend([".IP" if labelled else ".PP"] if lines or not labelled else [])
            lines.extend(wrap(text))

    for number, paragraph in enumerate(paragraphs):
        if number > 1 or not labelled:
            flush()
        pending.append(" " + escape(paragraph.text or ""))
        for child in paragraph:
            if child.tag in ("itemizedlist", "orderedlist"):
                flush()
                lines.extend(listed(child, pages))
            elif child.tag == "programlisting":
                flush()
                lines.extend(code([code_line(line) for line in child.findall("codeline")]))
            else:
                pending.append(styled(child, pages))
            pending.append(escape(child.tail or ""))
    flush()
    # The macro for a first paragraph behind a heading has no effect.
    return lines[1:] if lines[:1] == [".PP"] else lines


def code_line(line):
    """The text of a line of a listing, in which Doxygen writes <sp/> for a blank."""
    text = ""
    for node in line.iter():
        text += (" " if node.tag == "sp" else "") + (node.text or "")
        if node is not line:
            text += node.tail or ""
    return text.rstrip()


def listed(node, pages):
    lines = []
    for number, entry in enumerate(node.findall("listitem"), 1):
        label = "\\(bu 2" if node.tag == "itemizedlist" else f"{number}. 3"
        lines += [f".IP {label}", *blocks(entry.findall("para"), pages, labelled=True)]
    return lines


def name_line(name, brief):
    """The line that whatis(1) and apropos(1) show."""
    text = re.sub(r"^(Returns|Get) (?=the )", "", header.first_sentence(brief))
    text = re.split(r"[:;] ", text)[0]
    if not text.startswith(("Role", "RequestVote", "AppendEntries", "InstallSnapshot", "TimeoutNow",
                            "Raft")):
        text = text[:1].lower() + text[1:]
    return f"{name} \\- {escape(text)}"


def declaration(kind, name):
    """A member or parameter with its type, as C writes it."""
    if "(*)" in kind:
        return kind.replace("(*)", f" (*{name})")
    kind, bracket, length = kind.partition("[")
    name += bracket + length
    return kind + ("" if kind.endswith("*") else " ") + name


def prototype(one):
    """The declaration of a function, one parameter a line if it is long."""
    parameters = [declaration(*parameter) for parameter in one.parameters]
    begin = f"{declaration(one.type, one.name)}("
    line = begin + ", ".join(parameters) + ");"
    if len(line) <= WIDTH - 8:
        return [f".B {escape(line)}"]
    long = begin + (",\n" + " " * len(begin)).join(parameters) + ");"
    return [f"\\fB{escape(part)}\\fP" for part in long.split("\n")]


def from_rst(text, titles):
    """Text of the pages of docs/, with their roles."""
    text = text.replace("2\\ :sup:`62`", "2^62")
    parts = re.split(r"(:[\w:]+:`[^`]+`|``[^`]+``)", text)
    for at in range(1, len(parts), 2):
        role, _, name = parts[at].strip("`").rpartition(":`")
        if role == ":doc":
            parts[at] = f'"{escape(titles[name.rsplit("/", 1)[-1]])}" in the documentation'
        else:
            parts[at] = f"\\fB{escape(name)}\\fP" + ("(3)" if role == ":c:func" else "")
    return "".join(part if at % 2 else escape(part) for at, part in enumerate(parts))
