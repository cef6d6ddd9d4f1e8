#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run benchmarks one after the other; their tables go to the terminal and to a file, their rows to
another as one JSON array.

usage: run.py TEXT JSON PROGRAM COMMAND...

Rows come through the file that BENCH_JSON names, and in lines of output that begin with "json ".
The text begins with what was measured, where and against what.  PROGRAM is one of those that are
run: the libxenstore that it is linked with is the peer.  BENCH_AGAINST has the versions in short,
for the heads of tables; each JSON row has them, too.
"""
import datetime
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile


def output_of(*command):
    """What a command prints; nothing if it fails or is missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def text_of(path):
    """A file's text; nothing if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def first(pattern, text, otherwise="unknown"):
    """The group of the first match."""
    found = re.search(pattern, text, re.M)
    return found.group(1) if found else otherwise


def libxenstore_version(program):
    """That of the package whose libxenstore a program loads; else that of Xen's headers.

    The library's own number is 4.0 or 4.1 and says nothing of Xen's.
    """
    path = os.path.realpath(first(r"libxenstore\.so\S* => (\S+)", output_of("ldd", program), ""))
    package = output_of("dpkg-query", "-S", path).split(": ")[0]
    return package and output_of("dpkg-query", "-W", "-f", "${Version}", package) \
        or output_of(*shlex.split(os.environ.get("PKG_CONFIG", "pkg-config")), "--modversion",
                     "xencontrol") or "unknown"


def xen_version():
    """That of the daemons, libxl, xl and test-xenstore, which fetch.py has unpacked."""
    return first(r"^xen-utils-\S+ (\S+)$",
                 text_of(os.path.join(os.environ.get("XEN_PARTS", ""), "versions")))


def describe(program):
    """The head of a file of results; and the versions in short."""
    library, xen, libc = libxenstore_version(program), xen_version(), " ".join(platform.libc_ver())
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no")
    machine = ["%d CPUs" % os.cpu_count(),
               first(r"^model name\s*: (.*)$", text_of("/proc/cpuinfo")),
               first(r'^PRETTY_NAME="?(.*?)"?$', text_of("/etc/os-release")),
               "Linux " + first(r"^(\d+\.\d+)", platform.release()),
               output_of(os.environ.get("CC", "cc"), "--version").partition("\n")[0]]
    lines = [("date", datetime.date.today().isoformat()),
             ("revision", (output_of("git", "rev-parse", "--short", "HEAD") or "unknown")
              + (", changed" if changed else "")),
             ("machine", ", ".join(machine)),
             ("peer", "libxenstore %s; xenstored, oxenstored, libxl, xl and test-xenstore %s; %s"
              % (library, xen, libc))]
    short = [first(r"^([\d.]+)", version) for version in (library, xen)]
    return "".join("%-9s %s\n" % (name + ":", value) for name, value in lines), \
        "libxenstore %s, Xen %s, %s" % (*short, libc)


def run(command, text, rows):
    """One command line; its exit status."""
    with subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, text=True,
                          errors="replace") as process:
        for line in process.stdout:
            if line.startswith("json "):
                rows.append(json.loads(line[len("json "):]))
                continue
            show(line, text)
    return process.returncode


def show(line, text):
    """To the terminal and to the file."""
    for file in (sys.stdout, text):
        file.write(line)
        file.flush()


def main(text_path, json_path, program, *commands):
    """All of them; the first failure ends it."""
    head, against = describe(program)
    os.environ["BENCH_AGAINST"] = against
    with tempfile.TemporaryDirectory() as folder, open(text_path, "w", encoding="utf-8") as text:
        path = os.path.join(folder, "rows")
        os.environ["BENCH_JSON"] = path
        rows = []
        show(head, text)
        for command in commands:
            status = run(command, text, rows)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as lines:
                    rows += map(json.loads, lines)
                os.remove(path)
            if status:
                sys.exit(f"run.py: {command}: failed with status {status}")
    for row in rows:
        row["against"] = against
    with open(json_path, "w", encoding="utf-8") as file:
        file.write("[\n%s\n]\n" % ",\n".join(map(json.dumps, rows)))


if __name__ == "__main__":
    main(*sys.argv[1:])
