"""One measured run in a process of its own: prints its figures as JSON.

``python -m tests.benchmarks.capturing capture|receive URL RECORDS COLUMNS``.
``capture`` is the product's own recorder: journal, decode, Parquet, manifest.
``receive`` is a bare websockets loop that counts messages and keeps nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.benchmarks.spent import Spent
from tests.benchmarks.traffic import FIELDS

__all__ = ["Sessions", "run_apart"]

_PROBE_S = 0.005
_AS_THE_COMMAND_LINE = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
}


def run_apart(what: str, url: str, records: int, columns: int) -> dict[str, Any]:
    """Run ``capture`` or ``receive`` in a fresh process and return its figures."""
    command = [sys.executable, "-m", __name__, what, url, str(records), str(columns)]
    environment = {**os.environ, **_AS_THE_COMMAND_LINE}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, text=True, env=environment
    )
    return dict(json.loads(done.stdout))


async def _receive(url: str, records: int, columns: int) -> dict[str, Any]:
    del columns
    from websockets.asyncio.client import connect

    received = 0
    connection = await connect(url, compression=None, ping_interval=None)
    started = Spent.now()
    async for message in connection:
        received += message.count("\n") + 1
        if received >= records:
            break
    spent = started.until_now()
    connection.transport.abort()
    return {"records": received, **spent._asdict()}


async def _capture(url: str, records: int, columns: int) -> dict[str, Any]:
    from instant_logs_plugin.capture.options import CaptureOptions
    from instant_logs_plugin.capture.record import CaptureSetup, record_capture
    from instant_logs_plugin.capture.window import Bounds
    from instant_logs_plugin.lease.file_lock import hold_on_host
    from instant_logs_plugin.store.filesystem import open_store

    options = CaptureOptions(
        zone_id="zone",
        fields=FIELDS[columns],
        bounds=Bounds(duration_s=3600.0, max_records=records),
    )
    with tempfile.TemporaryDirectory(prefix="instant-logs-bench-") as name:
        directory = Path(name)
        setup = CaptureSetup(
            api=Sessions(url),
            store=open_store(str(directory / "captures")),
            journal_root=directory / "journal",
            hold=hold_on_host(directory / "leases"),
        )
        async with _watched_loop() as lags:
            started = Spent.now()
            outcome = await record_capture(options, setup)
            spent = started.until_now()
        manifest = outcome.manifest
        assert manifest.written == records, manifest
    return {
        "records": manifest.received,
        **spent._asdict(),
        "peak_memory_mb": _peak_memory_mb(),
        "inbox_high_water_mb": manifest.inbox.high_water_bytes / 2**20,
        "longest_block_ms": 1000 * max(lags),
    }


def _peak_memory_mb() -> float:
    """Return this process's own peak; ``ru_maxrss`` would begin at its parent's."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    peak = next(one for one in status.read_text().splitlines() if "VmHWM" in one)
    return int(peak.split()[1]) / 1024


@contextlib.asynccontextmanager
async def _watched_loop() -> AsyncIterator[list[float]]:
    """Yield how late a timer of the event loop was, in seconds, again and again."""
    lags = [0.0]

    async def probe() -> None:
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(_PROBE_S)
            lags.append(time.perf_counter() - asked - _PROBE_S)

    task = asyncio.create_task(probe())
    try:
        yield lags
    finally:
        task.cancel()


class Sessions:
    """A session API whose one session is the sender's URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def create_session(self, request: Any) -> Any:
        from instant_logs_plugin.edge.session import SecretUrl, Session

        del request
        return Session(url=SecretUrl(self._url), fingerprint="0123456789abcdef")

    async def list_sessions(self, zone_id: str) -> tuple[Any, ...]:
        del zone_id
        return ()


if __name__ == "__main__":
    run = {"capture": _capture, "receive": _receive}[sys.argv[1]]
    figures = asyncio.run(run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    print(json.dumps(figures))
