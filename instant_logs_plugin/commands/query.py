"""``query``, ``summary`` and ``connect``: SQL over captures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from instant_logs_plugin.commands.options import FormatOption, StoreOption
from instant_logs_plugin.commands.output import (
    OutputFormat,
    choose_format,
    print_rows,
    print_table,
)
from instant_logs_plugin.commands.problems import warn_of_unfinished
from instant_logs_plugin.commands.values import parse_labels
from instant_logs_plugin.errors import CaptureNotFound, InvalidOption

if TYPE_CHECKING:
    import pyarrow as pa

    from instant_logs_plugin.analysis.database import Database
    from instant_logs_plugin.analysis.query_files import QueryFile
    from instant_logs_plugin.analysis.summaries import Summaries

__all__ = ["connect", "query", "summary"]

_FOR_PEOPLE = (OutputFormat.TABLE, OutputFormat.MARKDOWN)

ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param", metavar="NAME=VALUE", help="A parameter of the query; repeatable."
    ),
]
CaptureOption = Annotated[
    list[str] | None,
    typer.Option(
        "--capture",
        metavar="ID",
        help="Only this capture: an id, a prefix, latest[:k=v].",
    ),
]
LabelOption = Annotated[
    str | None,
    typer.Option(
        "--label", metavar="KEY=VALUE", help="Only captures with this label: k=v."
    ),
]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        envvar="INSTANT_LOGS_MEMORY_LIMIT",
        help="More is spilled to disk: 2GB. Default: 80 % of memory.",
    ),
]


def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL", help="SQL over requests, captures, gaps, rejects."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the SQL from a file.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Run a query of the library.")
    ] = None,
    param: ParamOption = None,
    list_: Annotated[
        bool, typer.Option("--list", help="List the library: names and questions.")
    ] = False,
    parquet: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the answer to FILE.parquet."
        ),
    ] = None,
    capture: CaptureOption = None,
    label: LabelOption = None,
    memory_limit: MemoryOption = None,
    store: StoreOption = "./captures",
    output: FormatOption = None,
) -> None:
    """Answer SQL over the store's captures.

    It only reads, and only files of the store. Ctrl-C cancels it.

    instant-logs query "select status_class, sum(weight) from requests group by 1"

    instant-logs query --name top_paths --param limit=20 --label env=prod

    instant-logs query "from requests" --capture latest -o requests.parquet
    """
    if parquet is not None and parquet.suffix != ".parquet":
        raise InvalidOption("--output", str(parquet), "a name that ends in .parquet")
    if parquet is not None and output is not None:
        allowed = "given with --output, which writes Parquet"
        raise InvalidOption("--format", output.value, allowed)
    if list_:
        print_rows(_library(), output)
        return
    captures = _choose(store, capture or [], label)
    with _open(store, captures, memory_limit) as database:
        table = _run(database, sql=sql, file=file, name=name, params=_params(param))
        known = None if name is None else database.find_query(name)
        _print_note(_gap_note(database))
    if parquet is not None:
        _write_parquet(table, parquet)
    elif known is not None and choose_format(output) in _FOR_PEOPLE:
        _print_for_people(known, table.to_pylist(), choose_format(output))
    else:
        print_rows(table.to_pylist(), output)


def summary(
    capture_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="An id, a prefix, latest[:label=value]; or latest."
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only these summaries; 'query --list' names them."
        ),
    ] = None,
    label: LabelOption = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="First instant counted: an ISO 8601 time, UTC."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="End of what is counted, exclusive."),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Every capture of the store.")
    ] = False,
    store: StoreOption = "./captures",
    output: FormatOption = None,
) -> None:
    """Summarise captures: what came in, what was answered, how fast, to whom.

    One capture, the latest by default; or those with a label, those of a range of
    time, or all of them.

    instant-logs summary latest --name errors --name latency

    instant-logs summary --label env=prod --since 2026-03-01
    """
    from instant_logs_plugin.analysis.summaries import DEFAULT_SUMMARIES, run_summaries

    if all_ and capture_id:
        raise InvalidOption("ID", capture_id, "given with --all, which takes every one")
    is_latest = not (all_ or label or since or until)
    ids = [capture_id or "latest"] if capture_id or is_latest else []
    given = {"since": since, "until": until}
    params = {key: value for key, value in given.items() if value is not None}
    with _open(store, _choose(store, ids, label), None) as database:
        summaries = run_summaries(database, name or DEFAULT_SUMMARIES, params)
    _print_summaries(summaries, choose_format(output))


def connect(
    capture_id: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Only these captures; default: all."),
    ] = None,
    label: LabelOption = None,
    store: StoreOption = "./captures",
) -> None:
    """Print the SQL that gives a duckdb shell the same views, macros and queries.

    duckdb -init <(instant-logs connect)
    """
    from instant_logs_plugin.analysis.database import init_sql

    captures = _choose(store, capture_id or [], label)
    sys.stdout.write(init_sql(store, captures=captures))


def _choose(store: str, ids: list[str], label: str | None) -> list[str] | None:
    """Return the ids of the captures that are meant; None for every one."""
    from instant_logs_plugin.store.catalog import find_capture, list_captures
    from instant_logs_plugin.store.filesystem import open_store

    if not ids and label is None:
        return None
    opened = open_store(store)
    if ids:
        manifests = [find_capture(opened, one) for one in ids]
        warn_of_unfinished(manifests)
    else:
        manifests = list(list_captures(opened).manifests)
    labels = parse_labels([] if label is None else [label]).items()
    found = [one.capture_id for one in manifests if labels <= one.labels.items()]
    if not found:
        raise CaptureNotFound(f"label {label}")
    return found


def _open(store: str, captures: list[str] | None, memory_limit: str | None) -> Database:
    from instant_logs_plugin.analysis.database import open_database

    return open_database(store, captures=captures, memory_limit=memory_limit)


def _gap_note(database: Database) -> str:
    from instant_logs_plugin.analysis.summaries import read_gap_note

    return read_gap_note(database)


def _print_note(note: str) -> None:
    if note:
        typer.echo(f"note: {note}", err=True)


def _write_parquet(table: pa.Table, path: Path) -> None:
    """Write the answer beside its final name first: it is whole, or it is not there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    partial = path.with_name(f".{path.name}.tmp")
    try:
        pq.write_table(table, partial, compression="zstd")
        partial.replace(path)
    except (OSError, pa.ArrowException) as exc:
        partial.unlink(missing_ok=True)
        raise InvalidOption("--output", str(path), f"writable: {exc}") from exc
    typer.echo(f"wrote {path}, {table.num_rows:,} rows", err=True)


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


