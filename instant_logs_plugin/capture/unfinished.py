r"""An object that comes in pieces: has it ended?

Pure. Each byte is looked at once, however many pieces there are and whatever is in
them: a peer that never ends an object costs no more than one that does. Only braces
and strings are followed: whether the object is JSON is for the decoder to tell.
"""

from __future__ import annotations

import re

__all__ = ["Unfinished"]

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_REST_OF_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class Unfinished:
    """The pieces of one object so far.

    Args:
        start: The first, from the opening brace on.
    """

    def __init__(self, start: bytes) -> None:
        self._pieces: list[bytes] = []
        self._state = _State()
        self.size_bytes = 0
        self.add(start)

    @property
    def is_open(self) -> bool:
        """Whether its end is still to come."""
        return self._state.is_open

    @property
    def line(self) -> bytes:
        """All pieces together."""
        return b"".join(self._pieces)

    def add(self, piece: bytes) -> None:
        """Append the next piece."""
        self._pieces.append(piece)
        self.size_bytes += len(piece)
        self._state = self._state.after(piece)

    def continues_with(self, piece: bytes) -> bool:
        """Tell whether a piece is the rest of this object, or begins another one.

        What does not open an object goes on with the one before. What does may be
        either, as a cut can fall before a nested object: it goes on if that ends the
        object. A whole record never does: its braces and quotes are even.
        """
        if not piece.startswith(b"{"):
            return bool(piece)
        return not self._state.after(piece).is_open


class _State:
    """Where in an object a text ends."""

    def __init__(
        self, depth: int = 0, *, in_string: bool = False, is_escaped: bool = False
    ) -> None:
        self._depth = depth
        self._in_string, self._is_escaped = in_string, is_escaped

    @property
    def is_open(self) -> bool:
        return self._depth > 0 or self._in_string

    def after(self, piece: bytes) -> _State:
        """Return where the text ends with a piece more."""
        if not piece:
            return self
        if self._in_string:
            end = _REST_OF_STRING.match(piece, int(self._is_escaped))
            if end is None:
                return self._still_in_string(piece[int(self._is_escaped) :])
            piece = piece[end.end() :]
        outside = _STRING.sub(b"", piece)
        opening = outside.find(b'"')
        if opening < 0:
            return _State(self._depth_after(outside))
        depth = self._depth_after(outside[:opening])
        return _State(depth, in_string=True, is_escaped=_ends_escaping(piece))

    def _still_in_string(self, piece: bytes) -> _State:
        return _State(self._depth, in_string=True, is_escaped=_ends_escaping(piece))

    def _depth_after(self, outside: bytes) -> int:
        return self._depth + outside.count(b"{") - outside.count(b"}")


def _ends_escaping(piece: bytes) -> bool:
    """Tell whether a string that goes on takes its next byte as escaped."""
    return bool((len(piece) - len(piece.rstrip(b"\\"))) % 2)
