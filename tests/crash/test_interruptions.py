"""What a signal handler raises ends a capture in order, whenever the signal comes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import CaptureState
from instant_logs_plugin.store.parquet import segment_problems
from tests.benchmarks.sender import sender

TIMEOUT_S = 110.0


def interrupted_captures(
    url: str, directory: Path, *, tries: int, seed: int, timeout_s: float
) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.crash.interrupted", url, str(directory)]
    done = subprocess.run(
        [*command, str(tries), str(seed)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=timeout_s,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_in_order(one: dict[str, Any]) -> None:
    """The exception reached the caller, behind a commit of all that was received."""
    assert one["raised"] == one["expected"]
    directory = Path(one["directory"])
    store = open_store(str(directory / "captures"))
    (manifest,) = list_captures(store).manifests
    assert manifest.state is CaptureState.INTERRUPTED
    assert manifest.received == manifest.written > 0
    assert sum(segment.rows for segment in manifest.segments) == manifest.written
    assert not [p for one in manifest.segments for p in segment_problems(store, one)]
    left = [path for path in (directory / "journal").rglob("*") if path.is_file()]
    assert not left


@pytest.mark.parametrize(("per_message", "rate"), [(1, 0.0), (1, 2_000.0)])
def test_what_a_signal_handler_raises_ends_the_capture(per_message, rate, tmp_path):
    """At random moments, flooded or not: interrupted, and committed."""
    tries = 8
    with sender(columns=10, lines=20_000, per_message=per_message, rate=rate) as url:
        cases = interrupted_captures(
            url, tmp_path, tries=tries, seed=1, timeout_s=TIMEOUT_S
        )
    assert len(cases) == tries
    for one in cases:
        assert_in_order(one)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("per_message", "rate"), [(1, 0.0), (50, 0.0), (1, 5_000.0)])
def test_many_interruptions(per_message, rate, tmp_path):
    """None is lost in a hundred, and how long their ends took is printed."""
    with sender(columns=10, lines=20_000, per_message=per_message, rate=rate) as url:
        cases = interrupted_captures(url, tmp_path, tries=100, seed=7, timeout_s=1000)
    for one in cases:
        assert_in_order(one)
    took_s = sorted(one["took_s"] for one in cases)
    print(  # noqa: T201 - the soak's figures
        f"\n{len(cases)} interruptions at {rate or 'any'} records/s, {per_message} per "
        f"message: median {took_s[len(took_s) // 2]:.2f} s, longest {took_s[-1]:.2f} s"
    )
