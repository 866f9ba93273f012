"""Opening a session without fighting for the zone.

The service gives a zone one session and the newcomer usually wins, so every
create is preceded by a look at the list: a session that is not ours means busy.
Ours are told by their fingerprints.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Protocol

from instant_logs_plugin.capture.options import BusyPolicy, OnBusy
from instant_logs_plugin.edge.session import ListedSession, Session, SessionRequest
from instant_logs_plugin.errors import NotEntitled, ZoneBusy

__all__ = ["Holder", "SessionApi", "SessionOpener", "backoff"]


class SessionApi(Protocol):
    """What is needed of the session API; ``edge.client.SessionClient`` is one."""

    async def create_session(self, request: SessionRequest) -> Session:
        """Create a session and return it."""
        ...

    async def list_sessions(self, zone_id: str) -> tuple[ListedSession, ...]:
        """Return the zone's sessions."""
        ...


def backoff(
    random: Random, *, first_s: float = 0.25, factor: float = 2.0, most_s: float = 30.0
) -> Iterator[float]:
    """Yield pauses in seconds: exponential, full jitter, without end."""
    ceiling = first_s
    while True:
        yield random.uniform(0, ceiling)
        ceiling = min(most_s, ceiling * factor)


class Holder(Enum):
    """Whose session a zone has."""

    US = "us"
    STRANGER = "stranger"
    NOBODY = "nobody"


@dataclass(kw_only=True)
class SessionOpener:
    """Creates the sessions of one capture, one after the other.

    Attributes:
        api: The session API.
        request: What each session is asked to send.
        busy: How to treat a taken zone.
        known: Fingerprints of sessions that are ours; grows with each create.
        random: For jitter.
        sleep: ``asyncio.sleep``, or a test's.
        has_created: Whether it has created a session yet.
    """

    api: SessionApi
    request: SessionRequest
    busy: BusyPolicy
    known: set[str]
    random: Random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    has_created: bool = False

    async def create(self) -> Session:
        """Create a session; waits for the zone as the policy says.

        Raises:
            ZoneBusy: Somebody else's session is there, and stayed.
            ApiError: The service refused, or could not be reached.
        """
        waited_s = 0.0
        while True:
            try:
                return await self.try_create()
            except ZoneBusy:
                if not self._may_wait(waited_s):
                    raise
            pause_s = self.busy.poll_s * self.random.uniform(0.5, 1.5)
            pause_s = min(pause_s, self.busy.timeout_s - waited_s)
            await self.sleep(pause_s)
            waited_s += pause_s

    async def try_create(self) -> Session:
        """Look once, and create if the zone is free or may be taken over.

        Raises:
            ZoneBusy: Somebody else's session is there.
            ApiError: The service refused, or could not be reached.
        """
        if self.busy.on_busy is not OnBusy.TAKEOVER:
            await self._check_free()
        try:
            session = await self.api.create_session(self.request)
        except NotEntitled:
            # The service says the same of a taken zone and of an unentitled plan.
            await self._check_free(own_count=True)
            raise
        self.known.add(session.fingerprint)
        self.has_created = True
        return session

    async def find_holder(self) -> Holder:
        """Tell whose session is in the zone now.

        Raises:
            ApiError: The list could not be had.
        """
        listed = await self.api.list_sessions(self.request.zone_id)
        if self._foreign(listed):
            return Holder.STRANGER
        return Holder.US if listed else Holder.NOBODY

    def _may_wait(self, waited_s: float) -> bool:
        return self.busy.on_busy is OnBusy.WAIT and waited_s < self.busy.timeout_s

    async def _check_free(self, *, own_count: bool = False) -> None:
        zone_id = self.request.zone_id
        listed = await self.api.list_sessions(zone_id)
        others = listed if own_count else self._foreign(listed)
        if others:
            raise ZoneBusy(zone_id, _describe(others[0]))

    def _foreign(self, listed: tuple[ListedSession, ...]) -> tuple[ListedSession, ...]:
        return tuple(one for one in listed if not self._is_ours(one))

    def _is_ours(self, listed: ListedSession) -> bool:
        """A list that names no id is matched by content, once this one created."""
        if listed.fingerprint is not None:
            return listed.fingerprint in self.known
        same = listed.fields == self.request.fields
        return self.has_created and same and listed.filter == self.request.filter


def _describe(session: ListedSession) -> str:
    name = f"session {session.fingerprint}" if session.fingerprint else "a session"
    return f"{name} of somebody else"
