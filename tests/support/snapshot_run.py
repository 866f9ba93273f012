"""Runs the flow ``traffic-snapshot`` once, as its own process; the storm starts it."""

from __future__ import annotations

import asyncio
import json
import sys

from instant_logs_plugin.prefect import CaptureParameters, load_flow

if __name__ == "__main__":
    flow = load_flow("snapshot:traffic_snapshot")
    asyncio.run(flow(CaptureParameters(**json.loads(sys.argv[1]))))
