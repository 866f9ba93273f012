"""How long captures take to end by a signal, at leisure and under flood."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from glob import glob
from pathlib import Path

import pytest

from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import CaptureState, Manifest
from tests.benchmarks.sender import sender
from tests.crash.command import end_command, start_command
from tests.support.stub_service import Stub, stub

ZONE = "0123456789abcdef0123456789abcdef"
FIRST_LINES_WITHIN_S = 30.0
FLOODED_S = 3.0


def stopped_capture(
    service: Stub, directory: Path, number: int, *, run_s: float
) -> tuple[float, Manifest]:
    """Start a capture, send it a signal while it runs; return how long its end took."""
    directory.mkdir()
    store_path = directory / "captures"
    process = start_command(
        *("capture", ZONE, "--duration=60s", "--quiet", f"--store={store_path}"),
        environment=service.environment,
        output=directory / "output",
    )
    wait_for_lines(store_path)
    time.sleep(run_s)
    asked_at = time.monotonic()
    os.kill(process.pid, number)
    exit_code = end_command(process)
    took_s = time.monotonic() - asked_at
    assert exit_code == 128 + number, (directory / "output").read_text()
    (manifest,) = list_captures(open_store(str(store_path))).manifests
    assert manifest.state is CaptureState.INTERRUPTED
    assert manifest.received == manifest.written > 0
    assert not list(store_path.glob(".journal/*/*"))
    return took_s, manifest


def wait_for_lines(store_path: Path) -> None:
    """Wait until the journal has a segment: it begins with the first lines."""
    deadline = time.monotonic() + FIRST_LINES_WITHIN_S
    while not glob(f"{store_path}/.journal/*/0*"):  # noqa: PTH207 - Path.glob fails when a directory goes meanwhile
        assert time.monotonic() < deadline, "no line was received"
        time.sleep(0.02)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("per_message", "rate", "run_s"),
    [(1, 1_000.0, 1.0), (50, 100_000.0, FLOODED_S), (50, 0.0, FLOODED_S)],
    ids=["thousand", "hundred thousand", "as fast as read"],
)
def test_stop_times(per_message, rate, run_s, tmp_path, request):
    """Twenty stops, whose figures are printed; each is sealed and committed whole."""
    took_s, received = [], []
    with ExitStack() as stack:
        url = stack.enter_context(
            sender(columns=10, lines=20_000, per_message=per_message, rate=rate)
        )
        service = stack.enter_context(stub(Stub(destination=url)))
        for index in range(20):
            number = (signal.SIGTERM, signal.SIGINT)[index % 2]
            one = stopped_capture(service, tmp_path / str(index), number, run_s=run_s)
            took_s.append(one[0])
            received.append(one[1].received)
    took_s.sort()
    print(  # noqa: T201 - the soak's figures
        f"\n{request.node.callspec.id}: {len(took_s)} stops behind "
        f"{min(received):,} to {max(received):,} records, {took_s[0]:.2f} to "
        f"{took_s[-1]:.2f} s, median {took_s[len(took_s) // 2]:.2f} s"
    )
    assert took_s[len(took_s) // 2] < 10
