"""A request to end a capture early, and which signal asked for it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from typing import Any, TypeVar

from instant_logs_plugin.errors import CaptureInterrupted

__all__ = ["StopRequest"]

T = TypeVar("T")


class StopRequest:
    """Set once, from the event loop's thread; the first signal counts."""

    def __init__(self) -> None:
        self.signal_number = signal.SIGINT.value
        self._event = asyncio.Event()
        self._interruption: BaseException | None = None

    @property
    def is_set(self) -> bool:
        """Whether the capture was asked to end."""
        return self._event.is_set()

    def set(self, signal_number: int) -> None:
        """Ask the capture to end."""
        if not self.is_set:
            self.signal_number = signal_number
            self._event.set()

    def interrupt(self, exc: BaseException) -> None:
        """Ask the capture to end, and to raise an exception behind its end."""
        self._interruption = self._interruption or exc
        self._event.set()

    def raise_interruption(self) -> None:
        """Raise what interrupted the capture, if anything did."""
        if self._interruption is not None:
            raise self._interruption

    async def wait(self) -> None:
        """Return once the capture was asked to end.

        What interrupted it is not raised: a task that raises ``SystemExit`` stops the
        loop, and with it the capture's end.
        """
        await self._event.wait()

    async def or_result(self, awaitable: Awaitable[T]) -> T:
        """Await something that has recorded nothing yet, unless asked to end.

        Raises:
            CaptureInterrupted: The capture was asked to end first.
        """
        work = asyncio.ensure_future(awaitable)
        waiting = asyncio.create_task(self.wait())
        try:
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            raise CaptureInterrupted(self.signal_number, None)
        finally:
            await _end(work, waiting)


async def _end(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
