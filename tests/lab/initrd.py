# SPDX-License-Identifier: LGPL-2.1-or-later
"""Build an initrd in memory: programs, the libraries they need, and files.

The archive is written here rather than by cpio(1) because a plain user cannot
make files that belong to root, nor device nodes, on disk; in an archive anyone
can.  It stays uncompressed: under emulation copying is cheap, inflating is not.
"""

import os
import re
import stat
import subprocess

# usrmerge, as on Debian: one place for each kind of file.
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64",
         "var/run": "/run"}
FOLDERS = ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "proc", "sys", "run", "tmp",
           "root", "etc", "var/log", "var/lib")


class InitrdError(Exception):
    """A program or library that cannot be put into the initrd."""


class Initrd:
    """Files by their path in the initrd; archive() gives the bytes."""

    def __init__(self):
        self.entries = {}
        self.libraries = {}
        for folder in FOLDERS:
            self.folder(folder)
        for name, target in LINKS.items():
            self.link(name, target)
        self.device("dev/console", 5, 1)

    def _place(self, path, mode, data=b"", device=(0, 0)):
        """Add one entry and the folders above it."""
        path = self._resolve(path)
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.folder(parent)
        self.entries[path] = (mode, data, device)

    def _resolve(self, path):
        """A path without a leading slash and without LINKS in its folders."""
        path = os.path.normpath(path).strip("/")
        top, _, rest = path.partition("/")
        return f"{LINKS[top]}/{rest}" if rest and top in LINKS else path

    def folder(self, path):
        """Add an empty folder."""
        self._place(path, stat.S_IFDIR | 0o755)

    def link(self, path, target):
        """Add a symbolic link."""
        self._place(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        """Add a character device."""
        self._place(path, stat.S_IFCHR | 0o600, device=(major, minor))

    def text(self, path, text, executable=False):
        """Add a file made of text."""
        self._place(path, stat.S_IFREG | (0o755 if executable else 0o644), text.encode())

    def data(self, path, data):
        """Add a file made of bytes."""
        self._place(path, stat.S_IFREG | 0o644, data)

    def file(self, source, path, executable=None):
        """Add a copy of a file, executable if it is so here or as told."""
        try:
            with open(source, "rb") as file:
                data = file.read()
                mode = os.fstat(file.fileno()).st_mode
        except OSError as error:
            raise InitrdError(f"{source}: {error.strerror}") from error
        if executable is None:
            executable = bool(mode & 0o100)
        self._place(path, stat.S_IFREG | (0o755 if executable else 0o644), data)

    def tree(self, source, path):
        """Add a folder with all that is in it; or one file."""
        if not os.path.isdir(source):
            self.file(source, path)
            return
        for folder, _, names in os.walk(source):
            under = os.path.normpath(os.path.join(path, os.path.relpath(folder, source)))
            for name in names:
                self.file(os.path.join(folder, name), os.path.join(under, name))

    def programs(self, sources, folder, library_path=""):
        """Add programs to a folder, and the libraries that ldd names.

        Libraries land flat in /usr/lib, where the dynamic linker looks last: a
        run path into somebody's build folder does not exist in the initrd.
        """
        for source in sources:
            self.file(source, os.path.join(folder, os.path.basename(source)), True)
        for name, path in needed_libraries(sources, library_path).items():
            if "/" in name:     # the dynamic linker itself, at its fixed place
                self.file(path, name, True)
            elif name not in self.libraries:
                self.file(path, os.path.join("usr/lib", name))
                self.libraries[name] = path
            elif not same_content(path, self.libraries[name]):
                raise InitrdError(f"two different {name}: {path}, {self.libraries[name]}")

    def archive(self):
        """The initrd as bytes, in cpio's "newc" format."""
        parts = []
        for number, path in enumerate(sorted(self.entries), 1):
            parts += newc(number, path, *self.entries[path])
        parts += newc(0, "TRAILER!!!", 0, b"", (0, 0))
        return b"".join(parts)


def newc(number, path, mode, data, device):
    """One archive member: header, name and data, each padded to four bytes."""
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    return [head, name, bytes(-(len(head) + len(name)) % 4), data, bytes(-len(data) % 4)]


def same_content(one, other):
    """Whether two files hold the same bytes; most often they are one file."""
    if os.path.samefile(one, other):
        return True
    with open(one, "rb") as a, open(other, "rb") as b:
        return a.read() == b.read()


def needed_libraries(programs, library_path=""):
    """Name -> file of each library that the programs need.

    A static program, or a script, needs none.
    """
    elf = [program for program in programs if is_elf(program)]
    if not elf:
        return {}
    path = ":".join(p for p in (library_path, os.environ.get("LD_LIBRARY_PATH", "")) if p)
    done = subprocess.run(["ldd", *elf], text=True, capture_output=True, check=False,
                          env=dict(os.environ, LC_ALL="C", LD_LIBRARY_PATH=path))
    absent = re.search(r"^\s+(\S+) => not found", done.stdout, re.M)
    if absent:
        raise InitrdError(f"{absent.group(1)}, needed by one of "
                          f"{' '.join(map(os.path.basename, elf))}, is not on this machine")
    found = dict(re.findall(r"^\s+(\S+) => (/\S+)", done.stdout, re.M))
    found.update({p: p for p in re.findall(r"^\s+(/\S+) \(0x", done.stdout, re.M)})
    return found


def is_elf(path):
    """Whether a file is a binary that ldd can look into."""
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"
