"""Whether journal and store can be written: looked at before and during a capture.

A capture that ends with room to spare can still write down what it holds; one that
runs into the disk's end cannot.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from instant_logs_plugin.errors import StoreFull, StoreUnwritable
from instant_logs_plugin.failpoints import reach
from instant_logs_plugin.files import write_errors

__all__ = ["Room"]

_LEAST_BYTES = 64 * 2**20
_LEAST_SHARE = 0.05
_LOOK_S = 1.0


class Room:
    """The room to be kept free where a capture writes.

    Args:
        paths: The directories; they need not exist yet.
        least_bytes: What is to be kept free on each; None for 64 MiB, or 5 % of a
            disk on which that is less; 0 for nothing.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *paths: Path,
        least_bytes: int | None = None,
        clock: Callable[[], float],
    ) -> None:
        self._paths = paths
        self._least_bytes = least_bytes
        self._clock = clock
        self._look_at = 0.0

    def check(self) -> None:
        """Look at every place.

        Raises:
            StoreUnwritable: One cannot be written.
            StoreFull: One has less room than is to be kept.
        """
        self._look_at = self._clock() + _LOOK_S
        for path in self._paths:
            with write_errors(path):
                self._check(path)

    def check_sometimes(self) -> None:
        """Look again if the last look is a second ago.

        Raises:
            StoreUnwritable: One cannot be written.
            StoreFull: One has less room than is to be kept.
        """
        if self._clock() >= self._look_at:
            self.check()

    def _check(self, path: Path) -> None:
        reach("room:look")
        there = next(one for one in (path, *path.absolute().parents) if one.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        disk = os.statvfs(there)
        if disk.f_flag & os.ST_RDONLY:
            raise StoreUnwritable(str(path), os.strerror(errno.EROFS))
        if not os.access(there, os.W_OK | os.X_OK):
            raise StoreUnwritable(str(path), os.strerror(errno.EACCES))
        free_bytes = disk.f_bavail * disk.f_frsize
        least_bytes = self._least_bytes
        if least_bytes is None:
            share = int(disk.f_blocks * disk.f_frsize * _LEAST_SHARE)
            least_bytes = min(_LEAST_BYTES, share)
        if free_bytes < least_bytes:
            raise StoreFull(str(path), free_bytes, least_bytes)
