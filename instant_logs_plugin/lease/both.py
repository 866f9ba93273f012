"""Two leases as one: captures that know only one of them still exclude each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from instant_logs_plugin.lease.held import HoldZone, Lease

__all__ = ["hold_both"]


def hold_both(first: HoldZone, second: HoldZone) -> HoldZone:
    """Return what holds ``first``, then ``second``; one timeout is for both.

    Every capture takes them in the same order, so that two never wait for each other.
    """

    @contextlib.asynccontextmanager
    async def hold(zone_id: str, *, timeout_s: float) -> AsyncIterator[Lease]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        async with first(zone_id, timeout_s=timeout_s) as outer:
            left_s = max(0.0, deadline - loop.time())
            async with second(zone_id, timeout_s=left_s) as inner:
                yield Lease(outer, inner)

    return hold
