"""Signals that end a capture in order: Ctrl-C, SIGTERM, and a terminal that is gone."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import FrameType

from instant_logs_plugin.capture.stop import StopRequest

__all__ = ["stop_on_signals"]

_ASKING = (signal.SIGINT, signal.SIGTERM)


def stop_on_signals(stop: StopRequest) -> None:
    """Let the first signal end the capture, and a second one kill the process.

    SIGHUP says that the terminal was closed or its connection lost. It can come twice,
    from the shell and from the kernel: it never kills, nor cuts off what is printed
    behind the capture. Where it is ignored, as under ``nohup``, it stays ignored.

    To be called on the running event loop.
    """
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        stop.set(number)
        for one in _ASKING:
            loop.remove_signal_handler(one)
            signal.signal(one, signal.SIG_DFL)

    def on_hangup(number: int, frame: FrameType | None) -> None:
        del frame
        # Only ignored signals do not kill while Python ends, either.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with contextlib.suppress(RuntimeError):  # the loop, and the capture, have ended
            loop.call_soon_threadsafe(stop.set, number)

    for number in _ASKING:
        loop.add_signal_handler(number, on_signal, number)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, on_hangup)
