"""Disks that fill up or refuse: a clean end, nothing lost, and a way back."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from instant_logs_plugin.store.filesystem import open_store
from tests.crash.command import end_command
from tests.crash.sweep import Case, Sweep
from tests.crash.write_path import stored_names

STORE_FAILED = 6
ZONE = "1" * 32
FLOOD = (
    "--duration=30s",
    "--fields=RayID,EdgeResponseStatus,ClientRequestURI",
    "--quiet",
)
SAFE = re.compile(r"of (\d+) lines received (\d+) are safe in the store and (\d+) in")


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[None]:
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(path)]
    if os.geteuid() or subprocess.run(command, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def remount(path: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(path)], check=True)


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", 3):
        yield tmp_path / "disk"


@pytest.fixture
def flood(tmp_path):
    config = EmulatorConfig(delay_s=0.0, tick_s=0.02, rate=20_000.0, keep_sent=True)
    with run_emulator(config) as emulator:
        yield Sweep(emulator, tmp_path)


@pytest.mark.parametrize("kept_free", ["--min-free=0", "--min-free=1MB"])
def test_a_full_disk_ends_it_and_recover_finishes_it(kept_free, disk, flood):
    """What the error says is safe is in the store once there is room again."""
    case = Case(ZONE, disk)
    told = disk.parent / "output"  # a full disk takes no error either
    code = end_command(flood.start(case, *FLOOD, kept_free, output=told))
    assert code == STORE_FAILED, told.read_text()
    case.note_taken()
    received, in_store, in_journal = map(int, SAFE.search(told.read_text()).groups())
    assert 0 < in_store + in_journal <= received
    assert str(case.store_path / ".journal") in told.read_text()
    remount(disk, "size=64m")
    assert flood.recover(case) == 0, case.output
    flood.check(case)
    stored = stored_names(open_store(str(case.store_path)))
    assert stored.total() == in_store + in_journal


def test_too_little_room_is_told_before_anything_is_contacted(disk, flood):
    """A capture that could not last does not take the zone's session."""
    case = Case(ZONE, disk)
    code = end_command(flood.start(case, *FLOOD, "--min-free=100MB"))
    assert code == STORE_FAILED
    assert "are to be kept free" in case.output
    assert flood.sessions == ()
    assert not case.store_path.exists()


def test_a_read_only_disk_is_told_before_anything_is_contacted(disk, flood):
    """So is a disk that takes nothing at all."""
    case = Case(ZONE, disk)
    remount(disk, "ro")
    code = end_command(flood.start(case, *FLOOD, output=disk.parent / "output"))
    assert code == STORE_FAILED
    assert "Read-only file system" in (disk.parent / "output").read_text()
    assert flood.sessions == ()


def test_a_failing_disk_ends_it(flood):
    """An I/O error while a segment is published leaves it in the journal."""
    case = flood.case()
    points = "store.requests:fsync=EIO@2+"
    options = (*FLOOD, "--segment-size=500kB")
    code = end_command(flood.start(case, *options, points=points))
    assert code == STORE_FAILED
    assert "Input/output error" in case.output
    assert "Traceback" not in case.output
    case.note_taken()
    assert flood.recover(case) == 0, case.output
    flood.check(case)
