"""Coming back later: a skipped run that starts another run of its deployment.

Returning a scheduled state from a run does not defer it (Prefect calls that a crash),
and waiting inside it would hold a worker.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.deployments.flow_runs import arun_deployment

from instant_logs_plugin.prefect.parameters import Rescheduling
from instant_logs_plugin.prefect.states import skipped_state

__all__ = ["end_skipped"]

_PARAMETER = "again"


async def end_skipped(again: Rescheduling | None) -> Any:
    """Return the state of a skipped run; its deployment is run again, if asked for.

    The new run's idempotency key is made of this run's id: however often this run is
    run, it is followed by one. A run without a deployment is followed by none.

    Args:
        again: When and how often; the flow's parameter of that name.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if run is None or run.deployment_id is None or again is None or not again.times:
        return skipped_state("the zone is taken")
    following = await _run_again(run, again)
    return skipped_state(f"the zone is taken; run {following.name} tries again")


async def _run_again(run: FlowRun, again: Rescheduling) -> FlowRun:
    left = again.model_copy(update={"times": again.times - 1})
    parameters = run.parameters | {_PARAMETER: left.model_dump(mode="json")}
    if run.deployment_id is None:
        raise ValueError("a run without a deployment cannot be run again")
    return await arun_deployment(
        run.deployment_id,
        parameters=parameters,
        scheduled_time=datetime.now(UTC) + timedelta(seconds=again.after_s),
        timeout=0,
        as_subflow=False,
        idempotency_key=f"{run.id}-again",
        tags=run.tags,
    )
