"""What a lease is, whoever grants it: the port that a capture is given.

Pure. The holders are ``file_lock`` (this host), ``prefect.lease`` (every host of a
Prefect server), and ``both``.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

__all__ = ["HoldZone", "Lease"]


class Lease:
    """A zone's lease while it is held.

    Args:
        parts: Leases that this one consists of; it is lost with the first of them.
    """

    def __init__(self, *parts: Lease) -> None:
        self._parts = parts
        self._lost_at: datetime | None = None

    @property
    def lost_at(self) -> datetime | None:
        """When it was lost (aware UTC), or None: the zone is still ours alone.

        A lost lease ends no stream: the service goes on until it says otherwise.
        """
        times = [self._lost_at, *(part.lost_at for part in self._parts)]
        return min((at for at in times if at is not None), default=None)

    def lose(self, at: datetime) -> None:
        """The holder can no longer vouch for it; only the first time counts."""
        self._lost_at = self._lost_at or at


class HoldZone(Protocol):
    """Holds the lease of a zone for a block."""

    def __call__(
        self, zone_id: str, *, timeout_s: float
    ) -> AbstractAsyncContextManager[Lease]:
        """Return what holds the lease.

        Args:
            zone_id: The zone.
            timeout_s: How long to wait for another holder; 0 tries once.

        Raises:
            ZoneBusy: On entering: another one holds it and stayed so.
            InstantLogsError: On entering: the lease cannot be had at all.
        """
        ...
