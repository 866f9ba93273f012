"""The example automations, on a real server: an event starts a capture of its zone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.support.deploy_files import DEPLOY
from tests.support.server_process import wait_for

pytestmark = pytest.mark.timeout(900)

NAMES = {"instant-logs: record on event", "instant-logs: crash the dead"}
ZONE = f"{31:032x}"


def automate(environment: dict[str, str], deployment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, DEPLOY / "automations.py", deployment],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stderr


def send_event(server, name: str, payload: dict[str, object]) -> None:
    event = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": "monitor.errors"},
        "payload": payload,
    }
    reply = server.ask("POST", "/events", [event])
    assert reply.is_success, reply.text


@pytest.fixture
def _cleared(site) -> Iterator[None]:
    """Leave the server with the automations that it had."""
    before = ids(site.server)
    yield
    for one in ids(site.server) - before:
        assert site.server.ask("DELETE", f"/automations/{one}").is_success


def ids(server) -> set[str]:
    return {one["id"] for one in server.post("/automations/filter")}


@pytest.mark.usefixtures("_cleared")
def test_an_event_starts_a_capture_of_its_zone(site):
    """Made twice, the automation is there once, and one event starts one run."""
    name = "traffic-snapshot/on-event"
    for _ in range(2):
        assert automate(site.environment, name) == (0, "")
    found = [one["name"] for one in site.server.post("/automations/filter")]
    assert sorted(one for one in found if one in NAMES) == sorted(NAMES)

    payload = {"zone_id": ZONE, "errors": 17}
    send_event(site.server, "zone.traffic.suspicious", payload)
    deployment = {"id": {"any_": [site.deployment_id(name)]}}
    runs = wait_for(lambda: site.runs(deployments=deployment), 180, "the event's run")
    assert [run["parameters"]["capture"]["zone_id"] for run in runs] == [ZONE]
    site.server.post(
        f"/flow_runs/{runs[0]['id']}/set_state", state={"type": "CANCELLED"}
    )


def test_an_unknown_deployment_is_said(deployed):
    """One line, and nothing is made."""
    code, said = automate(dict(deployed.environment), "traffic-snapshot/none")
    assert code == 1
    assert said == (
        "no deployment traffic-snapshot/none: 'prefect deployment ls' shows all\n"
    )
