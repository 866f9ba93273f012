"""Work on an event loop of its own, in a thread where no signal interrupts it.

Python runs signal handlers in the main thread, between any two of its steps, and
Prefect's raises there. A recorder that was told like that could lose what it held in
its hands; here it is cancelled, between steps of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from prefect.exceptions import TerminationSignal

from instant_logs_plugin.prefect.termination import told_of_termination

__all__ = ["OwnThread"]

T = TypeVar("T")

_END_WITHIN_S = 20.0
"""Ten times what an end may take, and less than the 30 s until Prefect kills a run."""


class OwnThread(Generic[T]):
    """Work that is started, waited for from any code, and ended with its wait.

    Whatever ends the wait early (a cancellation, a signal) cancels the work, and goes
    on once the work has ended.

    Args:
        work: Makes the coroutine; called in the thread, in the caller's context.
        name: Of the thread.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]], name: str) -> None:
        self._work = work
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[T] | None = None
        self._is_cancelled = False
        self._ended: Future[T] = Future()
        self._ended.set_running_or_notify_cancel()
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), daemon=True, name=name
        )

    def start(self) -> None:
        """Start the work, if it is not started."""
        if not self._is_started:
            self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether `result` returns at once."""
        return self._ended.done()

    def result(self) -> T:
        """Do the work, in synchronous code; return its result or raise its error."""
        try:
            self.start()
            return self._ended.result()
        except BaseException:
            self.end()
            raise

    async def aresult(self) -> T:
        """Do the work, in asynchronous code; return its result or raise its error.

        Raises:
            TerminationSignal: The run was told to end.
        """
        ended = asyncio.wrap_future(self._ended)
        ended.add_done_callback(_take_error)
        try:
            await self._wait(ended)
            return self._ended.result()
        except BaseException:
            self._cancel()
            await asyncio.wait({ended}, timeout=_END_WITHIN_S)
            raise
        finally:
            self.end()

    async def _wait(self, ended: asyncio.Future[Any]) -> None:
        with told_of_termination() as told:
            self.start()
            events: set[asyncio.Future[Any]] = {ended, told}
            await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                raise TerminationSignal(signal.SIGTERM)

    def end(self) -> None:
        """Cancel the work if it has not ended; return once it has."""
        self._cancel()
        if self._is_started:
            with contextlib.suppress(TimeoutError):
                self._ended.exception(_END_WITHIN_S)

    @property
    def _is_started(self) -> bool:
        return self._thread.ident is not None

    def _cancel(self) -> None:
        """Once: a second cancellation would interrupt the work's orderly end."""
        if not self._is_cancelled:
            self._is_cancelled = True
            with contextlib.suppress(RuntimeError):  # its loop is closed: it has ended
                self._loop.call_soon_threadsafe(self._cancel_task)

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                self._ended.set_result(runner.run(self._work_unless_cancelled()))
        except BaseException as exc:  # noqa: BLE001 - handed to whoever waits
            self._ended.set_exception(exc)

    async def _work_unless_cancelled(self) -> T:
        self._task = asyncio.current_task()
        if self._is_cancelled:
            raise asyncio.CancelledError
        return await self._work()


def _take_error(ended: asyncio.Future[Any]) -> None:
    """The error is raised from its source; asyncio need not warn of this copy."""
    if not ended.cancelled():
        ended.exception()
