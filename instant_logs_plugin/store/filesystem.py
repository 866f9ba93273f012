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

import pyarrow as pa
from pyarrow import fs

from instant_logs_plugin.errors import InvalidOption
from instant_logs_plugin.files import (
    PRIVATE_FILE,
    fsync_path,
    make_directory,
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
        temporary = final.with_name(f".{final.name}.tmp")
        with write_errors(final):
            make_directory(final.parent)
            try:
                with pa.OSFile(str(temporary), "wb") as sink:
                    temporary.chmod(PRIVATE_FILE)
                    yield sink
                fsync_path(temporary)
                temporary.replace(final)
                fsync_path(final.parent)
            except BaseException:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise

    def write_bytes(self, path: str, data: bytes) -> None:
        """Publish ``data`` as ``path``, atomically and durably.

        Raises:
            StoreUnwritable: The file system refused.
        """
        with self.open_atomic(path) as sink:
            sink.write(data)

    def open_input(self, path: str) -> pa.NativeFile:
        """Open a file for random access; the caller closes it.

        Raises:
            FileNotFoundError: There is none.
        """
        return self._files.open_input_file(path)

    def read_bytes(self, path: str) -> bytes:
        """Return a file's bytes.

        Raises:
            FileNotFoundError: There is none.
        """
        with self.open_input(path) as source:
            return bytes(source.read())

    def size(self, path: str) -> int | None:
        """Return a file's size in bytes, or None when there is no such file."""
        info = self._files.get_file_info(path)
        return info.size if info.type is fs.FileType.File else None

    def list_names(self, directory: str) -> list[str]:
        """Return the names of the files in ``directory``, sorted, without dot files."""
        selector = fs.FileSelector(directory, allow_not_found=True)
        infos = self._files.get_file_info(selector)
        names = [info.base_name for info in infos if info.type is fs.FileType.File]
        return sorted(name for name in names if not name.startswith("."))


def open_store(uri: str) -> Store:
    """Return the store at a path or a ``file://`` URI.

    Raises:
        InvalidOption: The URI's scheme is not supported.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Store(Path(uri).expanduser().absolute())
    if scheme == "file" and rest.startswith("/"):
        return Store(Path(rest))
    raise InvalidOption("store", uri, "a local directory or a file:// URI")
