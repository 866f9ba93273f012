"""Captures compared: what is found, what is doubted, and what cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from instant_logs_plugin.analysis.compare import (
    CompareSettings,
    Verdict,
    compare_captures,
)
from instant_logs_plugin.emulator.scenarios import Conditions
from instant_logs_plugin.errors import CaptureNotFound, InvalidOption
from tests.support.synthetic import START, Synthetic, write_synthetic

AFTER = Synthetic(number=2, started_at=START + timedelta(hours=1))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of a baseline and of what came after it."""
    root = str(tmp_path_factory.mktemp("store"))
    errors = Conditions(error_share=0.06)
    write_synthetic(root, "before", Synthetic())
    write_synthetic(root, "same", AFTER, labels={"revision": "1"})
    write_synthetic(root, "errors", replace(AFTER, conditions=lambda _: errors))
    return root


def outcomes(comparison):
    return {one.metric.name: one.outcome.value for one in comparison.metrics}


def test_same_traffic_passes(store):
    """Two captures of the same traffic pass, every metric compared."""
    comparison = compare_captures(store, ["before"], ["latest:revision=1"])
    assert comparison.verdict is Verdict.PASS
    assert comparison.reasons == ("no metric got worse",)
    assert set(outcomes(comparison).values()) == {"unchanged"}


def test_errors_fail(store):
    """Two points more 5xx fail, by the metrics that count them."""
    comparison = compare_captures(store, ["before"], ["errors"])
    assert comparison.verdict is Verdict.FAIL
    found = outcomes(comparison)
    assert found.pop("edge_5xx_rate") == found.pop("origin_5xx_rate") == "worse"
    assert "worse" not in found.values()


def test_fewer_errors_are_better(store):
    """The other way round nothing is worse, and the metric says better."""
    comparison = compare_captures(store, ["errors"], ["before"])
    assert comparison.verdict is Verdict.PASS
    assert outcomes(comparison)["edge_5xx_rate"] == "better"


def test_several_captures_are_one_side(store):
    """Captures given together are compared as one; a repeated one counts once."""
    comparison = compare_captures(store, ["before", "same", "before"], ["errors"])
    assert comparison.baseline.records == 4_000
    assert comparison.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("baseline", "candidate"), [(["before"], ["before"]), ([], ["same"])]
)
def test_sides_must_be_two(store, baseline, candidate):
    """A capture on both sides, or a side without one, is a wrong question."""
    with pytest.raises(InvalidOption):
        compare_captures(store, baseline, candidate)


def test_unknown_capture(store):
    """A name that means nothing is told as everywhere."""
    with pytest.raises(CaptureNotFound):
        compare_captures(store, ["before"], ["nothing"])


def test_few_records_are_inconclusive(store):
    """Fewer records than asked for end in doubt, whatever the metrics say."""
    settings = CompareSettings(min_records=2_001)
    comparison = compare_captures(store, ["before"], ["errors"], settings=settings)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.reasons[0] == "baseline holds 2000 records, 2001 are needed"
