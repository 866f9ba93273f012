"""Exceptions of signal handlers: an event loop must not lose them.

A handler that raises (Prefect's does) raises in whatever the main thread runs. In a
task asyncio keeps the exception until somebody asks for that task's result; in a
callback it is only logged; in a finaliser, be it of asyncio's own set of tasks, Python
prints it and goes on. ``KeyboardInterrupt`` and ``SystemExit`` end the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

from instant_logs_plugin.capture.stop import StopRequest

__all__ = ["heed", "heeding_interruptions"]


@contextlib.contextmanager
def heeding_interruptions(stop: StopRequest) -> Iterator[None]:
    """Let an interruption that would only be logged end a capture, and be raised then.

    Callbacks report theirs to the loop's exception handler; so do tasks, with `heed`.
    Finalisers report theirs to the interpreter's hook.
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
        with _guard:
            if not _listeners:
                _finalisers.append(_Finalisers())
            _listeners[loop] = self

    def leave(self) -> None:
        """Give the loop its own handler back."""
        self._loop.set_exception_handler(self._usual)
        with _guard:
            del _listeners[self._loop]
            if not _listeners:
                _finalisers.pop().leave()

    def interrupt(self, exc: BaseException) -> None:
        """End the captures."""
        for stop in self.stops:
            stop.interrupt(exc)

    def _take(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        exc = context.get("exception")
        if exc is not None and _is_interruption(exc):
            self.interrupt(exc)
        elif self._usual is not None:
            self._usual(loop, context)
        else:
            loop.default_exception_handler(context)


class _Finalisers:
    """The interpreter's hook for what finalisers raise: one, for all loops."""

    def __init__(self) -> None:
        self._usual = sys.unraisablehook
        sys.unraisablehook = self._take

    def leave(self) -> None:
        """Put back the one before, unless somebody has put another before ours."""
        if sys.unraisablehook == self._take:
            sys.unraisablehook = self._usual

    def _take(self, raised: sys.UnraisableHookArgs) -> None:
        exc, listener = raised.exc_value, _listener_here()
        if listener is not None and exc is not None and _is_interruption(exc):
            listener.interrupt(exc)
        else:
            self._usual(raised)


_guard = threading.Lock()
_listeners: dict[asyncio.AbstractEventLoop, _Listener] = {}
_finalisers: list[_Finalisers] = []


def _listener_here() -> _Listener | None:
    """Return the listener of the loop that was running when this was called."""
    try:
        return _listeners.get(asyncio.get_running_loop())
    except RuntimeError:
        return None


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
