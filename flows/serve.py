"""Serve every flow from one long-lived process: ``python flows/serve.py``.

No work pool is needed, and a stop is orderly: at SIGTERM each run ends its capture,
commits what it received and frees its zone. Schedules are added to the deployments
(``prefect deployment schedule create traffic-snapshot/serve …``) and stay there.
"""

from __future__ import annotations

import asyncio

from instant_logs_plugin.prefect import serve_flows

FLOWS = (
    "snapshot:traffic_snapshot",
    "deploy_check:deploy_check",
    "fleet:fleet_snapshot",
    "maintain:maintain_store",
)

if __name__ == "__main__":
    asyncio.run(serve_flows(FLOWS))
