"""The lease of a zone on one host: a kernel file lock, freed by ``kill -9``.

Whoever holds it writes down who they are, so that a loser can say whom it met.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from instant_logs_plugin.errors import InvalidOption, StoreUnwritable, ZoneBusy
from instant_logs_plugin.files import make_directory, write_errors
from instant_logs_plugin.lease.held import HoldZone, Lease

__all__ = ["default_lease_directory", "hold_on_host", "hold_zone"]

_POLL_S = 0.2


def default_lease_directory() -> Path:
    """Return where this user's leases are: one place per host, whatever the store.

    Raises:
        InvalidOption: Neither ``XDG_STATE_HOME`` nor this user's home is known.
    """
    state = Path(os.environ.get("XDG_STATE_HOME") or "")
    # A relative one is to be ignored (XDG Base Directory Specification): captures
    # that start in two directories would not exclude each other.
    if not state.is_absolute():
        state = _home() / ".local" / "state"
    return state / "instant-logs" / "leases"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as exc:
        allowed = "the absolute path of a directory: this user has no home"
        raise InvalidOption("XDG_STATE_HOME", "", allowed) from exc


def hold_on_host(directory: Path | None = None) -> HoldZone:
    """Return what holds zones on this host; None is the user's own directory."""
    return partial(hold_zone, directory=directory or default_lease_directory())


@contextlib.asynccontextmanager
async def hold_zone(
    zone_id: str, *, directory: Path, timeout_s: float
) -> AsyncIterator[Lease]:
    """Hold a zone's lease for the block.

    Args:
        zone_id: The zone.
        directory: Where the lock files are.
        timeout_s: How long to wait for another holder on this host; 0 tries once.

    Raises:
        ZoneBusy: Another process of this host holds it and stayed so.
        StoreUnwritable: The lock file cannot be made.
    """
    _make_private(directory)
    name = quote(zone_id, safe="")  # never a way out of the directory
    lock = FileLock(directory / f"{name}.lock", thread_local=False, mode=0o600)
    holder = directory / f"{name}.holder.json"
    await _acquire(lock, holder, zone_id=zone_id, timeout_s=timeout_s)
    try:
        _write_holder(holder)
        yield Lease()
    finally:
        with contextlib.suppress(OSError):
            holder.unlink()
        lock.release()


def _make_private(directory: Path) -> None:
    try:
        with write_errors(directory):
            make_directory(directory)
    except StoreUnwritable as exc:
        exc.hint = "set XDG_STATE_HOME to a directory that can be written"
        raise


async def _acquire(
    lock: FileLock, holder: Path, *, zone_id: str, timeout_s: float
) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not _try_acquire(lock):
        if loop.time() >= deadline:
            raise _busy(zone_id, holder)
        await asyncio.sleep(_POLL_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter


def _try_acquire(lock: FileLock) -> bool:
    with write_errors(Path(lock.lock_file)):
        try:
            lock.acquire(blocking=False)
        except Timeout:  # an OSError, but no failure to write
            return False
    return True


def _write_holder(path: Path) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with write_errors(path):
        path.touch(mode=0o600)
        path.write_text(json.dumps({"pid": os.getpid(), "since": since}))


def _busy(zone_id: str, path: Path) -> ZoneBusy:
    try:
        facts = json.loads(path.read_text())
        return ZoneBusy(
            zone_id, f"process {facts['pid']} here", facts["since"], is_refusing=True
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ZoneBusy(zone_id, "another process on this host", is_refusing=True)
