"""Work ahead: make items in a thread while those before them are still being used."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Semaphore
from typing import Generic, TypeVar

__all__ = ["WorkAhead"]

T = TypeVar("T")


class WorkAhead(Generic[T]):
    """Makes the items of several generators in one thread of its own.

    The generators come one after the other, in the order in which they were begun, and
    are to be used in that order: a later one is made ahead of an earlier one's end.

    Args:
        depth: How many items may wait to be used, of all generators together.
        name: The thread's.
    """

    def __init__(self, depth: int, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._room = Semaphore(depth)
        self._is_closed = False

    def begin(self, items: Generator[T, None, None]) -> Iterator[T]:
        """Begin to make items; return them, each as soon as it is there.

        What the generator raises is raised in its place.
        """
        made: SimpleQueue[_Made[T]] = SimpleQueue()
        self._thread.submit(self._make, items, made)
        return self._take(made)

    def close(self) -> None:
        """Leave off, and wait for the item that is being made; close the generators."""
        self._is_closed = True
        self._room.release()
        self._thread.shutdown()

    def _make(
        self, items: Generator[T, None, None], made: SimpleQueue[_Made[T]]
    ) -> None:
        with contextlib.closing(items):
            try:
                while self._has_room():
                    made.put(_Item(next(items)))
            except StopIteration:
                made.put(None)
            except BaseException as exc:  # noqa: BLE001 - raised where it is waited for
                made.put(exc)

    def _has_room(self) -> bool:
        """Wait for room; tell whether it is still wanted."""
        self._room.acquire()
        if self._is_closed:
            self._room.release()  # for the generators behind this one
        return not self._is_closed

    def _take(self, made: SimpleQueue[_Made[T]]) -> Iterator[T]:
        while True:
            got = made.get()
            self._room.release()
            if isinstance(got, BaseException):
                raise got
            if got is None:
                return
            yield got.value


class _Item(Generic[T]):
    """One that was made."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value


_Made = _Item[T] | BaseException | None
"""An item, what its making raised, or the end."""
