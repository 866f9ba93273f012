"""What a report tells of each capture: what was asked, what came, what is missing.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from instant_logs_plugin.analysis.report.basis import weights
from instant_logs_plugin.analysis.report.episodes import window_of
from instant_logs_plugin.analysis.report.model import CaptureFacts
from instant_logs_plugin.analysis.tables.formats import (
    format_count,
    format_period,
    format_seconds,
    format_share,
    format_text,
    format_time,
)
from instant_logs_plugin.store.manifest import Gap, Manifest

__all__ = ["capture_facts"]


def capture_facts(manifests: Sequence[Manifest]) -> tuple[CaptureFacts, ...]:
    """Return the facts of captures; a list of fields that is known is referred to."""
    first: dict[tuple[str, ...], str] = {}
    for manifest in manifests:
        first.setdefault(manifest.request.fields, manifest.capture_id)
    return tuple(_facts(one, same_as=first[one.request.fields]) for one in manifests)


def _facts(manifest: Manifest, *, same_as: str) -> CaptureFacts:
    """Return a capture's facts in the order of their weight."""
    fields = manifest.request.fields
    is_first = same_as == manifest.capture_id
    request = manifest.request
    facts = {
        "Zone": manifest.zone_id,
        "Window": format_period(*window_of(manifest)),
        "Ended by": manifest.end_reason or "",
        "Coverage": format_share(manifest.coverage),
        "Lines": _ledger(manifest),
        "A record stands for": _weights(manifest),
        "Filter": request.filter or "none",
        "Labels": ", ".join(f"{k}={v}" for k, v in manifest.labels.items()),
        "Addresses": "" if request.anonymize_ip == "off" else request.anonymize_ip,
        "Queries": "cut off" if request.redact_query else "",
        "Recorded by": ", ".join(f"{k} {v}" for k, v in manifest.versions.items()),
    }
    return CaptureFacts(
        capture_id=manifest.capture_id,
        state=manifest.state.value,
        facts=tuple((name, format_text(text)) for name, text in facts.items() if text),
        fields=", ".join(map(format_text, fields)) if is_first else f"as {same_as}",
        gaps=tuple(map(_gap, manifest.gaps)),
    )


def _ledger(manifest: Manifest) -> str:
    return (
        f"{format_count(manifest.received)} received = "
        f"{format_count(manifest.written)} written + "
        f"{format_count(manifest.rejected)} rejected + "
        f"{format_count(manifest.duplicates)} duplicates"
    )


def _weights(manifest: Manifest) -> str:
    low, high = weights(manifest)
    if low == high == 1:
        return "one request"
    span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return (
        f"{span} requests: 1 in {manifest.request.sample:,} asked for, rule "
        f"{manifest.sampling.model}"
    )


def _gap(gap: Gap) -> tuple[str, str, str]:
    length_s = (gap.ended_at - gap.started_at).total_seconds()
    return (
        format_time(gap.started_at),
        format_seconds(length_s),
        format_text(gap.reason),
    )
