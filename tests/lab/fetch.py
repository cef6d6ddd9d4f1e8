#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fetch the parts of the lab: a Xen hypervisor, a dom0 kernel, Debian's tools.

usage: fetch.py OUTDIR

Everything is downloaded with apt-get and unpacked into OUTDIR/root; nothing is
installed and no privilege is needed, so the machine that runs the tests stays
as it was.  OUTDIR/versions names what was unpacked; while it agrees with apt
there is nothing to do, and without lists or network what is there stays in use.
"""

import functools
import glob
import gzip
import os
import re
import shutil
import subprocess
import sys

from kernel import keep_kernel, keep_modules

STAMP = "versions"
FORMAT = "4"    # raised when the layout below OUTDIR changes
LISTS = "/var/lib/apt/lists"
# Packages of Debian 12 have files in both, of Debian 13 below usr alone: here they meet.
MERGED = ("bin", "lib", "lib64", "sbin")


class FetchError(Exception):
    """Something a person must act on; the message is the whole explanation."""


def output_of(*command):
    """Standard output of a command, in the C locale because it is parsed."""
    env = dict(os.environ, LC_ALL="C")
    try:
        done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise FetchError(f"{command[0]} is missing: the lab needs Debian's apt") from error
    return done.stdout


def candidates(names):
    """Package -> the version apt would download, for those that have one.

    One question for all of them: apt-cache takes most of a second to start.
    """
    found = re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (\S+)$",
                       output_of("apt-cache", "policy", *names), re.M)
    return {name: version for name, version in found if version != "(none)"}


@functools.lru_cache(maxsize=None)
def depends(package):
    """The packages that a package depends on directly."""
    return re.findall(r"^ +\|?(?:Pre)?Depends: ([^<\s]+)$",
                      output_of("apt-cache", "depends", package), re.M)


def newest_xen():
    """The newest Xen version, as in "4.17", that apt has a hypervisor for."""
    names = output_of("apt-cache", "pkgnames", "xen-hypervisor-").split()
    found = [m.group(1) for m in (re.fullmatch(r"xen-hypervisor-(\d[\d.]*)-amd64", n)
                                  for n in names) if m]
    if not found:
        raise FetchError("apt knows no Xen hypervisor: run apt-get update")
    return max(found, key=lambda version: [int(part) for part in version.split(".")])


def kernel_package():
    """The package with the kernel that linux-image-amd64 stands for."""
    found = [n for n in depends("linux-image-amd64") if n.startswith("linux-image-")]
    if not found:
        raise FetchError("apt does not know linux-image-amd64: run apt-get update")
    return found[0]


def absent_libraries(packages, xen_version):
    """Library packages that the packages need and this machine does not have.

    The lab takes libraries from the machine, so that a program built here meets
    in dom0 what it was linked against; only what is not there is fetched, or is
    there from another build of Xen than the tools that need it.
    """
    status = output_of("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\n")
    have = dict(line.split()[1:] for line in status.splitlines() if line.startswith("ii"))
    absent, todo = [], list(packages)
    while todo:
        for name in depends(todo.pop()):
            fits = name in have and (have[name] == xen_version or not name.startswith("libxen"))
            if name.startswith("lib") and not fits and name not in absent:
                absent.append(name)
                todo.append(name)
    return absent


def wanted_packages():
    """Package -> version of everything the lab is made of, in unpacking order."""
    xen = newest_xen()
    hypervisor, utils = f"xen-hypervisor-{xen}-amd64", f"xen-utils-{xen}"
    tools = [utils, "xen-utils-common", "xenstore-utils"]
    libraries = absent_libraries(tools, candidates([utils]).get(utils))
    names = [hypervisor, *tools, "busybox-static", *libraries, kernel_package()]
    versions = candidates(names)
    for name in names:
        if name not in versions:
            raise FetchError(f"apt has no {name}: run apt-get update")
    if versions[hypervisor] != versions[utils]:
        raise FetchError(f"{hypervisor} {versions[hypervisor]} does not match "
                         f"{utils} {versions[utils]}: run apt-get update")
    return {name: versions[name] for name in names}


def download(package, version, folder):
    """Download one package into folder; the path of its file."""
    command = ["apt-get", "download", "-q", f"{package}={version}"]
    if os.geteuid() == 0:   # apt's own user could not write to our folder
        command[1:1] = ["-o", "APT::Sandbox::User=root"]
    done = subprocess.run(command, cwd=folder, env=dict(os.environ, LC_ALL="C"), text=True,
                          capture_output=True, check=False)
    files = glob.glob(os.path.join(folder, "*.deb"))
    if done.returncode or len(files) != 1:
        why = re.findall(r"^E: (.*)$", done.stderr, re.M) or ["no file arrived"]
        raise FetchError(f"cannot download {package} {version}, is there a network, and "
                         f"was apt-get update run lately? ({' '.join(why[0].split())})")
    return files[0]


def make_root(folder):
    """An empty folder to unpack packages into, whatever they have below / and below /usr."""
    for name in MERGED:
        os.makedirs(f"{folder}/usr/{name}")
        os.symlink(f"usr/{name}", f"{folder}/{name}")


def unpack(deb, folder):
    """Unpack a package's files, without its scripts.

    Not with dpkg -x: it would replace the links in our folder by the package's folders.
    """
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as files:
        done = subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", folder],
                              stdin=files.stdout, check=False)
    if done.returncode or files.returncode:
        raise FetchError(f"cannot unpack {os.path.basename(deb)}")


def unpack_kernel(deb, scratch, root):
    """Keep the kernel and a handful of modules of a very large package."""
    folder = os.path.join(scratch, "kernel")
    os.mkdir(folder)
    unpack(deb, folder)
    os.makedirs(f"{root}/boot", exist_ok=True)
    keep_kernel(folder, f"{root}/boot/vmlinux")
    keep_modules(folder, f"{root}/lab-modules")
    shutil.rmtree(folder)


def inflate_hypervisor(root):
    """QEMU wants the hypervisor as the ELF file that is inside the .gz."""
    with gzip.open(glob.glob(f"{root}/boot/xen-*.gz")[0]) as packed:
        with open(f"{root}/boot/xen", "wb") as out:
            shutil.copyfileobj(packed, out)


def fetch_all(outdir, versions):
    """Build OUTDIR/root anew beside the old one, and swap when it is whole."""
    fresh, scratch = os.path.join(outdir, "root.new"), os.path.join(outdir, "scratch")
    for folder in (fresh, scratch):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    make_root(fresh)
    for number, (name, version) in enumerate(versions.items(), 1):
        print(f"fetch [{number}/{len(versions)}] {name} {version}", flush=True)
        deb = download(name, version, scratch)
        if name.startswith("linux-image-"):
            unpack_kernel(deb, scratch, fresh)
        else:
            unpack(deb, fresh)
        os.remove(deb)
    inflate_hypervisor(fresh)
    shutil.rmtree(os.path.join(outdir, "root"), ignore_errors=True)
    os.rename(fresh, os.path.join(outdir, "root"))
    shutil.rmtree(scratch)


def stamp_text(versions):
    """The stamp's text: one "package version" line each."""
    lines = {"format": FORMAT, **versions}
    return "".join(f"{name} {version}\n" for name, version in lines.items())


