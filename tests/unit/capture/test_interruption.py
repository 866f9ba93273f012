"""Signal handlers that raise: where they are called, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from instant_logs_plugin.capture.interruption import heeding_signals
from instant_logs_plugin.capture.stop import StopRequest

ASKED = signal.SIGUSR1


class Ended(BaseException):
    """What a handler raises, like the termination signal of Prefect."""


def end(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Ended


def fail(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise ValueError("too late")


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
            with contextlib.suppress(Ended, ValueError):
                await self.stop.wait()
            self.ended_in_order = True


@pytest.mark.parametrize(("handler", "raised"), [(end, Ended), (fail, ValueError)])
async def test_what_a_handler_raises_ends_the_capture(handler, raised):
    """Not where the signal fell: between two steps, and raised behind the end."""
    capture = Capture()
    with handled(handler), pytest.raises(raised):
        await asyncio.wait_for(capture.run(), 5)
    assert capture.ended_in_order


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
