"""What the emulator is asked to be; checked when made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from instant_logs_plugin.emulator.faults import Fault
from instant_logs_plugin.emulator.rendering import TIME_FORMS
from instant_logs_plugin.emulator.scenarios import SCENARIOS
from instant_logs_plugin.errors import InvalidOption

__all__ = ["EmulatorConfig"]

_CHOICES = {
    "scenario": tuple(SCENARIOS),
    "at_end": ("idle", "close"),
    "on_second": ("kick", "refuse"),
    "end_by": ("drop", "close", "silence"),
    "interval_rule": ("excluded", "included", "absent"),
    "times": tuple(TIME_FORMS),
    "reply_form": ("live", "documented"),
}
_ABOVE_0 = ("max_rate", "records_per_message", "tick_s", "time_scale")
_FROM_0 = ("delay_s", "lapse_s", "limit", "rate")
_PORTS = range(65536)


@dataclass(frozen=True, kw_only=True)
class EmulatorConfig:
    """How the emulated service behaves.

    Attributes:
        host: Address to listen on.
        port: Of the API; 0 takes a free one.
        stream_port: Of the streams; 0 takes a free one.
        token: The one API token, API key or IBM Cloud API key that is accepted;
            ``""`` accepts any.
        is_entitled: Whether the plan includes Instant Logs.
        scenario: Name of the synthetic traffic.
        onset_s: Seconds after the start at which the scenario's event happens.
        seed: Of all draws: the same seed gives the same requests.
        rate: Requests per second; 0 replays as fast as the client reads.
        limit: Requests after which a session stays silent, or None.
        replay: File of records (NDJSON) or of a combined access log, ``.gz`` or not;
            each session replays it from its start.
        at_end: After the last request: ``idle`` stays open, ``close`` closes.
        max_rate: Requests per second above which the server samples, or None.
        on_second: What a second session does: ``kick`` the first, or be ``refuse``d.
        end_by: How a stopped stream looks: ``drop``, ``close`` or ``silence``.
        time_scale: Emulated seconds per second, for a session's lifetime.
        lapse_s: Emulated seconds for which an ended session is still listed.
        lists_unread: Whether a session is listed while nobody reads it; which of the
            two the service does is not known.
        delay_s: How far behind the event a record comes at least; up to 2 s more.
        tick_s: Pause between two bursts.
        records_per_message: Records in one message, joined by newlines.
        trailing_newline: Whether a message ends with a newline.
        binary: Whether messages come in binary frames.
        fragment: Whether messages come in three frames.
        interval_rule: Whether ``sampleInterval`` has the client's sample ``included``
            or ``excluded``, or is ``absent``.
        times: Form of timestamps: ``rfc3339``, ``unix`` or ``unix-ns``.
        reply_form: Replies as on a ``live`` zone, or as ``documented`` (200, ``id``,
            lists with the URL).
        faults: What goes wrong.
        keep_sent: Keep every line sent in memory; ``/emulator/sent`` shows them.
        sent_log: File that every line is appended to when it is sent, or None.
    """

    host: str = "127.0.0.1"
    port: int = 0
    stream_port: int = 0
    token: str = field(default="", repr=False)
    is_entitled: bool = True
    scenario: str = "steady"
    onset_s: float = 5.0
    seed: int = 0
    rate: float = 100.0
    limit: int | None = None
    replay: Path | None = None
    at_end: str = "idle"
    max_rate: float | None = None
    on_second: str = "kick"
    end_by: str = "drop"
    time_scale: float = 1.0
    lapse_s: float = 0.0
    lists_unread: bool = True
    delay_s: float = 3.0
    tick_s: float = 0.05
    records_per_message: int = 1
    trailing_newline: bool = False
    binary: bool = False
    fragment: bool = False
    interval_rule: str = "excluded"
    times: str = "rfc3339"
    reply_form: str = "live"
    faults: tuple[Fault, ...] = ()
    keep_sent: bool = False
    sent_log: Path | None = None

    def __post_init__(self) -> None:
        """Check names and ranges.

        Raises:
            InvalidOption: One is wrong.
        """
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise InvalidOption(name, getattr(self, name), " or ".join(allowed))
        for name in _ABOVE_0:
            self._check_number(name, "above 0", is_zero_allowed=False)
        for name in _FROM_0:
            self._check_number(name, "at least 0", is_zero_allowed=True)
        self._check_places()

    def _check_number(self, name: str, allowed: str, *, is_zero_allowed: bool) -> None:
        value = getattr(self, name)
        is_fit = value is None or 0 < value < math.inf
        if not (is_fit or (value == 0 and is_zero_allowed)):
            raise InvalidOption(name, value, allowed)

    def _check_places(self) -> None:
        for name in ("port", "stream_port"):
            if getattr(self, name) not in _PORTS:
                raise InvalidOption(name, getattr(self, name), "0 to 65535")
        if self.replay is not None and not self.replay.is_file():
            raise InvalidOption("replay", str(self.replay), "an existing file")
        if self.rate == 0 and self.replay is None:
            raise InvalidOption("rate", self.rate, "above 0 (0 only with a replay)")
