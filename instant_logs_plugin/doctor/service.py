"""The service's side: permission, the zone's session, fields, clock, plan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random

from instant_logs_plugin.capture.joined import OpenStream
from instant_logs_plugin.capture.opening import SessionOpener
from instant_logs_plugin.capture.options import BusyPolicy, OnBusy
from instant_logs_plugin.doctor.finding import Finding, Status
from instant_logs_plugin.edge.client import SessionClient
from instant_logs_plugin.edge.session import SessionRequest
from instant_logs_plugin.errors import ApiError, InstantLogsError, ZoneBusy
from instant_logs_plugin.lease.held import HoldZone

__all__ = ["check_service", "make_opener", "probe_plan"]

_MOST_SKEW_S = 5.0


async def check_service(
    client: SessionClient, zone_id: str, fields: tuple[str, ...]
) -> AsyncIterator[Finding]:
    """Yield what the service says; stops at the first thing nothing goes on without.

    Args:
        client: Open.
        zone_id: The zone.
        fields: Names that a capture would ask for.
    """
    try:
        listed = await client.list_sessions(zone_id)
    except ApiError as exc:
        yield Finding.of_error("permission", exc)
        return
    text = "the zone's sessions can be listed"
    yield Finding(check="permission", status=Status.OK, text=text)
    yield _clock(client.answered_at, datetime.now(UTC))
    yield _session(tuple(one.fingerprint or "its id is not told" for one in listed))
    yield await _fields(client, zone_id, fields)


async def probe_plan(
    opener: SessionOpener, open_stream: OpenStream, hold: HoldZone
) -> Finding:
    """Create a session and end it at once: the only proof that the plan has them.

    A zone that anybody holds is left alone.
    """
    zone_id = opener.request.zone_id
    try:
        async with hold(zone_id, timeout_s=0):
            session = await opener.try_create()
            async with open_stream(session.url):
                text = "a session was created, its stream opened, and closed"
    except ZoneBusy as exc:
        return Finding(check="plan", status=Status.SKIPPED, text=str(exc))
    except InstantLogsError as exc:
        return Finding.of_error("plan", exc)
    return Finding(check="plan", status=Status.OK, text=text)


def make_opener(client: SessionClient, zone_id: str) -> SessionOpener:
    """Return what creates the probe's session: the smallest there is."""
    return SessionOpener(
        api=client,
        request=SessionRequest(zone_id=zone_id, fields=("RayID",)),
        busy=BusyPolicy(on_busy=OnBusy.FAIL),
        read_own=dict,
        random=Random(),  # noqa: S311 - jitter, not secrets
    )


def _clock(date: str | None, now: datetime) -> Finding:
    """Compare this host's clock with the service's; its reply names whole seconds."""
    try:
        skew_s = (now - parsedate_to_datetime(date or "")).total_seconds()
    except (OverflowError, TypeError, ValueError):
        text = "the service's reply has no date"
        return Finding(check="clock", status=Status.SKIPPED, text=text)
    if abs(skew_s) > _MOST_SKEW_S:
        return Finding(
            check="clock",
            status=Status.WARNING,
            text=f"this host's clock is {skew_s:+.0f} s from the service's",
            mend="switch time synchronisation on: windows are labelled by this clock",
        )
    text = f"within {_MOST_SKEW_S:g} s of the service's"
    return Finding(check="clock", status=Status.OK, text=text)


def _session(fingerprints: tuple[str, ...]) -> Finding:
    if not fingerprints:
        return Finding(check="session", status=Status.OK, text="the zone is free")
    return Finding(
        check="session",
        status=Status.WARNING,
        text=f"the zone has a session: {', '.join(fingerprints)}",
        mend="wait with --on-busy wait, or end it with --on-busy takeover",
    )


async def _fields(
    client: SessionClient, zone_id: str, asked: tuple[str, ...]
) -> Finding:
    try:
        known = await client.list_fields(zone_id)
    except ApiError as exc:
        text = f"the zone's fields cannot be listed: {exc}"
        return Finding(check="fields", status=Status.SKIPPED, text=text)
    missing = [name for name in asked if name not in known]
    if missing:
        return Finding(
            check="fields",
            status=Status.WARNING,
            text=f"the zone does not send {', '.join(missing)}",
            mend="leave them out with --fields: they would be null",
        )
    text = f"the zone sends all {len(asked)} fields of the default preset"
    return Finding(check="fields", status=Status.OK, text=text)
