"""What a signal handler raises where Python or asyncio would only print it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable

import pytest

from instant_logs_plugin.capture.interruption import heeding_interruptions
from instant_logs_plugin.capture.stop import StopRequest


class Ended(BaseException):
    """What a handler raises."""


class Finalised:
    """Raises when it goes, as a handler does that runs in a finaliser."""

    def __init__(self, exc: BaseException) -> None:
        self.exc = exc

    def __del__(self) -> None:
        raise self.exc


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    """Return what the hook that was there before is told."""
    told: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda one: told.append(one.exc_value))
    return told


def finalise(exc: BaseException) -> None:
    Finalised(exc)


def interrupt_callback() -> None:
    def interrupted() -> None:
        raise Ended

    asyncio.get_running_loop().call_soon(interrupted)


async def capture(stop: StopRequest, interrupt: Callable[[], None]) -> None:
    """Run until an interruption that nothing here raises."""
    with heeding_interruptions(stop):
        interrupt()
        with contextlib.suppress(Ended):
            await stop.wait()


@pytest.mark.parametrize("interrupt", [lambda: finalise(Ended()), interrupt_callback])
async def test_an_interruption_that_is_only_printed_ends_the_capture(
    interrupt, printed
):
    """In a finaliser and in a callback: it goes on to its end, and raises it then."""
    with pytest.raises(Ended):
        await asyncio.wait_for(capture(StopRequest(), interrupt), 5)
    assert not printed


async def test_errors_of_finalisers_are_not_ours(printed):
    """What went wrong in one is printed, as ever; the capture goes on."""
    stop, error = StopRequest(), ValueError("wrong")
    with heeding_interruptions(stop):
        finalise(error)
    assert printed == [error]
    assert not stop.is_set


async def test_an_interruption_elsewhere_is_not_ours(printed):
    """A capture on another thread's loop is ended by whoever waits for it."""
    stop, ended = StopRequest(), Ended()
    with heeding_interruptions(stop):
        await asyncio.to_thread(finalise, ended)
    assert printed == [ended]
    assert not stop.is_set


async def test_hooks_are_put_back_in_any_order(printed):
    """Captures that overlap, and a hook that somebody else put before ours."""
    before = sys.unraisablehook
    first, second = StopRequest(), StopRequest()
    with heeding_interruptions(first), heeding_interruptions(second):
        assert sys.unraisablehook is not before
    assert sys.unraisablehook is before
    with heeding_interruptions(first):
        ours = sys.unraisablehook
        sys.unraisablehook = lambda one: ours(one)  # noqa: PLW0108 - a hook of its own
    with heeding_interruptions(second):
        finalise(error := ValueError("wrong"))
    assert printed == [error]
