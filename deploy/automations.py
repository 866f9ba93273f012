"""Example automations: record a zone when something happens; end runs that are dead.

    python deploy/automations.py traffic-snapshot/on-event

makes (or makes again, under the same names) two automations on the server that
PREFECT_API_URL names:

``instant-logs: record on event``
    An event ``zone.traffic.suspicious`` whose payload holds a ``zone_id`` starts the
    deployment for that zone. Anything may send it: a monitor with POST /api/events, a
    flow with ``emit_event``.
``instant-logs: crash the dead``
    A run whose process was killed sends no heartbeats any more; it is marked Crashed,
    where it would stay Running for ever. Give the recorders
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30, or nothing beats.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from datetime import timedelta
from uuid import UUID

from prefect import get_client
from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

__all__ = ["crash_the_dead", "record_on_event", "replace_automation"]

EVENT = "zone.traffic.suspicious"
_ENDS = ("Cancelled", "Completed", "Crashed", "Failed")
_SILENCE = timedelta(seconds=120)


def record_on_event(deployment_id: UUID, *, duration_s: float = 120.0) -> Automation:
    """Return what records a zone when an event names it.

    Args:
        deployment_id: Of the flow ``traffic-snapshot``.
        duration_s: Length of the window.
    """
    zone_id = {"__prefect_kind": "jinja", "template": "{{ event.payload.zone_id }}"}
    capture = {
        "zone_id": zone_id,
        "duration_s": duration_s,
        "on_busy": "skip",
        "labels": {"by": "event"},
    }
    return Automation(
        name="instant-logs: record on event",
        trigger=EventTrigger(expect={EVENT}, posture=Posture.Reactive, threshold=1),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=deployment_id,
                parameters={"capture": capture},
                job_variables=None,
            )
        ],
    )


def crash_the_dead() -> Automation:
    """Return what marks a run as crashed when its heart stopped."""
    beat = "prefect.flow-run.heartbeat"
    return Automation(
        name="instant-logs: crash the dead",
        trigger=EventTrigger(
            after={beat},
            expect={beat, *(f"prefect.flow-run.{end}" for end in _ENDS)},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=_SILENCE,
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.CRASHED,
                force=False,
                message=f"no heartbeat for {_SILENCE.total_seconds():g} s",
            )
        ],
    )


async def replace_automation(automation: Automation) -> None:
    """Create an automation in place of the one of its name, if there is one."""
    with contextlib.suppress(ValueError):
        await (await Automation.aread(name=automation.name)).adelete()
    await automation.acreate()


async def main(deployment: str) -> None:
    """Create both automations for a deployment, named flow/deployment."""
    try:
        async with get_client() as client:
            found = await client.read_deployment_by_name(deployment)
    except ObjectNotFound:
        sys.exit(f"no deployment {deployment}: 'prefect deployment ls' shows all")
    await replace_automation(record_on_event(found.id))
    await replace_automation(crash_the_dead())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("deployment", help="like traffic-snapshot/on-event")
    asyncio.run(main(parser.parse_args().deployment))
