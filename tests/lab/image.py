# SPDX-License-Identifier: LGPL-2.1-or-later
"""What dom0 and the guests find in their initrds."""

import glob
import os
import secrets
import shlex

from initrd import Initrd, InitrdError

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = ("xl", "xenstored", "oxenstored", "xenconsoled", "xenconsole", "xen-init-dom0",
         "libxl-save-helper", "lsevtchn", "xenstore-control")
DOM0_MODULES = ("xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc",
                "virtio-pci", "virtio-console", "xen-netback", "xen-blkback", "loop", "bridge")
GUEST_MODULES = ("xen-netfront", "xen-blkfront")


class Parts:
    """The files that fetch.py left in its folder."""

    def __init__(self, folder):
        self.root = os.path.join(os.path.abspath(folder), "root")
        self.xen = self.path("boot/xen")
        self.kernel = self.path("boot/vmlinux")
        # As the tools expect it: they look for each other in there.
        self.tools = os.path.dirname(self.path("usr/lib/xen-*/bin/xl"))

    def path(self, pattern):
        """The one file that the pattern names."""
        found = glob.glob(os.path.join(self.root, pattern))
        if not found:
            raise InitrdError(f"{os.path.join(self.root, pattern)} is missing: "
                              f"run fetch.py {os.path.dirname(self.root)}")
        return found[0]

    def library_path(self):
        """Where the dynamic linker finds the libraries that had to be fetched."""
        return ":".join(glob.glob(f"{self.root}/usr/lib/*-linux-gnu"))

    def store_tools(self):
        """Debian's xenstore-read and its siblings."""
        found = sorted(glob.glob(f"{self.root}/usr/bin/xenstore-*"))
        return [path for path in found if not os.path.islink(path)]


def add_modules(image, parts, folder, names):
    """Kernel modules and, for each wanted one, the order to load them in."""
    modules = os.path.join(parts.root, "lab-modules")
    for name in names:
        order = os.path.join(modules, name + ".order")
        if not os.path.exists(order):   # built into the kernel
            continue
        image.file(order, f"{folder}/{name}.order")
        with open(order, encoding="utf-8") as file:
            for module in file.read().split():
                image.file(f"{modules}/{module}.ko", f"{folder}/{module}.ko")


def guest_initrd(parts):
    """The whole of a guest: busybox, an init, drivers for a vif and a disk."""
    image = Initrd()
    image.file(parts.path("usr/bin/busybox"), "bin/busybox")
    image.file(os.path.join(HERE, "guest-init.sh"), "init", True)
    # What the guest's kernel starts when the toolstack asks it to stop.
    for name in ("poweroff", "reboot"):
        image.text(f"sbin/{name}", f"#!/bin/busybox sh\nexec /bin/busybox {name} -f\n", True)
    add_modules(image, parts, "modules", GUEST_MODULES)
    return image.archive()


def add_tools(image, parts):
    """Debian's programs, their configuration and what they miss silently."""
    folder = os.path.relpath(parts.tools, parts.root)
    paths = [f"{parts.tools}/{name}" for name in TOOLS]
    image.programs(paths, folder, parts.library_path())
    image.programs(parts.store_tools(), "usr/bin", parts.library_path())
    image.link("usr/lib/xen", f"/{os.path.dirname(folder)}")
    # oxenstored of 4.20 loads these by their full names, so that ldd does not see them.
    for plugin in glob.glob(f"{os.path.dirname(parts.tools)}/ocaml/**/*.cmxs", recursive=True):
        image.programs([plugin], os.path.relpath(os.path.dirname(plugin), parts.root),
                       parts.library_path())
    # pthread_cancel loads this by name, so that ldd does not see it.
    image.file(libgcc(), "usr/lib/libgcc_s.so.1")
    for name in ("oxenstored.conf", "xl.conf"):
        image.file(f"{parts.root}/etc/xen/{name}", f"etc/xen/{name}")
    for name in ("vif-bridge", "block"):
        image.file(os.path.join(HERE, "hotplug.sh"), f"etc/xen/scripts/{name}", True)
    # Debian's own, beside those, with what busybox has not.
    image.tree(f"{parts.root}/etc/xen/scripts", "lab/debian-scripts")
    image.programs(["/bin/bash", "/usr/bin/flock"], "usr/bin")


def libgcc():
    """The machine's libgcc_s.so.1."""
    found = glob.glob("/lib/*-linux-gnu/libgcc_s.so.1") + glob.glob("/usr/lib*/libgcc_s.so.1")
    if not found:
        raise InitrdError("libgcc_s.so.1 is not on this machine")
    return found[0]


def split_pair(text):
    """"SOURCE:TARGET" as two; the target is empty when there is none."""
    source, _, target = text.partition(":")
    return source, target


def dom0_initrd(parts, options, programs=(), files=()):
    """dom0's initrd; programs are PATH[:DESTDIR], files SOURCE:TARGET.

    options are the variables that init.sh reads.
    """
    image = Initrd()
    image.file(parts.path("usr/bin/busybox"), "bin/busybox")
    image.file(os.path.join(HERE, "init.sh"), "init", True)
    image.file(os.path.join(HERE, "lab-guest.sh"), "usr/bin/lab-guest", True)
    image.file(os.path.join(HERE, "await.sh"), "lab/await.sh")
    image.file("/sbin/ldconfig", "usr/sbin/ldconfig")
    image.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    image.text("etc/group", "root:x:0:\n")
    image.text("lab/env", "".join(f"export {name}={shlex.quote(str(value))}\n"
                                  for name, value in options.items()))
    add_modules(image, parts, "lab/modules", DOM0_MODULES)
    add_tools(image, parts)
    image.file(parts.kernel, "lab/guest/kernel")
    image.data("lab/guest/initrd", guest_initrd(parts))
    by_folder = {}
    for program, folder in map(split_pair, programs):
        by_folder.setdefault(folder or "/usr/bin", []).append(program)
    for folder, paths in by_folder.items():
        image.programs(paths, folder)
    for source, target in map(split_pair, files):
        image.tree(source, target or "/root/" + os.path.basename(source))
    return image.archive()


def new_token():
    """A word that no output contains by accident."""
    return "lab-" + secrets.token_hex(8)
