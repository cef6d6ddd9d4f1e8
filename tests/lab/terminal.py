# SPDX-License-Identifier: LGPL-2.1-or-later
"""The user's terminal, connected with a terminal in dom0."""

import os
import select
import shlex
import shutil
import sys
import termios
import tty

ESCAPE = b"\x1d"    # Ctrl-], as in telnet and in xl console
PROMPT = "dom0:\\w# "


def shell_command():
    """Shell text that runs an interactive shell on dom0's end of the channel."""
    columns, lines = shutil.get_terminal_size()
    return (f"stty sane rows {lines} cols {columns} </dev/hvc1\n"
            f"export PS1={shlex.quote(PROMPT)}; cd /root\n"
            "exec setsid -c sh </dev/hvc1 >/dev/hvc1 2>&1\n")


class RawTerminal:
    """Standard input and output in raw mode, for as long as the block lasts."""

    def __init__(self, channel):
        self.channel = channel
        self.saved = None

    def __enter__(self):
        self.saved = termios.tcgetattr(0)
        tty.setraw(0)
        return self

    def __exit__(self, *_):
        termios.tcsetattr(0, termios.TCSADRAIN, self.saved)

    def sources(self):
        """What relay() has to be called for when it is readable."""
        return [0, self.channel]

    def relay(self, source):
        """Pass on what is there to be read."""
        if source is self.channel:
            self.show(self.channel.recv(65536))
            return
        keys = os.read(0, 4096)
        if ESCAPE in keys or not keys:
            sys.exit(0)
        self.channel.sendall(keys)

    def show(self, data):
        """Write all of it to the user's terminal."""
        view = memoryview(data)
        while view:
            view = view[os.write(1, view):]

    def drain(self):
        """Show what dom0 had still printed when it said that the shell has ended."""
        while select.select([self.channel], (), (), 0.1)[0]:
            data = self.channel.recv(65536)
            if not data:
                return
            self.show(data)
