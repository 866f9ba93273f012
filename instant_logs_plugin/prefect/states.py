"""How runs end: the names of their states, which people and automations read.

==========================  ====================================================
state                       means
==========================  ====================================================
Completed                   recorded as asked
Completed: Partial          recorded, with gaps, within ``min_coverage``
Completed: Skipped          the zone was taken, and the run was told not to wait
Failed: ZoneBusy            the zone was taken and stayed so
Failed: FellShort           less than ``min_coverage``; what came is committed
Completed:                  some zones of a fleet failed, and not all
CompletedWithWarnings
Failed: AllZonesFailed      every zone of a fleet failed
==========================  ====================================================
"""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from instant_logs_plugin.errors import CoverageTooLow, InstantLogsError, ZoneBusy
from instant_logs_plugin.store.manifest import CaptureState, Manifest, manifest_document

__all__ = ["busy_state", "capture_state", "skipped_state"]


def capture_state(
    manifest: Manifest, error: InstantLogsError | None
) -> State[dict[str, Any]]:
    """Return the state of a run that recorded one capture; its data is the manifest.

    Raises:
        InstantLogsError: The capture failed in a way that has no state of its own.
    """
    if isinstance(error, CoverageTooLow):
        return Failed(name="FellShort", message=str(error), data=error)
    if error is not None:
        raise error
    is_partial = manifest.state is CaptureState.PARTIAL
    return Completed(
        name="Partial" if is_partial else "Completed",
        message=f"{manifest.written:,} records, coverage {manifest.coverage:.1%}",
        data=manifest_document(manifest),
    )


def busy_state(exc: ZoneBusy) -> State[Any]:
    """Return the state of a run whose zone stayed taken."""
    return Failed(name="ZoneBusy", message=str(exc), data=exc)


def skipped_state(message: str) -> Any:
    """Return the state of a run that was told not to wait; its result is None."""
    return Completed(name="Skipped", message=message)
