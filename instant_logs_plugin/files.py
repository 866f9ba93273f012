"""Local files as a recorder needs them: private, durable, with our own errors.

Everything that must reach the disk goes through here, step by named step, so that a
test can make each of them fail (``failpoints``).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from instant_logs_plugin.errors import StoreUnwritable
from instant_logs_plugin.failpoints import reach

__all__ = [
    "create_file",
    "fsync_path",
    "make_directory",
    "publish_file",
    "replacing",
    "sync_file",
    "temporary_path",
    "write_all",
    "write_errors",
]

_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700
_PARTS_AT_ONCE = 64


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
            fsync_path(parent.parent, step="directory")


def create_file(path: Path, *, step: str) -> int:
    """Create a file that must not be there yet; return its descriptor."""
    reach(f"{step}:create")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
    return os.open(path, flags, _PRIVATE_FILE)


def write_all(descriptor: int, *parts: bytes, step: str) -> None:
    """Write all parts in order; a failure can leave some of it behind."""
    reach(f"{step}:write", lambda: os.write(descriptor, _half(b"".join(parts))))
    left = [memoryview(part) for part in parts if part]
    while left:
        written = os.writev(descriptor, left[:_PARTS_AT_ONCE])
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = left[0][written:]


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def sync_file(descriptor: int, *, step: str) -> None:
    """Bring a file safely to disk.

    After a failure the kernel may take the lost bytes for written: a second call that
    succeeds proves nothing.
    """
    reach(f"{step}:fsync")
    os.fsync(descriptor)


def fsync_path(path: Path, *, step: str) -> None:
    """Bring a file's bytes, or a directory's entries, safely to disk.

    Some network and FUSE file systems cannot sync a directory and say so; there its
    entries are as safe as the file system makes them.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync_file(descriptor, step=step)
    except OSError as exc:
        if exc.errno not in _CANNOT_SYNC or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def temporary_path(path: Path) -> Path:
    """Return where a file is written before it takes its name; no glob meets it."""
    return path.with_name(f".{path.name}.tmp")


@contextlib.contextmanager
def replacing(path: Path, *, step: str) -> Iterator[Path]:
    """Yield an empty file that becomes ``path`` when the block ends without error.

    The block writes and syncs it. Then it is renamed and its directory synced: it
    survives a power loss from then on. Nothing is left behind by a failure.
    """
    temporary = temporary_path(path)
    try:
        reach(f"{step}:create")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.close(os.open(temporary, flags, _PRIVATE_FILE))
        yield temporary
        reach(f"{step}:rename")
        temporary.replace(path)
        fsync_path(path.parent, step=f"{step}.directory")
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def publish_file(path: Path, data: bytes, *, step: str) -> None:
    """Write ``data`` as ``path``, atomically and durably; replaces what was there."""
    with replacing(path, step=step) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY)
        try:
            write_all(descriptor, data, step=step)
            sync_file(descriptor, step=step)
        finally:
            os.close(descriptor)
