# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plain text, as in comments and in a command's help, to mdoc(7).

    Lines without indentation are filled.  `this` is bold, name() refers to the page of that name.

     - Items like this are a list.

      name      What is indented by two or three columns, and has two columns itself, is a list of
                names, each of one word, with what they mean, or if they are of several words
      a table, in which a row that begins in the first column continues the one above if it is
                indented further than that.

        Anything else that is indented is shown as it is.
"""
import re
import textwrap

SPECIAL = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
REFERENCE = re.compile(r"^(\(?)(\w+)\(\)([.,;:)]*)$")
GAP = re.compile(r"\S( {2,})\S")


def literal(text):
    """Text that is to be shown, and copied, as it is."""
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in
                     "".join(SPECIAL.get(char, char) for char in text).split("\n"))


def words(text):
    """Text on one line, with what is in backquotes bold."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    for number, part in enumerate(parts):
        if number % 2:
            parts[number] = "\\fB%s\\fR" % literal(part)
        else:
            part = part.replace("\\", "\\e").replace('"', "\\(dq")
            part = re.sub(r"(?<!\w)-(?=[-\w])", r"\\-", part)  # options and negative numbers
            part = re.sub(r"\S{60,}", lambda word: re.sub(",(?=.)", r",\\:", word[0]), part)  # may be broken there
            parts[number] = re.sub(r"\b(\w+)\(\)", r"\\fB\1\\fR()", part)
    return "".join(parts)


def quoted(text):
    """An argument of a macro."""
    return '"\\&%s"' % text


def filled(text, pages=()):
    """A paragraph, a sentence on each line, as mdoc wants it; references to pages are macros."""
    lines = []
    for sentence in re.split(r"(?<=[.?!])(?:  (?=\S)| (?=[A-Z`(]))", " ".join(text.split("\n"))):
        start = 0
        for word in re.finditer(r"\S+", sentence):
            found = REFERENCE.match(word[0])
            if found and found[2] in pages and sentence[:word.start()].count("`") % 2 == 0:
                lines.append(words(sentence[start:word.start()]))
                lines.append(" ".join([".Xr"] + ["("] * bool(found[1]) + [found[2], pages[found[2]]]
                                      + list(found[3])))
                start = word.end()
        lines.append(words(sentence[start:]))
    return "\n".join("\\&" + line if line.startswith("'") or re.match(r"\.(?!Xr )", line) else line
                     for line in lines if line)


def column(lines):
    """Where the second column begins, of lines that have two; else None."""
    ends = [found.end() - 1 for line in lines for found in [GAP.search(line)] if found]
    for candidate in sorted(set(ends), key=ends.count, reverse=True)[:1]:
        if all(line[candidate - 1:candidate] in ("", " ") for line in lines):
            return candidate
    return None


def rows(lines, start):
    """The rows of two columns, of which the second begins at `start`."""
    found, margin = [], min(len(line) - len(line.lstrip()) for line in lines)
    for line in lines:
        left, right = line[:start], line[start:].strip()
        if left.strip() and left[margin] != " ":
            found.append([left.strip(), right])
        elif found:
            found[-1] = [(found[-1][0] + " " + left.strip()).strip(), (found[-1][1] + " " + right).strip()]
        else:
            return None
    return found


def tagged(found):
    """A list of names and what they mean."""
    width = max(len(left) for left, _ in found)
    out = [".Bl -tag -width %s -compact" % quoted("x" * min(width, 20))]
    for left, right in found:
        out += [".It " + quoted("\\fB%s\\fR" % literal(left)), filled(right)]
    return "\n".join(out + [".El"])


def table(found):
    """A table, its first row the header."""
    cells = "\nT}\tT{\n"
    out = [".TS", "lb lbx", "l lx.", "\t".join(words(cell) for cell in found[0])]
    out += ["T{\n" + cells.join(filled(cell) for cell in row) + "\nT}" for row in found[1:]]
    return "\n".join(out + [".TE"])


def displayed(lines):
    """An indented block."""
    lines = textwrap.dedent("\n".join(lines)).split("\n")
    start = column(lines)
    found = rows(lines, start) if start else None
    if found and all(" " not in left for left, _ in found):
        return tagged(found)
    if found:
        return table(found)
    return verbatim("\n".join(lines))


def verbatim(text):
    return ".Bd -literal -offset 4n\n%s\n.Ed" % literal(text)


def bullets(text, pages):
    """A list of " - " items."""
    out = [".Bl -dash"]
    for item in re.split(r"(?m)^ - +", text)[1:]:
        out += [".It", filled(textwrap.dedent(" " * 3 + item), pages)]
    return "\n".join(out + [".El"])


def blocks(text):
    """What an empty line or a change of indentation separates, as (kind, lines)."""
    found = []
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        last = found[-1][0] if found else None
        if not line:
            kind = last if last == "code" else None
        elif re.match(r" - ", line) or (last == "list" and indent == 3):
            kind = "list"
        else:
            kind = "text" if indent == 0 else last if last in ("code", "columns") else \
                "code" if indent > 3 else "columns"
        if found and kind == last:
            found[-1][1].append(line)
        else:
            found.append((kind, [line]))
    return [(kind, "\n".join(lines).rstrip().split("\n")) for kind, lines in found if kind]


def format(text, pages=()):
    """Plain text of any kind; `pages` maps names to the sections in which they have pages."""
    out = []
    for kind, lines in blocks(text):
        if kind == "text":
            out += [".Pp"] * bool(out) + [filled("\n".join(lines), pages)]
        elif kind == "list":
            out.append(bullets("\n".join(lines), pages))
        elif kind == "code":
            out.append(verbatim(textwrap.dedent("\n".join(lines))))
        else:
            text = displayed(lines)
            out += [".Pp"] * (bool(out) and not text.startswith(".Bd")) + [text]
    return "\n".join(out)


def page(name, section, date, product, parts):
    """A whole page of (title, text) parts."""
    head = "'\\\" t\n.Dd %s\n.Dt %s %s\n.Os %s\n" % (date, name.upper(), section, product)
    return head + "".join(".Sh %s\n.nh\n.ad l\n%s\n" % part for part in parts if part[1])
