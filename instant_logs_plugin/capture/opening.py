"""Opening a session without fighting for the zone.

The service gives a zone one session and the newcomer usually wins, so every
create is preceded by a look at the list: a session that is not ours means busy.
Ours are told by their fingerprints. Between the look and the create lies a moment
in which a stranger may come: that race the service alone could close.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Protocol

from instant_logs_plugin.capture.events import EventLog
from instant_logs_plugin.capture.options import BusyPolicy, OnBusy
from instant_logs_plugin.capture.ownership import OwnSession
from instant_logs_plugin.edge.session import ListedSession, Session, SessionRequest
from instant_logs_plugin.errors import ApiError, NotEntitled, ZoneBusy, is_transient
from instant_logs_plugin.store.manifest import format_time

__all__ = ["Holder", "SessionApi", "SessionOpener", "backoff", "log_awaited"]


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


def log_awaited(log: EventLog, busy: ZoneBusy, timeout_s: float) -> None:
    """Tell that a taken zone is waited for, whose it is, and for how long at most."""
    facts = {"holder": busy.holder, "since": busy.since, "timeout_s": timeout_s}
    log.warning("instant_logs.zone_awaited", extra=facts)


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
        read_own: Reads the sessions of our other captures, by fingerprint; called
            in a thread, once, when the list shows a session for the first time.
        random: For jitter.
        sleep: ``asyncio.sleep``, or a test's.
        now: Gives monotonic seconds.
        on_created: Told the fingerprint of each session as soon as it exists.
        created: Fingerprints of the sessions it created.
        settle_s: How long a create that is given up may take to say what it made.
        log: Told what happens to the zone.
    """

    api: SessionApi
    request: SessionRequest
    busy: BusyPolicy
    read_own: Callable[[], Mapping[str, OwnSession]]
    random: Random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], float] = time.monotonic
    on_created: Callable[[str], None] = lambda _: None
    created: set[str] = field(default_factory=set)
    settle_s: float = 1.0
    log: EventLog = field(init=False)
    _creating: set[asyncio.Task[Session]] = field(default_factory=set)
    _own: Mapping[str, OwnSession] | None = None

    def __post_init__(self) -> None:
        """Log as the zone's capture."""
        self.log = EventLog(self.request.zone_id)

    async def create(self) -> Session:
        """Create the first session; waits for the zone or takes it by the policy.

        A service that cannot be reached for a while does not end the waiting for a
        zone that was seen to be taken.

        Raises:
            ZoneBusy: Somebody else's session is there, and stayed.
            ApiError: The service refused, or could not be reached.
        """
        if self.busy.on_busy is OnBusy.TAKEOVER:
            return await self._take_over()
        until, is_waiting = self.now() + self.busy.timeout_s, False
        while True:
            pause_s = self.busy.poll_s * self.random.uniform(0.5, 1.5)
            try:
                return await self.try_create()
            except ZoneBusy as exc:
                if not self._may_wait(until):
                    raise
                if not is_waiting:
                    log_awaited(self.log, exc, self.busy.timeout_s)
                is_waiting = True
            except ApiError as exc:
                if not (is_waiting and self._may_wait(until) and is_transient(exc)):
                    raise
                pause_s = max(pause_s, getattr(exc, "retry_after_s", None) or 0.0)
            await self.sleep(max(0.0, min(pause_s, until - self.now())))

    async def try_create(self) -> Session:
        """Look once, and create if the zone is free; never takes it over.

        Raises:
            ZoneBusy: Somebody else's session is there.
            ApiError: The service refused, or could not be reached.
        """
        await self._check_free()
        return await self._create()

    async def settle(self) -> None:
        """Wait for a create that was given up: whose session it made is still to tell.

        One that takes longer than ``settle_s`` is cancelled: what the service makes
        of it nobody learns.
        """
        if self._creating:
            await asyncio.wait(self._creating, timeout=self.settle_s)
        for creating in self._creating:
            creating.cancel()
        await asyncio.gather(*self._creating, return_exceptions=True)
        self._creating.clear()

    async def find_holder(self) -> Holder:
        """Tell whose session is in the zone now.

        Raises:
            ApiError: The list could not be had.
        """
        listed = await self.api.list_sessions(self.request.zone_id)
        if await self._others(listed):
            return Holder.STRANGER
        is_ours = any(self._is_this_captures(one) for one in listed)
        return Holder.US if is_ours else Holder.NOBODY

    def _may_wait(self, until: float) -> bool:
        return self.busy.on_busy is OnBusy.WAIT and self.now() < until

    async def _take_over(self) -> Session:
        """Create whoever is there, once; say whom it may hit."""
        try:
            await self._check_free()
        except ZoneBusy as exc:
            extra = {"holder": exc.holder, "since": exc.since}
            self.log.warning("instant_logs.zone_taken_over", extra=extra)
        return await self._create()

    async def _create(self) -> Session:
        try:
            return await self._create_whole()
        except NotEntitled:
            # The service says the same of a taken zone and of an unentitled plan.
            await self._check_empty()
            raise

    async def _create_whole(self) -> Session:
        """Create a session in a task of its own, which a cancellation does not reach.

        The service may have made the session already: `settle` lets its name arrive.
        """
        creating = asyncio.create_task(self._create_noted())
        self._creating.add(creating)
        await asyncio.wait({creating})
        self._creating.discard(creating)
        return creating.result()

    async def _create_noted(self) -> Session:
        session = await self.api.create_session(self.request)
        self.created.add(session.fingerprint)
        self.on_created(session.fingerprint)
        return session

    async def _check_free(self) -> None:
        zone_id = self.request.zone_id
        others = await self._others(await self.api.list_sessions(zone_id))
        if others:
            raise await self._busy(others[0])

    async def _check_empty(self) -> None:
        listed = await self.api.list_sessions(self.request.zone_id)
        if listed:
            busy = await self._busy(listed[0])
            raise ZoneBusy(busy.zone_id, busy.holder, busy.since, is_refusing=True)

    async def _others(
        self, listed: tuple[ListedSession, ...]
    ) -> tuple[ListedSession, ...]:
        """Return the sessions that somebody may be reading, and not this capture."""
        unknown = [one for one in listed if not self._is_this_captures(one)]
        own = await self._own_sessions() if unknown else {}
        return tuple(one for one in unknown if not _is_over(one, own))

    def _is_this_captures(self, listed: ListedSession) -> bool:
        """A list that names no id is matched by content, once this one created."""
        if listed.fingerprint is not None:
            return listed.fingerprint in self.created
        same = listed.fields == self.request.fields
        return bool(self.created) and same and listed.filter == self.request.filter

    async def _own_sessions(self) -> Mapping[str, OwnSession]:
        if self._own is None:
            self._own = await asyncio.to_thread(self.read_own)
        return self._own

    async def _busy(self, session: ListedSession) -> ZoneBusy:
        zone_id, fingerprint = self.request.zone_id, session.fingerprint
        if fingerprint is None:
            return ZoneBusy(zone_id, "a session of somebody else")
        if fingerprint in self.created:
            return ZoneBusy(zone_id, f"session {fingerprint} of this capture")
        own = (await self._own_sessions()).get(fingerprint)
        if own is None:
            return ZoneBusy(zone_id, f"session {fingerprint} of somebody else")
        since = format_time(own.opened_at)
        return ZoneBusy(zone_id, f"our capture {own.capture_id}", since)


def _is_over(listed: ListedSession, own: Mapping[str, OwnSession]) -> bool:
    known = own.get(listed.fingerprint or "")
    return known is not None and known.is_over
