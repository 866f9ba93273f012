"""What was really sent: per session in memory, and every line in a file if asked."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from instant_logs_plugin.emulator.faults import REPEATABLE_LINES
from instant_logs_plugin.errors import InvalidOption

__all__ = ["Line", "Sent", "open_sent_log"]

Line = bytes
"""A record as it is sent, without a newline."""


@dataclass(kw_only=True)
class Sent:
    """What a session was sent, up to where its connection took it.

    Attributes:
        records: Records, without the lines that faults added.
        malformed: Lines that faults added.
        messages: Messages.
        bytes: Bytes of the messages.
        repeated: Records among them that an earlier session was sent already.
        latest: The lines of the last records.
        lines: Every record's line without a newline, when the emulator keeps them.
        times_s: When each of them was sent, in seconds since the epoch.
        is_kept: Whether it does.
        log: Where each of them is appended at once, or None.
    """

    records: int = 0
    malformed: int = 0
    messages: int = 0
    bytes: int = 0
    repeated: int = 0
    latest: deque[Line] = field(
        default_factory=lambda: deque(maxlen=REPEATABLE_LINES), repr=False
    )
    lines: list[Line] = field(default_factory=list, repr=False)
    times_s: list[float] = field(default_factory=list, repr=False)
    is_kept: bool = field(default=False, repr=False)
    log: BinaryIO | None = field(default=None, repr=False)

    def add(
        self,
        message_bytes: int,
        lines: tuple[Line, ...],
        malformed: int,
        *,
        at_s: float = 0.0,
    ) -> None:
        """Count a message and the lines that it completes, sent at ``at_s``."""
        self.messages += 1
        self.bytes += message_bytes
        self.records += len(lines)
        self.malformed += malformed
        self.latest += lines
        if self.is_kept:
            self.lines += lines
            self.times_s += [at_s] * len(lines)
        if self.log is not None and lines:
            self.log.write(b"\n".join((*lines, b"")))


def open_sent_log(path: Path) -> BinaryIO:
    """Open a file to append lines to, unbuffered; the caller closes it.

    Another process sees a line as soon as it was sent.

    Raises:
        InvalidOption: It cannot be written.
    """
    try:
        return path.open("ab", buffering=0)
    except OSError as exc:
        allowed = f"a file that can be written: {exc.strerror}"
        raise InvalidOption("sent_log", str(path), allowed) from exc
