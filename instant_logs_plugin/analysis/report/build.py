"""From what was read to what is shown.

Pure. What the figures stand on, and what weakens them, comes before any figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instant_logs_plugin.analysis.report.basis import stands_on, warnings
from instant_logs_plugin.analysis.report.capture_facts import capture_facts
from instant_logs_plugin.analysis.report.episodes import window_of
from instant_logs_plugin.analysis.report.material import Material
from instant_logs_plugin.analysis.report.model import Compared, Figure, Report
from instant_logs_plugin.analysis.report.sections import (
    left_out_summaries,
    make_sections,
)
from instant_logs_plugin.analysis.tables.columns import make_cell, make_column
from instant_logs_plugin.analysis.tables.formats import format_period

__all__ = ["build_report"]

_HEADLINES = {
    "estimate": ("Requests", ""),
    "requests_per_s": ("Requests per second", ""),
    "server_error_share": ("Answered with 5xx", "bad"),
    "client_error_share": ("Answered with 4xx", "warn"),
    "cache_hit_share": ("Served by the cache", ""),
    "bytes": ("Sent to clients", ""),
}
"""Columns of the overview that stand on top, their labels and tones."""

_FIRST_BYTE = ("edge_ttfb", "p95_ms", "First byte, 95th percentile")


def build_report(material: Material, compared: Compared | None = None) -> Report:
    """Return the report of what was read, with the comparison if there is one."""
    manifests = material.manifests
    starts, ends = zip(*(window_of(manifest) for manifest in manifests), strict=True)
    return Report(
        zones=tuple(dict.fromkeys(manifest.zone_id for manifest in manifests)),
        period=format_period(min(starts), max(ends)),
        stands_on=stands_on(material),
        warnings=warnings(material),
        figures=_figures(material),
        captures=capture_facts(manifests),
        sections=make_sections(material),
        left_out=left_out_summaries(material),
        compared=compared,
    )


def _figures(material: Material) -> tuple[Figure, ...]:
    overview = material.overview
    figures = [
        _figure(material, "overview", overview, (name, *words))
        for name, words in _HEADLINES.items()
        if overview.get(name) is not None
    ]
    measure, name, label = _FIRST_BYTE
    figures += [
        _figure(material, "latency", row, (name, label, ""))
        for row in material.answers["latency"].rows
        if row["measure"] == measure and row[name] is not None
    ]
    return tuple(figures)


def _figure(
    material: Material,
    query: str,
    row: Mapping[str, Any],
    headline: tuple[str, str, str],
) -> Figure:
    name, label, tone = headline
    header = {one.name: one for one in material.answers[query].query.columns}[name]
    return Figure(
        label=label,
        cell=make_cell(make_column(header), row),
        tone=tone if row[name] else "",
    )
