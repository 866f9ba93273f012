"""What docs/operations.md says of stuck slots, followed on a real server."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from tests.support.deploy_files import ROOT

pytestmark = pytest.mark.timeout(900)

ZONE = f"{51:032x}"


def commands(section: str) -> list[list[str]]:
    """Return the commands of Prefect that a section shows."""
    text = (ROOT / "docs" / "operations.md").read_text()
    body = re.split(r"\n##+ ", text.split(f"### {section}\n")[1])[0]
    blocks = re.findall(r"```text\n(.*?)```", body, re.DOTALL)
    lines = (line.replace("$ZONE", ZONE) for one in blocks for line in one.splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("prefect ")]


def test_a_stuck_slot_is_found_and_freed(site):
    """A slot whose lease is lost keeps the zone from every run until it is freed."""
    name = (
        f"/deployments/{site.deployment_id('traffic-snapshot/zones')}/create_flow_run"
    )
    capture = {"zone_id": ZONE, "duration_s": 1, "on_busy": "fail"}

    def record() -> str:
        run = site.server.post(name, parameters={"capture": capture})
        return site.ended(run["id"])["name"]

    assert record() == "Completed"
    limit = f"instant-logs:{ZONE}"
    # A slot without a lease is what a restart of a server with leases in memory leaves.
    taken = {"names": [limit], "slots": 1, "mode": "concurrency"}
    site.server.post("/v2/concurrency_limits/increment", **taken)
    assert record() == "ZoneBusy"

    inspect, holder, running = commands("Find a stuck slot")
    assert json.loads(site.server.run(*inspect))["active_slots"] == 1
    assert "flow run snapshot" in site.server.run(*holder)
    site.server.run(*running)
    (free,) = commands("Free it")
    site.server.run(*free)
    assert record() == "Completed"
