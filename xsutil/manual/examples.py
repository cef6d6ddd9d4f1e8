# SPDX-License-Identifier: LGPL-2.1-or-later
"""Takes the examples out of headers and Markdown, to be compiled: DIRECTORY FILE...

Each becomes DIRECTORY/FILE-LINE.c.  What is no whole program is given examples.h, with the variables
that examples leave out, and statements a function around them.
"""
import os
import re
import sys
import textwrap

from . import header, mdoc


def of_header(text):
    """Blocks of code in its comments, with the lines at which their comments begin."""
    for comment in re.finditer(r"^/\*.*?\*/", text, re.MULTILINE | re.DOTALL):
        for kind, lines in mdoc.blocks(header.plain(comment[0])):
            if kind == "code":
                yield text.count("\n", 0, comment.start()) + 1, textwrap.dedent("\n".join(lines))


def of_markdown(text):
    for block in re.finditer(r"^```c\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, block.start()) + 2, block[1]


def whole(code):
    """A file that can be compiled."""
    if "#include" in code:
        return code
    if not re.search(r"^\w.*\)\n\{", code, re.MULTILINE):
        code = "bool example(void);\nbool example(void)\n{\n%s\nreturn true;\n}" % code
    return '#include "examples.h"\n%s\n' % code


def main(directory, *files):
    for path in files:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for number, (line, code) in enumerate((of_markdown if path.endswith(".md") else of_header)(text)):
            name = "%s-%d-%d.c" % (os.path.basename(path), line, number)
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(whole(code))


main(*sys.argv[1:])
