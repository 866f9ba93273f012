"""``instant-logs capture``: record a zone for a bounded time."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from instant_logs_plugin.commands import values
from instant_logs_plugin.commands.options import (
    FieldsOption,
    FilterOption,
    FormatOption,
    JournalOption,
    StoreOption,
    UnknownFieldsOption,
)
from instant_logs_plugin.commands.output import OutputFormat, choose_format
from instant_logs_plugin.commands.signals import stop_on_signals
from instant_logs_plugin.settings import journal_root, open_client

if TYPE_CHECKING:
    from instant_logs_plugin.capture.journal import JournalSettings
    from instant_logs_plugin.capture.options import CaptureOptions
    from instant_logs_plugin.capture.record import CaptureOutcome

__all__ = ["capture"]


def capture(
    zone: Annotated[
        str, typer.Argument(metavar="ZONE", help="The zone's id.", show_default=False)
    ],
    duration: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Length of the window, from the first stream on."
        ),
    ] = "60s",
    max_records: Annotated[
        int | None, typer.Option(metavar="N", help="End after this many records.")
    ] = None,
    max_bytes: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="End after this much, like 100MB."),
    ] = None,
    warm_up: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Time between the first stream and the window's start."
        ),
    ] = "0s",
    drain: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Time to go on behind the end; records come 3-5 s late.",
        ),
    ] = "0s",
    fields: FieldsOption = "default",
    allow_unknown_fields: UnknownFieldsOption = False,
    filter_: FilterOption = "",
    sample: Annotated[
        int, typer.Option(metavar="N", help="Ask for 1 in N requests.")
    ] = 1,
    store: StoreOption = "./captures",
    journal: JournalOption = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="To find it by; repeatable."),
    ] = None,
    on_busy: Annotated[
        str,
        typer.Option(
            metavar="wait|fail|takeover",
            help="When the zone is taken: wait, fail or takeover.",
        ),
    ] = "wait",
    busy_timeout: Annotated[
        str, typer.Option(metavar="TIME", help="How long to wait for a taken zone.")
    ] = "10m",
    open_timeout: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="How long to try while the service is unreachable."
        ),
    ] = "30s",
    read_deadline: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="After this silence, look whether the session is still there.",
        ),
    ] = "30s",
    max_reconnects: Annotated[
        int,
        typer.Option(
            metavar="N", help="How many tries to replace lost streams there are."
        ),
    ] = 1_000,
    renew_after: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Age at which a session is renewed; it may live 60m."
        ),
    ] = "59m",
    min_coverage: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Exit with 5 below this recorded share, 0 to 1."
        ),
    ] = 0.95,
    anonymize_ip: Annotated[
        str,
        typer.Option(
            metavar="off|truncate|hmac",
            help="off, truncate (/24, /48) or hmac (key: INSTANT_LOGS_HMAC_KEY); "
            "done before anything reaches the disk.",
        ),
    ] = "off",
    redact_query: Annotated[
        bool,
        typer.Option(
            "--redact-query", help="Cut URIs and referers before their query, likewise."
        ),
    ] = False,
    drop_field: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD", help="Keep this field from the disk, likewise; repeatable."
        ),
    ] = None,
    fsync_interval: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="The most that a power loss can take; 0 syncs always."
        ),
    ] = "1s",
    segment_size: Annotated[
        str,
        typer.Option(
            metavar="SIZE", help="Raw lines that make a segment, and a Parquet file."
        ),
    ] = "64MiB",
    min_free: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Room to keep free on the disk, like 1GB: with less it ends, or does "
            "not start.  [default: 64MiB, or 5 % of a small disk]",
        ),
    ] = None,
    output: FormatOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Record a zone's live traffic into Parquet.

    The first bound that is met ends the capture. What was received is committed
    whatever happens, and the exit code says how it went: 0 done, 2 wrong input,
    3 not authorised, 4 the zone stayed taken, 5 unreachable or less coverage than
    asked for, 6 the store failed, 129/130/143 interrupted.

    instant-logs capture ZONE --duration 5m --label release=v42

    instant-logs capture ZONE --fields security --filter 'EdgeResponseStatus >= 500'
    """
    from instant_logs_plugin.capture.journal import JournalSettings
    from instant_logs_plugin.capture.options import BusyPolicy, CaptureOptions, OnBusy
    from instant_logs_plugin.capture.privacy import AnonymizeIp
    from instant_logs_plugin.capture.window import Bounds
    from instant_logs_plugin.edge.fields import PRESETS, parse_fields
    from instant_logs_plugin.edge.filters import format_filter, parse_filter

    options = CaptureOptions(
        zone_id=zone,
        fields=parse_fields(fields, allow_unknown=allow_unknown_fields),
        preset=fields if fields in PRESETS else None,
        filter=format_filter(parse_filter(filter_, allow_unknown=allow_unknown_fields)),
        sample=sample,
        bounds=Bounds(
            duration_s=values.parse_duration("--duration", duration),
            max_records=max_records,
            max_bytes=values.parse_bytes("--max-bytes", max_bytes)
            if max_bytes is not None
            else None,
            warm_up_s=values.parse_duration("--warm-up", warm_up),
            drain_s=values.parse_duration("--drain", drain),
            renew_after_s=values.parse_duration("--renew-after", renew_after),
        ),
        labels=values.parse_labels(label or []),
        busy=BusyPolicy(
            on_busy=values.parse_choice("--on-busy", on_busy, OnBusy),
            timeout_s=values.parse_duration("--busy-timeout", busy_timeout),
        ),
        open_timeout_s=values.parse_duration("--open-timeout", open_timeout),
        read_deadline_s=values.parse_duration("--read-deadline", read_deadline),
        max_reconnects=max_reconnects,
        min_coverage=min_coverage,
        anonymize_ip=values.parse_choice("--anonymize-ip", anonymize_ip, AnonymizeIp),
        redact_query=redact_query,
        drop_fields=tuple(
            name
            for text in drop_field or []
            for name in parse_fields(text, allow_unknown=allow_unknown_fields)
        ),
        hmac_key=os.fsencode(os.environ.get("INSTANT_LOGS_HMAC_KEY", "")),
    )
    settings = JournalSettings(
        segment_bytes=values.parse_bytes("--segment-size", segment_size),
        fsync_interval_s=values.parse_duration("--fsync-interval", fsync_interval),
        min_free_bytes=values.parse_bytes("--min-free", min_free)
        if min_free is not None
        else None,
    )
    outcome = asyncio.run(_record(options, store, journal, settings, quiet=quiet))
    _print_outcome(outcome, output, store)
    if outcome.error is not None:
        raise outcome.error