def read_stamp(outdir):
    """The stamp's text and age as a time; empty and 0 when there is none."""
    try:
        with open(os.path.join(outdir, STAMP), encoding="utf-8") as stamp:
            return stamp.read(), os.fstat(stamp.fileno()).st_mtime
    except FileNotFoundError:
        return "", 0


def lists_time():
    """When apt's lists last changed; 0 if it has none."""
    return os.stat(LISTS).st_mtime if glob.glob(f"{LISTS}/*_Packages*") else 0


def fetch(outdir):
    """Bring OUTDIR up to date with what apt offers; True if anything was fetched."""
    have, checked = read_stamp(outdir)
    usable = have.startswith(f"format {FORMAT}\n") and os.path.isdir(f"{outdir}/root")
    if usable and lists_time() < checked:   # apt can have nothing new to say
        return False
    if not lists_time():
        raise FetchError("apt has no package lists: run apt-get update")
    versions = wanted_packages()
    fresh = not usable or have != stamp_text(versions)
    if fresh:
        os.makedirs(outdir, exist_ok=True)
        try:
            fetch_all(outdir, versions)
        except FetchError as error:
            for folder in ("root.new", "scratch"):
                shutil.rmtree(os.path.join(outdir, folder), ignore_errors=True)
            if not usable:
                raise
            print(f"fetch: {error}; what is there stays in use", file=sys.stderr)
            return False
    with open(os.path.join(outdir, STAMP), "w", encoding="utf-8") as stamp:
        stamp.write(stamp_text(versions))
    return fresh


def main(argv):
    """The command; exit status 0, 1 for a failure, 2 for wrong usage."""
    if len(argv) != 2 or argv[1].startswith("-"):
        print("usage: fetch.py OUTDIR", file=sys.stderr)
        return 2
    try:
        done = fetch(argv[1])
    except (FetchError, OSError) as error:
        print(f"fetch: {error}", file=sys.stderr)
        return 1
    print(f"fetch: {argv[1]} is " + ("ready" if done else "up to date"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
