"""Work in a thread that Ctrl-C ends at any time.

Python hands Ctrl-C to the main thread alone, and only between its own steps: while a
library computes there, it waits. Here the main thread waits for another one instead.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import TypeVar

__all__ = ["run_interruptible"]

T = TypeVar("T")

_AGAIN_AFTER_S = 0.05


def run_interruptible(work: Callable[[], T], interrupt: Callable[[], object]) -> T:
    """Return what ``work`` returns, or raise what it raises.

    Args:
        work: Runs in a thread of its own.
        interrupt: Makes ``work`` end soon. It is called until that is so: an interrupt
            that comes before the work has begun may be forgotten by it.

    Raises:
        KeyboardInterrupt: Ctrl-C; the work has ended.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as exc:  # noqa: BLE001 - raised where it is waited for
            result.set_exception(exc)

    thread = Thread(target=run, name="instant-logs-query", daemon=True)
    try:
        thread.start()
        return result.result()
    except KeyboardInterrupt:
        while thread.is_alive():
            with suppress(KeyboardInterrupt):  # the first one is raised below
                interrupt()
                thread.join(_AGAIN_AFTER_S)
        raise
