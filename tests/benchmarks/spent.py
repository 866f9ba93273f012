"""Time that a piece of work took: by the clock, and on the processors."""

from __future__ import annotations

import time
from typing import NamedTuple

__all__ = ["Spent"]


class Spent(NamedTuple):
    """Seconds; processor time tells more where the machine is shared.

    Attributes:
        wall_s: By the clock.
        cpu_s: Of all threads of this process, in the kernel too.
    """

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Spent:
        """Return both clocks as they stand."""
        return cls(time.perf_counter(), time.process_time())

    def until_now(self) -> Spent:
        """Return what was spent since these clocks were read."""
        wall_s, cpu_s = Spent.now()
        return Spent(wall_s - self.wall_s, cpu_s - self.cpu_s)
