"""Scripted faults: what the emulator does wrong, where, and how often.

Pure. The text form is ``kind[:name=number,…]``, like ``drop:after=500,session=2``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum

from instant_logs_plugin.errors import InvalidOption

__all__ = ["REPEATABLE_LINES", "Fault", "FaultKind", "find_fault", "parse_fault"]

REPEATABLE_LINES = 1_000
"""Lines of a session that can be sent again in the next."""


class FaultKind(StrEnum):
    """What goes wrong."""

    POST_429 = "post-429"
    """A create is rate limited; ``retry`` is its Retry-After in seconds."""
    POST_500 = "post-500"
    """A create fails with a server error."""
    POST_HTML = "post-html"
    """A create is answered with an HTML page."""
    POST_SLOW = "post-slow"
    """A create is answered ``ms`` milliseconds late; its session is there at once."""
    HANDSHAKE_429 = "handshake-429"
    """A stream's handshake is rate limited; the session lives on."""
    HANDSHAKE_SLOW = "handshake-slow"
    """A stream's handshake is answered ``ms`` milliseconds late."""
    DROP = "drop"
    """The connection is cut, without a close frame."""
    CLOSE = "close"
    """The stream is closed with ``code``."""
    STALL = "stall"
    """Nothing more is sent; pings are answered: alive but deaf."""
    HALF_OPEN = "half-open"
    """Nothing more is sent, and nothing is read: no pong either."""
    EXPIRE = "expire"
    """The session ends as if its time were over."""
    MALFORMED = "malformed"
    """Every ``every``-th line is followed by one that is no record."""
    SPLIT = "split"
    """Lines are cut across messages."""
    FRAGMENT = "fragment"
    """Messages come in three frames."""
    HUGE = "huge"
    """The record behind ``after`` has a value of ``mb`` megabytes."""
    REPEAT = "repeat"
    """The session begins with the last ``lines`` that the zone was sent before."""


_OF_CREATE = {
    FaultKind.POST_429,
    FaultKind.POST_500,
    FaultKind.POST_HTML,
    FaultKind.POST_SLOW,
}
_ENDINGS = {
    FaultKind.DROP,
    FaultKind.CLOSE,
    FaultKind.STALL,
    FaultKind.HALF_OPEN,
    FaultKind.EXPIRE,
}
_SENDABLE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One scripted fault.

    Attributes:
        kind: What goes wrong.
        after: Records sent in the session before it does.
        session: Which session it hits, from 1; 0 hits every one. A fault of creates
            begins with the n-th of them.
        times: How many creates, or handshakes of a session, it hits.
        retry: Retry-After in seconds; 0 sends none.
        code: Close code.
        every: Distance of malformed lines.
        mb: Size of a huge value.
        lines: How many are sent again; 1,000 at most.
        ms: How late an answer comes, in milliseconds.
    """

    kind: FaultKind
    after: int = 0
    session: int = 1
    times: int = 1
    retry: int = 1
    code: int = 1011
    every: int = 10
    mb: int = 2
    lines: int = 50
    ms: int = 500

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InvalidOption: A number is outside.
        """
        if self.code not in _SENDABLE_CODES:
            allowed = "a close code that can be sent (1000 to 1014, 3000 to 4999)"
            raise InvalidOption("fault code", self.code, allowed)
        if not 1 <= self.lines <= REPEATABLE_LINES:
            allowed = f"1 to {REPEATABLE_LINES}"
            raise InvalidOption("fault lines", self.lines, allowed)
        for name, lowest in (("times", 1), ("every", 1), ("mb", 1), ("after", 0)):
            if getattr(self, name) < lowest:
                allowed = f"at least {lowest}"
                raise InvalidOption(f"fault {name}", getattr(self, name), allowed)

    @property
    def is_ending(self) -> bool:
        """Whether nothing more is sent behind it."""
        return self.kind in _ENDINGS

    def hits(self, session: int) -> bool:
        """Tell whether it hits the n-th session."""
        return self.kind not in _OF_CREATE and self.session in {0, session}

    def hits_create(self, attempt: int) -> bool:
        """Tell whether it hits the n-th request to create a session."""
        is_in = self.session <= attempt < self.session + self.times
        return self.kind in _OF_CREATE and (self.session == 0 or is_in)


def find_fault(faults: Iterable[Fault], kind: FaultKind) -> Fault | None:
    """Return the first fault of that kind."""
    return next((fault for fault in faults if fault.kind is kind), None)


def parse_fault(text: str) -> Fault:
    """Return the fault that a text describes.

    Raises:
        InvalidOption: Unknown kind or name, or a value outside its range.
    """
    kind, _, rest = text.partition(":")
    if kind not in {one.value for one in FaultKind}:
        raise InvalidOption("fault", text, " or ".join(FaultKind))
    numbers = dict(_parse_number(text, part) for part in rest.split(",") if part)
    return Fault(kind=FaultKind(kind), **numbers)


def _parse_number(text: str, part: str) -> tuple[str, int]:
    name, _, number = part.partition("=")
    names = [one.name for one in fields(Fault) if one.name != "kind"]
    if name not in names:
        allowed = f"kind:name=number with {', '.join(names)}"
        raise InvalidOption("fault", text, allowed)
    if not (number.isascii() and number.isdecimal()):
        raise InvalidOption("fault", text, f"a whole number for {name}")
    return name, int(number)
