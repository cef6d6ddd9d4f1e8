# SPDX-License-Identifier: LGPL-2.1-or-later
"""dom0's messages to the host, which share a channel with the output of programs.

They share it so that their order is certain: when the message comes that a
command has ended, all it printed has come before.
"""

MARK = b"\x1e"


class Splitter:
    """Tells dom0's messages (a mark, our token, words, a mark) from its output."""

    def __init__(self, token):
        self.prefix = MARK + token.encode() + b" "
        self.held = b""

    def feed(self, data):
        """Pairs (output, None) and (None, message) in the order they came.

        What a caller leaves when it stops early comes first the next time.
        """
        self.held += data
        while self.held:
            start = self.held.find(MARK)
            if start:
                yield self.take(start if start > 0 else len(self.held)), None
            elif not self.held.startswith(self.prefix[:len(self.held)]):
                yield self.take(1), None
            else:
                end = self.held.find(MARK, 1) + 1
                if not end:     # the rest of it is still to come
                    return
                yield None, self.take(end)[len(self.prefix):-1].decode(errors="replace")

    def take(self, length):
        """Cut off and return the first bytes of what is held."""
        piece, self.held = self.held[:length], self.held[length:]
        return piece
