"""A killed holder's zone on a server with the shipped settings: free within 75 s."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from instant_logs_plugin.lease.names import limit_name
from tests.support.deploy_files import read_env_file
from tests.support.server_process import PrefectServer, run_prefect_server, wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(400)]

FREE_WITHIN_S = 75.0
DEADLINE_S = 120.0
HOLD = """
import asyncio, sys
from instant_logs_plugin.prefect.lease import hold_on_server

async def hold():
    async with hold_on_server()(sys.argv[1], timeout_s=0):
        print("held", flush=True)
        await asyncio.sleep(300)

asyncio.run(hold())
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Start a server with the settings that deploy/server.env ships."""
    directory = tmp_path_factory.mktemp("server")
    with run_prefect_server(directory, read_env_file("server.env")) as running_server:
        yield running_server


def start_holder(server: PrefectServer, zone: str) -> subprocess.Popen[str]:
    """Start a process that holds a zone."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, zone],
        env=dict(server.environment),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_killed_holder_frees_its_zone(server: PrefectServer) -> None:
    """What is left of the lease, and the server's next look at those that ended."""
    zone = uuid4().hex
    path = f"/v2/concurrency_limits/{limit_name(zone)}"
    process = start_holder(server, zone)
    try:
        assert server.get(path)["active_slots"] == 1
    finally:
        process.kill()
        process.communicate()
    killed_at = time.monotonic()
    wait_for(lambda: server.get(path)["active_slots"] == 0, DEADLINE_S, "the slot")
    taken_s = time.monotonic() - killed_at
    print(f"the zone was free {taken_s:.0f} s after its holder was killed")
    assert taken_s <= FREE_WITHIN_S
    process = start_holder(server, zone)
    process.kill()
    process.communicate()
