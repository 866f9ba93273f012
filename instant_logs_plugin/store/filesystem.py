"""Files of a store: read through pyarrow.fs, published whole or not at all.

A local file is written beside its final name, synced, renamed, and its directory
synced: after that it survives a power loss, and before that no reader sees it
(temporary names start with a dot and end in ``.tmp``, so no engine's glob meets
them). Publishing the same path again replaces the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from instant_logs_plugin.errors import InvalidOption, StoreUnreadable
from instant_logs_plugin.files import (
    fsync_path,
    make_directory,
    replacing,
    sync_file,
    write_errors,
)

__all__ = ["Store", "open_store"]


class Store:
    """A directory of captures; paths are relative to its root, with ``/``.

    Args:
        root: The directory; it need not exist yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    @contextlib.contextmanager
    def open_atomic(self, path: str) -> Iterator[pa.NativeFile]:
        """Open a sink that becomes ``path`` when the block ends without error.

        Raises:
            StoreUnwritable: The file system refused; nothing is left behind.
        """
        final = self.root / path
        step = f"store.{path.partition('/')[0]}"
        with write_errors(final):
            make_directory(final.parent)
            with (
                replacing(final, step=step) as temporary,
                pa.OSFile(str(temporary), "wb") as sink,
            ):
                yield sink
                sync_file(sink.fileno(), step=step)

    def write_bytes(self, path: str, data: bytes) -> None:
        """Publish ``data`` as ``path``, atomically and durably.

        Raises:
            StoreUnwritable: The file system refused.
        """
        with self.open_atomic(path) as sink:
            sink.write(data)

    def remove(self, path: str) -> int:
        """Remove a file, durably; return the bytes it had, 0 if there was none.

        Raises:
            StoreUnwritable: The file system refused.
        """
        final = self.root / path
        with write_errors(final):
            try:
                size = final.stat().st_size
                final.unlink()
            except FileNotFoundError:
                return 0
            fsync_path(final.parent, step="store.remove")
        return size

    def open_input(self, path: str) -> pa.NativeFile:
        """Open a file for random access; the caller closes it.

        Raises:
            FileNotFoundError: There is none.
            StoreUnreadable: The file system refused.
        """
        with self._read_errors(path):
            return self._files.open_input_file(path)

    def read_bytes(self, path: str) -> bytes:
        """Return a file's bytes.

        Raises:
            FileNotFoundError: There is none.
            StoreUnreadable: The file system refused.
        """
        with self._read_errors(path), self.open_input(path) as source:
            return bytes(source.read())

    def size(self, path: str) -> int | None:
        """Return a file's size in bytes, or None when there is no such file.

        Raises:
            StoreUnreadable: The file system refused.
        """
        with self._read_errors(path):
            info = self._files.get_file_info(path)
        return info.size if info.type is fs.FileType.File else None

    def list_names(self, directory: str) -> list[str]:
        """Return the names of the files in ``directory``, sorted, without dot files.

        Raises:
            StoreUnreadable: The file system refused; an absent directory is empty.
        """
        infos = self._list(directory, is_recursive=False)
        return sorted(one.base_name for one in infos if one.base_name[0] != ".")

    def list_tree(self, directory: str) -> list[str]:
        """Return the paths of all files below ``directory``, sorted, dot files too.

        Raises:
            StoreUnreadable: The file system refused; an absent directory is empty.
        """
        return sorted(one.path for one in self._list(directory, is_recursive=True))

    def _list(self, directory: str, *, is_recursive: bool) -> list[fs.FileInfo]:
        selector = fs.FileSelector(
            directory, allow_not_found=True, recursive=is_recursive
        )
        try:
            with self._read_errors(directory):
                infos = self._files.get_file_info(selector)
        except FileNotFoundError:  # it came or went while it was looked for
            return []
        return [info for info in infos if info.type is fs.FileType.File]

    @contextlib.contextmanager
    def _read_errors(self, path: str) -> Iterator[None]:
        """Turn what the file system refuses, except that a file is not there."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as exc:
            raise StoreUnreadable(
                str(self.root / path), exc.strerror or str(exc)
            ) from exc


def open_store(uri: str) -> Store:
    """Return the store at a path or a ``file://`` URI.

    Raises:
        InvalidOption: The URI's scheme is not supported, or it is no directory's.
        StoreUnreadable: It is relative to a directory that is not there any more.
    """
    root = _parse_root(uri)
    if root is None or _is_file(root):
        raise InvalidOption("store", uri, "a local directory or its file:// URI")
    return Store(root)


def _is_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # the first read or write says it better
        return False


def _parse_root(uri: str) -> Path | None:
    scheme, separator, rest = uri.partition("://")
    if separator and not (scheme == "file" and rest.startswith("/")):
        return None
    path = unquote(rest) if separator else uri
    try:
        path.encode()
        root = (Path(path) if separator else Path(path).expanduser()).absolute()
    except FileNotFoundError as exc:
        reason = "the working directory was removed"
        raise StoreUnreadable(path, reason) from exc
    except (RuntimeError, UnicodeEncodeError):  # "~nobody", or no UTF-8: Arrow's limit
        return None
    # Arrow aborts the whole process at a NUL.
    return root if path and "\0" not in path else None
