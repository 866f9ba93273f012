"""Two clocks read as one: bounds by the monotonic clock, labels by the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

__all__ = ["Clock"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Clock:
    """Monotonic time, and the wall time it stood for when the capture started.

    A wall clock that jumps afterwards moves no label and no bound.

    Attributes:
        monotonic_start: Monotonic seconds at the start.
        wall_start: Aware UTC time at the start.
        read: Gives monotonic seconds.
    """

    monotonic_start: float
    wall_start: datetime
    read: Callable[[], float] = time.monotonic

    @classmethod
    def start(cls) -> Clock:
        """Return the system's clocks, started now."""
        return cls(time.monotonic(), datetime.now(UTC))

    def now(self) -> float:
        """Return monotonic seconds."""
        return self.read()

    def to_wall(self, at: float) -> datetime:
        """Return the aware UTC time of a monotonic time."""
        return self.wall_start + timedelta(seconds=at - self.monotonic_start)

    def now_us(self) -> int:
        """Return microseconds since the epoch, UTC."""
        return (self.to_wall(self.read()) - _EPOCH) // timedelta(microseconds=1)
