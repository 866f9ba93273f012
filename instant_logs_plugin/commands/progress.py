"""What a capture tells on stderr: its progress, and what happened to it.

Progress is a line that redraws on a terminal, and plain lines elsewhere.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from instant_logs_plugin.capture.events import describe_event
from instant_logs_plugin.commands.values import format_bytes, format_duration

if TYPE_CHECKING:
    from instant_logs_plugin.capture.recorder import Progress

__all__ = ["describe_progress", "open_progress", "show_events"]

_PLAIN_INTERVAL_S = 10.0

Show = Callable[["Progress"], None]


@contextmanager
def open_progress(*, is_quiet: bool) -> Iterator[Show | None]:
    """Give what shows progress on stderr, or None for silence."""
    if is_quiet:
        yield None
    elif sys.stderr.isatty():
        with _live() as show:
            yield show
    else:
        yield _plain()


@contextmanager
def show_events(*, is_quiet: bool) -> Iterator[None]:
    """Say on stderr what happens to a capture; warnings only, if quiet."""
    logger, shown = logging.getLogger("instant_logs_plugin"), _Shown()
    shown.setLevel(logging.WARNING if is_quiet else logging.INFO)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(shown)
    try:
        yield
    finally:
        logger.removeHandler(shown)
        logger.setLevel(level)


class _Shown(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        from instant_logs_plugin.analysis.rendering import printable

        words = describe_event(record)
        if words is not None:
            time_of_day = time.strftime("%H:%M:%SZ", time.gmtime(record.created))
            typer.echo(f"{time_of_day} {printable(words)}", err=True)


def describe_progress(progress: Progress, *, rate: float) -> str:
    """Return one line: records, rate, rejects, coverage, time left."""
    return (
        f"{progress.records:,} records ({format_bytes(progress.bytes)}), "
        f"{rate:,.0f}/s, {progress.rejected:,} rejects, "
        f"coverage {progress.coverage:.1%}, "
        f"{format_duration(progress.remaining_s)} left"
    )


class _Rate:
    """Records per second since the last look."""

    def __init__(self) -> None:
        self._records, self._elapsed_s = 0, 0.0

    def update(self, progress: Progress) -> float:
        records = progress.records - self._records
        seconds = progress.elapsed_s - self._elapsed_s
        self._records, self._elapsed_s = progress.records, progress.elapsed_s
        return records / seconds if seconds > 0 else 0.0


@contextmanager
def _live() -> Iterator[Show]:
    from rich.console import Console

    rate = _Rate()
    with Console(stderr=True).status("opening the stream") as status:
        yield lambda progress: status.update(
            describe_progress(progress, rate=rate.update(progress))
        )


def _plain() -> Show:
    rate, shown_at = _Rate(), time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at < _PLAIN_INTERVAL_S:
            return
        shown_at = time.monotonic()
        line = describe_progress(progress, rate=rate.update(progress))
        typer.echo(line, err=True)

    return show
