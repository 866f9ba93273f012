"""What ``instant-logs doctor`` sees of a real Prefect server."""

from __future__ import annotations

from uuid import uuid4

import pytest
from prefect import flow, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.settings import get_current_settings

from instant_logs_plugin.doctor.finding import Status
from instant_logs_plugin.doctor.prefect_server import check_prefect
from instant_logs_plugin.lease.names import limit_name
from instant_logs_plugin.prefect.lease import _Slot, hold_on_server

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def zone() -> str:
    """Return a zone that no other test holds."""
    return uuid4().hex


def look(zone_id: str) -> dict[str, tuple[Status, str, str]]:
    """Return the findings by check: status, text, mend."""
    environment = {"PREFECT_API_URL": str(get_current_settings().api.url)}
    return {
        one.check: (one.status, one.text, one.mend)
        for one in check_prefect(environment, zone_id)
    }


def test_a_zone_that_was_never_recorded(zone):
    """It has no limit yet; leases in the server's memory are a risk, and told."""
    found = look(zone)
    assert found["prefect"][0] is Status.OK
    assert found["zone slot"][0] is Status.OK
    status, _, mend = found["lease storage"]
    assert status is Status.WARNING
    assert "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE" in mend


async def test_a_zone_that_a_run_records(zone):
    """Its holder is named; there is nothing to mend."""

    @flow(name="holder", flow_run_name="holds-it")
    async def hold_it() -> None:
        async with hold_on_server()(zone, timeout_s=0):
            status, text, mend = look(zone)["zone slot"]
        assert (status, mend) == (Status.WARNING, "")
        assert "flow run holds-it" in text

    await hold_it()
    assert look(zone)["zone slot"][0] is Status.OK


def test_a_stuck_slot(zone):
    """Taken by nobody that runs: the command that frees it is said."""
    slot = _Slot(zone, 60.0)
    assert slot.try_acquire()
    status, _, mend = look(zone)["zone slot"]
    assert status is Status.WARNING
    assert f"prefect gcl update {limit_name(zone)} --active-slots 0" in mend
    slot.release()


@pytest.mark.parametrize("change", [{"active": False}, {"limit": 3}], ids=str)
def test_a_limit_that_protects_nobody(change, zone):
    """A capture would be refused, so it fails."""
    slot = _Slot(zone, 60.0)
    assert slot.try_acquire()
    slot.release()
    update = GlobalConcurrencyLimitUpdate(**change)
    with get_client(sync_client=True) as client:
        client.update_global_concurrency_limit(limit_name(zone), update)
    status, _, mend = look(zone)["zone slot"]
    assert status is Status.FAILED
    assert "prefect gcl enable" in mend
