"""What the emulator was asked: every create, list and handshake, and its answer.

Pure: told the time. Tells a client that hammers from one that waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Asked", "RequestLog", "What"]


class What(StrEnum):
    """What was asked for."""

    CREATE = "create"
    LIST = "list"
    HANDSHAKE = "handshake"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request; holds no secret.

    Attributes:
        at_s: When it was answered, in seconds since the epoch.
        what: What was asked for.
        zone_id: Of which zone; ``""`` when the handshake led to no session.
        session: Number of the session that was made or led to; 0 if none.
        status: HTTP status of the answer.
    """

    at_s: float
    what: What
    zone_id: str
    session: int
    status: int


class RequestLog:
    """Every request so far, in order."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []

    def add(self, asked: Asked) -> None:
        """Enter a request that was answered."""
        self._asked.append(asked)

    def of(self, what: What | None = None) -> tuple[Asked, ...]:
        """Return the requests of one kind, or all."""
        return tuple(one for one in self._asked if what in {None, one.what})
