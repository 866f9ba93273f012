"""The lease of a zone among all hosts of a Prefect server: a global concurrency limit.

The limit ``instant-logs:<zone_id>`` has one slot. Taking it gives a lease that a
thread of its own renews, so that a busy event loop loses nothing; the server frees
the slot of a holder that was killed, if its lease storage outlives the server itself
(docs/prefect.md).

Built on the client's own calls rather than on ``prefect.concurrency``: that one waits
as long as the last captures took (up to 30 s) where nobody holds the zone any more,
logs every busy zone as an error, and tells nobody that a lease was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    VariableCreate,
    VariableUpdate,
)
from prefect.client.schemas.objects import ConcurrencyLeaseHolder
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from instant_logs_plugin.errors import LeaseUnreachable, LeaseUnusable, ZoneBusy
from instant_logs_plugin.lease.held import HoldZone, Lease
from instant_logs_plugin.lease.names import holder_name, limit_name
from instant_logs_plugin.prefect.run import current_run

__all__ = ["hold_on_server", "hold_zone_limit", "read_holder"]

_log = logging.getLogger(__name__)

_LEASE_S = 60.0
"""The least that Prefect grants: a killed holder's zone is free in 60 to 75 s."""
_RENEWALS_PER_LEASE = 3
_POLL_S = 2.0
_RELEASE_WITHIN_S = 1.5
_LOCKED, _GONE = 423, 410

# SQLite answers parallel acquisitions with 503 and two seconds of waiting each.
_one_at_a_time = threading.Lock()

T = TypeVar("T")


def hold_on_server(*, lease_s: float = _LEASE_S) -> HoldZone:
    """Return what holds zones among all hosts of this Prefect server."""
    return partial(hold_zone_limit, lease_s=lease_s)


@contextlib.asynccontextmanager
async def hold_zone_limit(
    zone_id: str, *, timeout_s: float, lease_s: float = _LEASE_S
) -> AsyncIterator[Lease]:
    """Hold a zone's concurrency limit for the block.

    Args:
        zone_id: The zone.
        timeout_s: How long to wait for another holder; 0 tries once.
        lease_s: For how long the slot stays taken after a kill; 60 s at least.

    Raises:
        ZoneBusy: Another run holds it and stayed so.
        LeaseUnusable: The limit is inactive, or lets in more or less than one.
        LeaseUnreachable: The Prefect server could not be asked.
    """
    slot = _Slot(zone_id, lease_s)
    await _acquire(slot, timeout_s)
    lease = Lease()
    renewal = _Renewal(slot, lease)
    renewal.start()
    try:
        yield lease
    finally:
        renewal.stop()
        # In a thread that is waited for without an await: a cancelled task cannot
        # count on any, and a server that is down must not delay an orderly end.
        _run_within(_RELEASE_WITHIN_S, slot.release)


def read_holder(client: SyncPrefectClient, zone_id: str) -> dict[str, str]:
    """Return what the last holder of a zone wrote down; ``{}`` if nothing is known."""
    with contextlib.suppress(httpx.HTTPError):
        variable = client.read_variable_by_name(holder_name(zone_id))
        if variable is not None and isinstance(variable.value, dict):
            return {str(key): str(value) for key, value in variable.value.items()}
    return {}


async def _acquire(slot: _Slot, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not await _attempt(slot):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise await _in_thread(slot.busy_error)
        pause_s = _POLL_S * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
        await asyncio.sleep(min(pause_s, left_s))


async def _attempt(slot: _Slot) -> bool:
    """Try once; a slot that is granted to a cancelled task is given back."""
    try:
        return await _in_thread(slot.try_acquire)
    except asyncio.CancelledError:
        slot.abandon()
        raise


async def _in_thread(call: Callable[[], T]) -> T:
    return await asyncio.to_thread(call)


def _run_within(timeout_s: float, call: Callable[[], object]) -> None:
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(call,), daemon=True)
    thread.start()
    thread.join(timeout_s)


