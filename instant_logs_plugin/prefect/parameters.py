"""What a flow is asked to record, as a form: the parameters of every capture flow.

They hold no secret: credentials and store are named, and loaded on the worker.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from instant_logs_plugin.capture.options import BusyPolicy, CaptureOptions, OnBusy
from instant_logs_plugin.capture.privacy import AnonymizeIp
from instant_logs_plugin.capture.window import Bounds
from instant_logs_plugin.edge.fields import PRESETS, parse_fields
from instant_logs_plugin.edge.filters import format_filter, parse_filter

__all__ = ["CaptureParameters"]


class CaptureParameters(BaseModel):
    """One capture of one zone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone_id: str = Field(
        title="Zone", description="The zone's id.", pattern=r"^[A-Za-z0-9_-]{1,64}$"
    )
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
    on_busy: Literal["wait", "fail", "takeover"] = Field(
        default="wait", description="What to do when somebody else holds the zone."
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

    def to_options(self) -> CaptureOptions:
        """Return the capture's options.

        Raises:
            ConfigurationError: A field, the filter or a label is wrong.
        """
        return CaptureOptions(
            zone_id=self.zone_id,
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
                on_busy=OnBusy(self.on_busy), timeout_s=self.busy_timeout_s
            ),
            min_coverage=self.min_coverage,
            anonymize_ip=AnonymizeIp(self.anonymize_ip),
        )
