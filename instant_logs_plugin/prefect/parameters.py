"""What flows are asked for, as forms: the parameters of every flow.

They hold no secret: credentials and store are named, and loaded on the worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from instant_logs_plugin.capture.options import BusyPolicy, CaptureOptions, OnBusy
from instant_logs_plugin.capture.privacy import AnonymizeIp
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.fields import PRESETS, parse_fields
from instant_logs_plugin.edge.filters import format_filter, parse_filter

if TYPE_CHECKING:
    from instant_logs_plugin.analysis.compare import CompareSettings

__all__ = [
    "CaptureParameters",
    "CheckParameters",
    "MaintenanceParameters",
    "RecordingParameters",
    "Rescheduling",
    "ZoneId",
]

ZoneId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordingParameters(_Form):
    """How to record a zone, whichever it is."""

    duration_s: float = Field(
        default=60.0, gt=0, title="Duration (s)", description="Length of the window."
    )
    max_records: int | None = Field(
        default=None, ge=1, description="End after this many records."
    )
    max_bytes: int | None = Field(
        default=None, ge=1, description="End after this many bytes."
    )
    fields: str = Field(
        default="default",
        description="A preset, field names, or both, separated by commas.",
    )
    filter: str = Field(
        default="", description="An expression, or the service's JSON; empty for all."
    )
    sample: int = Field(default=1, ge=1, description="Ask for 1 in N requests.")
    labels: dict[str, str] = Field(
        default_factory=dict, description="Facts to find the capture by later."
    )
    on_busy: Literal["wait", "skip", "fail", "takeover"] = Field(
        default="wait",
        description="When somebody else holds the zone: wait for it, end as Skipped, "
        "fail, or end the other's session.",
    )
    busy_timeout_s: float = Field(
        default=600.0, ge=0, description="How long to wait for a taken zone."
    )
    min_coverage: float = Field(
        default=0.95, ge=0, le=1, description="Fail below this recorded share."
    )
    anonymize_ip: Literal["off", "truncate"] = Field(
        default="off", description="Shorten client addresses before the disk."
    )
    redact_query: bool = Field(
        default=False, description="Cut URIs and referers before their query."
    )
    drop_fields: str = Field(
        default="", description="Fields to keep from the disk, separated by commas."
    )

    def options_for(self, zone_id: str) -> CaptureOptions:
        """Return the options of a capture of a zone.

        Raises:
            ConfigurationError: A field, the filter or a label is wrong.
        """
        return CaptureOptions(
            zone_id=zone_id,
            fields=parse_fields(self.fields),
            preset=self.fields if self.fields in PRESETS else None,
            filter=format_filter(parse_filter(self.filter)),
            sample=self.sample,
            bounds=Bounds(
                duration_s=self.duration_s,
                max_records=self.max_records,
                max_bytes=self.max_bytes,
            ),
            labels=self.labels,
            busy=BusyPolicy(
                on_busy=OnBusy.FAIL if self.skips else OnBusy(self.on_busy),
                timeout_s=self.busy_timeout_s,
            ),
            min_coverage=self.min_coverage,
            anonymize_ip=AnonymizeIp(self.anonymize_ip),
            redact_query=self.redact_query,
            drop_fields=parse_fields(self.drop_fields) if self.drop_fields else (),
        )

    @property
    def skips(self) -> bool:
        """Whether a taken zone is no failure: the run ends as Skipped."""
        return self.on_busy == "skip"


class _OneZone(_Form):
    zone_id: ZoneId = Field(title="Zone", description="The zone's id.")


class CaptureParameters(RecordingParameters, _OneZone):
    """One capture of one zone."""

    def to_options(self) -> CaptureOptions:
        """Return the capture's options.

        Raises:
            ConfigurationError: A field, the filter or a label is wrong.
        """
        return self.options_for(self.zone_id)


class Rescheduling(_Form):
    """When a run that was skipped comes back, by itself."""

    after_s: float = Field(
        default=300.0, ge=1, title="After (s)", description="How much later."
    )
    times: int = Field(default=3, ge=0, le=100, description="How often at most.")


class CheckParameters(_Form):
    """What a capture is held against, and when a check fails."""

    warm_up_s: float = Field(
        default=0.0,
        ge=0,
        le=3600,
        title="Warm-up (s)",
        description="How long a new version runs before it is recorded.",
    )
    revision: str = Field(
        default="",
        description="What was deployed; the label 'revision' of the capture.",
    )
    baseline: str = Field(
        default="",
        description="A capture's id, a prefix of one, latest or latest:label=value; "
        "empty for the zone's newest good capture, or to make the first.",
    )
    rolling: bool = Field(
        default=True,
        description="A capture that passes is the next one's baseline; off: the "
        "first baseline stays.",
    )
    on_inconclusive: Literal["pass", "fail"] = Field(
        default="pass", description="What too little evidence means."
    )
    min_records: int = Field(
        default=200, ge=1, description="Fewer on a side are too little evidence."
    )
    settings_file: str | None = Field(
        default=None,
        description="A TOML file on the worker: metrics, effects and limits.",
    )

    def compare_settings(self) -> CompareSettings:
        """Return the settings of the comparison.

        Raises:
            InvalidOption: The file cannot be read, or a value in it is wrong.
        """
        # The statistics load here, not when a server registers the blocks.
        from instant_logs_plugin.analysis.compare import (  # noqa: PLC0415
            CompareSettings,
            read_settings,
        )

        if self.settings_file is not None:
            return read_settings(Path(self.settings_file))
        return CompareSettings(min_records=self.min_records)


class MaintenanceParameters(_Form):
    """What is done to keep a store in order."""

    verify: bool = Field(
        default=True, description="Compare every file with its manifest."
    )
    keep_days: float | None = Field(
        default=None,
        gt=0,
        title="Keep (days)",
        description="Remove captures that are older; empty keeps all.",
    )
