"""The Prefect server's side, asked over its API: Prefect itself is not imported.

The server counts a limit's slots in its database and frees those of killed holders by
what its lease storage says. A storage in the server's memory forgets at a restart:
then a slot is taken for ever (Prefect issue 17415).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from instant_logs_plugin.doctor.finding import Finding, Status
from instant_logs_plugin.lease.names import holder_name, limit_name

__all__ = ["check_prefect"]

_TIMEOUT_S = 10.0
_NOT_FOUND = 404
_LOGIN = re.compile(r"//[^/\s]*@")
# What httpx makes of the settings, of the network, and what a foreign reply lacks.
_NO_ANSWER = (
    httpx.HTTPError,
    httpx.InvalidURL,
    AttributeError,
    KeyError,
    OSError,
    OverflowError,
    TypeError,
    ValueError,
)


def check_prefect(environment: Mapping[str, str], zone_id: str) -> Iterator[Finding]:
    """Yield how the server of ``PREFECT_API_URL`` keeps the leases of a zone.

    Args:
        environment: Where Prefect's own settings are.
        zone_id: The zone.
    """
    url = environment.get("PREFECT_API_URL")
    if not url:
        text = "PREFECT_API_URL is not set: no Prefect server is asked"
        yield Finding(check="prefect", status=Status.SKIPPED, text=text)
        return
    try:
        yield from _look(url, _authorization(environment), zone_id)
    except _NO_ANSWER as exc:
        yield Finding(
            check="prefect",
            status=Status.FAILED,
            text=_without_login(f"{url}: {type(exc).__name__}: {exc}".splitlines()[0]),
            mend="check PREFECT_API_URL, PREFECT_API_KEY and the server",
            exit_code=5,
        )


def _look(url: str, headers: Mapping[str, str], zone_id: str) -> Iterator[Finding]:
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S) as http:
        version = _get(http, "/admin/version")
        text = _without_login(f"server {version} at {url} answers")
        yield Finding(check="prefect", status=Status.OK, text=text)
        yield _lease_storage(_get(http, "/admin/settings"))
        yield _slot(http, zone_id)


def _without_login(text: str) -> str:
    """Return a text whose URLs show no user and no password."""
    return _LOGIN.sub("//", text)


def _authorization(environment: Mapping[str, str]) -> dict[str, str]:
    key = environment.get("PREFECT_API_KEY")
    basic = environment.get("PREFECT_API_AUTH_STRING")
    if key:
        return {"Authorization": f"Bearer {key}"}
    if basic:
        encoded = base64.b64encode(basic.encode()).decode()
        return {"Authorization": f"Basic {encoded}"}
    return {}


def _get(http: httpx.Client, path: str) -> Any:
    reply = http.get(path)
    reply.raise_for_status()
    return reply.json()


def _lease_storage(settings: Any) -> Finding:
    storage = str(settings["server"]["concurrency"]["lease_storage"])
    if storage.endswith(".memory"):
        return Finding(
            check="lease storage",
            status=Status.WARNING,
            text="the server keeps leases in memory: its restart can lock a zone",
            mend="set PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE="
            "prefect.server.concurrency.lease_storage.filesystem (deploy/server.env)",
        )
    return Finding(check="lease storage", status=Status.OK, text=storage)


def _slot(http: httpx.Client, zone_id: str) -> Finding:
    name = limit_name(zone_id)
    reply = http.get(f"/v2/concurrency_limits/{name}")
    if reply.status_code == _NOT_FOUND:
        text = "no run has recorded the zone yet; the first makes its limit"
        return Finding(check="zone slot", status=Status.OK, text=text)
    reply.raise_for_status()
    limit = reply.json()
    if not limit["active"] or limit["limit"] != 1:
        return Finding(
            check="zone slot",
            status=Status.FAILED,
            text=f"{name} is inactive, or lets in {limit['limit']} instead of 1",
            mend=f"prefect gcl update {name} --limit 1; prefect gcl enable {name}",
            exit_code=5,
        )
    if not limit["active_slots"]:
        return Finding(check="zone slot", status=Status.OK, text=f"{name} is free")
    return _taken(http, name, zone_id)


def _taken(http: httpx.Client, name: str, zone_id: str) -> Finding:
    holder = _holder(http, zone_id)
    run_id, since = holder.get("flow_run_id"), holder.get("since", "an unknown time")
    run = http.get(f"/flow_runs/{run_id}") if run_id else None
    is_running = (
        run is not None
        and run.is_success
        and run.json().get("state_type") in {"RUNNING", "CANCELLING"}
    )
    who = f"{holder.get('run', 'an unknown holder')} since {since}"
    if is_running:
        text = f"{name} is held by {who}"
        return Finding(check="zone slot", status=Status.WARNING, text=text)
    return Finding(
        check="zone slot",
        status=Status.WARNING,
        text=f"{name} is taken by {who}, which does not run",
        mend="a killed run's slot is free within 75 s; if it stays taken: "
        f"prefect gcl update {name} --active-slots 0",
    )


def _holder(http: httpx.Client, zone_id: str) -> dict[str, Any]:
    reply = http.get(f"/variables/name/{holder_name(zone_id)}")
    value = reply.json().get("value") if reply.is_success else None
    return value if isinstance(value, dict) else {}
