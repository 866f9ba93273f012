"""Verdicts are right as often as promised: a few pairs always, 200 by ``make soak``."""

from __future__ import annotations

import json
import sys

import pytest

from tests.compare.proof import run_pairs

SHORT, LONG = 4, 200


@pytest.mark.parametrize("sample", [1, 10])
@pytest.mark.parametrize(
    ("kind", "metric"), [("errors", "edge_5xx_rate"), ("slow", "ttfb_p95")]
)
def test_regressions_are_found(kind, metric, sample):
    """Two points more 5xx, or 30 % more time, fail, recorded in full or 1 in 10."""
    tally = run_pairs(kind, SHORT, sample=sample)
    assert tally.verdicts["fail"] == SHORT
    assert tally.worse[metric] >= SHORT - 1


@pytest.mark.parametrize("sample", [1, 10])
def test_equal_sides_pass(sample):
    """Captures of the same traffic pass."""
    assert run_pairs("same", SHORT, sample=sample).verdicts["pass"] == SHORT


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("sample", [1, 10])
@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("same", 0.0, 0.05), ("errors", 0.95, 1.0), ("slow", 0.95, 1.0)],
)
def test_verdicts_of_many_pairs(kind, least, most, sample):
    """At most 5 % false alarms, at least 95 % of real regressions found."""
    tally = run_pairs(kind, LONG, sample=sample)
    figures = {"verdicts": dict(tally.verdicts), "worse": dict(tally.worse)}
    sys.stdout.write(f"\n{kind}, 1 in {sample}: {json.dumps(figures)}\n")
    assert least <= tally.share("fail") <= most
    assert tally.share("inconclusive") <= 0.05