class _Slot:
    """The one slot of a zone's limit; every method blocks and is called in a thread."""

    def __init__(self, zone_id: str, lease_s: float) -> None:
        self.zone_id, self.name, self.lease_s = zone_id, limit_name(zone_id), lease_s
        self._lease_id: UUID | None = None
        self._is_abandoned = False
        self._lock = threading.Lock()

    def try_acquire(self) -> bool:
        """Take the slot if it is free; create the limit if there is none."""
        with _one_at_a_time, self._client() as client:
            if self._is_abandoned:
                return False
            self._check(self._read_or_create(client))
            lease_id = self._increment(client)
            if lease_id is None:
                return False
            self._note_holder(client)
        with self._lock:
            self._lease_id = lease_id
            is_abandoned = self._is_abandoned
        if is_abandoned:
            self.release()
        return not is_abandoned

    def abandon(self) -> None:
        """Nobody waits for the slot any more: give it back once it is granted."""
        with self._lock:
            self._is_abandoned = True
            is_granted = self._lease_id is not None
        if is_granted:
            _run_within(_RELEASE_WITHIN_S, self.release)

    def renew(self) -> bool:
        """Extend the lease by its whole length from now; False: it is gone.

        Raises:
            LeaseUnreachable: The server could not be asked.
        """
        lease_id = self._lease_id
        if lease_id is None:
            return False
        with self._client() as client:
            try:
                client.renew_concurrency_lease(lease_id, self.lease_s)
            except httpx.HTTPStatusError as exc:
                if exc.response.status_code == _GONE:
                    return False
                raise
        return True

    def release(self) -> None:
        """Give the slot back; if the server cannot be asked, its lease lapses."""
        with self._lock:
            lease_id, self._lease_id = self._lease_id, None
        if lease_id is None:
            return
        with contextlib.suppress(LeaseUnreachable), self._client() as client:
            client.release_concurrency_slots_with_lease(lease_id)

    def busy_error(self) -> ZoneBusy:
        """Return who holds the slot, as far as is known."""
        with self._client() as client:
            facts = read_holder(client, self.zone_id)
        if not facts:
            return ZoneBusy(self.zone_id, f"the limit {self.name}", is_refusing=True)
        holder = f"{facts.get('run', 'a flow run')} on {facts.get('host', 'some host')}"
        return ZoneBusy(self.zone_id, holder, facts.get("since"), is_refusing=True)

    def _read_or_create(
        self, client: SyncPrefectClient
    ) -> GlobalConcurrencyLimitResponse:
        """Never changes a limit that is there: an operator may have closed a zone."""
        try:
            return client.read_global_concurrency_limit_by_name(self.name)
        except ObjectNotFound:
            limit = GlobalConcurrencyLimitCreate(name=self.name, limit=1)
            with contextlib.suppress(ObjectAlreadyExists):
                client.create_global_concurrency_limit(limit)
            return client.read_global_concurrency_limit_by_name(self.name)

    def _check(self, limit: GlobalConcurrencyLimitResponse) -> None:
        """An inactive limit lets everybody in, so it vouches for nothing."""
        if not limit.active:
            raise LeaseUnusable(self.name, "it is inactive")
        if limit.limit != 1:
            raise LeaseUnusable(self.name, f"it lets in {limit.limit}, not 1")

    def _increment(self, client: SyncPrefectClient) -> UUID | None:
        run = current_run()
        holder = ConcurrencyLeaseHolder(type="flow_run", id=run.id) if run else None
        try:
            response = client.increment_concurrency_slots_with_lease(
                names=[self.name],
                slots=1,
                mode="concurrency",
                lease_duration=self.lease_s,
                holder=holder,
            )
        except httpx.HTTPStatusError as exc:
            if exc.response.status_code == _LOCKED:
                return None
            raise
        document: dict[str, Any] = response.json()
        if not document.get("limits"):  # deleted since it was read
            raise LeaseUnusable(self.name, "it was deleted")
        return UUID(document["lease_id"])

    def _note_holder(self, client: SyncPrefectClient) -> None:
        """Write down who holds it, for whoever finds the zone busy; best effort."""
        run = current_run()
        value = {
            "run": f"flow run {run.name}" if run else f"process {os.getpid()}",
            "flow_run_id": str(run.id) if run else "",
            "host": socket.gethostname(),
            "pid": str(os.getpid()),
            "since": datetime.now(UTC).isoformat(timespec="seconds")[:19] + "Z",
        }
        name = holder_name(self.zone_id)
        with contextlib.suppress(httpx.HTTPError, ObjectAlreadyExists):
            if client.read_variable_by_name(name) is None:
                client.create_variable(VariableCreate(name=name, value=value))
            else:
                client.update_variable(VariableUpdate(name=name, value=value))

    @contextlib.contextmanager
    def _client(self) -> Iterator[SyncPrefectClient]:
        """Open the client; turn what it raises into our errors: the one place."""
        try:
            with get_client(sync_client=True) as client:
                yield client
        except (httpx.HTTPError, ObjectNotFound, RuntimeError) as exc:
            reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
            raise LeaseUnreachable(self.name, reason) from exc


class _Renewal:
    """Renews a slot's lease until stopped; tells the lease when it is lost."""

    def __init__(
        self, slot: _Slot, lease: Lease, *, every_s: float | None = None
    ) -> None:
        self._slot, self._lease = slot, lease
        self._every_s = every_s or slot.lease_s / _RENEWALS_PER_LEASE
        self._stopped = threading.Event()
        self._kept_until = time.monotonic() + slot.lease_s
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), daemon=True, name="zone-lease"
        )

    def start(self) -> None:
        """Start renewing."""
        self._thread.start()

    def stop(self) -> None:
        """Renew no more; does not wait for a renewal that is under way."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            asked_at = time.monotonic()
            try:
                if not self._slot.renew():
                    return self._lose("the server gave it up")
                self._kept_until = asked_at + self._slot.lease_s
            except LeaseUnreachable as exc:
                if time.monotonic() >= self._kept_until:
                    return self._lose(str(exc))
        return None

    def _lose(self, reason: str) -> None:
        if self._stopped.is_set():
            return
        self._lease.lose(datetime.now(UTC))
        extra = {"zone_id": self._slot.zone_id, "reason": reason}
        _log.warning("instant_logs.lease_lost", extra=extra)
