"""What became of each zone of a fleet, and of the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from instant_logs_plugin.capture.record import CaptureOutcome
from instant_logs_plugin.errors import InstantLogsError
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["ZoneResult", "fleet_state"]


@dataclass(frozen=True)
class ZoneResult:
    """How the capture of one zone of a fleet ended.

    Attributes:
        zone_id: The zone.
        manifest: What was committed, or None.
        problem: What went wrong, or ``""``; a skipped zone is no problem.
    """

    zone_id: str
    manifest: Manifest | None
    problem: str

    @classmethod
    def of(
        cls, zone_id: str, ended: CaptureOutcome | BaseException | None
    ) -> ZoneResult:
        """Return the result of what a zone's capture returned or raised.

        Raises:
            BaseException: It raised what is no error of ours: a bug, or the end of
                the process.
        """
        if isinstance(ended, InstantLogsError):
            return cls(zone_id, None, str(ended))
        if isinstance(ended, BaseException):
            raise ended
        if ended is None:
            return cls(zone_id, None, "")
        return cls(zone_id, ended.manifest, str(ended.error or ""))

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        manifest = self.manifest
        return {
            "zone_id": self.zone_id,
            "state": manifest.state.value if manifest else self._unrecorded(),
            "records": manifest.written if manifest else 0,
            "coverage": manifest.coverage if manifest else 0.0,
            "capture_id": manifest.capture_id if manifest else None,
            "problem": self.problem,
        }

    def _unrecorded(self) -> str:
        return "failed" if self.problem else "skipped"


def fleet_state(results: Sequence[ZoneResult]) -> State[Any]:
    """Return the state of a fleet's run; its data is one row per zone."""
    failed = [one.zone_id for one in results if one.problem]
    rows = {one.zone_id: one.row() for one in results}
    if not failed:
        return Completed(message=f"{len(results)} zones", data=rows)
    message = f"{len(failed)} of {len(results)} zones failed: {', '.join(failed)}"
    if len(failed) == len(results):
        return Failed(name="AllZonesFailed", message=message)
    return Completed(name="CompletedWithWarnings", message=message, data=rows)
