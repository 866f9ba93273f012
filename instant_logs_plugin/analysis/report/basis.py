"""What a report's figures stand on, and what weakens them, in sentences.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from instant_logs_plugin.analysis.report.material import Material
from instant_logs_plugin.analysis.tables.formats import (
    format_count,
    format_seconds,
    format_share,
    format_text,
    plural,
)
from instant_logs_plugin.store.manifest import CaptureState, Manifest

__all__ = ["stands_on", "warnings", "weights"]

_STATES = {
    CaptureState.RECORDING: "Not ended yet, or killed and not yet recovered",
    CaptureState.PARTIAL: "Partial, with gaps in the window",
    CaptureState.INTERRUPTED: "Interrupted before the end of the window",
    CaptureState.FAILED: "Failed before the end of the window",
    CaptureState.RECOVERED: "Finished from the journal after a crash",
}


def stands_on(material: Material) -> tuple[tuple[str, str], ...]:
    """Return label and sentence for records, sampling, coverage, and any filter."""
    manifests = material.manifests
    written = sum(manifest.written for manifest in manifests)
    sessions = sum(len(manifest.sessions) for manifest in manifests)
    recorded = (
        f"{format_count(written)} records in {plural(len(manifests), 'capture')} "
        f"over {plural(sessions, 'session')}"
    )
    facts = [
        ("Recorded", recorded),
        ("Sampling", _sampling(manifests)),
        ("Coverage", _coverage(material)),
    ]
    filters = dict.fromkeys(one.request.filter for one in manifests)
    facts += [("Filter", format_text(text)) for text in filters if text]
    return tuple(facts)


def warnings(material: Material) -> tuple[str, ...]:
    """Return a sentence for everything that makes the figures less than they seem."""
    manifests = material.manifests
    return (
        *_states(manifests),
        *_rejects(manifests),
        *_differences(manifests),
        *(format_text(problem) for problem in material.problems),
    )


def weights(manifest: Manifest) -> tuple[int, int]:
    """Return how many requests a record of a capture stands for, least and most."""
    factor = manifest.request.sample if manifest.sampling.model == "exclusive" else 1
    sampling = manifest.sampling
    return (sampling.min or 1) * factor, (sampling.max or 1) * factor


def _sampling(manifests: Sequence[Manifest]) -> str:
    limits = [limit for manifest in manifests for limit in weights(manifest)]
    low, high = min(limits), max(limits)
    if high == 1:
        return "none: every record is one request, and counts are exact"
    span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    rules = " and ".join(sorted({manifest.sampling.model for manifest in manifests}))
    return (
        f"a record stands for {span} requests (rule: {rules}); counts are estimates, "
        "a range below a figure is its 95% confidence interval"
    )


def _coverage(material: Material) -> str:
    gaps = [gap for manifest in material.manifests for gap in manifest.gaps]
    lost_s = sum((gap.ended_at - gap.started_at).total_seconds() for gap in gaps)
    coverage = material.overview.get("coverage")
    if coverage is None:
        return "not known: no window has ended yet"
    lost = f", {format_seconds(lost_s)} in all" if gaps else ""
    told = f"{plural(len(gaps), 'gap')} without a stream{lost}"
    return f"{format_share(coverage)} of the time asked for; {told}"


def _states(manifests: Sequence[Manifest]) -> Iterator[str]:
    for state, meaning in _STATES.items():
        found = [one for one in manifests if one.state is state]
        if found:
            yield f"{meaning}: {_captures(found)}."
        yield from (
            f"Capture {one.capture_id}: {format_text(one.error)}."
            for one in found
            if one.error
        )


def _rejects(manifests: Sequence[Manifest]) -> Iterator[str]:
    found = [one for one in manifests if one.rejected]
    if found:
        lines = plural(sum(one.rejected for one in found), "line")
        yield f"Not counted: {lines} that were no valid record, in {_captures(found)}."


def _captures(manifests: Sequence[Manifest]) -> str:
    if len(manifests) == 1:
        return f"capture {manifests[0].capture_id}"
    return f"{len(manifests)} captures"


def _differences(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Tell where captures are not alike, so that sums over them may mislead."""
    alike: dict[str, set[Any]] = {
        "filters": {one.request.filter for one in manifests},
        "fields": {frozenset(one.request.fields) for one in manifests},
        "sampling rules": {one.sampling.model for one in manifests},
        "zones": {one.zone_id for one in manifests},
    }
    different = [name for name, values in alike.items() if len(values) > 1]
    if different:
        yield (
            f"The captures have different {', '.join(different)}: their sums mix what "
            "is not alike."
        )
