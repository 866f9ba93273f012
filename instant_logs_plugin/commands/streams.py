"""The process's standard streams, made fit for results: whoever reads, or does not."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from instant_logs_plugin.errors import StoreUnwritable

__all__ = ["prepare_streams"]

_STDOUT, _STDERR = 1, 2


def prepare_streams() -> None:
    """Make stdout and stderr such that no result ends in a traceback.

    A stream that was closed before the start leads nowhere; its number is taken, so
    that no file of a capture gets it. A reader that leaves early (``| head``) has had
    what it wanted, and a terminal that was closed shows nothing any more: neither ends
    a capture, and the exit code is of what was done. Off a terminal text is UTF-8; what
    a terminal cannot show is escaped. A disk that takes no more of a result is an error
    of ours; one that takes no more logs ends nothing.
    """
    _take_standard_numbers()
    sys.stdout = _fit(sys.stdout, _STDOUT)
    sys.stderr = _fit(sys.stderr, _STDERR, is_by_line=True)


def _take_standard_numbers() -> None:
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(number)


def _fit(stream: TextIO | None, number: int, *, is_by_line: bool = False) -> TextIO:
    if stream is not None and not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding, is_terminal = "utf-8", False
    if stream is not None:
        try:
            number = stream.fileno()
        except OSError:
            return stream  # somebody captures it in memory
        stream.flush()
        if stream.isatty():
            encoding, is_terminal = stream.encoding, True
    raw = _ResultFile(number, "wb", closefd=False)
    raw.is_vital = not (is_by_line or is_terminal)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=is_by_line or is_terminal,
    )


class _ResultFile(io.FileIO):
    """A file whose reader or terminal may be gone, or whose disk may be full.

    Once it took no more, the rest goes nowhere: it is tried and told once.
    """

    is_vital = True
    """Whether what cannot be written is an error: not of logs, nor of a terminal."""
    _is_broken = False

    def write(self, data: object, /) -> int:
        size = memoryview(data).nbytes  # type: ignore[arg-type] # bytes of the buffer
        if self._is_broken:
            return size
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as exc:
            self._is_broken = True
            if isinstance(exc, BrokenPipeError) or not self.is_vital:
                return size
            error = StoreUnwritable("the output", exc.strerror or str(exc))
            error.hint = "make room where the output goes; the store is as it was"
            raise error from exc
