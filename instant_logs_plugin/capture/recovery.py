"""Finishing what a crash left: journals that no live process holds.

Recovering twice, or being killed while recovering, changes nothing: a segment goes to
the same name, a mark says that it is there, and the journal is removed only once the
final manifest stands. What cannot be used is set aside, told, and hides nothing else.
Sessions that only the journal names are kept until the service lists them no more.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from instant_logs_plugin.capture.finishing import (
    FinishStopped,
    finish_capture,
    remove_temporaries,
)
from instant_logs_plugin.capture.header import CaptureHeader
from instant_logs_plugin.capture.journal_directory import (
    JournalDirectory,
    journal_home,
    list_journals,
)
from instant_logs_plugin.capture.orphan import find_orphans
from instant_logs_plugin.capture.orphan_files import forget_orphans, keep_orphans
from instant_logs_plugin.errors import (
    CaptureNotFound,
    InstantLogsError,
    InvalidManifest,
)
from instant_logs_plugin.files import make_directory, write_errors
from instant_logs_plugin.store.catalog import read_manifest
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = [
    "Outcome",
    "RecoveredCapture",
    "RecoveryReport",
    "dead_headers",
    "recover_captures",
]

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
"""How long a journal that is being recovered may take to say whose its sessions are."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Outcome(StrEnum):
    """What became of a journal."""

    RECOVERED = "recovered"
    """Its capture is finished; the journal is gone."""
    FINISHED = "finished"
    """Its capture had been finished already; the journal is gone."""
    EMPTY = "empty"
    """Nothing had been recorded; the journal is gone."""
    LIVE = "live"
    """A live process holds it; left alone."""
    OTHER_STORE = "other_store"
    """It belongs to another store; left alone."""
    UNREADABLE = "unreadable"
    """Nothing says whose it is; all of it was set aside."""
    FAILED = "failed"
    """The file system refused; the journal is as it was, to be tried again."""


@dataclass(frozen=True, kw_only=True)
class RecoveredCapture:
    """What became of one capture's journal.

    Attributes:
        capture_id: The capture.
        outcome: What was done.
        manifest: The final manifest of a recovered capture, else None.
        problems: What could not be used, or what was in the way; in words.
        set_aside: Files that hold what could not be used.
    """

    capture_id: str
    outcome: Outcome
    manifest: Manifest | None = None
    problems: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecoveryReport:
    """What became of every journal that was found, oldest first."""

    captures: tuple[RecoveredCapture, ...] = ()

    def of(self, outcome: Outcome) -> tuple[RecoveredCapture, ...]:
        """Return the captures with that outcome."""
        return tuple(one for one in self.captures if one.outcome is outcome)


def recover_captures(
    store: Store,
    journal_root: Path,
    *,
    is_stopped: Callable[[], bool] = lambda: False,
    now: Callable[[], datetime] = _utc_now,
) -> RecoveryReport:
    """Finish every capture of ``store`` whose journal no live process holds.

    One that cannot be finished stays as it is and keeps no other from being finished.

    Args:
        store: The store that the captures go to.
        journal_root: The journal.
        is_stopped: Asked before each segment; True leaves the rest for another time.
        now: Gives aware UTC; decides which sessions the service can list no more.

    Raises:
        StoreUnreadable: The journal cannot be listed.
    """
    captures = []
    for directory in list_journals(journal_root):
        if is_stopped():
            break
        one = _recover(store, directory, is_stopped)
        if one is not None:
            _report(one)
            captures.append(one)
    forget_orphans(journal_root, now())
    return RecoveryReport(tuple(captures))


def dead_headers(
    journal_root: Path, zone_id: str, *, asking: str | None = None
) -> list[CaptureHeader]:
    """Return what is known of a zone's captures whose processes are gone.

    One that is being recovered is waited for, for a moment: then either it is gone, or
    its orphans have been kept.

    Args:
        journal_root: The journal.
        zone_id: The zone.
        asking: The capture that asks; it is not looked at.

    Raises:
        StoreError: The journal cannot be listed.
    """
    found = []
    for directory in list_journals(journal_root):
        header = directory.read_header()
        if header is None or header.manifest.zone_id != zone_id:
            continue
        if directory.capture_id == asking:
            continue
        with _held(directory, timeout_s=_LOOK_S) as is_held:
            if is_held:
                found.append(header)
    return found


