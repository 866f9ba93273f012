"""``sessions``, ``filter`` and ``fields``: the service's words and its one session."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from instant_logs_plugin.commands.options import FormatOption, UnknownFieldsOption
from instant_logs_plugin.commands.output import print_rows
from instant_logs_plugin.settings import open_client

if TYPE_CHECKING:
    from instant_logs_plugin.edge.session import ListedSession

__all__ = ["fields", "filter_", "sessions"]


def sessions(
    zone: Annotated[
        str, typer.Argument(metavar="ZONE", help="The zone's id.", show_default=False)
    ],
    output: FormatOption = None,
) -> None:
    """List the zone's sessions; a zone has one at most."""
    from instant_logs_plugin.store.layout import check_zone_id

    check_zone_id(zone)

    async def list_sessions() -> tuple[ListedSession, ...]:
        async with open_client() as client:
            return await client.list_sessions(zone)

    rows = [
        {
            "fingerprint": session.fingerprint,
            "fields": list(session.fields),
            "sample": session.sample,
            "filter": session.filter,
        }
        for session in asyncio.run(list_sessions())
    ]
    print_rows(rows, output)
    if not rows:
        typer.echo(f"zone {zone} has no session", err=True)


def filter_(
    expression: Annotated[
        str,
        typer.Argument(metavar="EXPR", help="An expression, or the service's JSON."),
    ],
    allow_unknown_fields: UnknownFieldsOption = False,
) -> None:
    """Check a filter and print it as the service's JSON.

    instant-logs filter 'EdgeResponseStatus >= 500 and ClientCountry not in ("ca")'
    """
    from instant_logs_plugin.edge.filters import (
        explain_filter,
        format_expression,
        format_filter,
    )

    explained = explain_filter(expression, allow_unknown=allow_unknown_fields)
    sys.stdout.write(format_filter(explained.filter) + "\n")
    for note in explained.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"means: {format_expression(explained.filter)}", err=True)


def fields(
    preset: Annotated[
        str | None,
        typer.Argument(
            metavar="PRESET|FIELDS", help="Only the fields of a preset or a list."
        ),
    ] = None,
    output: FormatOption = None,
) -> None:
    """List the fields that can be asked for, with their types and presets."""
    from instant_logs_plugin.edge.fields import PRESETS, catalogue, parse_fields

    known = catalogue()
    names = parse_fields(preset) if preset else tuple(known)
    rows = [
        {
            "name": name,
            "type": known[name].type.value,
            "presets": [p for p, held in PRESETS.items() if name in held],
            "deprecated": known[name].deprecated,
            "description": known[name].description,
        }
        for name in names
    ]
    print_rows(rows, output)
