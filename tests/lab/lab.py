#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Xen with a Debian dom0, in an emulator, for tests and for a look around.

    with Lab("build/lab-parts", programs=["build/xl-lite"]) as lab:
        lab.boot()
        status = lab.run("xl-lite list", timeout=60)

As a command, see lab.py --help.  It needs QEMU and what fetch.py fetched, but
neither KVM nor privileges.
"""

import argparse
import base64
import os
import select
import shlex
import signal
import sys
import threading
import time

from image import InitrdError, Parts, dom0_initrd, new_token
from machine import GUEST_ARGUMENTS, Machine
from messages import Splitter
from terminal import RawTerminal, shell_command

TIMED_OUT, DIED = 124, 125


class LabError(Exception):
    """The lab did not do its part; status is what the command should exit with."""

    def __init__(self, message, status=DIED):
        super().__init__(message)
        self.status = status


class Lab:
    """One boot of Xen; boot() first, then any number of run(), then close()."""

    def __init__(self, parts, programs=(), files=(), daemon="xenstored", guests=0,
                 memory=2048, log=None, progress=None, verbose=False):
        """parts is fetch.py's folder; programs are PATH[:DESTDIR], files SOURCE:TARGET.

        progress is called with one line of text at each step.  verbose copies
        dom0's console to standard error as it comes.
        """
        self.parts, self.programs, self.files = Parts(parts), programs, files
        self.options = {"LAB_TOKEN": new_token(), "LAB_DAEMON": daemon, "LAB_GUESTS": guests,
                        "LAB_GUEST_LINE": GUEST_ARGUMENTS,
                        "TERM": os.environ.get("TERM", "dumb")}
        self.memory, self.log, self.verbose, self.shown = memory, log, verbose, 0
        self.progress = progress or (lambda text: None)
        self.splitter = Splitter(self.options["LAB_TOKEN"])
        self.machine = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def boot(self, timeout=180):
        """Start Xen, dom0, the daemon and the guests asked for."""
        self.progress("building dom0's initrd")
        initrd = dom0_initrd(self.parts, self.options, self.programs, self.files)
        self.progress("booting Xen")
        try:
            self.machine = Machine(self.parts.xen, self.parts.kernel, initrd, self.memory, self.log)
        except FileNotFoundError as error:
            raise LabError("qemu-system-x86_64 is missing: install qemu-system-x86") from error
        message = self._listen(write_stderr, timeout, "booting")
        if message != "ready":
            raise LabError(message.partition(" ")[2])

    def run(self, command, timeout=None, write=None):
        """Run shell text in dom0 and wait; its exit status.

        write gets its output and errors, as bytes, as they come; without it they
        go to standard output.
        """
        self._send("run", command)
        return self._status(write or write_stdout, timeout)

    def output(self, command, timeout=None):
        """Run shell text in dom0; its exit status and what it printed, as text."""
        pieces = []
        status = self.run(command, timeout, pieces.append)
        return status, b"".join(pieces).decode(errors="replace")

    def feed(self, source, timeout=None):
        """Let a shell in dom0 read a file descriptor to its end; its exit status.

        It is the last thing this boot can do: the end of the input is told to dom0
        by closing the channel that commands come on.
        """
        self._send("feed", "exec sh")
        channel = self.machine.channels["in"]
        threading.Thread(target=copy_all, args=(source, channel), daemon=True).start()
        return self._status(write_stdout, timeout)

    def terminal(self):
        """Connect the user's terminal with a shell in dom0; its exit status."""
        with RawTerminal(self.machine.channels["tty"]) as terminal:
            self._send("run", shell_command())
            status = self._status(write_stdout, None, terminal)
            terminal.drain()
        return status

    def close(self):
        """End it all, at once."""
        if self.machine:
            self.machine.close()

    def console(self, last=None):
        """What Xen and dom0's kernel logged, or the last lines of it."""
        return self.machine.console(last) if self.machine else ""

    def _send(self, word, command):
        line = f"{word} {base64.b64encode(command.encode()).decode()}\n"
        self.machine.channels["in"].sendall(line.encode())

    def _status(self, write, timeout, terminal=None):
        """Pass output on until the command has ended."""
        message = self._listen(write, timeout, "running the command", terminal)
        return int(message.partition(" ")[2])

    def _listen(self, write, timeout, doing, terminal=None):
        """Pass output on to write() until a message comes that is not mere progress."""
        deadline = time.monotonic() + timeout if timeout else None
        out = self.machine.channels["out"]
        watched = [out, *(terminal.sources() if terminal else ())]
        while True:
            ready, _, _ = select.select(watched, (), (), self._patience(deadline, timeout, doing))
            self._show_console()
            for source in ready:
                if source is not out:
                    terminal.relay(source)
                    continue
                message = self._receive(out.recv(65536), write)
                if message:
                    return message

    def _patience(self, deadline, timeout, doing):
        """How long to wait for the next piece, in seconds; None means for ever."""
        left = deadline - time.monotonic() if deadline else None
        if left is not None and left <= 0:
            raise LabError(f"timed out after {timeout:g} s, {doing}", TIMED_OUT)
        return min(left or 0.2, 0.2) if self.verbose else left

    def _receive(self, data, write):
        """Handle one piece of what dom0 sent; the message, if it ends the listening."""
        if not data:
            raise LabError("Xen or dom0 died")
        for text, message in self.splitter.feed(data):
            if text:
                write(text)
            elif message.startswith("stage "):
                self.progress(message[6:])
            else:
                return message
        return None

    def _show_console(self):
        """With verbose, the part of the console's log that was not shown yet."""
        if self.verbose:
            text = self.console()
            write_stderr(text[self.shown:].encode())
            self.shown = len(text)


