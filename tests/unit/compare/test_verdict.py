"""The rule of the verdict, case by case."""

from __future__ import annotations

import pytest

from instant_logs_plugin.analysis.compare.comparison import decide
from instant_logs_plugin.analysis.compare.judging import MetricResult, Outcome
from instant_logs_plugin.analysis.compare.metrics import Direction, Kind, Metric
from instant_logs_plugin.analysis.compare.statistics import Effect

FOUND = Effect(baseline=1.0, candidate=2.0, lower=0.5, upper=1.5, p=0.001)


def result(outcome: Outcome, *, critical: bool) -> MetricResult:
    has_effect = outcome in {Outcome.WORSE, Outcome.BETTER, Outcome.UNCHANGED}
    return MetricResult(
        metric=Metric(name="m", question="?", kind=Kind.MEAN, critical=critical),
        outcome=outcome,
        effect=FOUND if has_effect else None,
        reason="" if has_effect else "nothing recorded",
    )


CRITICAL = {one: result(one, critical=True) for one in Outcome}
MINOR = {one: result(one, critical=False) for one in Outcome}


@pytest.mark.parametrize(
    ("doubts", "results", "verdict", "reasons"),
    [
        ([], [CRITICAL["unchanged"]], "pass", ["no metric got worse"]),
        ([], [CRITICAL["better"], MINOR["skipped"]], "pass", ["no metric got worse"]),
        ([], [MINOR["worse"]], "pass", ["m got worse: 1 then 2 (+1, p ); it is not"]),
        ([], [CRITICAL["worse"]], "fail", ["m got worse: 1 then 2 (+1, p )"]),
        (
            [],
            [CRITICAL["worse"], MINOR["inconclusive"], MINOR["worse"]],
            "fail",
            ["m got worse", "m got worse", "m: nothing recorded"],
        ),
        ([], [CRITICAL["inconclusive"]], "inconclusive", ["m: nothing recorded"]),
        (
            [],
            [MINOR["inconclusive"], MINOR["worse"]],
            "inconclusive",
            ["m: nothing recorded", "m got worse"],
        ),
        (["doubt"], [CRITICAL["unchanged"]], "inconclusive", ["doubt"]),
        (["doubt"], [CRITICAL["worse"]], "inconclusive", ["doubt", "m got worse"]),
        ([], [CRITICAL["skipped"]], "pass", ["no metric got worse"]),
    ],
)
def test_decide(doubts, results, verdict, reasons):
    """Doubts come first, then critical metrics, then what could not be seen."""
    found, why = decide(doubts, results)
    assert found == verdict
    assert len(why) == len(reasons)
    for sentence, start in zip(why, reasons, strict=True):
        assert sentence.startswith(start)


@pytest.mark.parametrize(
    ("direction", "difference", "is_worse"),
    [
        (Direction.HIGHER_IS_WORSE, 1.0, True),
        (Direction.HIGHER_IS_WORSE, -1.0, False),
        (Direction.LOWER_IS_WORSE, 1.0, False),
        (Direction.LOWER_IS_WORSE, -1.0, True),
    ],
)
def test_direction(direction, difference, is_worse):
    """Each direction has its bad way."""
    metric = Metric(name="m", question="?", kind=Kind.MEAN, direction=direction)
    assert metric.is_worse(difference) is is_worse


@pytest.mark.parametrize(
    ("baseline", "difference", "is_large"),
    [(100, 9, False), (100, 10, True), (100, -10, True), (40, 4, False), (40, 5, True)],
)
def test_both_minimum_effects_must_be_reached(baseline, difference, is_large):
    """The absolute one guards small values, the relative one large values."""
    metric = Metric(
        name="m",
        question="?",
        kind=Kind.MEAN,
        min_effect=5.0,
        min_relative_effect=0.1,
    )
    assert metric.is_large(baseline, difference) is is_large
