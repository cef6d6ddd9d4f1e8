#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fetch the headers of the Xen that other releases of Debian have.

usage: other-xen.py OUTDIR

They come from the mirror that apt is set up with, through apt with lists of its own, so that the
machine's apt stays as it was.  Each libxen-dev is unpacked into OUTDIR/XEN, as in OUTDIR/4.17, and
OUTDIR/releases has a line for each release but this machine's: its name, the Xen or "-", and
libxen-dev's version or why there is none.  What was fetched stays in use when the mirror cannot be
reached.
"""

import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lab"))

from fetch import FetchError, download, output_of, unpack  # noqa: E402

RELEASES = ("bullseye", "bookworm", "trixie")   # Xen 4.14, 4.17, 4.20
PACKAGE = "libxen-dev"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
DAY = 24 * 60 * 60


def other_releases():
    """Those of RELEASES that this machine does not run."""
    with open("/etc/os-release", encoding="utf-8") as file:
        own = re.findall(r"^VERSION_CODENAME=(\S+)$", file.read(), re.M)
    return [name for name in RELEASES if name not in own]


def mirror():
    """The address of the Debian mirror that apt is set up with."""
    for line in output_of("apt-get", "indextargets", "--format", "$(LABEL) $(COMPONENT) $(REPO_URI)",
                          "Created-By: Packages").splitlines():
        label, component, address = line.split(" ", 2)
        if (label, component) == ("Debian", "main"):
            return address
    raise FetchError("apt is not set up with a mirror of Debian, or has no package lists: "
                     "run apt-get update")


def set_up_apt(folder, releases):
    """Have apt use lists of its own, below folder, of these releases."""
    for name in ("lists/partial", "archives/partial"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    signed = f"[signed-by={KEYS}] " if os.path.exists(KEYS) else ""
    address = mirror()
    settings = {"Dir::Etc::sourcelist": f"{folder}/sources", "Dir::Etc::sourceparts": "/dev/null",
                "Dir::State": folder, "Dir::State::status": f"{folder}/status",
                "Dir::Cache": folder, "Acquire::Languages": "none", "Acquire::http::Timeout": "20"}
    if os.geteuid() == 0:   # apt's own user could not write to our folder
        settings["APT::Sandbox::User"] = "root"
    texts = {"sources": "".join(f"deb {signed}{address} {name} main\n" for name in releases),
             "apt.conf": "".join(f'{name} "{value}";\n' for name, value in settings.items()),
             "status": ""}
    for name, text in texts.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    os.environ["APT_CONFIG"] = os.path.join(folder, "apt.conf")


def update():
    """Bring apt's lists up to date; what it complained of."""
    done = subprocess.run(["apt-get", "-q", "update"], env=dict(os.environ, LC_ALL="C"), text=True,
                          capture_output=True, check=False)
    return re.findall(r"^[EW]: (.*)$", done.stderr, re.M)


def offered():
    """Release -> the version of libxen-dev that the mirror has for it."""
    rows = re.findall(rf"^ *{PACKAGE} \| +(\S+) \| \S+ (\S+)/main \S+ Packages$",
                      output_of("apt-cache", "madison", PACKAGE), re.M)
    return {release: version for version, release in rows}


def bring(outdir, xen, version):
    """Unpack that version of libxen-dev into OUTDIR/XEN, unless it is there."""
    folder, fresh = os.path.join(outdir, xen), os.path.join(outdir, "fresh")
    note = "unpacked"
    try:
        with open(os.path.join(folder, note), encoding="utf-8") as file:
            if file.read() == version:
                return
    except FileNotFoundError:
        pass
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    deb = download(PACKAGE, version, fresh)
    unpack(deb, fresh)
    os.remove(deb)
    with open(os.path.join(fresh, note), "w", encoding="utf-8") as file:
        file.write(version)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(fresh, folder)


def look_up(outdir):
    """Fetch what there is; release -> (Xen, version), or ("-", why there is none)."""
    releases = other_releases()
    set_up_apt(os.path.join(outdir, "apt"), releases)
    complaints, versions, found = update(), offered(), {}
    for release in releases:
        if release not in versions:
            why = [line for line in complaints if release in line]
            found[release] = ("-", (why or [f"the mirror has no {PACKAGE} for it"])[0])
            continue
        xen = re.match(r"(?:\d+:)?(\d+\.\d+)", versions[release]).group(1)
        try:
            bring(outdir, xen, versions[release])
            found[release] = (xen, versions[release])
        except FetchError as error:
            found[release] = ("-", str(error))
    return found


def is_new(path):
    """Whether the file is not a day old yet, and all that it tells of was there."""
    try:
        with open(path, encoding="utf-8") as file:
            written = os.fstat(file.fileno()).st_mtime
            return (time.time() - DAY < written > os.stat(__file__).st_mtime
                    and " - " not in file.read())
    except FileNotFoundError:
        return False


def main(argv):
    """The command; exit status 0, 1 for a failure, 2 for wrong usage."""
    if len(argv) != 2 or argv[1].startswith("-"):
        print("usage: other-xen.py OUTDIR", file=sys.stderr)
        return 2
    outdir = os.path.abspath(argv[1])
    releases = os.path.join(outdir, "releases")
    try:
        if not is_new(releases):
            os.makedirs(outdir, exist_ok=True)
            found = look_up(outdir)
            with open(releases, "w", encoding="utf-8") as file:
                file.writelines(f"{name} {xen} {what}\n" for name, (xen, what) in found.items())
        with open(releases, encoding="utf-8") as file:
            for line in file:
                print("other-xen:", line, end="")
    except (FetchError, OSError) as error:
        print(f"other-xen: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
