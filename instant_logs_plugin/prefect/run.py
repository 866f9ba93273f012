"""The flow run that code runs in, if it does: asked before anything calls the server.

Outside a run an artifact or an event would start a server and block for half a
minute; there they are left out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

__all__ = ["Logger", "Run", "current_run", "current_task_id", "run_logger"]

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]


@dataclass(frozen=True)
class Run:
    """A flow run.

    Attributes:
        id: Its id; the same for each retry.
        name: Its name.
        started_at: When this attempt of it started, or None where only a task of it
            is known.
    """

    id: UUID
    name: str
    started_at: datetime | None


def current_run() -> Run | None:
    """Return the flow run that this code runs in, or None."""
    flow = FlowRunContext.get()
    if flow is not None and flow.flow_run is not None:
        return Run(flow.flow_run.id, flow.flow_run.name, flow.start_time)
    task = TaskRunContext.get()
    if task is not None and task.task_run.flow_run_id is not None:
        return Run(task.task_run.flow_run_id, task.task_run.name, None)
    return None


def current_task_id() -> UUID:
    """Return the id of the task run that this code runs in; a new one outside."""
    task = TaskRunContext.get()
    return task.task_run.id if task is not None else uuid4()


def run_logger() -> Logger:
    """Return the run's logger, or a plain one outside a run."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("instant_logs_plugin.prefect")
