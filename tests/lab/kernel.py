# SPDX-License-Identifier: LGPL-2.1-or-later
"""Take the few pieces the lab needs out of an unpacked kernel package.

The kernel itself is stored inflated: under emulation, letting Xen inflate it
takes seconds at every boot, and the guests' copy seconds at every creation.
"""

import glob
import lzma
import os
import re
import struct
import zlib

# What dom0 or a guest may load; virtio is dom0's way to talk to the host.
MODULES = ("xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc",
           "virtio-pci", "virtio-console", "xen-netback", "xen-blkback", "loop",
           "xen-netfront", "xen-blkfront", "bridge")


def inflate_kernel(image):
    """The ELF kernel inside a bzImage; the image itself if that is not possible.

    The offsets are those of the Linux x86 boot protocol: setup_sects at 0x1f1,
    payload_offset and payload_length (since 2.08) at 0x248.
    """
    start, length = struct.unpack_from("<II", image, 0x248)
    start += (image[0x1f1] + 1) * 512
    payload = image[start:start + length]
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(payload)
    return image


def keep_kernel(folder, target):
    """Write the only kernel below folder/boot, inflated, to target."""
    with open(glob.glob(f"{folder}/boot/vmlinuz-*")[0], "rb") as image:
        kernel = inflate_kernel(image.read())
    with open(target, "wb") as out:
        out.write(kernel)


def module_needs(data):
    """Names of the modules that a module's own description says it needs."""
    found = re.search(rb"\0depends=([^\0]*)\0", data)
    return found.group(1).decode().split(",") if found and found.group(1) else []


def module_chain(name, files, target):
    """Copy a module and its needs into target; their names, needs first."""
    name = name.replace("_", "-")
    if name not in files:   # built into this kernel
        return []
    opener = lzma.open if files[name].endswith(".xz") else open
    with opener(files[name], "rb") as module:
        data = module.read()
    with open(os.path.join(target, name + ".ko"), "wb") as out:
        out.write(data)
    chain = []
    for need in module_needs(data):
        chain += [n for n in module_chain(need, files, target) if n not in chain]
    return chain + [name]


def keep_modules(folder, target):
    """Copy MODULES and what they need into target: flat, inflated.

    target/NAME.order holds the names to load for NAME, in order, so that nobody
    needs depmod, here or in dom0; a module built into the kernel has none.
    """
    files = {os.path.basename(path).split(".ko")[0].replace("_", "-"): path
             for path in glob.glob(f"{folder}/**/*.ko*", recursive=True)}
    os.makedirs(target)
    for wanted in MODULES:
        chain = module_chain(wanted, files, target)
        if chain:
            with open(f"{target}/{wanted}.order", "w", encoding="utf-8") as out:
                out.write(" ".join(chain) + "\n")
