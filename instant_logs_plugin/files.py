"""Local files as a recorder needs them: private, durable, with our own errors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from instant_logs_plugin.errors import StoreUnwritable

__all__ = ["PRIVATE_FILE", "fsync_path", "make_directory", "write_errors"]

PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into ``StoreUnwritable``: the one place."""
    try:
        yield
    except OSError as exc:
        raise StoreUnwritable(str(path), exc.strerror or str(exc)) from exc


def make_directory(path: Path) -> None:
    """Create a directory and its parents, durably, readable by the owner alone."""
    for parent in (*reversed(path.parents), path):
        if not parent.is_dir():
            parent.mkdir(mode=_PRIVATE_DIRECTORY, exist_ok=True)
            fsync_path(parent.parent)


def fsync_path(path: Path) -> None:
    """Bring a file's bytes, or a directory's entries, safely to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
