"""The block of a zone on a real server: saved, loaded, recorded in flows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from prefect import flow

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from instant_logs_plugin.prefect import (
    CaptureStore,
    CISCredentials,
    CloudflareCredentials,
    InstantLogsZone,
    RecordingParameters,
)
from tests.support.prefect_server import read_artifacts

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

SECRET = "s3cret-token"


@pytest.fixture
def emulator() -> Any:
    """Return a running emulator that accepts one token."""
    with run_emulator(EmulatorConfig(rate=500.0, delay_s=0.0, token=SECRET)) as running:
        yield running


async def save_zone(emulator, environment, *, is_nested_saved: bool) -> str:
    """Save a zone's block, with credentials that are saved or not; return its name."""
    name = uuid4().hex
    credentials = CloudflareCredentials(api_token=SECRET, base_url=emulator.base_url)
    if is_nested_saved:
        await credentials.save(name)
    zone = InstantLogsZone(
        zone_id=name,
        credentials=credentials,
        store=CaptureStore(uri=str(environment["store"])),
        recording=RecordingParameters(duration_s=1, fields="minimal"),
    )
    await zone.save(name)
    return name


@pytest.mark.parametrize("is_nested_saved", [True, False])
async def test_a_saved_zone_is_recorded(is_nested_saved, emulator, environment):
    """Whoever knows its name records it; the run shows how far it came."""
    name = await save_zone(emulator, environment, is_nested_saved=is_nested_saved)

    @flow(name="record-a-block")
    async def record() -> Any:
        zone = await InstantLogsZone.aload(name)
        run = await zone.atrigger()
        await run.await_for_completion()
        return await run.afetch_result()

    manifest = await record()
    assert (manifest["state"], manifest["zone_id"]) == ("complete", name)
    assert manifest["labels"]["prefect.flow-run"]
    (progress,) = await read_artifacts(f"progress-{name}")
    assert progress.data == 100


async def test_credentials_of_the_other_kind_are_told_apart(environment):
    """A zone of IBM's is one of IBM's after a save, with its secret."""
    name = uuid4().hex
    credentials = CISCredentials(api_key=SECRET, crn="crn:v1:x::")
    await InstantLogsZone(zone_id=name, credentials=credentials).save(name)
    loaded = await InstantLogsZone.aload(name)
    assert isinstance(loaded.credentials, CISCredentials)
    assert loaded.credentials.api_key.get_secret_value() == SECRET
    assert SECRET not in repr(loaded)
