"""Working ahead in a thread: the same items, and an orderly end."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from instant_logs_plugin.capture.ahead import work_ahead

PATIENCE_S = 60.0


class Source:
    """Counts what it made, and tells when it was closed."""

    def __init__(self, count: int, *, then: Exception | None = None) -> None:
        self.made = 0
        self.is_closed = False
        self.third = threading.Event()
        self._count, self._then = count, then

    def items(self) -> Generator[int, None, None]:
        try:
            for number in range(self._count):
                self.made += 1
                if self.made == 3:
                    self.third.set()
                yield number
            if self._then is not None:
                raise self._then
        finally:
            self.is_closed = True


def test_items_come_as_they_are():
    """All of them, in order, values that are false among them."""
    source = Source(100)
    assert list(work_ahead(source.items())) == list(range(100))
    assert source.is_closed
    assert list(work_ahead(Source(0).items())) == []


def test_the_next_item_is_made_while_one_is_used():
    """One ahead, and no more."""
    source = Source(100)
    items = work_ahead(source.items())
    assert [next(items), next(items)] == [0, 1]
    assert source.third.wait(PATIENCE_S)
    assert next(items) == 2
    items.close()
    assert source.made <= 4


def test_an_error_is_raised_in_its_place():
    """What was made before it is had first."""
    source = Source(2, then=OSError("no more"))
    items = work_ahead(source.items())
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(OSError, match="no more"):
        next(items)
    assert source.is_closed


def test_closing_ends_the_thread_and_closes_the_source():
    """Whoever has enough leaves nothing running."""
    source = Source(100)
    items = work_ahead(source.items())
    next(items)
    items.close()
    assert source.is_closed
    assert not [t for t in threading.enumerate() if "instant-logs-ahead" in t.name]
