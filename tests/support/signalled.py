"""Captures that are told to end by a real SIGTERM at random moments, in one process.

Prints a JSON list: what ended each, and how long that took. Prefect's own handler
raises, in whatever runs; beside the captures callbacks keep the loop busy, so that the
exception often lands in one of these, where nobody hears of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import threading
import time

from prefect.exceptions import TerminationSignal
from prefect.utilities.engine import capture_sigterm

from instant_logs_plugin.prefect import (
    RecordingParameters,
    load_credentials,
    load_store,
    record_zone,
)

RECORDING = RecordingParameters(duration_s=60, fields="minimal")


def keep_busy() -> None:
    """Have the loop run callbacks most of the time."""
    asyncio.get_running_loop().call_later(0.0005, keep_busy)
    sum(range(30_000))


def tell(recorders: int, after_s: float) -> None:
    """Send SIGTERM some time after the recorders were started."""
    deadline = time.monotonic() + 30
    while running_recorders() < recorders and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(after_s)
    os.kill(os.getpid(), signal.SIGTERM)


def running_recorders() -> int:
    threads = [one.name for one in threading.enumerate()]
    return threads.count("instant-logs-recorder")


async def record(zones: list[str]) -> None:
    keep_busy()
    credentials, store = await load_credentials(None), await load_store(None)
    captures = [
        record_zone(RECORDING, zone, credentials=credentials, store=store)
        for zone in zones
    ]
    for ended in await asyncio.gather(*captures, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended


def end_one(zones: list[str], after_s: float) -> dict[str, object]:
    """Return what ended captures of zones, and how long after the signal."""
    by, told_at = "nothing", [0.0]

    def tell_it() -> None:
        tell(len(zones), after_s)
        told_at[0] = time.monotonic()

    telling = threading.Thread(target=tell_it)
    telling.start()
    try:
        with capture_sigterm():
            asyncio.run(record(zones))
    except (TerminationSignal, asyncio.CancelledError) as exc:
        by = type(exc).__name__
    ended_at = time.monotonic()
    telling.join()
    return {"by": by, "after_s": ended_at - told_at[0]}


if __name__ == "__main__":
    # Prefect sends itself the signal again, for the handler that was there before.
    signal.signal(signal.SIGTERM, lambda *_: None)
    rounds, count = map(int, sys.argv[1:])
    draws = random.Random(7)
    # Zones of its own for each round: one that is told between the making of a session
    # and its first handshake leaves a session that keeps the zone for a while.
    ends = [
        end_one([f"{turn:016x}{one:016x}" for one in range(count)], draws.uniform(0, 1))
        for turn in range(rounds)
    ]
    sys.stdout.write(json.dumps(ends))
