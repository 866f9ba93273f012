"""SIGTERM for code that waits on the event loop, wherever Prefect's exception went.

Prefect's handler raises ``TerminationSignal`` in whatever Python runs at that moment.
In the run's own code that ends the run, as it should. In a callback of the loop, or in
a task that nobody awaits yet, the loop takes it for a failure of that callback: the
run never hears of it, and is killed half a minute later. The descriptor that Python
writes every signal to is told of each, whatever becomes of the exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator

from prefect.exceptions import TerminationSignal
from prefect.utilities.engine import is_prefect_sigterm_handler_installed

__all__ = ["exit_on_termination", "told_of_termination"]

Told = asyncio.Future[None]

_waiting: set[Told] = set()
_watch = contextlib.ExitStack()


@contextlib.contextmanager
def told_of_termination() -> Iterator[Told]:
    """Yield a future that is done once a SIGTERM came; it is the caller's to act.

    It stays pending where Prefect would raise nothing: outside a run, in another
    thread than the main one, and on Windows, which has no such signal.
    """
    told = asyncio.get_running_loop().create_future()
    if not _is_raised_here():
        yield told
        return
    if not _waiting:
        _watch.enter_context(_watching())
    _waiting.add(told)
    try:
        yield told
    finally:
        _waiting.discard(told)
        if not _waiting:
            _watch.close()


@contextlib.contextmanager
def exit_on_termination() -> Iterator[None]:
    """Exit as a shell expects when a signal ended the run: with 128 + its number."""
    try:
        yield
    except TerminationSignal as exc:
        raise SystemExit(128 + exc.signal) from exc


def _is_raised_here() -> bool:
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and os.name == "posix" and is_prefect_sigterm_handler_installed()


@contextlib.contextmanager
def _watching() -> Iterator[None]:
    """Have the loop read the signals; who read them before is still sent them."""
    loop = asyncio.get_running_loop()
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.settimeout(0)
        writing.settimeout(0)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        loop.add_reader(reading, _read, reading, before)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reading)


def _read(reading: socket.socket, before: int) -> None:
    numbers = reading.recv(4096)
    if before >= 0:
        with contextlib.suppress(OSError):
            os.write(before, numbers)
    if signal.SIGTERM in numbers:
        for told in _waiting:
            if not told.done():
                told.set_result(None)
