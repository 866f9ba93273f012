"""The emulated service's sessions: one per zone, an hour at most, gone when unread.

Pure: told the time. Rules of the service (Cloudflare, *Instant Logs*, "Limits"): a
session ends when another becomes the zone's active one, after 60 minutes, when its
stream closes, or when nobody reads it for five minutes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from instant_logs_plugin.edge.filters import Filter
from instant_logs_plugin.emulator.sent import Sent

__all__ = ["LIFETIME_S", "UNREAD_S", "Attempt", "Job", "Registry", "ServedSession"]

LIFETIME_S = 3600.0
UNREAD_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a session was asked to send.

    Attributes:
        fields: Names, as asked.
        sample: 1-in-N.
        filter_text: The filter as asked.
        filter: The same, parsed.
    """

    fields: tuple[str, ...]
    sample: int = 1
    filter_text: str = ""
    filter: Filter | None = None


@dataclass(eq=False, kw_only=True)
class ServedSession:
    """One session.

    Attributes:
        session_id: The last segment of its secret URL.
        number: Its place among all sessions of the emulator, from 1.
        zone_id: Its zone.
        job: What it was asked to send.
        created_at: Emulated seconds.
        unread_since: Emulated time since when nobody reads it; None while read.
        ended_at: Emulated time of its end; None while it lives.
        end_reason: Why it ended: superseded, expired, unread or closed.
        is_streaming: Whether its stream is open.
        on_end: Called once, when it ends while being read.
        handshakes: How many there were.
        sent: What it was sent.
    """

    session_id: str = field(repr=False)
    number: int
    zone_id: str
    job: Job
    created_at: float
    unread_since: float | None
    ended_at: float | None = None
    end_reason: str = ""
    is_streaming: bool = False
    on_end: Callable[[], None] | None = field(default=None, repr=False)
    handshakes: int = 0
    sent: Sent = field(default_factory=Sent)

    def end(self, now: float, reason: str) -> None:
        """End the session, once."""
        if self.ended_at is None:
            self.ended_at, self.end_reason = now, reason
            if self.on_end is not None:
                self.on_end()


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A well-formed create, and whom it met.

    Attributes:
        at: Emulated seconds.
        zone_id: Its zone.
        job: What was asked for.
        created: The session that it made, or None when it was refused.
        met: The session that lived then, or None.
        met_stream: Whether that session's stream was open.
    """

    at: float
    zone_id: str
    job: Job
    created: ServedSession | None
    met: ServedSession | None
    met_stream: bool

    @property
    def met_age_s(self) -> float:
        """How old the session was that it met; 0 when it met none."""
        return self.at - self.met.created_at if self.met else 0.0


class Registry:
    """Every session of the emulator.

    Args:
        is_kicking: Whether a second session of a zone ends the first.
        lapse_s: Emulated seconds for which an ended session is still listed.
        lists_unread: Whether a session is listed while nobody reads it.
        make_sent: Makes the account of a new session.
    """

    def __init__(
        self,
        *,
        is_kicking: bool = True,
        lapse_s: float = 0.0,
        lists_unread: bool = True,
        make_sent: Callable[[], Sent] = Sent,
    ) -> None:
        self._is_kicking, self._lapse_s = is_kicking, lapse_s
        self._lists_unread = lists_unread
        self._make_sent = make_sent
        self.sessions: list[ServedSession] = []
        self.attempts: list[Attempt] = []

    def create(self, zone_id: str, job: Job, now: float) -> ServedSession | None:
        """Create a session, or return None when the zone is taken and stays so."""
        self.expire(now)
        living = (one for one in self._of(zone_id) if one.ended_at is None)
        met = next(living, None)
        met_stream = met is not None and met.is_streaming
        created = None
        if met is None or self._is_kicking:
            created = self._add(zone_id, job, now)
        if met is not None and created is not None:
            met.end(now, "superseded")
        self.attempts.append(
            Attempt(
                at=now,
                zone_id=zone_id,
                job=job,
                created=created,
                met=met,
                met_stream=met_stream,
            )
        )
        return created

    def listed(self, zone_id: str, now: float) -> list[ServedSession]:
        """Return the sessions that the service lists for a zone."""
        self.expire(now)
        return [one for one in self._of(zone_id) if self._is_listed(one, now)]

    def find(self, session_id: str, now: float) -> ServedSession | None:
        """Return the session of that id, living or ended."""
        self.expire(now)
        found = (one for one in self.sessions if one.session_id == session_id)
        return next(found, None)

    def before(self, session: ServedSession) -> ServedSession | None:
        """Return the zone's session before that one, or None."""
        older = (one for one in self._of(session.zone_id) if one is not session)
        return max(
            (one for one in older if one.number < session.number),
            key=lambda one: one.number,
            default=None,
        )

    def expire(self, now: float) -> None:
        """End what is too old or was not read for too long."""
        for session in self.sessions:
            if now - session.created_at >= LIFETIME_S:
                session.end(now, "expired")
            unread_since = session.unread_since
            if unread_since is not None and now - unread_since >= UNREAD_S:
                session.end(now, "unread")

    def describe(self) -> list[dict[str, Any]]:
        """Return every session's facts and counts; no secret is among them."""
        return [_describe(session) for session in self.sessions]

    def _add(self, zone_id: str, job: Job, now: float) -> ServedSession:
        session = ServedSession(
            session_id=secrets.token_hex(16),
            number=len(self.sessions) + 1,
            zone_id=zone_id,
            job=job,
            created_at=now,
            unread_since=now,
            sent=self._make_sent(),
        )
        self.sessions.append(session)
        return session

    def _of(self, zone_id: str) -> list[ServedSession]:
        return [one for one in self.sessions if one.zone_id == zone_id]

    def _is_listed(self, session: ServedSession, now: float) -> bool:
        if session.ended_at is not None:
            return now - session.ended_at < self._lapse_s
        return session.is_streaming or self._lists_unread


def _describe(session: ServedSession) -> dict[str, Any]:
    sent = session.sent
    return {
        "number": session.number,
        "zone_id": session.zone_id,
        "is_streaming": session.is_streaming,
        "end_reason": session.end_reason,
        "records": sent.records,
        "malformed": sent.malformed,
        "messages": sent.messages,
        "bytes": sent.bytes,
        "repeated": sent.repeated,
    }
