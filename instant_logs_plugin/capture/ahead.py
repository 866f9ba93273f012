"""Work ahead: make the next item while the one before is still being used."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["work_ahead"]

T = TypeVar("T")


def work_ahead(items: Generator[T, None, None]) -> Generator[T, None, None]:
    """Yield the items of a generator that runs in a thread of its own, one ahead.

    What it raises is raised in its place. Closing this closes it, too, as soon as the
    item that is being made is done.
    """
    thread = ThreadPoolExecutor(1, "instant-logs-ahead")
    with contextlib.closing(items), thread:
        coming = thread.submit(_next, items)
        while made := coming.result():
            coming = thread.submit(_next, items)
            yield made.pop()


def _next(items: Generator[T, None, None]) -> list[T]:
    """Return the next item in a list; an empty one at the end."""
    return list(itertools.islice(items, 1))
