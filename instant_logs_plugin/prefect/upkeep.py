"""Keeping a store in order: recover, verify, prune; and what a stopped run needs.

==========================  ====================================================
state                       means
==========================  ====================================================
Completed                   the store is in order
Failed: Damaged             a file is not what its manifest says, or a journal
                            could not be finished; the artifact lists them
==========================  ====================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import Flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Failed

from instant_logs_plugin.capture.recovery import (
    Outcome,
    RecoveryReport,
    recover_captures,
)
from instant_logs_plugin.errors import InstantLogsError
from instant_logs_plugin.prefect.artifacts import publish_table
from instant_logs_plugin.prefect.blocks import CaptureStore
from instant_logs_plugin.prefect.loading import load_store
from instant_logs_plugin.prefect.parameters import MaintenanceParameters
from instant_logs_plugin.prefect.run import run_logger
from instant_logs_plugin.store.catalog import (
    capture_problems,
    list_captures,
    stray_problems,
)
from instant_logs_plugin.store.retention import Pruned, prune_captures

__all__ = [
    "keep_in_order",
    "prune_store",
    "recover_after_stop",
    "recover_store",
    "verify_store",
]

_MOST_ROWS = 100


@task(
    name="recover-store",
    task_run_name="recover {store.uri}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def recover_store(store: CaptureStore) -> RecoveryReport:
    """Finish every capture that a crash left; those that run are left alone.

    Raises:
        StoreUnreadable: The journal cannot be listed.
    """
    return await asyncio.to_thread(recover_captures, store.open(), store.journal_root())


@task(
    name="verify-store",
    task_run_name="verify {store.uri}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def verify_store(store: CaptureStore) -> dict[str, list[str]]:
    """Compare every file with its manifest; return problems by capture.

    Raises:
        StoreUnreadable: The store cannot be listed.
    """
    return await asyncio.to_thread(_problems, store)


@task(
    name="prune-store",
    task_run_name="prune {store.uri}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def prune_store(store: CaptureStore, *, keep_days: float) -> Pruned:
    """Remove captures that ended more than ``keep_days`` ago.

    Raises:
        StoreError: The file system refused.
    """
    before = datetime.now(UTC) - timedelta(days=keep_days)
    return await asyncio.to_thread(prune_captures, store.open(), before=before)


async def keep_in_order(
    store: CaptureStore, asked: MaintenanceParameters
) -> State[dict[str, Any]]:
    """Recover, prune, verify; return the state that the run ends with.

    Raises:
        StoreError: The file system refused.
    """
    report = await recover_store(store)
    pruned = Pruned()
    if asked.keep_days is not None:
        pruned = await prune_store(store, keep_days=asked.keep_days)
    problems = await verify_store(store) if asked.verify else {}
    upkeep = _Upkeep(report, pruned, problems)
    await publish_table("maintain-store", upkeep.rows(), f"Upkeep of {store.uri}")
    return upkeep.state()


async def recover_after_stop(
    flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]
) -> None:
    """Finish what a killed run left: a hook for crashed and cancelled runs.

    It may run in another process than the run did, on the same host; what it cannot
    do, the next capture of the store or ``maintain-store`` does.
    """
    del flow, state  # Prefect calls hooks with all three, by name
    try:
        store = await load_store(flow_run.parameters.get("store"))
        report = await asyncio.to_thread(
            recover_captures, store.open(), store.journal_root()
        )
    except InstantLogsError as exc:
        run_logger().warning("nothing was recovered: %s", exc)
        return
    for one in report.of(Outcome.RECOVERED):
        run_logger().info("recovered capture %s", one.capture_id)


def _problems(store: CaptureStore) -> dict[str, list[str]]:
    files = store.open()
    listing = list_captures(files)
    found = {one.path: [one.reason] for one in listing.unreadable}
    for manifest in listing.manifests:
        problems = capture_problems(files, manifest)
        if problems:
            found[manifest.capture_id] = problems
    for owner, problems in stray_problems(files).items():
        found.setdefault(owner, []).extend(problems)
    return found


@dataclass(frozen=True)
class _Upkeep:
    report: RecoveryReport
    pruned: Pruned
    problems: Mapping[str, list[str]]

    def rows(self) -> list[dict[str, Any]]:
        """Return what was done and what was found; no more rows than a page shows."""
        rows = [
            {"capture": one.capture_id, "what": one.outcome.value, "why": text}
            for one in self.report.captures
            for text in (one.problems or ("",))
        ]
        rows += [
            {"capture": one, "what": "pruned", "why": ""}
            for one in self.pruned.capture_ids
        ]
        rows += [
            {"capture": owner, "what": "damaged", "why": text}
            for owner, problems in self.problems.items()
            for text in problems
        ]
        left_out = len(rows) - _MOST_ROWS
        if left_out > 0:
            more = {"capture": "", "what": f"{left_out} more", "why": ""}
            return [*rows[:_MOST_ROWS], more]
        return rows

    def state(self) -> State[dict[str, Any]]:
        failed = len(self.report.of(Outcome.FAILED))
        if failed or self.problems:
            message = f"{failed} journals not finished, {len(self.problems)} damaged"
            return Failed(name="Damaged", message=message)
        data = {
            "recovered": len(self.report.of(Outcome.RECOVERED)),
            "pruned": len(self.pruned.capture_ids),
            "pruned_bytes": self.pruned.bytes,
        }
        message = f"{data['recovered']} recovered, {data['pruned']} pruned"
        return Completed(message=message, data=data)
