#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the ABI of both libraries with that of another revision: `scons abi BASE=REVISION`.

    abi.py REVISION BUILD FOLDER [SCONS-OPTION...]

BUILD has the libraries of this checkout, FOLDER gets a tree of the revision, which is built there.
What was added is no break.  A change of what programs see, or a removal, is one unless the SONAME
changed with it.  Exit status: 0; 1 for a break, or if it could not be compared.
"""
import os
import shutil
import subprocess
import sys

LIBRARIES = [("libxsutil.so", "include/xsutil"), ("libxl-lite.so", "include/xl-lite")]


def give_up(why):
    sys.exit("abi: " + why)


def output(*command):
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return run.stdout.strip() if run.returncode == 0 else None


def commit_of(revision):
    if output("git", "rev-parse", "HEAD") is None:
        give_up("this is no git checkout, so there is no other revision")
    commit = output("git", "rev-parse", "--verify", "--quiet", revision + "^{commit}")
    return commit or give_up("git knows no revision '%s'" % revision)


def build(commit, folder, name, options):
    """The revision's libraries, in a tree of their own; where they are: in its build/NAME."""
    tree = os.path.join(folder, commit)
    if not os.path.exists(os.path.join(tree, "SConstruct")):
        os.makedirs(tree, exist_ok=True)
        archive = subprocess.Popen(["git", "archive", commit], stdout=subprocess.PIPE)
        if subprocess.call(["tar", "-x", "-C", tree], stdin=archive.stdout) or archive.wait():
            give_up("cannot unpack %s" % commit)
    if subprocess.call(["scons", "-Q", "lib", *options], cwd=tree, stdout=subprocess.DEVNULL):
        give_up("%s cannot be built, in %s" % (commit, tree))
    return os.path.join(tree, "build", name)


def soname(library):
    dynamic = output("readelf", "-d", library) or give_up("cannot read %s" % library)
    return dynamic.split("soname: [")[1].split("]")[0]


def compare(old, new, name, headers):
    """Whether programs built with the old library can run with the new one."""
    before, now = os.path.join(old, name), os.path.join(new, name)
    if soname(before) != soname(now):
        print("%s: %s is %s now" % (name, soname(before), soname(now)))
        return True
    run = subprocess.run(["abidiff", "--no-added-syms", "--drop-private-types",
                          "--headers-dir1", os.path.join(old, headers),
                          "--headers-dir2", os.path.join(new, headers), before, now],
                         stdout=subprocess.PIPE, text=True)
    print("%s: %s" % (name, "as it was" if run.returncode == 0 else "\n" + run.stdout))
    return run.returncode == 0


def main(revision, new, folder, *options):
    if not revision:
        give_up("which revision? scons abi BASE=REVISION")
    if not shutil.which("abidiff"):
        give_up("abidiff is missing; apt-get install abigail-tools")
    old = build(commit_of(revision), folder, os.path.basename(new), options)
    same = [compare(old, new, *library) for library in LIBRARIES]
    if not all(same):
        give_up("this breaks programs that were built with %s, and the SONAME does not tell"
                % revision)


main(*sys.argv[1:])
