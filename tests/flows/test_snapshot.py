"""The flow ``traffic-snapshot`` on a real Prefect server and the emulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.analysis.database import open_database
from instant_logs_plugin.emulator import (
    EmulatorConfig,
    parse_fault,
    run_emulator,
)
from instant_logs_plugin.errors import CoverageTooLow, InvalidOption, UnknownField
from instant_logs_plugin.prefect import (
    CaptureParameters,
    CaptureStore,
    CloudflareCredentials,
    load_flow,
)
from tests.support.access_log import LOG, needs_log, read_log_figures
from tests.support.prefect_server import (
    read_artifacts,
    read_asset_events,
    read_log,
    wait_until,
)

# Prefect leaves sockets to its own server for the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

ZONE = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def flow() -> Callable[..., Any]:
    """Return the flow, loaded as a deployment loads it."""
    return load_flow("snapshot:traffic_snapshot")


async def read_artifact(key: str) -> str:
    """Return the newest artifact of a key from the server."""
    return str((await read_artifacts(key))[-1].data)


@needs_log
async def test_the_access_log_is_recorded_whole(flow, environment, point_at):
    """The flow records the log's 10,000 requests: every figure equals the log's."""
    truth = read_log_figures()
    with run_emulator(EmulatorConfig(replay=LOG, rate=0.0)) as emulator:
        point_at(emulator)
        manifest = await flow(
            CaptureParameters(zone_id=ZONE, max_records=truth.total, duration_s=40)
        )
    assert manifest["received"] == manifest["written"] == truth.total
    assert (manifest["rejected"], manifest["end_reason"]) == (0, "max_records")

    def count(database: Any, column: str) -> Counter[object]:
        sql = f"select {column} as value, count(*) as n from requests group by all"
        return Counter({r["value"]: r["n"] for r in database.query(sql).to_pylist()})

    with open_database(str(environment["store"])) as database:
        assert count(database, "EdgeResponseStatus") == truth.statuses
        assert count(database, "ClientRequestMethod") == truth.methods
        assert count(database, "path") == truth.paths
        size = database.query(
            "select sum(EdgeResponseBytes)::bigint as n from requests"
        )
    assert size.to_pylist() == [{"n": truth.bytes}]


async def test_a_snapshot_leaves_a_summary(flow, environment, point_at):
    """The artifact says what was recorded, and how complete it is."""
    with run_emulator(EmulatorConfig(rate=500.0, delay_s=0.0)) as emulator:
        point_at(emulator)
        manifest = await flow(CaptureParameters(zone_id=ZONE, duration_s=2))
    text = await read_artifact(f"traffic-snapshot-{ZONE}")
    assert manifest["capture_id"] in text
    assert f"{manifest['written']:,} records" in text
    assert "coverage 100.0%" in text
    assert "## top_paths" in text


async def test_a_report_and_an_asset(
    flow, environment, point_at, tmp_path, monkeypatch
):
    """Where the store asks for them: a file that opens by itself, and an asset."""
    zone = "0123456789abcdef0123456789abcd00"
    store = tmp_path / "kept"
    block = CaptureStore(uri=str(store), reports=True, assets=True)
    await block.save("kept", overwrite=True)
    with run_emulator(EmulatorConfig(rate=500.0, delay_s=0.0)) as emulator:
        point_at(emulator)
        manifest = await flow(
            CaptureParameters(zone_id=zone, duration_s=2), store="kept"
        )
    report = store / "reports" / f"{manifest['capture_id']}.html"
    assert report.read_text().startswith("<!doctype html>")
    (link,) = await read_artifacts(f"report-{zone}")
    assert report.as_uri() in str(link.data)

    async def told() -> list[dict[str, Any]]:
        return await read_asset_events(f"file://{store}/requests/zone_id={zone}")

    (event,) = await wait_until(told)
    assert event["payload"]["rows"] == manifest["written"]


async def test_blocks_by_name(flow, environment, point_at, tmp_path, monkeypatch):
    """Credentials and store come from saved blocks; parameters hold their names."""
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
    store = tmp_path / "elsewhere"
    await CaptureStore(uri=str(store)).save("elsewhere", overwrite=True)
    with run_emulator(EmulatorConfig(rate=500.0, token="s3cret-token")) as emulator:
        block = CloudflareCredentials(
            api_token="s3cret-token", base_url=emulator.base_url
        )
        await block.save("emulated", overwrite=True)
        manifest = await flow(
            CaptureParameters(zone_id=ZONE, duration_s=1),
            credentials="cloudflare-credentials/emulated",
            store="elsewhere",
        )
    assert (store / "manifests" / f"{manifest['capture_id']}.json").is_file()
    assert not environment["store"].exists()


async def test_too_little_coverage_fails_the_run(flow, environment, point_at):
    """What was received is committed and summarised; the run and its log say so."""
    fault = parse_fault("drop:after=100,session=1")
    config = EmulatorConfig(rate=500.0, delay_s=0.0, faults=(fault,))
    with run_emulator(config) as emulator:
        point_at(emulator)
        state = await flow(
            CaptureParameters(zone_id=ZONE, duration_s=3, min_coverage=1.0),
            return_state=True,
        )
    assert state.is_failed()
    with pytest.raises(CoverageTooLow):
        await state.result()
    assert "partial" in await read_artifact(f"traffic-snapshot-{ZONE}")

    async def is_told() -> bool:
        log = "\n".join(await read_log(state.state_details.flow_run_id))
        return "the stream ended (stream lost)" in log and "recording again" in log

    await wait_until(is_told)


@pytest.mark.parametrize(
    ("changes", "arguments", "error"),
    [
        ({"fields": "Nonsense"}, {}, UnknownField),
        ({}, {"credentials": "cloudflare-credentials/none"}, InvalidOption),
        ({}, {"credentials": "json/none"}, InvalidOption),
        ({}, {"store": "none"}, InvalidOption),
    ],
)
async def test_wrong_parameters_contact_nobody(
    changes, arguments, error, flow, environment, monkeypatch
):
    """A wrong name fails the run before anything is contacted or written."""
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "any")
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", "http://127.0.0.1:9/client/v4")
    with pytest.raises(error):
        await flow(CaptureParameters(zone_id=ZONE, **changes), **arguments)
    assert not environment["store"].exists()


def test_flow_is_deployable(flow):
    """Its parameters make a form, and its source is a file that stands alone."""
    schema = flow.parameters.model_dump()
    assert "capture" in schema["properties"]
    assert Path(flow._entrypoint.partition(":")[0]).name == "snapshot.py"
