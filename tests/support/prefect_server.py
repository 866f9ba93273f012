"""What tests ask a Prefect server: artifacts, events, runs of a deployment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from prefect import Flow, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import Artifact, FlowRun, State
from prefect.flow_engine import run_flow_async
from prefect.states import Scheduled

__all__ = [
    "deploy",
    "new_run",
    "read_artifacts",
    "read_asset_events",
    "read_events",
    "read_log",
    "read_run",
    "run_again",
    "wait_until",
]

_DEADLINE_S = 30.0


async def read_artifacts(key: str) -> list[Artifact]:
    """Return the artifacts of a key, oldest first."""
    async with get_client() as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        artifacts = await client.read_artifacts(artifact_filter=wanted)
    return sorted(artifacts, key=lambda one: one.created)


async def read_events(prefix: str, zone_id: str) -> list[dict[str, Any]]:
    """Return the events about a zone that the server holds, oldest first."""
    return await _read_events(prefix, f"instant-logs.zone.{zone_id}")


async def read_asset_events(key: str) -> list[dict[str, Any]]:
    """Return the materialisations of an asset, oldest first."""
    return await _read_events("prefect.asset.materialization", key)


async def _read_events(prefix: str, resource_id: str) -> list[dict[str, Any]]:
    wanted = {
        "event": {"prefix": [prefix]},
        "resource": {"id": [resource_id]},
        "order": "ASC",
    }
    async with get_client() as client:
        response = await client._client.post("/events/filter", json={"filter": wanted})
    return list(response.json()["events"])


async def read_log(run_id: UUID) -> list[str]:
    """Return the lines of a run's log that have reached the server."""
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
    async with get_client() as client:
        return [one.message for one in await client.read_logs(wanted)]


async def deploy(flow: Flow[..., Any], name: str) -> UUID:
    """Register a deployment of a flow that this process runs itself."""
    deployment = await flow.ato_deployment(name)
    return await deployment.aapply()


async def new_run(deployment_id: UUID, parameters: dict[str, Any]) -> FlowRun:
    """Return a new run of a deployment, not yet started."""
    async with get_client() as client:
        return await client.create_flow_run_from_deployment(
            deployment_id, parameters=parameters
        )


async def run_again(flow: Flow[..., Any], run: FlowRun) -> State[Any]:
    """Run a flow run in this process, as a worker does: for the first time or again."""
    async with get_client() as client:
        await client.set_flow_run_state(run.id, Scheduled(), force=True)
        current = await client.read_flow_run(run.id)
    parameters = flow.validate_parameters(current.parameters)
    return await run_flow_async(
        flow, flow_run=current, parameters=parameters, return_type="state"
    )


async def read_run(run_id: UUID) -> FlowRun:
    """Return a run as the server knows it."""
    async with get_client() as client:
        return await client.read_flow_run(run_id)


async def wait_until(check: Callable[[], Any], deadline_s: float = _DEADLINE_S) -> Any:
    """Return the first true answer of an asynchronous check."""
    deadline = time.monotonic() + deadline_s
    while not (answer := await check()):
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.1)
    return answer
