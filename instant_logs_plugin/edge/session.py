"""The values that go to and come from the session API.

Pure: no socket, no clock. Facts of the service: a session's URL is its only
credential, lives 60 minutes at most, and a zone has one session at a time
(Cloudflare, *Instant Logs*, "Limits").
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = [
    "SESSION_LIFETIME_S",
    "SESSION_UNREAD_S",
    "ListedSession",
    "SecretUrl",
    "Session",
    "SessionRequest",
    "session_fingerprint",
]

SESSION_LIFETIME_S = 3600.0
"""Seconds after which the service ends a session."""
SESSION_UNREAD_S = 300.0
"""Seconds after which the service drops a session that nobody reads."""


class SecretUrl:
    """A session URL: whoever has it can read the zone's traffic.

    ``str()`` and ``repr()`` are masked; only ``reveal()`` gives the URL, and only
    the code that opens the socket calls it. Not a dataclass: ``asdict()`` of what
    holds one would show it. It is not pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __deepcopy__(self, memo: object) -> SecretUrl:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a session URL is not pickled")

    def reveal(self) -> str:
        """Return the URL itself; never log or store it."""
        return self._value

    def __str__(self) -> str:
        return "wss://**********"

    __repr__ = __str__


@dataclass(frozen=True, kw_only=True)
class SessionRequest:
    """What a session is asked to send.

    Attributes:
        zone_id: The zone's id.
        fields: Field names, spelled and ordered as they are sent; records carry
            them in this order, then ``sampleInterval``.
        sample: 1-in-N; 1 asks for every request.
        filter: Canonical JSON text of the filter; ``""`` means none.
    """

    zone_id: str
    fields: tuple[str, ...]
    sample: int = 1
    filter: str = ""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A created session.

    Attributes:
        url: The secret stream URL.
        fingerprint: Hash of the session id: recognises the session, cannot open it.
    """

    url: SecretUrl
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class ListedSession:
    """A session as the list shows it; a live zone's list omits the URL.

    Attributes:
        fingerprint: Hash of the session id, or None when the list names no id.
        fields: The session's fields, or ``()`` when the list does not say.
        sample: 1-in-N, or None when the list does not say.
        filter: The session's filter text, or ``""``.
    """

    fingerprint: str | None
    fields: tuple[str, ...] = ()
    sample: int | None = None
    filter: str = ""


def session_fingerprint(session_id: str) -> str:
    """Return 16 hex digits that recognise a session without giving it away."""
    data = session_id.encode("utf-8", "surrogatepass")  # JSON can hold half a pair
    return hashlib.sha256(data).hexdigest()[:16]
