"""What a capture is asked to do; checked when made, before anything is contacted.

Pure: values only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from instant_logs_plugin.capture.privacy import AnonymizeIp, line_rewriter
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.session import SessionRequest
from instant_logs_plugin.errors import InvalidOption
from instant_logs_plugin.store.layout import check_capture_id, check_zone_id

__all__ = ["BusyPolicy", "CaptureOptions", "OnBusy", "check_label"]

_LABEL_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")
_LABEL_VALUE_LIMIT = 256


class OnBusy(StrEnum):
    """What to do when somebody else holds the zone's one session."""

    WAIT = "wait"
    FAIL = "fail"
    TAKEOVER = "takeover"


@dataclass(frozen=True, kw_only=True)
class BusyPolicy:
    """How to treat a taken zone.

    Attributes:
        on_busy: Wait, fail at once, or end the other session.
        timeout_s: How long ``wait`` waits; 0 looks once.
        poll_s: Mean pause between two looks.
    """

    on_busy: OnBusy = OnBusy.WAIT
    timeout_s: float = 600.0
    poll_s: float = 5.0

    def __post_init__(self) -> None:
        """Check the times.

        Raises:
            InvalidOption: A time is negative, or the pause is zero.
        """
        if not 0 <= self.timeout_s < float("inf"):
            raise InvalidOption("busy_timeout", self.timeout_s, "at least 0 s")
        if not 0 < self.poll_s < float("inf"):
            raise InvalidOption("busy_poll", self.poll_s, "above 0 s")


@dataclass(frozen=True, kw_only=True)
class CaptureOptions:
    """One capture.

    Attributes:
        zone_id: The zone's id.
        fields: Field names in the order they are asked for; without dropped ones.
        bounds: When it ends.
        preset: Name of the preset the fields came from, or None.
        filter: Canonical JSON text; ``""`` means none.
        sample: 1-in-N asked of the service.
        labels: Facts to find it by later.
        busy: How to treat a taken zone.
        open_timeout_s: How long the first session is tried for while the service
            cannot be reached.
        read_deadline_s: Without a message for this long it is asked whether the
            session is still there: a zone may be quiet, or the stream deaf.
        max_reconnects: How many tries to replace lost streams there are; 0 ends the
            capture with its first stream.
        min_coverage: Recorded share of the window below which the capture counts
            as fallen short, 0 to 1; 0 accepts anything.
        sampling_model: ``exclusive`` or ``inclusive``; see ``Sampling``.
        anonymize_ip: What becomes of client addresses before the journal.
        redact_query: Cut queries off URIs and referers before the journal.
        drop_fields: Fields that are not asked for even if ``fields`` names them, and
            that are removed before the journal if they come all the same.
        hmac_key: The secret of ``anonymize_ip=hmac``; never shown or stored.
        capture_id: The id to use, or None to make one of the start time.
    """

    zone_id: str
    fields: tuple[str, ...]
    bounds: Bounds
    preset: str | None = None
    filter: str = ""
    sample: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    busy: BusyPolicy = BusyPolicy()
    open_timeout_s: float = 30.0
    read_deadline_s: float = 30.0
    max_reconnects: int = 1_000
    min_coverage: float = 0.95
    sampling_model: str = "exclusive"
    anonymize_ip: AnonymizeIp = AnonymizeIp.OFF
    redact_query: bool = False
    drop_fields: tuple[str, ...] = ()
    hmac_key: bytes = field(default=b"", repr=False)
    capture_id: str | None = None

    def __post_init__(self) -> None:
        """Check every option that a type does not check by itself.

        Raises:
            InvalidOption: An option is outside its range.
        """
        check_zone_id(self.zone_id)
        if self.capture_id is not None:
            check_capture_id(self.capture_id)
        kept = tuple(name for name in self.fields if name not in self.drop_fields)
        object.__setattr__(self, "fields", kept)
        if not kept:
            raise InvalidOption("fields", "", "at least one field that is not dropped")
        if self.sample < 1:
            raise InvalidOption("sample", self.sample, "at least 1 (1-in-N)")
        if not 0 <= self.open_timeout_s < float("inf"):
            raise InvalidOption("open_timeout", self.open_timeout_s, "at least 0 s")
        if not 0 < self.read_deadline_s < float("inf"):
            raise InvalidOption("read_deadline", self.read_deadline_s, "above 0 s")
        if self.max_reconnects < 0:
            raise InvalidOption("max_reconnects", self.max_reconnects, "at least 0")
        if not 0 <= self.min_coverage <= 1:
            raise InvalidOption("min_coverage", self.min_coverage, "between 0 and 1")
        if self.sampling_model not in {"exclusive", "inclusive"}:
            allowed = "'exclusive' or 'inclusive'"
            raise InvalidOption("sampling_model", self.sampling_model, allowed)
        line_rewriter(self.anonymize_ip, self.hmac_key)
        for key, value in self.labels.items():
            check_label(key, value)

    @property
    def session_request(self) -> SessionRequest:
        """What its sessions are asked to send."""
        return SessionRequest(
            zone_id=self.zone_id,
            fields=self.fields,
            sample=self.sample,
            filter=self.filter,
        )


def check_label(key: str, value: str) -> None:
    """Check one label.

    Raises:
        InvalidOption: The key is not 1 to 63 plain characters, or the value is
            longer than 256 or holds a control character.
    """
    if not _LABEL_KEY.fullmatch(key):
        allowed = "key=value with a key of letters, digits, '.', '_', '/' or '-'"
        raise InvalidOption("label", f"{key}={value}", allowed)
    if len(value) > _LABEL_VALUE_LIMIT or not value.isprintable():
        allowed = f"a value of at most {_LABEL_VALUE_LIMIT} printable characters"
        raise InvalidOption("label", f"{key}={value}", allowed)