def write_all(file, data):
    """Write all bytes to a file descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view):]


def write_stdout(data):
    """Write bytes to standard output, unbuffered."""
    write_all(1, data)


def write_stderr(data):
    """Write bytes to standard error, unbuffered."""
    write_all(2, data)


def copy_all(source, channel):
    """Copy a file descriptor to a socket, and close that at the end."""
    try:
        while data := os.read(source, 4096):
            channel.sendall(data)
        channel.shutdown(2)
    except OSError:     # dom0 has gone first; the other channel says so
        pass


def parse(argv):
    """The command line; argparse exits with 2 when it is wrong."""
    parser = argparse.ArgumentParser(description="A real Xen with a Debian dom0, in QEMU.")
    parser.add_argument("--parts", required=True, metavar="DIR", help="where fetch.py put things")
    parser.add_argument("--prog", action="append", default=[], metavar="PATH[:DESTDIR]",
                        help="a program for dom0, with its libraries; into /usr/bin by default")
    parser.add_argument("--file", action="append", default=[], metavar="SOURCE:TARGET",
                        help="a file or folder for dom0")
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB",
                        help="of the whole machine; dom0 has 1024")
    parser.add_argument("--log", metavar="FILE", help="keep the console's log there")
    parser.add_argument("--verbose", action="store_true", help="show the console as it comes")
    parser.add_argument("--boot-timeout", type=float, default=180, metavar="S")
    commands = parser.add_subparsers(dest="command", required=True)
    shell = commands.add_parser("shell", help="a shell in dom0")
    run = commands.add_parser("run", help="run a script in dom0, exit with its status")
    for command in (shell, run):
        command.add_argument("--daemon", choices=("xenstored", "oxenstored"), default="xenstored")
        command.add_argument("--guests", type=int, default=0, metavar="N",
                             help="running guests to begin with, named g1 to gN")
    run.add_argument("--timeout", type=float, metavar="S", help="for the script, without the boot")
    run.add_argument("script")
    run.add_argument("args", nargs=argparse.REMAINDER)
    return parser.parse_args(argv)


def run_script(lab, options):
    """The run command, after the boot."""
    return lab.run(shlex.join(["sh", "/lab/script", *options.args]), options.timeout)


def run_shell(lab):
    """The shell command, after the boot."""
    if os.isatty(0) and os.isatty(1):
        lab.progress("here is dom0's shell; exit or Ctrl-] ends the lab")
        return lab.terminal()
    return lab.feed(0)


def main(argv):
    """The command; exit status as the module's text and --help say."""
    options = parse(argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(128 + signal.SIGHUP))
    script = options.command == "run"
    files = options.file + ([options.script + ":/lab/script"] if script else [])
    quiet = script and not options.verbose
    progress = None if quiet else lambda text: print(f"lab: {text}", file=sys.stderr, flush=True)
    try:
        with Lab(options.parts, options.prog, files, options.daemon, options.guests,
                 options.memory, options.log, progress, options.verbose) as lab:
            return serve(lab, options)
    except InitrdError as error:
        print(f"lab: {error}", file=sys.stderr)
        return DIED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:     # nobody reads our output any more
        return 128 + signal.SIGPIPE


def serve(lab, options):
    """Boot and do what was asked; on failure say why, after the console's end."""
    try:
        lab.boot(options.boot_timeout)
        return run_script(lab, options) if options.command == "run" else run_shell(lab)
    except LabError as error:
        print(lab.console(40), f"lab: {error}", sep="\n", file=sys.stderr)
        return error.status


if __name__ == "__main__":
    sys.exit(main(sys.argv))
