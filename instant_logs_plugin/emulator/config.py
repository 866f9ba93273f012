"""What the emulator is asked to be; checked when made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from instant_logs_plugin.emulator.faults import Fault
from instant_logs_plugin.emulator.scenarios import SCENARIOS
from instant_logs_plugin.errors import InvalidOption

__all__ = ["EmulatorConfig"]


@dataclass(frozen=True, kw_only=True)
class EmulatorConfig:
    """How the emulated service behaves.

    Attributes:
        host: Address to listen on.
        port: Of the API; 0 takes a free one.
        stream_port: Of the streams; 0 takes a free one.
        token: The one API token that is accepted; ``""`` accepts any.
        is_entitled: Whether the plan includes Instant Logs.
        scenario: Name of the synthetic traffic.
        onset_s: Seconds after the start at which the scenario's event happens.
        seed: Of all draws: the same seed gives the same requests.
        rate: Requests per second; 0 replays as fast as the client reads.
        limit: Requests after which a session stays silent, or None.
        replay: File of records (NDJSON) or of a combined access log, ``.gz`` or not;
            each session replays it from its start.
        at_end: After the last request: ``idle`` stays open, ``close`` closes.
        max_rate: Records per second above which the server samples, or None.
        on_second: What a second session does: ``kick`` the first, or be ``refuse``d.
        end_by: How a stopped stream looks: ``drop``, ``close`` or ``silence``.
        time_scale: Emulated seconds per second, for a session's lifetime.
        lapse_s: Emulated seconds for which an ended session is still listed.
        delay_s: How far behind the event a record comes.
        tick_s: Pause between two bursts.
        records_per_message: Records in one message, joined by newlines.
        is_newline_ended: Whether a message ends with a newline.
        is_binary: Whether messages come in binary frames.
        faults: What goes wrong.
        keep_sent: Keep every line sent in memory, for comparison.
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
    delay_s: float = 3.0
    tick_s: float = 0.05
    records_per_message: int = 1
    is_newline_ended: bool = False
    is_binary: bool = False
    faults: tuple[Fault, ...] = ()
    keep_sent: bool = False

    def __post_init__(self) -> None:
        """Check names and ranges.

        Raises:
            InvalidOption: One is wrong.
        """
        _check_choice("scenario", self.scenario, tuple(SCENARIOS))
        _check_choice("at_end", self.at_end, ("idle", "close"))
        _check_choice("on_second", self.on_second, ("kick", "refuse"))
        _check_choice("end_by", self.end_by, ("drop", "close", "silence"))
        if self.replay is not None and not self.replay.is_file():
            raise InvalidOption("replay", str(self.replay), "an existing file")
        if self.rate < 0 or (self.rate == 0 and self.replay is None):
            raise InvalidOption("rate", self.rate, "above 0 (0 only with a replay)")
        for name in ("time_scale", "tick_s", "records_per_message"):
            if not getattr(self, name) > 0:
                raise InvalidOption(name, getattr(self, name), "above 0")
        if self.max_rate is not None and not self.max_rate > 0:
            raise InvalidOption("max_rate", self.max_rate, "above 0")


def _check_choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidOption(option, value, " or ".join(allowed))
