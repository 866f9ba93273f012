"""One holder per zone on one host: real processes, a real kill."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from instant_logs_plugin.errors import StoreUnwritable, ZoneBusy
from instant_logs_plugin.lease.file_lock import default_lease_directory, hold_zone

# Holds until its stdin is closed.
HOLDER = """
import asyncio, pathlib, sys
from instant_logs_plugin.lease.file_lock import hold_zone

async def hold():
    directory = pathlib.Path(sys.argv[1])
    async with hold_zone(sys.argv[2], directory=directory, timeout_s=0):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""
DEADLINE_S = 30.0

Holder = subprocess.Popen[str]


@pytest.fixture
def start_holder(tmp_path: Path) -> Iterator[Callable[..., Holder]]:
    """Start processes that hold a zone; they end with the test."""
    with ExitStack() as running:

        def start(zone_id: str = "z") -> Holder:
            process = running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", HOLDER, str(tmp_path / "leases"), zone_id],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            # Before Popen's own exit waits for it: nothing outlives the test.
            running.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            return process

        yield start


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "leases"


def notes(directory: Path) -> list[Path]:
    """Return what holders wrote about themselves."""
    return sorted(directory.glob("*.holder.json"))


def modes_of(directory: Path) -> dict[str, int]:
    """Return the permissions of a directory and of all in it, by name."""
    paths = {".": directory} | {one.name: one for one in directory.iterdir()}
    return {name: path.stat().st_mode & 0o777 for name, path in paths.items()}


async def take(directory: Path, zone_id: str = "z", timeout_s: float = 0.0) -> str:
    """Take and give back a zone; return what a loser would have read."""
    async with hold_zone(zone_id, directory=directory, timeout_s=timeout_s):
        return "".join(note.read_text() for note in notes(directory))


async def test_two_processes_exclude_each_other(
    start_holder: Callable[..., Holder], directory: Path
) -> None:
    """The loser learns at once who holds the zone and since when."""
    process = start_holder()
    with pytest.raises(ZoneBusy) as caught:
        await take(directory)
    assert caught.value.zone_id == "z"
    assert caught.value.holder == f"process {process.pid} here"
    since = caught.value.since or ""
    assert since.endswith("Z")
    assert datetime.fromisoformat(since).utcoffset() is not None


async def test_other_zones_and_places_are_free(
    start_holder: Callable[..., Holder], directory: Path, tmp_path: Path
) -> None:
    """A lease is of one zone, in one directory."""
    start_holder()
    await take(tmp_path / "elsewhere")
    async with hold_zone("y", directory=directory, timeout_s=0):
        pass


async def test_a_zone_is_free_after_its_holder(
    start_holder: Callable[..., Holder], directory: Path
) -> None:
    """An orderly end gives the zone back and leaves no word of itself."""
    start_holder().communicate()
    assert notes(directory) == []
    await take(directory)


async def test_a_killed_holder_frees_the_zone(
    start_holder: Callable[..., Holder], directory: Path
) -> None:
    """The kernel gives the zone back; the dead one's name is overwritten."""
    process = start_holder()
    process.kill()
    process.wait()
    assert str(process.pid) in (directory / "z.holder.json").read_text()
    assert json.loads(await take(directory))["pid"] != process.pid


async def test_who_waits_gets_the_zone(
    start_holder: Callable[..., Holder], directory: Path
) -> None:
    """A waiting capture starts when the one before it ends."""
    process = start_holder()
    waiting = asyncio.create_task(take(directory, timeout_s=DEADLINE_S))
    await asyncio.sleep(0)
    assert not waiting.done()
    process.communicate()
    await asyncio.wait_for(waiting, DEADLINE_S)


async def test_waiting_ends(directory: Path) -> None:
    """Who waited in vain gets the same error as who did not wait."""
    async with hold_zone("z", directory=directory, timeout_s=0):
        with pytest.raises(ZoneBusy):
            await take(directory, timeout_s=0.01)


async def test_one_process_is_no_exception(directory: Path) -> None:
    """Two captures of one zone in one worker exclude each other too."""
    async with hold_zone("z", directory=directory, timeout_s=0):
        with pytest.raises(ZoneBusy):
            await take(directory)
    await take(directory)


async def test_a_cancelled_wait_takes_nothing(directory: Path) -> None:
    """A capture that is cancelled while it waits is out of the way."""
    async with hold_zone("z", directory=directory, timeout_s=0):
        waiting = asyncio.create_task(take(directory, timeout_s=DEADLINE_S))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await take(directory)


