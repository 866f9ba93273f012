"""No token and no session URL reaches the Prefect server, but encrypted in a block.

Its database is searched: parameters, states, results, logs, artifacts, events.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.settings import get_current_settings

from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, run_emulator
from instant_logs_plugin.prefect import CloudflareCredentials, load_flow
from tests.support.prefect_server import (
    deploy,
    new_run,
    read_events,
    read_log,
    run_again,
    wait_until,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

snapshot = load_flow("snapshot:traffic_snapshot")
TOKEN = "t0ken-that-nobody-may-see"


def read_database() -> bytes:
    """Return what the server holds on its disk."""
    url = get_current_settings().server.database.connection_url
    assert url is not None
    path = Path(url.get_secret_value().removeprefix("sqlite+aiosqlite:///"))
    return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        ({"faults": (parse_fault("drop:after=100"),)}, "Partial"),
        ({"is_entitled": False}, "Failed"),
    ],
    ids=["lost streams", "not entitled"],
)
async def test_no_secret_reaches_the_server(trouble, state, environment):
    """Neither of a run that has troubles to tell, nor of one that fails."""
    name = uuid4().hex
    config = EmulatorConfig(rate=500.0, delay_s=0.0, token=TOKEN, **trouble)
    with run_emulator(config) as emulator:
        credentials = CloudflareCredentials(api_token=TOKEN, base_url=emulator.base_url)
        await credentials.save(name)
        deployment_id = await deploy(snapshot, name)
        capture = {"zone_id": name, "duration_s": 3, "min_coverage": 0}
        block = f"cloudflare-credentials/{name}"
        asked = {"capture": capture, "credentials": block}
        run = await new_run(deployment_id, asked)
        ended = await run_again(snapshot, run)
    assert ended.name == state, ended.message

    async def told() -> Any:
        lines = await read_log(run.id)
        is_logged = any("Finished in state" in line for line in lines)
        return is_logged and await read_events("instant-logs", name)

    await wait_until(told)
    database = read_database()
    assert name.encode() in database
    for secret in [TOKEN, *(one.session_id for one in emulator.sessions)]:
        assert secret.encode() not in database
