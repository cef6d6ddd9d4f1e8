# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages of one library: section 3, and its tour in section 7.

A page is made of each comment with its declarations.  One that begins with "The same" belongs to
the page before it.  What is returned are the sentences that begin with Returns, True, False, Never,
"NULL with", an error's name and the like, up to the end of their paragraph.
"""
import re

from . import header, mdoc

RETURNED = re.compile(r"(?:\A|(?<=\.\s)|(?<=\.\s\s))(?=(?:Returns|True|False|Never|NULL,? (?:with|if|and)"
                      r"|-1 with|E[A-Z]{3,}|[A-Z]+_ERROR_\w+)\b)")


class Library:
    """What is needed to make the pages of one library."""

    def __init__(self, name, file, include, package, version, date, others=()):
        self.name, self.include = name, include
        self.flags = "pkg-config --cflags --libs " + package
        self.product, self.date, self.others = "%s %s" % (package, version), date, others
        self.intro, self.sections = header.read(file, include)
        self.pages = [page for section in self.sections for page in self.of_section(section)]
        self.index = {name: "3" for page in self.pages for name in page.names}
        self.types = {one.name: one for section in self.sections for group in section.groups
                      for one in group.declarations if one.kind == "type"}

    @staticmethod
    def of_section(section):
        found = []
        for group in section.groups:
            documented = group.doc or any(one.kind == "function" or "{" in one.text for one in group.declarations)
            if found and group.doc.startswith("The same"):
                found[-1].groups.append(group)
            elif documented:
                found.append(Page(section, group))
        return found

    def files(self):
        """Each page: its file's name, its text, and other names under which it is to be found."""
        yield "man7/%s.7" % self.name, self.tour(), []
        for page in self.pages:
            yield "man3/%s.3" % page.names[0], page.text(self), [name + ".3" for name in page.names[1:]]

    def library(self):
        return ("LIBRARY", "%s\n.Pq Li %s" % (self.name, mdoc.literal(self.flags)))

    def tour(self):
        title, rest = self.intro.split("\n", 1)
        parts = [("NAME", ".Nm %s\n.Nd %s" % (self.name, mdoc.words(title.split(": ", 1)[1].rstrip(".")))),
                 ("SYNOPSIS", ".In %s\n.Pp\n.Dl %s" % (self.include, mdoc.literal("cc program.c $(%s)" % self.flags))),
                 ("DESCRIPTION", mdoc.format(rest.strip("\n"), self.index))]
        parts[-1] = ("DESCRIPTION", "\n".join(filter(None, [parts[-1][1]] + list(map(self.chapter, self.sections)))))
        return mdoc.page(self.name, 7, self.date, self.product, parts + [("SEE ALSO", references(self.others))])

    def chapter(self, section):
        own = [page for page in self.pages if page.section is section]
        if not own and not section.prose:
            return ""
        out = [".Ss " + section.title] + [mdoc.format(prose, self.index) for prose in section.prose]
        out += [".Pp"] * bool(section.prose) + [".Bl -tag -width Ds -compact"]
        for page in own:
            out.append(".It " + " , ".join("Xr %s 3" % name for name in page.names))
            out.append(mdoc.words(page.summary()))
        return "\n".join(out + [".El"])


def references(pages):
    pages = sorted(pages, key=lambda page: (page[1], page[0].lower()))
    return " ,\n".join(".Xr %s %s" % page for page in pages)


class Page:
    """Some declarations and what is said of them."""

    def __init__(self, section, group):
        self.section, self.groups = section, [group]

    @property
    def declarations(self):
        return [one for group in self.groups for one in group.declarations]

    @property
    def names(self):
        return list(dict.fromkeys(one.name for one in self.declarations))

    def summary(self):
        """The first sentence, or the beginning of it."""
        doc = " ".join((self.groups[0].doc or self.section.title).split())
        first = re.split(r"(?<=[^.])[.:;](?: |$)", doc)[0]
        return first[0].lower() + first[1:] if re.match(r"[A-Z][a-z ]", first) else first

    def split(self):
        """The first comment: what is described, and what is returned."""
        described, returned = [], []
        for paragraph in self.groups[0].doc.split("\n\n"):
            split = RETURNED.search(paragraph)
            if split and paragraph[:1] != " ":
                described += [paragraph[:split.start()].rstrip()] * bool(split.start())
                returned.append(paragraph[split.start():])
            elif returned and self.continues(paragraph):
                returned.append(paragraph)
            else:
                described.append(paragraph)
        return ("\n\n".join(part) for part in ((described, returned) if described else (returned, [])))

    def text(self, library):
        described, returned = self.split()
        index = {name: section for name, section in library.index.items() if name not in self.names}
        out = [mdoc.format(described, index)] * bool(described)
        for group in self.groups[1:]:
            out += [".Ss " + " , ".join("Fn " + one.name for one in group.declarations), mdoc.format(group.doc, index)]
        general = [section for section in library.sections if section.title == "Errors"]
        if any(one.kind in ("function", "macro") for one in self.declarations):
            for prose in self.section.prose if self.section not in general else []:
                out += [".Ss " + self.section.title, mdoc.format(prose, index)]
        else:
            general = []
        names = " ,\n".join(".Nm " + name for name in self.names)
        parts = [("NAME", names + "\n.Nd " + mdoc.words(self.summary())),
                 library.library(), ("SYNOPSIS", self.synopsis(library)),
                 ("DESCRIPTION", "\n".join(out)),
                 ("RETURN VALUES", mdoc.format(returned, index)),
                 ("ERRORS", "\n.Pp\n".join(mdoc.format(prose, index) for one in general for prose in one.prose)),
                 ("SEE ALSO", self.see_also(library))]
        return mdoc.page(self.names[0], 3, library.date, library.product, parts)

    @staticmethod
    def continues(paragraph):
        """Whether it goes on with what is said before: a list, or what begins with a small letter."""
        return paragraph[:1] == " " or paragraph[:1].islower()

    def synopsis(self, library):
        """The declarations, and the types that they are about."""
        out, types = [".In " + library.include], []
        for one in self.declarations:
            if one.kind == "function":
                result, name, parameters = header.prototype(one.text)
                out += [".Ft " + mdoc.quoted(result), ".Fo " + name]
                out += [".Fa " + mdoc.quoted(parameter) for parameter in parameters] + [".Fc"]
                types += re.findall(r"\w+", one.text)
            elif one.kind == "macro":
                out.append(".Fn %s %s" % (one.name, " ".join(re.findall(r"\w+", one.text)[1:])))
            else:
                types += [one.name] + re.findall(r"\w+", one.text)
                if one.kind == "constant":
                    out.append(self.shown(one.text))
        for name in dict.fromkeys(types):
            if name in library.types and (name in self.names or re.search(r"[{(]", library.types[name].text)):
                out.append(self.shown(library.types[name].text))
        return "\n".join(out)

    @staticmethod
    def shown(code):
        return ".Bd -literal\n%s\n.Ed" % mdoc.literal(code)

    def see_also(self, library):
        near = [(page.names[0], "3") for page in library.pages if page.section is self.section and page is not self]
        return references(near + [(library.name, "7")])