async def test_an_error_gives_the_zone_back(directory: Path) -> None:
    """However a capture ends."""
    with pytest.raises(RuntimeError, match="no"):
        async with hold_zone("z", directory=directory, timeout_s=0):
            raise RuntimeError("no")
    await take(directory)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"{}", b'{"pid": 7}', None])
async def test_a_holder_without_a_name_is_still_one(
    data: bytes | None, directory: Path
) -> None:
    """A note that is missing or half written is no error of its own."""
    async with hold_zone("z", directory=directory, timeout_s=0):
        note = directory / "z.holder.json"
        note.unlink()
        if data is not None:
            note.write_bytes(data)
        with pytest.raises(ZoneBusy) as caught:
            await take(directory)
    assert caught.value.holder == "another process on this host"
    assert caught.value.since is None


def test_leases_are_for_the_owner_alone(directory: Path) -> None:
    """Nobody else can look, or hold a zone of ours."""
    asyncio.run(take(directory))
    assert directory.stat().st_mode & 0o777 == 0o700


def places_of_files(root: Path) -> set[Path]:
    return {one.parent for one in root.rglob("*") if one.is_file()}


@pytest.mark.parametrize(
    "zone_id", ["../x", "a/b", "/etc/x", "..", ".", "", "a\0b", "ä", "%2F", "a b\n"]
)
async def test_zone_ids_need_not_be_file_names(
    zone_id: str, directory: Path, tmp_path: Path
) -> None:
    """Whatever the id, its lease works and stays in the directory."""
    async with hold_zone(zone_id, directory=directory, timeout_s=0):
        with pytest.raises(ZoneBusy) as caught:
            await take(directory, zone_id)
        assert caught.value.zone_id == zone_id
        await take(directory, f"{zone_id}2")
    assert places_of_files(tmp_path) == {directory}


async def test_different_ids_are_different_leases(directory: Path) -> None:
    """An id is never taken for another one's spelling in a file name."""
    async with hold_zone("a/b", directory=directory, timeout_s=0):
        await take(directory, "a%2Fb")
        await take(directory, "a_b")


@pytest.mark.parametrize("zone_id", ["x" * 300, "z"])
def test_a_lease_that_cannot_be_written_is_a_store_error(
    zone_id: str, directory: Path
) -> None:
    """A name that is too long, or a file where the directory should be."""
    if zone_id == "z":
        directory.write_text("mine")
    with pytest.raises(StoreUnwritable) as caught:
        asyncio.run(take(directory, zone_id))
    assert str(directory) in caught.value.path


def test_leases_are_one_place_per_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for every store of this user, where state belongs."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_STATE_HOME", "")
    expected = Path("/home/me/.local/state/instant-logs/leases")
    assert default_lease_directory() == expected
    monkeypatch.setenv("XDG_STATE_HOME", "/var/me")
    assert default_lease_directory() == Path("/var/me/instant-logs/leases")


async def test_files_are_for_the_owner_alone(directory: Path) -> None:
    """Whatever the umask: they say who records what."""
    async with hold_zone("z", directory=directory, timeout_s=0):
        modes = await asyncio.to_thread(modes_of, directory)
    assert modes == {".": 0o700, "z.lock": 0o600, "z.holder.json": 0o600}


def test_a_relative_state_directory_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Captures that start in two directories exclude each other all the same."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    expected = Path("/home/me/.local/state/instant-logs/leases")
    assert default_lease_directory() == expected


def test_who_has_no_home_is_told_what_to_set() -> None:
    """A container's arbitrary user has neither a home nor a name."""
    program = """
import os, pathlib
from instant_logs_plugin.errors import InvalidOption
from instant_logs_plugin.lease.file_lock import default_lease_directory
os.setuid(54_321)
try:
    default_lease_directory()
except InvalidOption as exc:
    print(exc.option)
"""
    if os.getuid() != 0:
        pytest.skip("only root can become a user without a name")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("XDG_STATE_HOME\n", "")


async def test_where_no_lease_can_be_is_told_what_to_set(tmp_path: Path) -> None:
    """Room would not help a service user whose home is not there."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable) as caught:
        await take(tmp_path / "file" / "leases")
    assert "XDG_STATE_HOME" in caught.value.hint
