"""Captures that a raising signal handler interrupts, in a process of their own.

``python -m tests.crash.interrupted URL DIRECTORY TRIES SEED`` records the stream again
and again; each time a real signal, whose handler raises, falls at a random moment.
What it raises and who runs the loop take turns. Prints one JSON object a capture: what
was to be raised and what was, how long its end took, and where its manifest is.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.record import CaptureSetup, record_capture
from instant_logs_plugin.capture.recorder import Progress
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.store.filesystem import open_store
from tests.benchmarks.capturing import Sessions

_FIELDS = ("RayID", "EdgeStartTimestamp", "EdgeResponseStatus")
_LATEST_S = 0.5


class Ended(BaseException):
    """What the handler raises, like the termination signal of Prefect."""


def _run_plainly(work: Coroutine[Any, Any, None]) -> None:
    """Run a loop as programs do that have one: nobody cancels what it leaves."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


_RAISED: tuple[type[BaseException], ...] = (Ended, SystemExit, KeyboardInterrupt)
_DRIVERS: tuple[Callable[[Coroutine[Any, Any, None]], None], ...] = (
    asyncio.run,
    _run_plainly,
)


class Interrupted:
    """One capture with one signal."""

    def __init__(self, number: int, after_s: float) -> None:
        self._after_s = after_s
        self._exception = _RAISED[number % len(_RAISED)]
        self._drive = _DRIVERS[number % len(_DRIVERS)]
        self.raised_at: float | None = None

    def run(self, url: str, directory: Path) -> dict[str, object]:
        signal.signal(signal.SIGALRM, self._raise)
        raised = "nothing"
        try:
            self._drive(self._record(url, directory))
        except BaseException as exc:  # noqa: BLE001 - which one it is, is told
            raised = type(exc).__name__
        assert self.raised_at is not None
        took_s = time.monotonic() - self.raised_at
        expected = self._exception.__name__
        return {"expected": expected, "raised": raised, "took_s": took_s}

    def _raise(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.raised_at = time.monotonic()
        raise self._exception

    def _arm(self, progress: Progress) -> None:
        """Set the alarm once the stream is open."""
        if self._after_s and progress.records:
            signal.setitimer(signal.ITIMER_REAL, self._after_s)
            self._after_s = 0.0

    async def _record(self, url: str, directory: Path) -> None:
        setup = CaptureSetup(
            api=Sessions(url),
            store=open_store(str(directory / "captures")),
            journal_root=directory / "journal",
            hold=hold_on_host(directory / "leases"),
        )
        options = CaptureOptions(
            zone_id="zone", fields=_FIELDS, bounds=Bounds(duration_s=60.0)
        )
        await record_capture(options, setup, on_progress=self._arm)


def _main(url: str, directory: Path, tries: int, seed: int) -> None:
    random = Random(seed)
    for number in range(tries):
        case = directory / f"{number:04d}"
        after_s = random.uniform(0.001, _LATEST_S)
        outcome = Interrupted(number, after_s).run(url, case)
        json.dump({"directory": str(case), **outcome}, sys.stdout)
        sys.stdout.write("\n")


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