@contextlib.contextmanager
def _held(directory: JournalDirectory, *, timeout_s: float = 0.0) -> Iterator[bool]:
    is_held = directory.acquire(timeout_s=timeout_s)
    try:
        yield is_held
    finally:
        directory.release()


def _recover(
    store: Store, directory: JournalDirectory, is_stopped: Callable[[], bool]
) -> RecoveredCapture | None:
    """Finish one journal; None when there was nothing but a lock file, or no time."""
    try:
        with _held(directory) as is_held:
            if not is_held:
                return _outcome(directory, Outcome.LIVE)
            if not directory.path.exists():
                return None
            return _finish(store, directory, is_stopped)
    except FinishStopped:
        return None
    except Exception as exc:  # noqa: BLE001 - whatever it is, the others go on
        words = str(exc) if isinstance(exc, InstantLogsError) else repr(exc)
        return _outcome(directory, Outcome.FAILED, problems=(words,))


def _finish(
    store: Store, directory: JournalDirectory, is_stopped: Callable[[], bool]
) -> RecoveredCapture:
    published = _published(store, directory.capture_id)
    if published and published.state is not CaptureState.RECORDING:
        _keep_orphans(directory, published)
        remove_temporaries(store, published)
        directory.remove()
        return _outcome(directory, Outcome.FINISHED)
    header = _newest_header(store, directory, published)
    if header is None:
        return _set_all_aside(directory)
    if header.store != journal_home(store, directory.root):
        there = header.store or "the store that its journal was in"
        return _outcome(
            directory, Outcome.OTHER_STORE, problems=(f"belongs to {there}",)
        )
    _keep_orphans(directory, published)
    done = finish_capture(store, directory, header, is_stopped=is_stopped)
    return RecoveredCapture(
        capture_id=directory.capture_id,
        outcome=Outcome.RECOVERED if done.manifest else Outcome.EMPTY,
        manifest=done.manifest,
        problems=done.problems,
        set_aside=done.set_aside,
    )


def _keep_orphans(directory: JournalDirectory, published: Manifest | None) -> None:
    """Keep what only this journal knows, first of all: it is asked for meanwhile."""
    header = directory.read_header()
    orphans = header and find_orphans(header, published)
    if orphans:
        keep_orphans(directory.root, orphans)


def _published(store: Store, capture_id: str) -> Manifest | None:
    try:
        return read_manifest(store, capture_id)
    except (CaptureNotFound, InvalidManifest):
        return None


def _newest_header(
    store: Store, directory: JournalDirectory, published: Manifest | None
) -> CaptureHeader | None:
    """Return the header, or what a published manifest says if that knows more."""
    header = directory.read_header()
    if published is None or (
        header and _progress(header.manifest) >= _progress(published)
    ):
        return header
    ends = [gap.ended_at for gap in published.gaps]
    return CaptureHeader(
        manifest=published,
        written_at=max(ends, default=published.started_at),
        store=header.store if header else journal_home(store, directory.root),
    )


def _progress(manifest: Manifest) -> tuple[int, int]:
    """Return how far a capture had got: sessions that began, and that ended."""
    sessions = manifest.sessions
    return len(sessions), sum(one.ended_at is not None for one in sessions)


def _set_all_aside(directory: JournalDirectory) -> RecoveredCapture:
    """Set a whole journal aside: nothing says what its lines are of."""
    if not directory.segment_names():
        directory.remove()
        return _outcome(directory, Outcome.EMPTY)
    target = directory.damaged_path
    with write_errors(target):
        make_directory(target.parent)
        directory.path.rename(target)
    problem = "neither its header nor its manifest can be read"
    return _outcome(
        directory, Outcome.UNREADABLE, problems=(problem,), set_aside=(str(target),)
    )


def _outcome(
    directory: JournalDirectory,
    outcome: Outcome,
    *,
    problems: tuple[str, ...] = (),
    set_aside: tuple[str, ...] = (),
) -> RecoveredCapture:
    return RecoveredCapture(
        capture_id=directory.capture_id,
        outcome=outcome,
        problems=problems,
        set_aside=set_aside,
    )


def _report(one: RecoveredCapture) -> None:
    if one.outcome in {Outcome.LIVE, Outcome.OTHER_STORE}:
        return
    facts = {"capture": one.capture_id, "outcome": one.outcome.value}
    level = logging.WARNING if one.problems else logging.INFO
    extra = facts | {"problems": one.problems, "set_aside": one.set_aside}
    _log.log(level, "instant_logs.journal_recovered", extra=extra)
