"""Exceptions of signal handlers: an event loop must not lose them.

A handler that raises (Prefect's does) raises in whatever the main thread runs. In a
task asyncio keeps the exception until somebody asks for that task's result; in a
callback it is only logged. ``KeyboardInterrupt`` and ``SystemExit`` end the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from instant_logs_plugin.capture.stop import StopRequest

__all__ = ["heed", "heeding_interruptions"]


@contextlib.contextmanager
def heeding_interruptions(stop: StopRequest) -> Iterator[None]:
    """Let an interruption that the loop would log end a capture, and be raised then.

    Callbacks report theirs to the loop's exception handler; so do tasks, with `heed`.
    """
    loop = asyncio.get_running_loop()
    listener = _listeners.get(loop) or _Listener(loop)
    listener.stops.append(stop)
    try:
        yield
    finally:
        listener.stops.remove(stop)
        if not listener.stops:
            listener.leave()
    stop.raise_interruption()


class _Listener:
    """The exception handler of a loop while captures run on it.

    Attributes:
        stops: End the captures.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stops: list[StopRequest] = []
        self._loop, self._usual = loop, loop.get_exception_handler()
        loop.set_exception_handler(self._take)
        _listeners[loop] = self

    def leave(self) -> None:
        """Give the loop its own handler back."""
        self._loop.set_exception_handler(self._usual)
        del _listeners[self._loop]

    def _take(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        exc = context.get("exception")
        if exc is not None and _is_interruption(exc):
            for stop in self.stops:
                stop.interrupt(exc)
        elif self._usual is not None:
            self._usual(loop, context)
        else:
            loop.default_exception_handler(context)


_listeners: dict[asyncio.AbstractEventLoop, _Listener] = {}


def heed(task: asyncio.Task[Any]) -> None:
    """Callback of a task that is awaited late: report its interruption at once."""
    exc = None if task.cancelled() else task.exception()
    if exc is not None and _is_interruption(exc):
        raise exc


def _is_interruption(exc: BaseException | None) -> bool:
    """Tell whether it says that the program is to end, not what went wrong."""
    return isinstance(exc, BaseException) and not isinstance(
        exc, Exception | asyncio.CancelledError
    )
