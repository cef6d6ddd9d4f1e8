# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of a command, made of its own help.

`COMMAND --help` is to begin with "Usage:", and to list its commands, indented, after "Commands:";
`COMMAND help NAME` is of the same form.  Their other paragraphs are described in mdoc.py, but that
what is indented is a list of options.  "Exit status:" and "Examples:" begin these.
"""
import re
import subprocess

from . import mdoc


def said(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def commands(text):
    """Names and what they do, of the list after "Commands:"."""
    listed = re.search(r"^Commands:\n((?: .*\n)+)", text, re.MULTILINE)[1]
    return re.findall(r"^ +(\S+) +(.*)$", listed, re.MULTILINE)


def options(lines):
    """A list of options; a description's further lines are indented as its first."""
    start = mdoc.column([line for line in lines if re.match(r" *-", line)]) or 0
    out = [".Bl -tag -width Ds"]
    for left, right in ((line[:start].strip(), line[start:].strip()) for line in lines):
        if left:
            out.append(".It " + mdoc.quoted("\\fB%s\\fR" % mdoc.literal(left)))
        out.append(mdoc.words(right))
    return "\n".join(out + [".El"])


def parts(text):
    """What is described, the exit status and the examples."""
    found = {"description": [], "status": [], "examples": []}
    for paragraph in text.rstrip().split("\n\n"):
        lines = paragraph.split("\n")
        if lines[0] in ("Example:", "Examples:"):
            found["examples"].append(mdoc.verbatim("\n".join(line[2:] for line in lines[1:])))
        elif paragraph.startswith("Exit status: "):
            found["status"].append(mdoc.filled(paragraph.split(": ", 1)[1]))
        elif re.match(r" +-", paragraph):
            found["description"].append(options(lines))
        elif not re.match("Usage: |Commands:", paragraph):
            found["description"] += [".Pp"] * bool(found["description"]) + [mdoc.filled(paragraph)]
    return {key: "\n".join(value) for key, value in found.items()}


def usage(text, name):
    return ".Nm %s\n%s" % (name, mdoc.literal(re.match(r"Usage: %s (.*)" % name, text)[1]))


def page(path, name, summary, product, date, others):
    """The whole page of the program at `path`."""
    text = said(path, "--help")
    main, out = parts(text), []
    for command, does in commands(text):
        own = said(path, "help", command)
        told = parts(own)
        out += [".Ss %s" % command, ".Bd -literal\n%s\n.Ed\n.Pp" % mdoc.literal(re.match(r"Usage: (.*)", own)[1]),
                told["description"]]
        if told["examples"]:
            out += [".Pp", "Examples:", told["examples"]]
    return mdoc.page(name, 1, date, product, [
        ("NAME", ".Nm %s\n.Nd %s" % (name, summary)), ("SYNOPSIS", usage(text, name)),
        ("DESCRIPTION", main["description"]), ("COMMANDS", "\n".join(out)),
        ("EXIT STATUS", main["status"]), ("EXAMPLES", main["examples"]),
        ("SEE ALSO", " ,\n".join(".Xr %s %s" % other for other in others))])
