# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads public headers: what their comments say of which declarations.

A comment is plain text, as in Go: what is indented is not filled (see mdoc.py), and there are no
tags.  Where it stands tells what it is about:

    /** ... */ before #ifndef            the header itself; where one header includes others, only
                                         what the first says is shown
    /* ---- Title ---- */                begins a section
    /* ... */                            the section, or this part of it
    /** ... */ before declarations       these, up to the next comment or empty line

Declarations without a comment are about their section alone.
"""
import os
import re
import sys
from collections import namedtuple

# kind: function, macro, type or constant; text: as it is written, or a macro's first line
Declaration = namedtuple("Declaration", "kind name text")
# The declarations that one comment is about; doc: that comment or ""
Group = namedtuple("Group", "doc declarations")


class Section:
    """A part of the library: prose, and groups."""

    def __init__(self, title):
        self.title, self.prose, self.groups = title, [], []


TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/)
  | (?P<define>\#\s*define\b(?:[^\n\\]|\\.)*)
  | (?P<directive>\#(?:[^\n\\]|\\.)*)
  | (?P<empty>\n[ \t]*\n)
  | (?P<guard>extern\s+"C"\s*\{|^\}|\b[A-Z][A-Z_]+_DECLS\b|^G_DEFINE_AUTOPTR\w+\([^)]*\))
  | (?P<code>[A-Za-z_])
""", re.VERBOSE | re.DOTALL | re.MULTILINE)
RULER = re.compile(r"/\* ---- (.*?) -* ?\*/$")
ATTRIBUTES = re.compile(r"(?:\s*\b[A-Z][A-Z0-9_]+(?:\([^()]*\))?)+\s*;$")
PROTOTYPE = re.compile(r"^(?:extern\s+|static\s+inline\s+)?(.*?[\s*])(\w+)\s*\((.*)\)\s*;?$", re.DOTALL)


def plain(comment):
    """A comment's text, without what makes it a comment."""
    lines = re.sub(r"^/\*+|\*/$", "", comment).split("\n")
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() if number else line.strip()
             for number, line in enumerate(lines)]
    return "\n".join(lines).strip("\n")


def end_of_code(text, start):
    """Where the declaration or definition that begins at `start` ends."""
    depth, position = 0, start
    while position < len(text):
        if text.startswith("/*", position):
            position = text.index("*/", position) + 1
        elif text[position] in "({":
            depth += 1
        elif text[position] in ")}":
            depth -= 1
            body = text[position] == "}" and re.match(r"static\s+inline\b", text[start:])
            if depth == 0 and body:
                break
        elif text[position] == ";" and depth == 0:
            break
        position += 1
    return position + 1


def without_attributes(code):
    """A prototype without what is for the compiler, and without a body."""
    code = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)\s*", "", code.split("{")[0]).rstrip(" ;\n") + ";"
    return ATTRIBUTES.sub(";", code)


def prototype(code):
    """Return type, name and parameters of a function's declaration."""
    found = PROTOTYPE.match(without_attributes(code))
    if not found:
        raise ValueError("not understood as a function: " + code)
    result, name, parameters = found.groups()
    parts, depth = [""], 0
    for char in " ".join(parameters.split()):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return " ".join(result.split()), name, [part.strip() for part in parts]


def declaration(code):
    """What a piece of code declares."""
    if code.startswith("#"):
        line = code.split("\n")[0].rstrip("\\ ")
        name, call = re.match(r"#\s*define\s+(\w+)(\([^)]*\))?", line).groups()
        return Declaration("macro", name, name + call) if call else Declaration("constant", name, line)
    if code.startswith("typedef"):
        bare = re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)
        pointer = re.search(r"\(\s*\*?\s*(\w+)\s*\)\s*\(", bare)
        function = re.match(r"typedef[^{]*?\b(\w+)\(", bare)
        name = pointer or function or re.search(r"(\w+)(?:\s*__attribute__.*)?\s*;$", bare, re.DOTALL)
        return Declaration("type", name[1], code)
    if re.match(r"(struct|enum|union)\s+\w+\s*[{;]", code):
        return Declaration("type", code.split()[1].rstrip(";"), code)
    if "(" in code:
        return Declaration("function", prototype(code)[1], code)
    return Declaration("constant", re.search(r"(\w+)(\[.*\])?\s*;$", code)[1], code)


class Reader:
    """Collects sections from one header after the other."""

    def __init__(self):
        self.sections, self.intro = [Section("")], None
        self.doc, self.pending = "", []

    def close_group(self):
        if self.pending:
            self.sections[-1].groups.append(Group(self.doc, self.pending))
        elif self.doc:  # it was about no declaration
            self.sections[-1].prose.append(self.doc)
        self.doc, self.pending = "", []

    def comment(self, comment):
        self.close_group()
        ruler = RULER.match(comment)
        if ruler:
            self.sections.append(Section(ruler[1]))
        elif comment.startswith("/**"):
            self.doc = plain(comment)
        elif "SPDX" not in comment:
            self.sections[-1].prose.append(plain(comment))

    def directive(self, text):
        """The comment before #ifndef is the header's own."""
        if text.startswith("#ifndef") and self.doc and not self.pending:
            self.intro = self.intro or self.doc
            self.doc = ""

    def read(self, text):
        position = 0
        while True:
            found = TOKEN.search(text, position)
            if not found:
                break
            position, kind = found.end(), found.lastgroup
            if kind == "comment":
                self.comment(found[0])
            elif kind == "directive":
                self.directive(found[0])
            elif kind == "empty":
                if self.pending:
                    self.close_group()
                position = found.end() - 1  # it may begin a further empty line
            elif kind in ("define", "code"):
                end = found.end() if kind == "define" else end_of_code(text, found.start())
                if not re.search(r"_H$", found[0]):  # the include guard
                    self.pending.append(declaration(text[found.start():end]))
                position = end
        self.close_group()


def files(header, name):
    """A public header that programs include as `name`, then those of its own that it includes, each
    behind those that it includes itself."""
    base, folder, seen, found = os.path.dirname(header), os.path.dirname(name), set(), []

    def visit(path):
        if path in seen:
            return
        seen.add(path)
        with open(path, encoding="utf-8") as file:
            included = re.findall(r'^#\s*include\s*[<"](.*?)[">]', file.read(), re.MULTILINE)
        for own in included:
            near = os.path.normpath(os.path.join(os.path.dirname(path), own))
            if os.path.exists(near):
                visit(near)
            elif own.startswith(folder + "/"):
                visit(os.path.normpath(os.path.join(base, own[len(folder) + 1:])))
        found.append(path)

    visit(os.path.normpath(header))
    return found[-1:] + found[:-1]


def read(header, name):
    """The comment of a library's header, and its sections, with those of the headers it includes."""
    reader = Reader()
    for path in files(header, name):
        try:
            reader.read(open(path, encoding="utf-8").read())
        except ValueError as error:
            sys.exit("manual: %s: %s" % (path, error))
    return reader.intro, [one for one in reader.sections if one.prose or one.groups]
