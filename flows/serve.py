"""Serve every flow from one long-lived process: ``python flows/serve.py``.

No work pool is needed, and a stop is orderly: at SIGTERM each run ends its capture,
commits what it received and frees its zone. Schedules are added to the deployments
(``prefect deployment schedule create traffic-snapshot/serve …``) and stay there.
"""

from __future__ import annotations

from typing import cast

from prefect import serve
from prefect.deployments.runner import RunnerDeployment

from instant_logs_plugin.prefect import load_flow

FLOWS = (
    "snapshot:traffic_snapshot",
    "deploy_check:deploy_check",
    "fleet:fleet_snapshot",
    "maintain:maintain_store",
)


def main() -> None:
    """Register the deployments, each named ``serve``, and run them until stopped."""
    deployments = [
        cast("RunnerDeployment", load_flow(name).to_deployment("serve"))
        for name in FLOWS
    ]
    # A restart is no reason for schedules to stay switched off.
    serve(*deployments, pause_on_shutdown=False)


if __name__ == "__main__":
    main()
