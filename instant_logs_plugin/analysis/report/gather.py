"""Everything a report is made of, read from a store once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from instant_logs_plugin.analysis.checks import run_checks
from instant_logs_plugin.analysis.database import Database, open_database
from instant_logs_plugin.analysis.report.episodes import (
    MOST_EPISODES,
    Episode,
    plan_bucket_s,
    plan_episodes,
)
from instant_logs_plugin.analysis.report.material import Answer, Material
from instant_logs_plugin.errors import FieldsNotRecorded
from instant_logs_plugin.resources import bundled_path
from instant_logs_plugin.store.catalog import find_capture
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["find_captures", "gather_material"]

_TOLD_ANYWAY = {"check_coverage", "check_finished", "check_rejects"}
"""What manifests say by themselves, and a report in words of its own."""


def find_captures(store_uri: str, names: Sequence[str]) -> tuple[Manifest, ...]:
    """Return the captures that names mean, each once, in the order of the names.

    Args:
        store_uri: The store's directory.
        names: As ``find_capture`` takes them; none means ``latest``.

    Raises:
        CaptureNotFound: A name means no capture, or several.
        StoreError: A manifest cannot be read.
    """
    store = open_store(store_uri)
    found = [find_capture(store, name) for name in names or ("latest",)]
    return tuple({one.capture_id: one for one in found}.values())


def gather_material(store_uri: str, captures: Sequence[Manifest]) -> Material:
    """Ask every summary about captures, and check them.

    Raises:
        QueryError: A summary cannot be run.
    """
    manifests = sorted(captures, key=lambda one: one.started_at)
    ids = [manifest.capture_id for manifest in manifests]
    episodes = plan_episodes(manifests)
    shown = episodes[-MOST_EPISODES:]
    with open_database(store_uri, captures=ids) as database:
        answers = {name: _ask(database, name) for name in _summary_names()}
        timelines = _timelines(database, answers["timeline"], shown)
        problems = (*database.problems, *_found(database))
    rows = tuple(row for timeline in timelines for row in timeline)
    answers["timeline"] = replace(answers["timeline"], rows=rows)
    return Material(
        manifests=tuple(manifests),
        answers=answers,
        episodes=shown,
        episodes_left_out=len(episodes) - len(shown),
        timelines=timelines,
        problems=problems,
    )


def _found(database: Database) -> list[str]:
    """Return what the checks of the library find, one sentence each."""
    return [
        f"Capture {one.capture_id}: {one.problem} ({one.check})."
        for one in run_checks(database)
        if one.check not in _TOLD_ANYWAY
    ]


def _summary_names() -> list[str]:
    files = bundled_path("sql").joinpath("summaries").glob("*.sql")
    return sorted(file.stem for file in files)


def _ask(database: Database, name: str, **params: object) -> Answer:
    query = database.queries[name]
    try:
        table = database.run_query_file(name, params)
    except FieldsNotRecorded as exc:
        return Answer(query=query, missing=exc.missing)
    return Answer(query=query, rows=tuple(table.to_pylist()))


def _timelines(
    database: Database, whole: Answer, episodes: Sequence[Episode]
) -> tuple[tuple[dict[str, Any], ...], ...]:
    if whole.missing or len(episodes) == 1:
        return (whole.rows,)
    limits = {"bucket_s": plan_bucket_s(episodes)}
    return tuple(
        _ask(database, "timeline", since=one.since, until=one.until, **limits).rows
        for one in episodes
    )
