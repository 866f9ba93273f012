"""Signal handlers that raise: where they are called, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from random import Random
from types import FrameType

import pytest

from instant_logs_plugin.capture.interruption import heeding_signals
from instant_logs_plugin.capture.stop import StopRequest

ASKED = signal.SIGUSR1


class Ended(BaseException):
    """What a handler raises, like the termination signal of Prefect."""


def raising(exc: type[BaseException]) -> Callable[[int, FrameType | None], None]:
    """Return a handler."""

    def handler(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise exc

    return handler


end = raising(Ended)


@contextlib.contextmanager
def handled(handler: signal._HANDLER) -> Iterator[None]:
    """Have a handler of one's own."""
    usual = signal.signal(ASKED, handler)
    try:
        yield
    finally:
        assert signal.getsignal(ASKED) is handler
        signal.signal(ASKED, usual)


class Capture:
    """Something with steps that belong together."""

    def __init__(self) -> None:
        self.stop = StopRequest()
        self.ended_in_order = False

    async def run(self) -> None:
        with heeding_signals(self.stop):
            signal.raise_signal(ASKED)  # Python calls handlers before the next line
            await asyncio.wait({asyncio.create_task(self.stop.wait())})
            self.ended_in_order = True


@pytest.mark.parametrize("exc", [Ended, ValueError, SystemExit, KeyboardInterrupt])
def test_what_a_handler_raises_ends_the_capture(exc):
    """Not where the signal fell, and whoever runs the loop: raised behind the end."""
    capture, loop = Capture(), asyncio.new_event_loop()
    with handled(raising(exc)), pytest.raises(exc):
        loop.run_until_complete(capture.run())
    loop.close()
    assert capture.ended_in_order


async def test_it_is_raised_in_place_of_the_captures_error():
    """A program that goes on behind errors of captures is to end, all the same."""

    async def fail() -> None:
        with heeding_signals(StopRequest()):
            signal.raise_signal(ASKED)
            await asyncio.sleep(0.01)
            raise OSError("the store failed")

    with handled(end), pytest.raises(Ended) as caught:
        await fail()
    assert isinstance(caught.value.__context__, OSError)


async def test_a_signal_while_handlers_are_put_back_takes_none_away():
    """Real ones, aimed at that moment: each handler works behind it.

    Nothing is awaited: a handler that raises between two steps of a loop stops it.
    """
    usual = {one: signal.signal(one, end) for one in (signal.SIGALRM, signal.SIGTERM)}
    random = Random(1)
    try:
        for _ in range(1000):
            with contextlib.suppress(Ended):
                with heeding_signals(StopRequest()):
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 3e-5))
                time.sleep(0.0005)  # noqa: ASYNC251 - it may still be to come
            with pytest.raises(Ended):
                signal.raise_signal(signal.SIGTERM)
    finally:
        for one, handler in usual.items():
            signal.signal(one, handler)


async def test_each_capture_of_a_loop_ends():
    """However many run beside each other."""
    captures = [Capture() for _ in range(3)]
    with handled(end):
        ends = await asyncio.wait_for(
            asyncio.gather(*(one.run() for one in captures), return_exceptions=True), 5
        )
    assert [type(one) for one in ends] == [Ended] * 3
    assert all(one.ended_in_order for one in captures)


async def test_a_handler_that_does_not_raise_is_called_as_ever():
    """It is put off for a moment, and disturbs nothing."""
    numbers: list[int] = []
    stop = StopRequest()
    with handled(lambda number, _: numbers.append(number)), heeding_signals(stop):
        signal.raise_signal(ASKED)
        assert not numbers
        await asyncio.sleep(0)
        assert numbers == [ASKED]
    assert not stop.is_set


async def test_a_signal_at_the_very_end_is_not_lost():
    """What the loop had no time to call is called, and raises, behind the end."""
    ended_in_order = False
    with handled(end), pytest.raises(Ended), heeding_signals(StopRequest()):  # noqa: PT012 - raised on leaving
        signal.raise_signal(ASKED)
        ended_in_order = True
    assert ended_in_order


async def test_a_handler_that_is_put_meanwhile_stays():
    """Whoever puts it there takes care of it."""
    usual = signal.getsignal(ASKED)
    try:
        with heeding_signals(StopRequest()):
            signal.signal(ASKED, end)
        assert signal.getsignal(ASKED) is end
    finally:
        signal.signal(ASKED, usual)


async def test_other_threads_have_no_handlers():
    """A capture there leaves those of the process alone."""

    async def look() -> object:
        with heeding_signals(StopRequest()):
            return signal.getsignal(ASKED)

    with handled(end):
        assert await asyncio.to_thread(asyncio.run, look()) is end


def test_a_loop_that_stands_still_puts_nothing_off():
    """A capture that nobody goes on with takes no signals from the process."""

    async def begin() -> None:
        with heeding_signals(StopRequest()):
            await asyncio.sleep(60)

    loop = asyncio.new_event_loop()
    with handled(end):
        task = loop.create_task(begin())
        loop.run_until_complete(asyncio.sleep(0))
        with pytest.raises(Ended):
            signal.raise_signal(ASKED)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
    loop.close()
