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

    Handlers that are there when the first capture begins are there again behind the
    last. Threads but the main one run no handlers: there is nothing to do in them.
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
        handlers.stops.remove(stop)
        if not handlers.stops:
            handlers.put_back()
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
        found = {one: signal.getsignal(one) for one in signal.valid_signals()}
        self._usual: dict[int, Any] = {
            number: handler for number, handler in found.items() if callable(handler)
        }
        _handlers[loop] = self
        for number in self._usual:
            signal.signal(number, self._put_off)

    def put_back(self) -> None:
        """Put the usual ones back, but where another one was put since.

        What is still due is called here, and raises here.
        """
        for number, handler in self._usual.items():
            if signal.getsignal(number) == self._put_off:
                signal.signal(number, handler)
        del _handlers[self._loop]
        self._call_all_due()

    def _put_off(self, number: int, frame: FrameType | None) -> None:
        """Be called by Python, wherever the main thread is."""
        self._due.append((number, frame))
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._call_due)
        else:  # somebody stopped it: nothing is in the middle of anything
            self._call_all_due()

    def _call_due(self) -> None:
        """Be called by the loop; whatever a handler raises is to end what runs."""
        try:
            self._call_all_due()
        except BaseException as exc:  # noqa: BLE001 - raised behind the captures' end
            for stop in self.stops:
                stop.interrupt(exc)

    def _call_all_due(self) -> None:
        while self._due:
            number, frame = self._due.popleft()
            self._usual[number](number, frame)


_handlers: dict[asyncio.AbstractEventLoop, _Handlers] = {}
