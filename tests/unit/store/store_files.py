"""What a store really has on disk, and a disk that really refuses."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from instant_logs_plugin.store.filesystem import Store


def files(store: Store) -> list[str]:
    """Return every file below a store, dot files too."""
    found = store.root.rglob("*")
    return sorted(str(one.relative_to(store.root)) for one in found if one.is_file())


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let the kernel refuse to make a file longer: a real failing write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
