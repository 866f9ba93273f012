"""What deploy/prefect.yaml ships runs: on a schedule, by REST, by a command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import open_store
from tests.support.deploy_files import ROOT, read_yaml
from tests.support.server_process import wait_for

pytestmark = pytest.mark.timeout(900)


def capture_of(number: int, **changes: object) -> dict[str, object]:
    return {"capture": {"zone_id": f"{number:032x}", "duration_s": 1, **changes}}


def manifests(site, number):
    captures = list_captures(open_store(str(site.store))).manifests
    return [one for one in captures if one.zone_id == f"{number:032x}"]


def test_all_are_registered_and_switched_off(deployed):
    """Each deployment of the file is on the server; nothing of it runs by itself."""
    shipped = {one["name"]: one for one in read_yaml("prefect.yaml")["deployments"]}
    found = {one["name"]: one for one in deployed.post("/deployments/filter")}
    assert found.keys() == shipped.keys()
    entrypoints = {one["entrypoint"] for one in found.values()}
    flows = {f"flows/{path.name}" for path in (ROOT / "flows").glob("[a-z]*.py")}
    assert {one.partition(":")[0] for one in entrypoints} == flows - {"flows/serve.py"}
    for name, deployment in found.items():
        slugs = {one["slug"] for one in deployment["schedules"]}
        assert slugs == {one["slug"] for one in shipped[name].get("schedules", [])}
        assert not [one for one in deployment["schedules"] if one["active"]]
    automations = deployed.post("/automations/filter")
    assert {one["name"]: one["enabled"] for one in automations} == {
        "instant-logs-on-event": False
    }


def test_a_schedule_records_its_zone(site, deploy_changed):
    """An operator puts a zone in, switches its schedule on, deploys: it is recorded."""

    def change(document):
        zones = document["deployments"][0]
        soon = datetime.now(UTC) + timedelta(seconds=20)
        zones["schedules"] = [
            {
                "slug": "soon",
                "interval": 86400,
                "anchor_date": soon.isoformat(),
                "active": True,
                "parameters": capture_of(1, labels={"by": "schedule"}),
            }
        ]
        document["deployments"] = [zones]

    deploy_changed(change)
    deployment = {"id": {"any_": [site.deployment_id("traffic-snapshot/zones")]}}

    def scheduled():
        return [
            run for run in site.runs(deployments=deployment) if run["auto_scheduled"]
        ]

    runs = wait_for(scheduled, 180, "a scheduled run")
    first = min(runs, key=lambda run: run["expected_start_time"])
    assert site.ended(first["id"])["type"] == "COMPLETED"
    assert [one.labels["by"] for one in manifests(site, 1)] == ["schedule"]


def test_rest_starts_one_run_per_key(site):
    """The first request creates (201), the second finds the same run (200)."""
    path = f"/deployments/{site.deployment_id('traffic-snapshot/zones')}"
    body = {"parameters": capture_of(2), "idempotency_key": "pipeline-7"}
    create = f"{path}/create_flow_run"
    replies = [site.server.ask("POST", create, body) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 200]
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert site.ended(replies[0].json()["id"])["type"] == "COMPLETED"
    assert len(manifests(site, 2)) == 1


@pytest.mark.parametrize(
    ("changes", "exit_code"), [({}, 0), ({"fields": "Nonsense"}, 1)]
)
def test_watch_ends_as_the_run_ends(changes, exit_code, site):
    """Prefect's own command waits, and its exit code tells the verdict."""
    parameters = json.dumps(capture_of(3, **changes))
    name = "traffic-snapshot/zones"
    run = ("deployment", "run", name, "--params", parameters, "--watch")
    site.server.run(*run, exit_code=exit_code)
