"""The lease of a zone on a real Prefect server: one holder, and nothing left behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow, get_client
from prefect.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
)
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    temporary_settings,
)

from instant_logs_plugin.errors import LeaseUnreachable, LeaseUnusable, ZoneBusy
from instant_logs_plugin.lease.both import hold_both
from instant_logs_plugin.lease.file_lock import hold_on_host
from instant_logs_plugin.lease.held import Lease
from instant_logs_plugin.lease.names import limit_name
from instant_logs_plugin.prefect.lease import (
    _Renewal,
    _Slot,
    hold_on_server,
    read_holder,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

DEADLINE_S = 30.0
hold = hold_on_server()


@pytest.fixture
def zone() -> str:
    """Return a zone that no other test holds."""
    return uuid4().hex


def active_slots(zone_id: str) -> int:
    """Return how many hold a zone, by the server."""
    with get_client(sync_client=True) as client:
        limit = client.read_global_concurrency_limit_by_name(limit_name(zone_id))
    return limit.active_slots


async def test_the_limit_is_made_held_and_freed(zone):
    """The first capture of a zone finds no limit; the last leaves its slot free."""
    async with hold(zone, timeout_s=0) as lease:
        assert active_slots(zone) == 1
        assert lease.lost_at is None
    assert active_slots(zone) == 0
    async with hold(zone, timeout_s=0):
        pass


async def test_a_second_holder_learns_who_has_the_zone(zone):
    """In a run the holder is named by its run, its host and its time."""

    @flow(name="holder", flow_run_name="holds-it")
    async def hold_it() -> None:
        async with hold(zone, timeout_s=0):
            with pytest.raises(ZoneBusy) as caught:
                async with hold(zone, timeout_s=0):
                    pass
        assert caught.value.holder.startswith("flow run holds-it on ")
        assert (caught.value.since or "").endswith("Z")

    await hold_it()


async def test_who_waits_gets_the_zone_soon(zone):
    """Polling is ours: the next capture starts seconds after the last one's end."""
    async with hold(zone, timeout_s=0):
        waiting = asyncio.create_task(take(zone, timeout_s=DEADLINE_S))
        await asyncio.sleep(0.5)
        assert not waiting.done()
    await asyncio.wait_for(waiting, DEADLINE_S)
    assert active_slots(zone) == 0


async def take(zone_id: str, *, timeout_s: float = 0.0) -> None:
    async with hold(zone_id, timeout_s=timeout_s):
        pass


async def test_a_cancelled_wait_takes_nothing(zone):
    """Nor does one that is cancelled while the server grants the slot."""
    for pause_s in (0.0, 0.01, 0.03, 0.1):
        taking = asyncio.create_task(take(zone, timeout_s=DEADLINE_S))
        await asyncio.sleep(pause_s)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
    await asyncio.wait_for(take(zone, timeout_s=DEADLINE_S), DEADLINE_S)
    assert active_slots(zone) == 0


async def test_a_cancelled_holder_frees_the_zone(zone):
    """The slot is given back without an await that could be cancelled again."""
    held = asyncio.Event()

    async def record() -> None:
        async with hold(zone, timeout_s=0):
            held.set()
            await asyncio.sleep(DEADLINE_S)

    recording = asyncio.create_task(record())
    await asyncio.wait_for(held.wait(), DEADLINE_S)
    recording.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    assert active_slots(zone) == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"active": False}, "inactive"), ({"limit": 2}, "lets in 2")],
)
async def test_a_limit_that_protects_nobody_is_refused(change, reason, zone):
    """An operator's change is told, with the mend, and never undone."""
    name = limit_name(zone)
    async with get_client() as client:
        await client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=name, limit=1)
        )
        update = GlobalConcurrencyLimitUpdate(**change)
        await client.update_global_concurrency_limit(name, update)
    with pytest.raises(LeaseUnusable, match=reason) as caught:
        await take(zone)
    assert f"prefect gcl update {name} --limit 1" in caught.value.hint
    with get_client(sync_client=True) as client:
        limit = client.read_global_concurrency_limit_by_name(name)
    assert {key: getattr(limit, key) for key in change} == change


async def test_zones_held_at_once_wait_for_nobody(zone):
    """Six zones of one process are held within seconds, SQLite or not."""
    start = time.monotonic()
    gathered = asyncio.Barrier(6)

    async def join(zone_id: str) -> None:
        async with hold(zone_id, timeout_s=0):
            await asyncio.wait_for(gathered.wait(), DEADLINE_S)

    await asyncio.gather(*(join(f"{zone}-{number}") for number in range(6)))
    assert time.monotonic() - start < DEADLINE_S


async def test_both_leases_exclude_who_holds_one(zone, tmp_path):
    """The command line knows the host's lease alone, another host only the server's."""
    on_host = hold_on_host(tmp_path)
    both = hold_both(on_host, hold)
    for one in (on_host, hold):
        async with one(zone, timeout_s=0):
            with pytest.raises(ZoneBusy):
                async with both(zone, timeout_s=0):
                    pass
    async with both(zone, timeout_s=0) as lease:
        assert lease.lost_at is None
        for one in (on_host, hold):
            with pytest.raises(ZoneBusy):
                async with one(zone, timeout_s=0):
                    pass
    assert active_slots(zone) == 0


@pytest.fixture
def slot(zone: str) -> Iterator[Any]:
    """Return a slot that is taken."""
    taken = _Slot(zone, 60.0)
    assert taken.try_acquire()
    yield taken
    taken.release()


def test_a_lease_that_the_server_gave_up_is_told(slot):
    """The recorder goes on; the lease says since when nobody vouches for it."""
    with get_client(sync_client=True) as client:
        client.release_concurrency_slots_with_lease(slot._lease_id)
    lease = Lease()
    renewal = _Renewal(slot, lease, every_s=0.02)
    renewal.start()
    renewal._thread.join(DEADLINE_S)
    assert not renewal._thread.is_alive()
    assert lease.lost_at is not None
    assert Lease(Lease(), lease).lost_at == lease.lost_at


def test_a_lease_is_renewed_until_it_is_stopped(slot):
    """Nothing is lost while the server answers."""
    lease, renewed = Lease(), threading.Event()
    renewal = _Renewal(slot, lease, every_s=0.02)
    before = renewal._kept_until
    renewal.start()
    deadline = time.monotonic() + DEADLINE_S
    while renewal._kept_until == before and time.monotonic() < deadline:
        renewed.wait(0.02)
    renewal.stop()
    renewal._thread.join(DEADLINE_S)
    assert renewal._kept_until > before
    assert lease.lost_at is None


def test_a_server_that_does_not_answer_is_told(zone):
    """Neither granted nor busy: the zone's state is not known."""
    nowhere = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nowhere), pytest.raises(LeaseUnreachable) as caught:
        _Slot(zone, 60.0).try_acquire()
    assert limit_name(zone) in str(caught.value)


def test_nothing_is_known_of_a_zone_that_was_never_held(zone):
    """Who asks learns that, and meets no error."""
    with get_client(sync_client=True) as client:
        assert read_holder(client, zone) == {}
