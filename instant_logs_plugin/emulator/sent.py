"""What was really sent: per session in memory, and every line in a file if asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

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
        lines: Every record's line without a newline, when the emulator keeps them.
        is_kept: Whether it does.
        log: Where each of them is appended, or None.
    """

    records: int = 0
    malformed: int = 0
    messages: int = 0
    bytes: int = 0
    lines: list[Line] = field(default_factory=list, repr=False)
    is_kept: bool = field(default=False, repr=False)
    log: BinaryIO | None = field(default=None, repr=False)

    def add(self, message_bytes: int, lines: tuple[Line, ...], malformed: int) -> None:
        """Count a message and the lines that it completes."""
        self.messages += 1
        self.bytes += message_bytes
        self.records += len(lines)
        self.malformed += malformed
        if self.is_kept:
            self.lines += lines
        if self.log is not None:
            self.log.writelines(line + b"\n" for line in lines)


def open_sent_log(path: Path) -> BinaryIO:
    """Open a file to append lines to; the caller closes it.

    Raises:
        InvalidOption: It cannot be written.
    """
    try:
        return path.open("ab")
    except OSError as exc:
        allowed = f"a file that can be written: {exc.strerror}"
        raise InvalidOption("sent_log", str(path), allowed) from exc
