"""Handlers of signals, called between the steps of a capture and never within one.

Python calls them in the main thread, between any two of its instructions. One that
raises, as to end a program, raises there: in the recorder, between two steps that
belong together, where lines are lost; in a callback of asyncio or a finaliser, which
print it and go on; in asyncio itself, which then forgets to wake a task. So while a
capture runs on the main thread's loop, that loop calls them, as it does anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections import deque
from collections.abc import Iterator
from types import FrameType
from typing import Any

from instant_logs_plugin.capture.stop import StopRequest

__all__ = ["heeding_signals"]


@contextlib.contextmanager
def heeding_signals(stop: StopRequest) -> Iterator[None]:
    """Let what a signal handler raises end a capture in order, and be raised then.

    It is raised in place of the capture's own error. Handlers that are there when the
    first capture begins are there again behind the last. Threads but the main one run
    no handlers: there is nothing to do in them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    handlers = _handlers.get(loop) or _Handlers(loop)
    handlers.stops.append(stop)
    try:
        yield
    finally:
        try:
            handlers.stops.remove(stop)
            if not handlers.stops:
                handlers.put_back()
        finally:
            stop.raise_interruption()


class _Handlers:
    """The process's handlers while captures run on the main thread's loop.

    Attributes:
        stops: End the captures.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stops: list[StopRequest] = []
        self._loop = loop
        self._due: deque[tuple[int, FrameType | None]] = deque()
        self._is_over = False
        found = {one: signal.getsignal(one) for one in signal.valid_signals()}
        self._usual: dict[int, Any] = {
            number: handler for number, handler in found.items() if _may_raise(handler)
        }
        try:
            for number in self._usual:
                signal.signal(number, self._put_off)
            _handlers[loop] = self
        except BaseException:  # of one that was not yet put off
            self.put_back()
            raise

    def put_back(self) -> None:
        """Put the usual ones back, but where another one was put since.

        From now on each raises where it is called, be it in here. Should ours stay
        because of that, it does no more than to call the usual one.
        """
        _handlers.pop(self._loop, None)
        self._is_over = True
        try:
            self._restore()
        finally:
            self._restore()
            self._call_all_due()

    def _restore(self) -> None:
        for number, handler in self._usual.items():
            if signal.getsignal(number) == self._put_off:
                signal.signal(number, handler)

    def _put_off(self, number: int, frame: FrameType | None) -> None:
        """Be called by Python, wherever the main thread is."""
        # Somebody may have stopped the loop: then nothing is in the middle of anything.
        if self._is_over or not self._loop.is_running():
            self._usual[number](number, frame)
            return
        self._due.append((number, frame))
        self._loop.call_soon_threadsafe(self._call_due)

    def _call_due(self) -> None:
        """Be called by the loop; whatever a handler raises is to end what runs."""
        try:
            self._call_all_due()
        except BaseException as exc:
            if not self.stops:
                raise
            for stop in self.stops:
                stop.interrupt(exc)

    def _call_all_due(self) -> None:
        while self._due:
            number, frame = self._due.popleft()
            self._usual[number](number, frame)


_handlers: dict[asyncio.AbstractEventLoop, _Handlers] = {}


def _may_raise(handler: Any) -> bool:
    """Tell whether it is Python code; asyncio's own does nothing but wake the loop."""
    module = getattr(handler, "__module__", None)
    return callable(handler) and module != "asyncio.unix_events"
