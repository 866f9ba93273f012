"""The tests behind a verdict: right where the answer is known, calm where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from instant_logs_plugin.analysis.compare.samples import (
    Clusters,
    Replicates,
    Values,
    effective_size,
    weighted_quantile,
)
from instant_logs_plugin.analysis.compare.statistics import (
    compare_means,
    compare_mix,
    compare_quantiles,
    compare_replicates,
    compare_shares,
    holm,
)

SPANS = 30


def shares(hits, size=2_000, weight=1.0) -> Clusters:
    """Return a side of equal spans whose hits are spread as evenly as they go."""
    per_span = np.full(SPANS, size / SPANS)
    spread = np.diff(np.floor(np.linspace(0, hits, SPANS + 1)))
    return Clusters(
        weight=weight * per_span,
        weight_squared=weight**2 * per_span,
        amount=weight * spread,
        records=size,
    )


def values(numbers, weight=1.0) -> Values:
    """Return a side of one item by number, dealt out to the spans in turn."""
    numbers = np.asarray(numbers, float)
    return Values(
        cluster=np.arange(len(numbers)) % SPANS,
        value=numbers,
        weight=np.full(len(numbers), weight),
        weight_squared=np.full(len(numbers), weight**2),
        records=len(numbers),
    )


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02, 0.02, 0.001], [0.04, 0.04, 0.003]),
    ],
)
def test_holm(p, adjusted):
    """Adjusted values are Holm's, in the order of the given ones."""
    assert holm(p) == pytest.approx(adjusted)


def test_weights_count_as_kish_says():
    """Equal weights tell as much as their number, unequal ones less."""
    assert effective_size(20.0, 40.0) == 10.0
    assert effective_size(11.0, 101.0) == pytest.approx(1.198, abs=1e-3)


def test_shares_agree_with_the_textbook():
    """Independent records of weight 1 give the chi-square of two proportions."""
    effect = compare_shares(shares(60), shares(90), confidence=0.95)
    chi2 = stats.chi2_contingency([[60, 1940], [90, 1910]], correction=False)
    assert (effect.baseline, effect.candidate) == (0.03, 0.045)
    assert effect.difference == pytest.approx(0.015)
    assert effect.p == pytest.approx(chi2.pvalue, rel=0.35)
    # Newcombe's interval of the same counts, to which Jeffreys' comes close.
    assert (effect.lower, effect.upper) == pytest.approx((0.0033, 0.0270), abs=6e-4)


def test_weight_alone_adds_nothing():
    """Ten times the weight on every record is the same evidence."""
    plain = compare_shares(shares(60), shares(90), confidence=0.95)
    heavy = compare_shares(
        shares(60, weight=10), shares(90, weight=10), confidence=0.95
    )
    assert heavy.p == pytest.approx(plain.p)
    assert heavy.upper == pytest.approx(plain.upper)


def test_records_of_one_moment_are_not_independent():
    """Errors in a few bursts are weaker evidence than the same number spread out."""
    burst = shares(90)
    burst.amount[:] = 0
    burst.amount[:2] = 45
    spread = compare_shares(shares(60), shares(90), confidence=0.95)
    effect = compare_shares(shares(60), burst, confidence=0.95)
    assert spread.p < 0.05 < effect.p
    assert effect.upper - effect.lower > 1.5 * (spread.upper - spread.lower)


@pytest.mark.parametrize("hits", [0, 2_000])
def test_nothing_on_both_sides_is_no_difference(hits):
    """Shares of 0 or of 1 on both sides do not differ, and stay within 0 and 1."""
    effect = compare_shares(shares(hits), shares(hits), confidence=0.95)
    assert effect.p == 1.0
    assert -0.01 < effect.lower <= 0 <= effect.upper < 0.01


def test_none_before_and_many_after_is_found():
    """A baseline without a single error is no reason to see nothing."""
    effect = compare_shares(shares(0), shares(40), confidence=0.95)
    assert effect.p < 1e-6
    assert effect.lower > 0.01


def test_quantiles():
    """A shifted quantile is found, with an interval that holds the shift."""
    random = np.random.default_rng(1)
    before, after = random.lognormal(4, 0.6, 2_000), random.lognormal(4, 0.6, 2_000)
    effect = compare_quantiles(
        values(before), values(after * 1.3), 0.95, confidence=0.95
    )
    truth = 0.3 * np.exp(4 + 0.6 * stats.norm.ppf(0.95))
    assert effect.baseline == pytest.approx(np.quantile(before, 0.95), rel=0.01)
    assert effect.lower < truth < effect.upper
    assert effect.p < 0.001


