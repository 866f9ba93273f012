"""``query``, ``summary`` and ``connect``: SQL over captures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from instant_logs_plugin.commands.options import FormatOption, StoreOption
from instant_logs_plugin.commands.output import OutputFormat, choose_format, print_rows
from instant_logs_plugin.errors import InvalidOption

if TYPE_CHECKING:
    import pyarrow as pa

    from instant_logs_plugin.analysis.database import Database
    from instant_logs_plugin.analysis.summaries import Summaries

__all__ = ["connect", "query", "summary"]

ParamOption = Annotated[
    list[str] | None, typer.Option("--param", help="name=value for the query.")
]


def query(
    sql: Annotated[
        str | None, typer.Argument(help="SQL over requests, captures, gaps, rejects.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Read the SQL from a file.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Run a query of the library.")
    ] = None,
    param: ParamOption = None,
    list_: Annotated[
        bool, typer.Option("--list", help="List the library: names and questions.")
    ] = False,
    store: StoreOption = "./captures",
    output: FormatOption = None,
) -> None:
    """Answer SQL over the store's captures.

    instant-logs query "select status_class, sum(weight) from requests group by 1"

    instant-logs query --name top_paths --param limit=20
    """
    with _open(store, None) as database:
        if list_:
            print_rows(_library(database), output)
            return
        table = _run(database, sql=sql, file=file, name=name, params=_params(param))
        print_rows(table.to_pylist(), output)


def summary(
    capture_id: Annotated[
        str,
        typer.Argument(metavar="[ID]", help="An id, a prefix, latest[:label=value]."),
    ] = "latest",
    name: Annotated[
        list[str] | None,
        typer.Option(help="Only these summaries; 'query --list' names them."),
    ] = None,
    store: StoreOption = "./captures",
    output: FormatOption = None,
) -> None:
    """Summarise a capture: what came in, what was answered, how fast, to whom."""
    from instant_logs_plugin.analysis.summaries import DEFAULT_SUMMARIES, run_summaries
    from instant_logs_plugin.store.catalog import find_capture
    from instant_logs_plugin.store.filesystem import open_store

    manifest = find_capture(open_store(store), capture_id)
    with _open(store, [manifest.capture_id]) as database:
        summaries = run_summaries(database, name or DEFAULT_SUMMARIES)
    _print_summaries(summaries, choose_format(output))


def connect(store: StoreOption = "./captures") -> None:
    """Print the SQL that gives a duckdb shell the same views.

    duckdb -init <(instant-logs connect)
    """
    from instant_logs_plugin.analysis.database import init_sql

    sys.stdout.write(init_sql(store))


def _open(store: str, captures: list[str] | None) -> Database:
    from instant_logs_plugin.analysis.database import open_database

    return open_database(store, captures=captures)


def _run(
    database: Database,
    *,
    sql: str | None,
    file: Path | None,
    name: str | None,
    params: dict[str, str],
) -> pa.Table:
    given = [one for one in (sql, file, name) if one is not None]
    if len(given) != 1:
        raise InvalidOption("query", len(given), "one of SQL, --file and --name")
    if name is not None:
        return database.run_query_file(name, params)
    if file is not None:
        return database.query(_read(file), params)
    return database.query(sql or "", params)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidOption("--file", str(file), f"readable: {exc}") from exc


def _params(texts: list[str] | None) -> dict[str, str]:
    params = {}
    for text in texts or []:
        name, separator, value = text.partition("=")
        if not separator:
            raise InvalidOption("--param", text, "name=value")
        params[name] = value
    return params


def _library(database: Database) -> list[dict[str, Any]]:
    return [
        {"name": query.name, "question": query.question}
        for query in database.queries.values()
    ]


def _print_summaries(summaries: Summaries, output: OutputFormat) -> None:
    """Print one block per summary; JSON is one object keyed by their names."""
    from instant_logs_plugin.analysis.rendering import render_json
    from instant_logs_plugin.analysis.summaries import render_summaries

    for reason in summaries.left_out:
        typer.echo(f"left out: {reason}", err=True)
    if output is OutputFormat.JSON:
        sys.stdout.write(render_json(summaries.rows))
    elif output is OutputFormat.MARKDOWN:
        sys.stdout.write(render_summaries(summaries))
    else:
        for name, rows in summaries.rows.items():
            sys.stdout.write(f"{name}\n\n")
            print_rows(rows, output)
            sys.stdout.write("\n")
