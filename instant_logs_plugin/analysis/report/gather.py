"""Everything a report is made of, read from a store once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from instant_logs_plugin.analysis.database import Database, open_database
from instant_logs_plugin.analysis.report.episodes import Episode, plan_episodes
from instant_logs_plugin.analysis.report.material import Answer, Material
from instant_logs_plugin.errors import FieldsNotRecorded
from instant_logs_plugin.resources import bundled_path
from instant_logs_plugin.store.catalog import find_capture
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import Manifest

__all__ = ["find_captures", "gather_material"]


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
    """Ask every summary about captures.

    Raises:
        QueryError: A summary cannot be run.
    """
    manifests = sorted(captures, key=lambda one: one.started_at)
    ids = [manifest.capture_id for manifest in manifests]
    episodes = plan_episodes(manifests)
    with open_database(store_uri, captures=ids) as database:
        answers = {name: _ask(database, name) for name in _summary_names()}
        timelines = _timelines(database, answers["timeline"], episodes)
        problems = database.problems
    rows = tuple(row for timeline in timelines for row in timeline)
    answers["timeline"] = replace(answers["timeline"], rows=rows)
    return Material(
        manifests=tuple(manifests),
        answers=answers,
        episodes=episodes,
        timelines=timelines,
        problems=problems,
    )


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
    return tuple(
        _ask(database, "timeline", since=one.since, until=one.until).rows
        for one in episodes
    )
