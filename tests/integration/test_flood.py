"""Under flood: stopping is quick, and a disk slower than the stream is waited for."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from instant_logs_plugin.capture.options import CaptureOptions
from instant_logs_plugin.capture.record import CaptureSetup, record_capture
from instant_logs_plugin.capture.stop import StopRequest
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.frames import Message
from instant_logs_plugin.edge.session import SecretUrl
from instant_logs_plugin.edge.stream import StreamSettings, open_stream
from instant_logs_plugin.failpoints import armed
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.store.filesystem import open_store
from tests.benchmarks.capturing import Sessions
from tests.benchmarks.sender import sender
from tests.benchmarks.traffic import FIELDS, read_lines
from tests.support.stub_service import PONG, Stub, frame, stub

ZONE = "0123456789abcdef0123456789abcdef"
MIB = 2**20


@pytest.fixture(scope="module")
def flood():
    """Run a raw socket that sends as fast as it is read."""
    with sender(columns=10, lines=20_000, per_message=1) as url:
        yield url


async def test_a_flooded_stream_is_left_at_once(flood):
    """The peer's goodbye stands behind everything unread: it is not waited for."""
    async with asyncio.timeout(60):
        async with open_stream(SecretUrl(flood)) as stream:
            for _ in range(20):
                assert await stream.read_batch()
            started = time.perf_counter()
        assert time.perf_counter() - started < 0.5


async def test_messages_stay_as_they_came(flood):
    """What arrives later is read into other memory, whatever the size of arrivals."""
    batches: list[list[Message]] = []
    async with asyncio.timeout(60), open_stream(SecretUrl(flood)) as stream:
        for number in range(60):
            batches.append(await stream.read_batch())
            await asyncio.sleep(0.01 * (number % 3))  # more or less is waiting then
    sent = itertools.cycle(read_lines(10, 20_000))
    for message in itertools.chain.from_iterable(batches):
        assert message == next(sent)


async def test_an_unread_flood_is_bounded(flood):
    """Nobody takes what arrives: the socket is not read beyond the inbox.

    The last read began below the bound; it takes what the kernel holds, up to 4 MiB.
    """
    settings = StreamSettings(inbox_bytes=4 * MIB)
    async with asyncio.timeout(60), open_stream(SecretUrl(flood), settings) as stream:
        await stream.read_batch()
        await asyncio.sleep(2)
        waiting = sum(map(len, stream.take_batch()))
        assert waiting <= (4 + 4) * MIB


async def test_small_messages_keep_no_large_memory():
    """However much comes between them that is none; nobody reads meanwhile."""
    count, sent = 40, threading.Event()
    between = frame(b"p" * 125, PONG) * (MIB // 127)

    async def send(writer: asyncio.StreamWriter) -> None:
        for _ in range(count):
            writer.write(frame(b"{}") + between)
            await writer.drain()
        sent.set()
        await asyncio.sleep(60)

    with stub(Stub(send=send)) as service:
        url = SecretUrl(f"ws://127.0.0.1:{service.port}/session")
        async with asyncio.timeout(60), open_stream(url) as stream:
            tracemalloc.start()
            await asyncio.to_thread(sent.wait, 30)
            held_bytes, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert await stream.read_batch()
    assert held_bytes < 16 * MIB


def setup(url: str, directory: Path) -> CaptureSetup:
    return CaptureSetup(
        api=Sessions(url),
        store=open_store(str(directory / "captures")),
        journal_root=directory / "journal",
        hold=hold_on_host(directory / "leases"),
    )


def options(duration_s: float, fields: Sequence[str] = FIELDS[10]) -> CaptureOptions:
    bounds = Bounds(duration_s=duration_s)
    return CaptureOptions(zone_id=ZONE, fields=tuple(fields), bounds=bounds)


@pytest.mark.parametrize("fields", [FIELDS[10], ("RayID",)], ids=["asked", "unasked"])
async def test_a_flooded_capture_is_stopped_in_seconds(flood, fields, tmp_path):
    """Sealed and committed, with everything received, of lines that take longer, too.

    Measured in processor time: other processes of a busy machine take none of it.
    """
    stop = StopRequest()
    async with asyncio.timeout(100):
        capture = record_capture(
            options(60.0, fields), setup(flood, tmp_path), stop=stop
        )
        task = asyncio.create_task(capture)
        await asyncio.sleep(3)
        stopped_at = time.process_time()
        stop.set(15)
        manifest = (await task).manifest
    took_s = time.process_time() - stopped_at
    assert manifest.state.value == "interrupted"
    assert manifest.received == manifest.written > 10_000
    assert took_s < 2, (took_s, manifest.received)


async def test_a_slow_disk_is_waited_for(flood, tmp_path):
    """What waits in memory stays bounded, TCP pushes back, and nothing is lost."""
    with armed("journal.*=slow+"):
        async with asyncio.timeout(100):
            outcome = await record_capture(options(5.0), setup(flood, tmp_path))
    manifest = outcome.manifest
    assert manifest.state.value == "complete"
    assert manifest.received == manifest.written > 10_000
    assert manifest.inbox.high_water_bytes < 64 * MIB