def _library() -> list[dict[str, Any]]:
    from instant_logs_plugin.analysis.view_sql import library_queries

    return [
        {"name": query.name, "question": query.question}
        for query in library_queries().values()
    ]


def _print_summaries(summaries: Summaries, output: OutputFormat) -> None:
    """Print one block per summary, gaps first; JSON is one object of their names."""
    from instant_logs_plugin.analysis.rendering import render_json
    from instant_logs_plugin.analysis.summaries import render_summaries

    for reason in summaries.left_out:
        typer.echo(f"left out: {reason}", err=True)
    if output in (OutputFormat.JSON, OutputFormat.CSV):
        _print_note(summaries.note)
    match output:
        case OutputFormat.JSON:
            sys.stdout.write(render_json(summaries.rows))
        case OutputFormat.MARKDOWN:
            sys.stdout.write(render_summaries(summaries))
        case OutputFormat.CSV:
            for name, rows in summaries.rows.items():
                sys.stdout.write(f"{name}\n\n")
                print_rows(rows, output)
                sys.stdout.write("\n")
        case OutputFormat.TABLE:
            _print_tables(summaries)


def _print_for_people(
    query: QueryFile, rows: list[dict[str, Any]], output: OutputFormat
) -> None:
    """Print the answer of one query as those of several are."""
    from instant_logs_plugin.analysis.summaries import Summaries

    _print_summaries(Summaries({query.name: rows}, {query.name: query}), output)


def _print_tables(summaries: Summaries) -> None:
    if summaries.note:
        sys.stdout.write(f"{summaries.note}\n\n")
    for name, rows in summaries.rows.items():
        _print_answer(summaries.queries[name], rows)


def _print_answer(query: QueryFile, rows: list[dict[str, Any]]) -> None:
    """Print tables for people: labels, units, intervals in parentheses."""
    from instant_logs_plugin.analysis.tables.parts import iter_parts

    heading = ": ".join(filter(None, (query.name, query.question)))
    sys.stdout.write(f"{heading}\n\n")
    parts = list(iter_parts(query, rows))
    for part in parts:
        print_table(part.table())
    if not parts:
        sys.stdout.write(f"{query.no_answer}\n\n")
