"""The emulated service's sessions: one per zone, an hour at most, gone when unread.

Pure: told the time. Rules of the service (Cloudflare, *Instant Logs*, "Limits"): a
session ends when another becomes the zone's active one, after 60 minutes, when its
stream closes, or when nobody reads it for five minutes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from instant_logs_plugin.edge.filters import Filter

__all__ = ["LIFETIME_S", "UNREAD_S", "Registry", "Sent", "ServedSession"]

LIFETIME_S = 3600.0
UNREAD_S = 300.0


@dataclass
class Sent:
    """What a session was really sent.

    Attributes:
        records: Records, without what faults added.
        bytes: Bytes of all messages.
        lines: Every line, when the emulator keeps them.
    """

    records: int = 0
    bytes: int = 0
    lines: list[str] = field(default_factory=list)


@dataclass(eq=False)
class ServedSession:
    """One session.

    Attributes:
        session_id: The last segment of its secret URL.
        number: Its place among all sessions of the emulator, from 1.
        zone_id: Its zone.
        fields: Requested names, as asked.
        sample: 1-in-N.
        filter_text: The filter as asked.
        filter: The same, parsed.
        created_at: Emulated seconds.
        unread_since: Emulated time since when nobody reads it; None while read.
        ended_at: Emulated time of its end; None while it lives.
        end_reason: Why it ended.
        on_end: Called once, when it ends while being read.
        sent: What it was sent.
    """

    session_id: str
    number: int
    zone_id: str
    fields: tuple[str, ...]
    sample: int
    filter_text: str
    filter: Filter | None
    created_at: float
    unread_since: float | None
    ended_at: float | None = None
    end_reason: str = ""
    on_end: Callable[[], None] | None = None
    sent: Sent = field(default_factory=Sent)

    def end(self, now: float, reason: str) -> None:
        """End the session, once."""
        if self.ended_at is None:
            self.ended_at, self.end_reason = now, reason
            if self.on_end is not None:
                self.on_end()


class Registry:
    """Every session of the emulator.

    Args:
        is_kicking: Whether a second session of a zone ends the first.
        lapse_s: Emulated seconds for which an ended session is still listed.
    """

    def __init__(self, *, is_kicking: bool = True, lapse_s: float = 0.0) -> None:
        self._is_kicking = is_kicking
        self._lapse_s = lapse_s
        self.sessions: list[ServedSession] = []

    def create(
        self,
        zone_id: str,
        *,
        fields: tuple[str, ...],
        sample: int,
        filter_text: str,
        filter_: Filter | None,
        now: float,
    ) -> ServedSession | None:
        """Create a session, or return None when the zone is taken and stays so."""
        self.expire(now)
        living = [one for one in self._of(zone_id) if one.ended_at is None]
        if living and not self._is_kicking:
            return None
        session = ServedSession(
            session_id=secrets.token_hex(16),
            number=len(self.sessions) + 1,
            zone_id=zone_id,
            fields=fields,
            sample=sample,
            filter_text=filter_text,
            filter=filter_,
            created_at=now,
            unread_since=now,
        )
        self.sessions.append(session)
        for one in living:
            one.end(now, "superseded")
        return session

    def listed(self, zone_id: str, now: float) -> list[ServedSession]:
        """Return the sessions that the service lists for a zone."""
        self.expire(now)
        return [one for one in self._of(zone_id) if self._is_listed(one, now)]

    def find(self, session_id: str, now: float) -> ServedSession | None:
        """Return the living session of that id."""
        self.expire(now)
        for session in self.sessions:
            if session.session_id == session_id and session.ended_at is None:
                return session
        return None

    def expire(self, now: float) -> None:
        """End what is too old or was not read for too long."""
        for session in self.sessions:
            if session.ended_at is None and now - session.created_at >= LIFETIME_S:
                session.end(now, "expired")
            unread_since = session.unread_since
            if unread_since is not None and now - unread_since >= UNREAD_S:
                session.end(now, "unread")

    def _of(self, zone_id: str) -> list[ServedSession]:
        return [one for one in self.sessions if one.zone_id == zone_id]

    def _is_listed(self, session: ServedSession, now: float) -> bool:
        return session.ended_at is None or now - session.ended_at < self._lapse_s
