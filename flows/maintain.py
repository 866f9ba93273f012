"""The flow ``maintain-store``: keep a store of captures in order.

Run it on the host that has the store; once a day is enough.
"""

from __future__ import annotations

from typing import Any

from prefect import flow

from instant_logs_plugin.prefect import (
    MaintenanceParameters,
    keep_in_order,
    load_store,
)


@flow(name="maintain-store", flow_run_name="maintain a store")
async def maintain_store(
    store: str | None = None, upkeep: MaintenanceParameters | None = None
) -> Any:
    """Recover what crashes left, remove what is old, verify what is there.

    Args:
        store: A saved CaptureStore block; else the worker's INSTANT_LOGS_STORE.
        upkeep: Whether to verify, and how long captures are kept.

    Returns:
        How many captures were recovered and removed.

    Raises:
        StoreError: The file system refused.
        FailedRun: Something is damaged (the state's name is ``Damaged``).
    """
    target = await load_store(store)
    return await keep_in_order(target, upkeep or MaintenanceParameters())