async def _record(
    options: CaptureOptions,
    store_uri: str,
    journal: str | None,
    settings: JournalSettings,
    *,
    quiet: bool,
) -> CaptureOutcome:
    from instant_logs_plugin.capture.record import CaptureSetup, record_capture
    from instant_logs_plugin.capture.stop import StopRequest
    from instant_logs_plugin.commands.progress import open_progress, show_events
    from instant_logs_plugin.lease.file_lock import hold_on_host
    from instant_logs_plugin.store.filesystem import open_store

    store, stop = open_store(store_uri), StopRequest()
    stop_on_signals(stop)
    async with open_client() as client:
        setup = CaptureSetup(
            api=client,
            store=store,
            journal_root=journal_root(store, journal),
            hold=hold_on_host(),
            journal=settings,
        )
        with show_events(is_quiet=quiet), open_progress(is_quiet=quiet) as show:
            return await record_capture(options, setup, stop=stop, on_progress=show)


def _print_outcome(
    outcome: CaptureOutcome, output: OutputFormat | None, store: str
) -> None:
    from instant_logs_plugin.commands.captures import print_captures
    from instant_logs_plugin.store.manifest import format_manifest

    manifest = outcome.manifest
    if choose_format(output) is OutputFormat.JSON:
        sys.stdout.write(format_manifest(manifest))
    else:
        print_captures([manifest], output)
    usual = os.environ.get("INSTANT_LOGS_STORE") or "./captures"
    place = "" if store == usual else f" --store {shlex.quote(store)}"
    typer.echo(f"next: instant-logs summary {manifest.capture_id}{place}", err=True)
