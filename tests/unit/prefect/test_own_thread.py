"""Work in a thread of its own: its result, its error, and an end that waits for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from instant_logs_plugin.prefect.own_thread import OwnThread

DEADLINE_S = 30.0


class Work:
    """Waits until it is cancelled, then takes a while to end."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.said: list[str] = []

    async def run(self) -> str:
        self.has_begun.set()
        try:
            await asyncio.sleep(DEADLINE_S)
        except asyncio.CancelledError:
            self.said.append("told")
            await asyncio.sleep(0.2)
            self.said.append("committed")
            raise
        return "never"


async def name_of_thread() -> str:
    return threading.current_thread().name


async def fail() -> None:
    raise LookupError("nothing there")


async def test_a_result_and_an_error() -> None:
    """They are the work's, whichever code waits."""
    assert await OwnThread(name_of_thread, "aside").aresult() == "aside"
    with pytest.raises(LookupError):
        await OwnThread(fail, "aside").aresult()


def test_a_result_and_an_error_of_a_synchronous_wait() -> None:
    """The same, where there is no event loop."""
    assert OwnThread(name_of_thread, "aside").result() == "aside"
    with pytest.raises(LookupError):
        OwnThread(fail, "aside").result()


async def test_a_cancelled_wait_ends_the_work_first() -> None:
    """However often it is cancelled, the work ends once, in its own order."""
    work = Work()
    waiting = asyncio.create_task(OwnThread(work.run, "aside").aresult())
    await asyncio.to_thread(work.has_begun.wait, DEADLINE_S)
    for _ in range(3):
        waiting.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.said == ["told", "committed"]


def test_an_end_waits_for_the_work() -> None:
    """Behind it the work is over; a second one does nothing."""
    work = Work()
    thread = OwnThread(work.run, "aside")
    thread.start()
    assert work.has_begun.wait(DEADLINE_S)
    assert not thread.has_ended
    thread.end()
    assert thread.has_ended
    thread.end()
    assert work.said == ["told", "committed"]


def test_what_is_ended_before_its_start_never_begins() -> None:
    """A signal may come before anything runs."""
    work = Work()
    thread = OwnThread(work.run, "aside")
    thread.end()
    with pytest.raises(asyncio.CancelledError):
        thread.result()
    assert not work.has_begun.is_set()
