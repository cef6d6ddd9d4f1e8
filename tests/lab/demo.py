#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Show the main job: on a Xen host here, else on a real Xen booted in QEMU.

usage: demo.py PARTS BUILD
"""

import os
import subprocess
import sys

from image import InitrdError
from lab import Lab, LabError

HERE = os.path.dirname(os.path.abspath(__file__))
NEXT = """
What to type next:
  ./bootstrap lab      a shell in that Xen, with xl-lite and xl side by side
  ./bootstrap test     all tests; the last lines count them
  {xl_lite} --help
  README.md has a ten-line program to begin with."""


def is_control_domain():
    """Whether this machine is itself a Xen host, where nothing may be changed."""
    try:
        with open("/proc/xen/capabilities", encoding="ascii") as file:
            return "control_d" in file.read()
    except OSError:
        return False


def show_here(xl_lite):
    """Commands that only read, on this host."""
    print("This is a Xen host, so only what reads is run, on this host itself.", flush=True)
    for words in (["list"], ["list", "-v"], ["domname", "0"], ["domid", "Domain-0"], ["info"]):
        print("\n#", "xl-lite", *words, flush=True)
        subprocess.run([xl_lite, *words], check=False)
    return 0


def show_lab(parts, build):
    """The whole demonstration in the lab."""
    print("No Xen here, so a real one is booted in an emulator: its hypervisor, a Debian dom0,\n"
          "Debian's own xl. That takes some ten seconds.", flush=True)
    programs = [os.path.join(build, name) for name in ("xl-lite", "xsutil-example")]
    with Lab(parts, programs=programs) as lab:
        lab.boot()
        with open(os.path.join(HERE, "demo.sh"), encoding="utf-8") as script:
            colour = "" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else "NO_COLOR=1\n"
            return lab.run(colour + script.read(), timeout=300)


def main():
    """Exit status: that of the demonstration."""
    parts, build = sys.argv[1:3]
    xl_lite = os.path.join(build, "xl-lite")
    try:
        status = show_here(xl_lite) if is_control_domain() else show_lab(parts, build)
    except (LabError, InitrdError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return getattr(error, "status", 1)
    print(NEXT.format(xl_lite=os.path.relpath(xl_lite)))
    return status


if __name__ == "__main__":
    sys.exit(main())
