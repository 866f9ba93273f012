"""Serving flows from one process that stops in order.

``prefect.serve`` of 3.8 ends at a SIGTERM without its runs: it calls an asynchronous
stop and does not await it, so that captures go on unwatched. Here the first SIGTERM or
SIGINT cancels the runs, each commits what it received, and the process ends after them.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable

from prefect.runner import Runner

from instant_logs_plugin.prefect.loading import load_flow

__all__ = ["serve_flows"]

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def serve_flows(flows: Iterable[str], *, name: str = "serve") -> None:
    """Register a deployment of each flow and run what is scheduled, until stopped.

    A restart is no reason for schedules to stay switched off, so they stay on.

    Args:
        flows: Flows of ``flows/``, as ``<module>:<function>``.
        name: Of every deployment.
    """
    runner = Runner(pause_on_shutdown=False)
    for flow in flows:
        deployment = await load_flow(flow).ato_deployment(name)
        await runner.aadd_deployment(deployment)
    serving = asyncio.create_task(runner.start())
    await asyncio.sleep(0)  # it sets its own handler first
    stopped = asyncio.create_task(_wait_for_signal())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not serving.done():
        await _stop(runner, serving)
    await serving


async def _stop(runner: Runner, serving: asyncio.Task[None]) -> None:
    if runner.started:
        await runner.astop()
    else:
        serving.cancel()


async def _wait_for_signal() -> None:
    """Return at the first signal; a second one ends the process at once."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, told.set)
    await told.wait()
    for number in _STOP_SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
