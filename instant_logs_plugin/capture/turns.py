"""How long a thread may keep the interpreter's lock while captures run."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

__all__ = ["short_turns"]

_TURN_S = 0.0001

_guard = threading.Lock()
_usual_s: list[float] = []
"""What was set before, once for each that holds it short; the first is put back."""


@contextlib.contextmanager
def short_turns() -> Iterator[None]:
    """Let threads take turns often: one that waits for 5 ms falls behind a flood.

    Decoding waits for the interpreter's lock after each step that works without it,
    while receiving holds the lock nearly always. The setting is the process's: it is
    as before once the last of several captures, in any order, has ended.
    """
    with _guard:
        _usual_s.append(sys.getswitchinterval())
        sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        with _guard:
            last_s = _usual_s.pop()
            if not _usual_s:
                sys.setswitchinterval(last_s)
