"""This host's side: versions, store, journal, and the host's lease of the zone."""

from __future__ import annotations

import shutil
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from instant_logs_plugin.capture.journal_directory import (
    JournalDirectory,
    list_journals,
)
from instant_logs_plugin.capture.room import Room
from instant_logs_plugin.doctor.finding import Finding, Status
from instant_logs_plugin.errors import InstantLogsError, StoreError, ZoneBusy
from instant_logs_plugin.lease.held import HoldZone

__all__ = ["check_host_lease", "check_journal", "check_store", "check_versions"]

_PACKAGES = ("instant-logs-plugin", "prefect", "duckdb", "pyarrow", "websockets")
_GIB = 2**30


def check_versions() -> Finding:
    """Say what is installed."""
    named = [f"{package} {_version(package)}" for package in _PACKAGES]
    return Finding(check="versions", status=Status.OK, text=", ".join(named))


def check_store(root: Path, journal_root: Path) -> Finding:
    """Look whether captures can be written, and how much room there is."""
    try:
        Room(root, journal_root, clock=time.monotonic).check()
    except StoreError as exc:
        return Finding.of_error("store", exc)
    free = shutil.disk_usage(_existing(root)).free / _GIB
    text = f"{root} can be written, {free:.1f} GiB are free"
    return Finding(check="store", status=Status.OK, text=text)


def check_journal(journal_root: Path) -> Finding:
    """Look for what crashes left: journals that no live process holds."""
    try:
        dead = [one for one in list_journals(journal_root) if one.path.is_dir()]
        left = [one.capture_id for one in dead if _is_dead(one)]
    except StoreError as exc:
        return Finding.of_error("journal", exc)
    if left:
        return Finding(
            check="journal",
            status=Status.WARNING,
            text=f"{len(left)} captures are unfinished, the first is {left[0]}",
            mend="'instant-logs recover' finishes them; so does the next capture",
        )
    return Finding(check="journal", status=Status.OK, text="nothing is left behind")


async def check_host_lease(hold: HoldZone, zone_id: str) -> Finding:
    """Look whether a process of this host holds the zone."""
    try:
        async with hold(zone_id, timeout_s=0):
            text = "no process of this host holds the zone"
            return Finding(check="host lease", status=Status.OK, text=text)
    except ZoneBusy as exc:
        return Finding(check="host lease", status=Status.WARNING, text=str(exc))
    except InstantLogsError as exc:
        return Finding.of_error("host lease", exc)


def _is_dead(journal: JournalDirectory) -> bool:
    is_dead = journal.acquire()
    if is_dead:
        journal.release()
    return is_dead


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
