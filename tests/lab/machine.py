# SPDX-License-Identifier: LGPL-2.1-or-later
"""One QEMU process with Xen in it, and the channels into dom0.

Nothing is left behind however this process ends: QEMU dies with it (a promise
the kernel keeps, even for SIGKILL), and what QEMU reads lives in anonymous
memory instead of files.
"""

import ctypes
import os
import signal
import socket
import subprocess

PR_SET_PDEATHSIG = 1
# Xen's own output and dom0's console share the first serial port, as a log.
# dom0 has one processor: processors that interrupt each other are slow under emulation.
# rodata=off saves half a second that a lab has no use for, as do the ciphers' tests
# of themselves, and what guards against a real processor's speculation much more, as
# there is none here.  With norandmaps a program is at the same addresses each time,
# so that QEMU keeps what it translated of it.  After a crash both kernels reboot, which
# ends QEMU at once instead of at the time limit.
XEN_ARGUMENTS = "console=com1 com1=115200,8n1 dom0_mem=1024M,max:1024M dom0_max_vcpus=1 spec-ctrl=no"
KERNEL_ARGUMENTS = "console=hvc0 quiet rodata=off mitigations=off cryptomgr.notests"
DOM0_ARGUMENTS = KERNEL_ARGUMENTS + " norandmaps panic=1"
# A guest does not use the processor's time stamp counter (feature 4), and is told how fast it loops.
# To measure that counter a PVH guest would spend five seconds on a timer that is not there, and a
# second on looking at each place of a PCI bus.
GUEST_ARGUMENTS = KERNEL_ARGUMENTS + " pci=off clearcpuid=4 lpj=4000000"


class Machine:
    """The running emulator.  Channels: out, in (virtio ports), tty (dom0's hvc1)."""

    def __init__(self, xen, kernel, initrd, memory=2048, log=None):
        self.channels, theirs = {}, {}
        for name in ("out", "in", "tty"):
            self.channels[name], theirs[name] = socket.socketpair()
        self.log = os.open(log, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644) if log \
            else os.memfd_create("console")
        self.errors = os.memfd_create("errors")
        # By descriptor, because QEMU would stumble over a space or comma in a name.
        modules = [os.open(kernel, os.O_RDONLY), memory_file("initrd", initrd)]
        kept = [*modules, self.log, *(end.fileno() for end in theirs.values())]
        self.process = start_bound(self.command(xen, modules, memory, theirs), kept, self.errors)
        for module in modules:
            os.close(module)
        for end in theirs.values():
            end.close()

    def command(self, xen, modules, memory, ends):
        """QEMU's command line.

        One thread emulates both processors: with two, each that waits for the other
        burns the time that the other needs, all the more beside other work.

        The processor does without erms and fsrm, as string instructions are emulated
        byte by byte where a kernel or a C library trusts in them; without smap, because
        with it a PV dom0's kernel crashes at once; without xsave and what needs it,
        because under QEMU 7.2 vector registers leak from one domain into another, and
        programs crash at random; and without rdtscp, which Xen does not recognize in a
        PVH guest, so that it dies.
        """
        kernel, initrd = (f"/proc/self/fd/{module}" for module in modules)
        ports = {"tty": "virtconsole,chardev=tty,nr=0",
                 "out": "virtserialport,chardev=out,nr=1,name=out",
                 "in": "virtserialport,chardev=in,nr=2,name=in"}
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=single",
                   "-cpu", "max,-erms,-fsrm,-smap,-xsave,-avx,-avx2,-rdtscp", "-smp", "2",
                   "-m", str(memory),
                   "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   "-kernel", xen, "-append", XEN_ARGUMENTS,
                   "-initrd", f"{kernel} {DOM0_ARGUMENTS},{initrd}",
                   "-serial", f"file:/proc/self/fd/{self.log}",
                   "-device", "virtio-serial-pci"]
        for name, device in ports.items():
            command += ["-chardev", f"socket,id={name},fd={ends[name].fileno()}",
                        "-device", device]
        return command

    def console(self, last=None):
        """The console's log so far, or its last lines, after QEMU's own complaints."""
        text = "".join(os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")
                       for file in (self.errors, self.log)).replace("\r", "")
        return text if last is None else "\n".join(text.splitlines()[-last:])

    def alive(self):
        """Whether QEMU still runs."""
        return self.process.poll() is None

    def close(self):
        """End QEMU at once; there is nothing in it worth saving."""
        if self.alive():
            self.process.kill()
        self.process.wait()
        for end in self.channels.values():
            end.close()

    def __del__(self):
        for file in (self.log, self.errors):
            os.close(file)


def memory_file(name, data):
    """A file descriptor of an anonymous file with this content."""
    file = os.memfd_create(name)
    view = memoryview(data)
    while view:
        view = view[os.write(file, view):]
    return file


def start_bound(command, kept, errors):
    """Start a process that the kernel kills when this one is gone."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def bind():
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # gone before the promise was made
            os._exit(1)

    # Its own session: a Ctrl-C is for us to handle, or for dom0.
    return subprocess.Popen(command, pass_fds=kept, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=errors,
                            preexec_fn=bind, start_new_session=True)
