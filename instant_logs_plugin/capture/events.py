"""What a capture tells while it runs: events of ``logging``, and words for people.

Pure. An event is a record of a logger below ``instant_logs_plugin`` whose message is
its stable name, ``instant_logs.<noun>_<past_verb>``, and whose facts are its
attributes. All events of a running capture have its ``zone_id``. Whenever anything is
lost, one says how much and why. Few of them come, however much traffic there is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from typing import Any

__all__ = ["EventLog", "describe_event"]

_log = logging.getLogger(__name__)


class EventLog(logging.LoggerAdapter[logging.Logger]):
    """Logs the events of one zone's capture; a zone has one at a time.

    Args:
        zone_id: The zone, a fact of each event.
    """

    def __init__(self, zone_id: str) -> None:
        super().__init__(_log, {"zone_id": zone_id})

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the zone to an event's own facts, which LoggerAdapter would drop."""
        own = kwargs.get("extra") or {}
        return msg, {**kwargs, "extra": {**own, **(self.extra or {})}}


def describe_event(event: logging.LogRecord) -> str | None:
    """Return an event as a sentence, or None if it is no news for people."""
    words = _WORDS.get(event.msg)
    return None if words is None else words(event.__dict__)


def _holder(facts: dict[str, Any]) -> str:
    since = f" since {facts['since']}" if facts["since"] else ""
    return f"{facts['holder']}{since}"


Words = Callable[[dict[str, Any]], str]

_WORDS: dict[str, Words] = {
    "instant_logs.zone_awaited": lambda facts: (
        f"zone {facts['zone_id']} is held by {_holder(facts)}; "
        f"waiting for it, {facts['timeout_s']:.0f} s at most"
    ),
    "instant_logs.zone_taken_over": lambda facts: (
        f"zone {facts['zone_id']} is taken over from {_holder(facts)}"
    ),
    "instant_logs.open_retried": lambda facts: (
        f"no stream yet: {facts['error']}; next try in {facts['pause_s']:.1f} s"
    ),
    "instant_logs.stream_lost": lambda facts: (
        f"the stream ended ({_plain(facts['reason'])}); opening another one"
    ),
    "instant_logs.gap_closed": lambda facts: (
        f"recording again, behind a gap of {facts['gap_s']:.1f} s "
        f"({_plain(facts['reason'])})"
    ),
    "instant_logs.renewal_failed": lambda facts: (
        f"the session could not be renewed yet: {facts['error']}"
    ),
    "instant_logs.lines_rejected": lambda facts: (
        f"{facts['rejected']:,} of {facts['lines']:,} lines were no valid records; "
        "such lines are kept as rejects"
    ),
    "instant_logs.recovery_failed": lambda facts: (
        f"what an earlier capture left could not be finished: {facts['error']}"
    ),
    "instant_logs.journal_recovered": lambda facts: (
        f"capture {facts['capture']}, left by a crash: {_plain(facts['outcome'])}"
        + "".join(f"; {problem}" for problem in facts["problems"])
    ),
    "instant_logs.lease_lost": lambda facts: (
        f"the zone's lease was lost: {facts['reason']}; the stream goes on"
    ),
}


def _plain(reason: str) -> str:
    return reason.replace("_", " ")
