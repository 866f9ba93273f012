"""A capture's directory in the journal: its names, its lock, its documents.

::

    <journal>/<capture_id>.lock     a kernel lock, held while a process writes there
    <journal>/<capture_id>/
        capture.json                the header; its mtime says when all was well
        00000.ndjson 00000.index    a segment (``segment``)
        00000.rejects               its rejects, until the capture ends
        00000.committed             the mark that it is in the store
    <journal>/.damaged/<capture_id>/    what a recovery set aside

The lock is taken before the directory is made and freed by ``kill -9``: a directory
whose lock is free belongs to nobody any more. Whatever else lies where the journal was
said to be (a store, somebody's files) is neither listed nor removed.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from filelock import FileLock, Timeout

from instant_logs_plugin.capture.header import (
    CaptureHeader,
    CommitMark,
    format_header,
    format_mark,
    parse_header,
    parse_mark,
)
from instant_logs_plugin.errors import (
    InvalidManifest,
    InvalidOption,
    StoreUnreadable,
)
from instant_logs_plugin.failpoints import reach
from instant_logs_plugin.files import make_directory, publish_file, write_errors
from instant_logs_plugin.store.filesystem import Store
from instant_logs_plugin.store.layout import check_capture_id

__all__ = ["DAMAGED", "JournalDirectory", "journal_home", "list_journals"]

DAMAGED = ".damaged"
_HEADER = "capture.json"
_POLL_S = 0.01
_SEGMENT_NAME = re.compile("[0-9]{5,6}")
_FILE_NAME = re.compile(
    r"(capture\.json|[0-9]{5,6}\.(ndjson|index|rejects|committed))"
    r"|\.(capture\.json|[0-9]{5,6}\.(rejects|committed))\.tmp"
)


class JournalDirectory:
    """The directory of one capture.

    Args:
        root: The journal's root.
        capture_id: The capture.

    Raises:
        StoreUnwritable: From every method that writes, when the file system refuses.
    """

    def __init__(self, root: Path, capture_id: str) -> None:
        self.root = root
        self.capture_id = check_capture_id(capture_id)
        self.path = root / capture_id
        self._lock_path = root / f"{capture_id}.lock"
        self._lock = FileLock(self._lock_path, thread_local=False, mode=0o600)

    @property
    def damaged_path(self) -> Path:
        """Where what cannot be used is set aside."""
        return self.root / DAMAGED / self.capture_id

    def acquire(self, *, timeout_s: float = 0.0) -> bool:
        """Take the lock; False when a live process holds it, and goes on to.

        Args:
            timeout_s: How long to wait for it; blocks.
        """
        with write_errors(self._lock_path):
            make_directory(self.root)
            try:
                self._lock.acquire(timeout=timeout_s, poll_interval=_POLL_S)
            except Timeout:  # an OSError, but no failure to write
                return False
        return True

    def release(self) -> None:
        """Free the lock if it is held, and remove its file if the directory is gone."""
        if self._lock.is_locked and not self.path.exists():
            with contextlib.suppress(OSError):
                if _is_own_lock(self._lock_path):
                    self._lock_path.unlink()
        self._lock.release()

    def create(self) -> None:
        """Make the directory."""
        with write_errors(self.path):
            make_directory(self.path)

    def remove(self) -> None:
        """Delete the directory and the files of a journal in it.

        A file that is none, or that the file system keeps, keeps the directory.
        """
        reach("journal.directory:remove")
        with contextlib.suppress(OSError):
            for path in self.path.iterdir():
                if _FILE_NAME.fullmatch(path.name):
                    path.unlink(missing_ok=True)
            self.path.rmdir()

    def segment_names(self) -> list[str]:
        """Return the names of the segments that left any file, sorted."""
        known = {".ndjson", ".index", ".committed"}
        names = {one.stem for one in self.path.iterdir() if one.suffix in known}
        return sorted(filter(_SEGMENT_NAME.fullmatch, names), key=int)

    def lines_path(self, sequence: int) -> Path:
        """Return where the lines of a segment are."""
        return self.path / f"{sequence:05d}.ndjson"

    def write_header(self, header: CaptureHeader) -> None:
        """Write the header, durably."""
        with write_errors(self.path):
            document = format_header(header).encode(errors="replace")
            publish_file(self.path / _HEADER, document, step="journal.header")

    def read_header(self) -> CaptureHeader | None:
        """Return the header, or None when there is none of this capture's."""
        header = _read_header(self.path)
        # A copied journal is not the other capture's: it would be written over.
        is_own = header and header.manifest.capture_id == self.capture_id
        return header if is_own else None

    def beat(self, at_us: int) -> None:
        """Note on disk that all was well, in microseconds since the epoch."""
        with contextlib.suppress(OSError):
            os.utime(self.path / _HEADER, ns=(at_us * 1_000, at_us * 1_000))

    def last_beat_us(self) -> int:
        """Return when all was well, microseconds since the epoch; 0 if unknown."""
        try:
            return (self.path / _HEADER).stat().st_mtime_ns // 1_000
        except OSError:
            return 0

    def write_mark(self, mark: CommitMark) -> None:
        """Note that a segment is in the store, durably."""
        path = self._mark_path(mark.sequence)
        with write_errors(path):
            publish_file(path, format_mark(mark).encode(), step="journal.mark")

    def read_mark(self, sequence: int) -> CommitMark | None:
        """Return a segment's mark, or None when there is none that can be read."""
        try:
            mark = parse_mark(self._mark_path(sequence).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return mark if mark.sequence == sequence else None

    def _mark_path(self, sequence: int) -> Path:
        return self.lines_path(sequence).with_suffix(".committed")


def journal_home(store: Store, journal_root: Path) -> str | None:
    """Return how a header names its store: None when the journal lies in it."""
    root = store.root.resolve()
    inside = journal_root.resolve().is_relative_to(root)
    return None if inside else str(root)


def list_journals(root: Path) -> list[JournalDirectory]:
    """Return the captures that have a directory or a lock in a journal, oldest first.

    A directory is a capture's if its lock lies beside it, or its header in it.

    Raises:
        StoreUnreadable: The file system refused; an absent journal is empty.
    """
    try:
        found = list(root.iterdir())
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise StoreUnreadable(str(root), exc.strerror or str(exc)) from exc
    locked = {one.stem for one in found if _is_own_lock(one)}
    names = locked | {one.name for one in found if _read_header(one)}
    return [JournalDirectory(root, name) for name in sorted(names) if _is_id(name)]


def _read_header(directory: Path) -> CaptureHeader | None:
    path = directory / _HEADER
    try:
        return parse_header(path.read_text("utf-8"), path=str(path))
    except (OSError, ValueError, InvalidManifest):
        return None


def _is_own_lock(path: Path) -> bool:
    """Tell whether a file can be a lock of ours: they are empty."""
    try:
        return path.suffix == ".lock" and path.is_file() and not path.stat().st_size
    except OSError:
        return False


def _is_id(name: str) -> bool:
    try:
        check_capture_id(name)
    except InvalidOption:
        return False
    return True
