"""Captures that a raising signal handler interrupts, in a process of their own.

``python -m tests.crash.interrupted URL DIRECTORY TRIES SEED`` records the stream again
and again; each time a real signal, whose handler raises, falls at a random moment.
Prints one JSON object a capture: what was raised, how long its end took, and where its
manifest is.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from random import Random
from types import FrameType

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


class Interrupted:
    """One capture with one signal."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self.raised_at: float | None = None

    def run(self, url: str, directory: Path) -> dict[str, object]:
        signal.signal(signal.SIGALRM, self._raise)
        raised = "nothing"
        try:
            asyncio.run(self._record(url, directory))
        except Ended:
            raised = "Ended"
        assert self.raised_at is not None
        return {"raised": raised, "took_s": time.monotonic() - self.raised_at}

    def _raise(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.raised_at = time.monotonic()
        raise Ended

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
        outcome = Interrupted(random.uniform(0.001, _LATEST_S)).run(url, case)
        json.dump({"directory": str(case), **outcome}, sys.stdout)
        sys.stdout.write("\n")


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
