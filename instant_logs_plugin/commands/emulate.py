"""``instant-logs emulate``: the emulated service, for rehearsals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from instant_logs_plugin.emulator import Emulator

__all__ = ["emulate"]


def emulate(
    port: Annotated[
        int, typer.Option(metavar="PORT", help="Of the session API.")
    ] = 8787,
    stream_port: Annotated[
        int, typer.Option(metavar="PORT", help="Of the streams; 0: any.")
    ] = 0,
    scenario: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="steady, deploy-regression, attack, cache-purge or flash-crowd.",
        ),
    ] = "steady",
    onset: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Seconds until the scenario's event happens."
        ),
    ] = 30.0,
    rate: Annotated[
        float,
        typer.Option(metavar="N", help="Requests/s; 0 replays as fast as it is read."),
    ] = 100.0,
    max_rate: Annotated[
        float | None,
        typer.Option(metavar="N", help="Records/s above which it samples."),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Send these: NDJSON or a combined access log, .gz or not.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", help="Requests after which a session is silent."),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed, the same traffic.")
    ] = 0,
    on_second: Annotated[
        str,
        typer.Option(
            metavar="kick|refuse",
            help="A second session: kick the first, or be refused.",
        ),
    ] = "kick",
    end_by: Annotated[
        str,
        typer.Option(
            metavar="drop|close|silence",
            help="How a stream stops: drop, close or silence.",
        ),
    ] = "drop",
    time_scale: Annotated[
        float,
        typer.Option(
            metavar="FACTOR", help="Emulated seconds per second for session lifetimes."
        ),
    ] = 1.0,
    records_per_message: Annotated[
        int, typer.Option(metavar="N", help="Lines in a message.")
    ] = 1,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAULT",
            help="kind[:name=number,…], like drop:after=500,session=1; repeatable.",
        ),
    ] = None,
    keep_sent: Annotated[
        bool, typer.Option("--keep-sent", help="Show what was sent: /emulator/sent.")
    ] = False,
    sent_log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append every line to this file when sent."),
    ] = None,
    token: Annotated[
        str,
        typer.Option(
            metavar="TOKEN",
            envvar="INSTANT_LOGS_EMULATOR_TOKEN",
            help="The only token; default: any.",
        ),
    ] = "",
) -> None:
    """Serve an emulated Instant Logs service on loopback until interrupted.

    It keeps books for tests: /emulator/state (sessions and counts), /emulator/log
    (every create, list and handshake with its status) and, with --keep-sent,
    /emulator/sent (every line as NDJSON: session, at_s, line).

    Faults: post-429, post-500, post-html, post-slow, handshake-429, handshake-slow,
    drop, close, stall, half-open, expire, malformed, split, fragment, huge, repeat.

    instant-logs emulate --scenario deploy-regression --onset 60 --rate 500

    export CLOUDFLARE_BASE_URL=http://127.0.0.1:8787/client/v4 CLOUDFLARE_API_TOKEN=any
    """
    from instant_logs_plugin.emulator import EmulatorConfig, parse_fault, serve

    config = EmulatorConfig(
        port=port,
        stream_port=stream_port,
        scenario=scenario,
        onset_s=onset,
        rate=rate,
        max_rate=max_rate,
        replay=replay,
        limit=limit,
        seed=seed,
        on_second=on_second,
        end_by=end_by,
        time_scale=time_scale,
        records_per_message=records_per_message,
        keep_sent=keep_sent,
        sent_log=sent_log,
        faults=tuple(parse_fault(text) for text in fault or []),
        token=token,
    )
    serve(config, ready=_announce)


def _announce(emulator: Emulator) -> None:
    typer.echo(f"listening on {emulator.url}; in another shell:", err=True)
    typer.echo(f"export CLOUDFLARE_BASE_URL={emulator.base_url}")
    if not emulator.config.token:
        typer.echo("export CLOUDFLARE_API_TOKEN=any")
