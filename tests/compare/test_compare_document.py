"""What docs/compare.md says of metrics and documents is what there is."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from instant_logs_plugin.analysis.compare import CompareSettings, compare_captures
from instant_logs_plugin.analysis.compare.judging import Outcome
from instant_logs_plugin.analysis.compare.metrics import DEFAULT_METRICS, Direction
from instant_logs_plugin.analysis.rendering import render_json
from tests.sql.stores import write_capture

TEXT = (Path(__file__).parents[2] / "docs" / "compare.md").read_text("utf-8")
HOSTILE = "/<script>|`x`\x1b[31m"


def described(metric):
    """Return the row that the document has to have for a metric."""
    worse = "higher" if metric.direction is Direction.HIGHER_IS_WORSE else "lower"
    answers = (
        "yes" if one else "no" for one in (metric.critical, metric.must_have_data)
    )
    cells = [f"`{metric.name}`", metric.question, worse, effect(metric), *answers]
    return f"| {' | '.join(cells)} |"


def effect(metric):
    parts = []
    if metric.min_effect and metric.unit == "%":
        points = 100 * metric.min_effect
        parts.append(f"{points:g} point{'' if points == 1 else 's'}")
    elif metric.min_effect:
        parts.append(f"{metric.min_effect:g} {metric.unit}")
    if metric.min_relative_effect:
        parts.append(f"{100 * metric.min_relative_effect:g} %")
    return " and ".join(parts)


@pytest.mark.parametrize("metric", DEFAULT_METRICS, ids=lambda metric: metric.name)
def test_metrics_are_described(metric):
    """Each default metric has its row, with its very rules."""
    assert described(metric) in TEXT


def test_limits_are_described():
    """The defaults of the settings stand in the example that changes them."""
    for field in fields(CompareSettings):
        if field.name != "metrics":
            default = f"{field.default:.2f}".removesuffix(".00")
            assert re.search(
                rf"^{field.name} = .*# default {re.escape(default)}\b",
                TEXT,
                re.MULTILINE,
            )


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """A comparison whose paths are not nice."""
    root = tmp_path_factory.mktemp("store")
    for name, status in (("one", 200), ("two", 500)):
        records = [
            {
                "EdgeStartTimestamp": f"2026-03-01T12:00:{index % 60:02d}+00:00",
                "ClientRequestURI": HOSTILE if index % 2 else "/",
                "EdgeResponseStatus": status if index % 2 else 200,
            }
            for index in range(400)
        ]
        write_capture(root, name, records)
    return compare_captures(str(root), ["one"], ["two"])


def keys(value):
    """Return every key of a document, at any depth, but those of labels."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    inner = (keys(item) for key, item in value.items() if key != "labels")
    return set(value).union(*inner)


def test_keys_are_described(comparison):
    """The document's schema is the documented one, to the key."""
    section = TEXT[TEXT.index("## Output") : TEXT.index("`--junit FILE`")]
    named = set(re.findall(r"`([a-z_]+)`", section))
    assert keys(comparison.document()) <= named
    assert {one.value for one in Outcome} <= named


def test_document_is_json(comparison):
    """The document survives JSON as it is."""
    document = comparison.document()
    assert json.loads(render_json(document)) == document


def test_hostile_paths_stay_text(comparison):
    """What a request carries is neither markup nor a terminal's command."""
    text = comparison.markdown()
    assert "\x1b" not in text
    assert "<script>" not in text
    assert comparison.verdict == "fail"
    assert asdict(comparison.paths.worse[0])["path"] == HOSTILE
