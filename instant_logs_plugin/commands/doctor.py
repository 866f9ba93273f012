"""``instant-logs doctor``: what could keep a zone from being recorded."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import typer

from instant_logs_plugin.commands.options import (
    FormatOption,
    JournalOption,
    StoreOption,
)
from instant_logs_plugin.commands.output import print_rows
from instant_logs_plugin.settings import journal_root, open_client

if TYPE_CHECKING:
    from instant_logs_plugin.doctor.finding import Finding
    from instant_logs_plugin.store.filesystem import Store

__all__ = ["doctor"]


def doctor(
    zone: Annotated[
        str, typer.Argument(metavar="ZONE", help="The zone's id.", show_default=False)
    ],
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Prove the plan: create a session on a free zone, and close it.",
        ),
    ] = False,
    store: StoreOption = "./captures",
    journal: JournalOption = None,
    output: FormatOption = None,
) -> None:
    """Look at all that a capture of a zone needs; one line each, with the mend.

    Nothing is changed, and without --probe no session is created. Exits with 0 if a
    capture could start (warnings included), else with the code that it would end with;
    where PREFECT_API_URL is set that is one by a flow.

    instant-logs doctor ZONE --probe
    """
    from instant_logs_plugin.doctor.finding import exit_code
    from instant_logs_plugin.store.filesystem import open_store
    from instant_logs_plugin.store.layout import check_zone_id

    check_zone_id(zone)
    opened = open_store(store)
    findings = asyncio.run(_look(zone, opened, journal, is_probing=probe))
    print_rows(
        [
            {
                "check": one.check,
                "status": one.status.value,
                "text": one.text,
                "mend": one.mend,
            }
            for one in findings
        ],
        output,
    )
    code = exit_code(findings)
    if code:
        raise typer.Exit(code)


async def _look(
    zone_id: str, store: Store, journal: str | None, *, is_probing: bool
) -> list[Finding]:
    from instant_logs_plugin.doctor import host
    from instant_logs_plugin.doctor.prefect_server import check_prefect
    from instant_logs_plugin.lease.file_lock import hold_on_host

    root = journal_root(store, journal)
    findings = [host.check_versions()]
    findings += [one async for one in _look_at_service(zone_id, is_probing=is_probing)]
    findings += [
        host.check_store(store.root, root),
        host.check_journal(root),
        await host.check_host_lease(hold_on_host(), zone_id),
        *check_prefect(os.environ, zone_id),
    ]
    return findings


async def _look_at_service(zone_id: str, *, is_probing: bool) -> AsyncIterator[Finding]:
    from instant_logs_plugin.doctor import service
    from instant_logs_plugin.doctor.finding import Finding, Status
    from instant_logs_plugin.edge.fields import PRESETS
    from instant_logs_plugin.edge.stream import open_stream
    from instant_logs_plugin.errors import InstantLogsError
    from instant_logs_plugin.lease.file_lock import hold_on_host

    try:
        client = open_client()
    except InstantLogsError as exc:
        yield Finding.of_error("credentials", exc)
        return
    provider = os.environ.get("INSTANT_LOGS_PROVIDER") or "cloudflare"
    text = f"of {provider}, from the environment"
    yield Finding(check="credentials", status=Status.OK, text=text)
    async with client:
        async for one in service.check_service(client, zone_id, PRESETS["default"]):
            yield one
        if is_probing:
            opener = service.make_opener(client, zone_id)
            yield await service.probe_plan(opener, open_stream, hold_on_host())
        else:
            text = "not proved: only --probe, which creates a session, can"
            yield Finding(check="plan", status=Status.SKIPPED, text=text)
