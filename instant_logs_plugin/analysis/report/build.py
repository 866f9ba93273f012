"""From what was read to what is shown.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from instant_logs_plugin.analysis.rendering import printable
from instant_logs_plugin.analysis.report.columns import make_cell, make_column
from instant_logs_plugin.analysis.report.episodes import window_of
from instant_logs_plugin.analysis.report.formats import (
    format_count,
    format_number,
    format_period,
    format_seconds,
    format_share,
    format_time,
)
from instant_logs_plugin.analysis.report.material import Material
from instant_logs_plugin.analysis.report.model import CaptureFacts, Figure, Report
from instant_logs_plugin.analysis.report.sections import (
    left_out_sections,
    make_sections,
)
from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = ["build_report"]

_HEADLINES = {
    "estimate": "",
    "requests_per_s": "",
    "server_error_share": "bad",
    "client_error_share": "warn",
    "cache_hit_share": "",
    "bytes": "",
}
"""Columns of the overview that stand on top, in order, and their tone."""


def build_report(material: Material) -> Report:
    """Return the report of what was read."""
    manifests = material.manifests
    zones = list(dict.fromkeys(manifest.zone_id for manifest in manifests))
    starts, ends = zip(*(window_of(manifest) for manifest in manifests), strict=True)
    overview: Mapping[str, Any] = dict(*material.answers["overview"].rows)
    return Report(
        title=f"Zone {', '.join(zones)}",
        period=format_period(min(starts), max(ends)),
        stands_on=tuple(_stands_on(material, overview)),
        warnings=tuple(_warnings(material)),
        figures=tuple(_figures(material, overview)),
        captures=tuple(_capture_facts(manifest) for manifest in manifests),
        sections=make_sections(material),
        left_out=left_out_sections(material),
    )


def _figures(material: Material, overview: Mapping[str, Any]) -> Iterator[Figure]:
    headers = {one.name: one for one in material.answers["overview"].query.columns}
    for name, tone in _HEADLINES.items():
        if name in headers and overview.get(name) is not None:
            column = make_column(headers[name])
            yield Figure(
                label=column.label,
                cell=make_cell(column, overview),
                about=column.about,
                tone=tone if overview[name] else "",
            )


def _stands_on(material: Material, overview: Mapping[str, Any]) -> Iterator[str]:
    manifests = material.manifests
    written = sum(manifest.written for manifest in manifests)
    sessions = sum(len(manifest.sessions) for manifest in manifests)
    captures = f"{len(manifests)} captures" if len(manifests) > 1 else "one capture"
    yield (
        f"{format_count(written)} records of {captures}, "
        f"received over {sessions} {'session' if sessions == 1 else 'sessions'}."
    )
    yield _sampling(manifests)
    coverage = overview.get("coverage")
    if coverage is not None:
        gaps = [gap for manifest in manifests for gap in manifest.gaps]
        lost_s = sum((gap.ended_at - gap.started_at).total_seconds() for gap in gaps)
        told = (
            f"{len(gaps)} {'gap' if len(gaps) == 1 else 'gaps'} without a stream, "
            f"{format_seconds(lost_s)} in all"
            if gaps
            else "no gap"
        )
        yield f"Coverage {format_share(coverage)} of the time asked for: {told}."


def _sampling(manifests: tuple[Manifest, ...]) -> str:
    weights = [weight for manifest in manifests for weight in _weights(manifest)]
    low, high = min(weights), max(weights)
    if high == 1:
        return "Every request was asked for and none was sampled: counts are exact."
    span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    rules = ", ".join(sorted({manifest.sampling.model for manifest in manifests}))
    return (
        f"Sampled: a record stands for {span} requests (rule: {rules}). Counts are "
        "estimates; where a range stands below a figure, it is the 95% interval."
    )


def _weights(manifest: Manifest) -> tuple[int, int]:
    factor = manifest.request.sample if manifest.sampling.model == "exclusive" else 1
    sampling = manifest.sampling
    return (sampling.min or 1) * factor, (sampling.max or 1) * factor


def _warnings(material: Material) -> Iterator[str]:
    for manifest in material.manifests:
        if manifest.state is not CaptureState.COMPLETE:
            why = f": {manifest.end_reason}" if manifest.end_reason else ""
            error = f" ({printable(manifest.error)})" if manifest.error else ""
            yield (
                f"Capture {manifest.capture_id} is {manifest.state.value}"
                f"{printable(why)}{error}."
            )
        if manifest.rejected:
            yield (
                f"Capture {manifest.capture_id} kept {format_count(manifest.rejected)} "
                "lines aside that were no valid record; they are not counted."
            )
    for problem in material.problems:
        yield printable(problem)


def _capture_facts(manifest: Manifest) -> CaptureFacts:
    request = manifest.request
    facts = {
        "Zone": manifest.zone_id,
        "Window": format_period(*window_of(manifest)),
        "State": f"{manifest.state.value}, ended by {manifest.end_reason}",
        "Coverage": format_share(manifest.coverage),
        "Lines": (
            f"{format_count(manifest.received)} received = "
            f"{format_count(manifest.written)} written + "
            f"{format_count(manifest.rejected)} rejected + "
            f"{format_count(manifest.duplicates)} duplicates"
        ),
        "Asked for": f"1 in {request.sample:,}" if request.sample > 1 else "everything",
        "Sample interval": _intervals(manifest),
        "Filter": request.filter or "none",
        "Labels": ", ".join(f"{k}={v}" for k, v in manifest.labels.items()) or "none",
        "Addresses": _addresses(manifest),
        "Fields": f"{len(request.fields)}: {', '.join(request.fields)}",
        "Recorded by": ", ".join(f"{k} {v}" for k, v in manifest.versions.items()),
    }
    return CaptureFacts(
        capture_id=manifest.capture_id,
        state=manifest.state.value,
        facts=tuple((name, printable(text)) for name, text in facts.items() if text),
        gaps=tuple(_gap_facts(manifest)),
    )


def _intervals(manifest: Manifest) -> str:
    low, high = manifest.sampling.min, manifest.sampling.max
    if low is None or high is None:
        return "none sent; taken as 1"
    span = format_number(low) if low == high else f"{low:,} to {high:,}"
    return f"{span} ({manifest.sampling.model} of the sample asked for)"


def _addresses(manifest: Manifest) -> str:
    how = manifest.request.anonymize_ip
    return "" if how == "off" else f"anonymised: {how}"


def _gap_facts(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    for gap in manifest.gaps:
        length = (gap.ended_at - gap.started_at).total_seconds()
        yield (
            format_time(gap.started_at),
            format_seconds(length),
            printable(gap.reason),
        )
