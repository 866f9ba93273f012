"""Scripted faults: what the emulator does wrong, where, and how often.

Pure. The text form is ``kind[:name=number,…]``, like ``drop:after=500,session=2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from instant_logs_plugin.errors import InvalidOption

__all__ = ["Fault", "FaultKind", "parse_fault"]


class FaultKind(StrEnum):
    """What goes wrong."""

    POST_429 = "post-429"
    """A create is rate limited; ``retry`` is its Retry-After in seconds."""
    POST_500 = "post-500"
    """A create fails with a server error."""
    POST_HTML = "post-html"
    """A create is answered with an HTML page."""
    HANDSHAKE_429 = "handshake-429"
    """A stream's handshake is rate limited."""
    DROP = "drop"
    """The connection is reset, without a close frame."""
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
    """One record has a value of ``mb`` megabytes."""


_POST_KINDS = {FaultKind.POST_429, FaultKind.POST_500, FaultKind.POST_HTML}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One scripted fault.

    Attributes:
        kind: What goes wrong.
        after: Records sent in the session before it does.
        session: Which session it hits, from 1; 0 hits every one.
        times: How many requests a fault of the API hits, from the first.
        retry: Retry-After in seconds; 0 sends none.
        code: Close code.
        every: Distance of malformed lines.
        mb: Size of a huge value.
    """

    kind: FaultKind
    after: int = 0
    session: int = 1
    times: int = 1
    retry: int = 1
    code: int = 1011
    every: int = 10
    mb: int = 2

    @property
    def is_of_create(self) -> bool:
        """Whether it hits the request that creates a session."""
        return self.kind in _POST_KINDS

    def hits(self, session: int) -> bool:
        """Tell whether it hits the n-th session."""
        return self.session in {0, session}


def parse_fault(text: str) -> Fault:
    """Return the fault that a text describes.

    Raises:
        InvalidOption: Unknown kind or name, or a value that is no number.
    """
    kind, _, rest = text.partition(":")
    if kind not in {one.value for one in FaultKind}:
        raise InvalidOption("fault", text, " or ".join(FaultKind))
    numbers = {}
    for part in filter(None, rest.split(",")):
        name, _, number = part.partition("=")
        if name == "kind" or name not in Fault.__dataclass_fields__:
            names = ", ".join(
                one for one in Fault.__dataclass_fields__ if one != "kind"
            )
            raise InvalidOption("fault", text, f"kind:name=number with {names}")
        if not number.isdecimal():
            raise InvalidOption("fault", text, f"a whole number for {name}")
        numbers[name] = int(number)
    return Fault(kind=FaultKind(kind), **numbers)