def test_quantiles_of_one_value_do_not_differ():
    """A side of one value on both sides is no difference."""
    effect = compare_quantiles(
        values([7] * 300), values([7] * 300), 0.5, confidence=0.95
    )
    assert (effect.p, effect.lower, effect.upper) == (1.0, 0.0, 0.0)


def test_weighted_quantile():
    """The value at which the weight is reached, not the record."""
    heavy = weighted_quantile(np.array([1.0, 2.0]), np.array([1.0, 9.0]), 0.5)
    light = weighted_quantile(np.array([1.0, 2.0]), np.array([9.0, 1.0]), 0.5)
    assert (heavy, light) == (2.0, 1.0)


def means(numbers) -> Clusters:
    """Return a side of spans of equal weight with these means."""
    weight = np.full(len(numbers), 5.0)
    return Clusters(
        weight=weight, weight_squared=weight, amount=weight * numbers, records=150
    )


def test_means_are_welchs():
    """Spans of equal weight give Welch's test on their means."""
    swing = np.resize([-1.0, 1.0], SPANS) * np.random.default_rng(2).random(SPANS)
    first, second = 10 + swing, 10.5 + 3 * swing
    effect = compare_means(means(first), means(second), confidence=0.95)
    welch = stats.ttest_ind(second, first, equal_var=False)
    assert effect.p == pytest.approx(welch.pvalue)
    assert (effect.lower, effect.upper) == pytest.approx(welch.confidence_interval())


def test_disturbances_can_outlast_a_span():
    """Where neighbours resemble each other, pairs of them say how sure a mean is."""
    random = np.random.default_rng(2)
    first, second = (np.repeat(random.normal(10, 1, SPANS // 2), 2) for _ in "ab")
    effect = compare_means(means(first), means(second), confidence=0.95)
    pairs = stats.ttest_ind(second[::2], first[::2], equal_var=False)
    assert effect.p == pytest.approx(pairs.pvalue)


def test_jackknife_of_a_mean_is_the_mean():
    """Leaving spans out of a mean gives the test on the spans themselves."""
    random = np.random.default_rng(3)
    sides, numbers = [], []
    for centre in (10, 12):
        spans = random.normal(centre, 1, SPANS)
        without = (spans.sum() - spans) / (SPANS - 1)
        sides.append(Replicates(value=spans.mean(), without=without, records=99))
        numbers.append(spans)
    effect = compare_replicates(*sides, confidence=0.95)
    welch = stats.ttest_ind(numbers[1], numbers[0], equal_var=False)
    assert effect.p == pytest.approx(welch.pvalue)
    assert effect.difference == pytest.approx(numbers[1].mean() - numbers[0].mean())


def test_mix():
    """The share of traffic that moved, and whether chance would move as much."""
    same = np.array([0.5, 0.3, 0.2])
    distance, p = compare_mix(same, np.array([0.3, 0.5, 0.2]), (500, 500))
    assert distance == pytest.approx(0.2)
    assert p < 1e-6
    assert compare_mix(same, same, (500, 500)) == (0.0, pytest.approx(1.0))


def false_alarms(burstiness, count=400):
    """Return how many of equal pairs differ at 5 %, errors coming in bursts."""
    random = np.random.default_rng(4)
    size = np.full(SPANS, 70.0)

    def side():
        rate = 0.05 * random.gamma(1 / burstiness, burstiness, SPANS)
        hits = random.binomial(70, rate.clip(max=1)).astype(float)
        return Clusters(weight=size, weight_squared=size, amount=hits, records=2_100)

    pairs = (compare_shares(side(), side(), confidence=0.95) for _ in range(count))
    return sum(effect.p < 0.05 for effect in pairs) / count


@pytest.mark.parametrize("burstiness", [0.01, 0.5, 2.0])
def test_bursts_raise_no_false_alarms(burstiness):
    """Equal sides differ as often as promised, however bursty their errors are."""
    assert false_alarms(burstiness) < 0.075


@pytest.mark.parametrize(("before", "after"), [(0.05, 0.05), (0.01, 0.03), (0.6, 0.7)])
def test_intervals_cover(before, after):
    """Intervals of 95 % hold the true difference about as often as they say."""
    random = np.random.default_rng(5)
    size = np.full(SPANS, 70.0)

    def side(share):
        hits = random.binomial(70, share, SPANS).astype(float)
        return Clusters(weight=size, weight_squared=size, amount=hits, records=2_100)

    effects = [
        compare_shares(side(before), side(after), confidence=0.95) for _ in range(300)
    ]
    covered = sum(one.lower <= after - before <= one.upper for one in effects)
    assert 0.93 <= covered / 300 <= 0.995
