"""Working ahead in a thread: the same items, and an orderly end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator

import pytest

from instant_logs_plugin.capture.ahead import WorkAhead

PATIENCE_S = 60.0
DEPTH = 3
NAME = "test-ahead"


class Source:
    """Counts what it made, and tells when it was closed."""

    def __init__(self, count: int, *, then: BaseException | None = None) -> None:
        self.made = 0
        self.is_closed = False
        self.is_ahead = threading.Event()
        self._count, self._then = count, then

    def items(self) -> Generator[int, None, None]:
        try:
            for number in range(self._count):
                self.made += 1
                if self.made == DEPTH:
                    self.is_ahead.set()
                yield number
            if self._then is not None:
                raise self._then
        finally:
            self.is_closed = True


@pytest.fixture
def ahead() -> Iterator[WorkAhead[int]]:
    with contextlib.closing(WorkAhead[int](DEPTH, NAME)) as ahead:
        yield ahead


def test_items_come_as_they_are(ahead):
    """All of them, in order, values that are false among them."""
    source = Source(100)
    assert list(ahead.begin(source.items())) == list(range(100))
    assert source.is_closed
    assert list(ahead.begin(Source(0).items())) == []


def test_items_are_made_before_they_are_asked_for(ahead):
    """As many as there is room for, and no more."""
    source = Source(100)
    items = ahead.begin(source.items())
    assert source.is_ahead.wait(PATIENCE_S)
    assert source.made == DEPTH
    assert [next(items), next(items)] == [0, 1]
    ahead.close()
    assert source.made <= 2 + DEPTH


def test_a_generator_is_begun_while_the_one_before_is_used(ahead):
    """They share what room there is."""
    first, second = Source(1), Source(100)
    ours, theirs = ahead.begin(first.items()), ahead.begin(second.items())
    assert list(ours) == [0]
    assert second.is_ahead.wait(PATIENCE_S)
    assert [next(theirs), next(theirs)] == [0, 1]


def test_many_are_used_up_in_their_order(ahead):
    """However little room there is for all of them."""
    begun = [ahead.begin(Source(10).items()) for _ in range(10)]
    assert [list(items) for items in begun] == [list(range(10))] * 10


@pytest.mark.parametrize("error", [OSError("no more"), KeyboardInterrupt("no more")])
def test_an_error_is_raised_in_its_place(ahead, error):
    """What was made before it is had first, and the next generator is not harmed."""
    source = Source(2, then=error)
    items, others = ahead.begin(source.items()), ahead.begin(Source(5).items())
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(type(error), match="no more"):
        next(items)
    assert source.is_closed
    assert list(others) == list(range(5))


def test_closing_ends_the_thread_and_closes_the_sources():
    """Whoever has enough leaves nothing running."""
    ahead, sources = WorkAhead[int](DEPTH, NAME), [Source(100) for _ in range(3)]
    begun = [ahead.begin(source.items()) for source in sources]
    next(begun[0])
    ahead.close()
    assert sources[0].is_closed
    assert [source.made for source in sources[1:]] == [0, 0]
    assert not [one for one in threading.enumerate() if NAME in one.name]
