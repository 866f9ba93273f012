"""Estimates against known traffic: do their intervals hold what they promise?

Each traffic is sampled a thousand times, every request kept with probability 1/weight,
and every sample estimated by the macros of ``sql/``. ``pytest -s`` prints the figures
that ``docs/estimates.md`` shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from instant_logs_plugin.analysis.view_sql import library_macros

SAMPLES = 1000
# Weight, requests that were sampled with it, part of them that are errors.
TRAFFIC = {
    "all recorded": [(1, 400, 0.05)],
    "one in 10": [(10, 4_000, 0.3)],
    "one in 100": [(100, 40_000, 0.3)],
    "few errors": [(10, 8_000, 0.005)],
    "mixed": [(1, 200, 0.3), (10, 2_000, 0.3), (100, 20_000, 0.3)],
    "changing": [(1, 300, 0.2), (100, 30_000, 0.2)],
    "changing, errors in the burst": [(1, 300, 0.02), (100, 30_000, 0.3)],
    "changing, errors when calm": [(1, 2_000, 0.3), (10, 10_000, 0.05)],
}
COVERAGE = """
    with estimates as (
        select
            (
                select estimate_count(weight, $confidence) from draws
                where draws.sample = samples.sample
            ) as total,
            (
                select estimate_rate(weight, is_error, $confidence) from draws
                where draws.sample = samples.sample
            ) as rate,
            (
                select errors from (
                    select is_error, estimate_count(weight, $confidence) as errors
                    from draws
                    where draws.sample = samples.sample
                    group by is_error
                )
                where is_error
            ) as errors,
            (
                select avg(is_error::int) from draws
                where draws.sample = samples.sample
            ) as unweighted_rate
        from (select distinct sample from draws) as samples
    )
    select
        avg(total.sample_size) as records,
        avg(($total between total.lower and total.upper)::int) as total_coverage,
        avg(($rate between rate.lower and rate.upper)::int) as rate_coverage,
        avg(($errors between errors.lower and errors.upper)::int) as errors_coverage,
        avg(total.estimate) / $total - 1 as total_bias,
        avg(rate.estimate) - $rate as rate_bias,
        avg(total.sample_size) / $total - 1 as unweighted_total_error,
        avg(unweighted_rate) - $rate as unweighted_rate_error
    from estimates
"""


@dataclass(frozen=True)
class Requests:
    """Every request of a traffic, sampled or not."""

    weights: np.ndarray
    is_error: np.ndarray


def known_traffic(strata, random):
    weights = np.concatenate([np.full(count, weight) for weight, count, _ in strata])
    rates = np.concatenate([np.full(count, rate) for _, count, rate in strata])
    return Requests(weights, random.random(len(rates)) < rates)


def draw_samples(traffic, random):
    """Return the records of many samples, each kept with its probability."""
    kept = [
        np.flatnonzero(random.random(len(traffic.weights)) < 1 / traffic.weights)
        for _ in range(SAMPLES)
    ]
    rows = np.concatenate(kept)
    return pa.table(
        {
            "sample": np.repeat(np.arange(SAMPLES), [len(one) for one in kept]),
            "weight": traffic.weights[rows],
            "is_error": traffic.is_error[rows],
        }
    )


def measure(name, confidence=0.95):
    random = np.random.default_rng(20261125)
    traffic = known_traffic(TRAFFIC[name], random)
    known = {
        "total": len(traffic.weights),
        "rate": float(traffic.is_error.mean()),
        "errors": int(traffic.is_error.sum()),
        "confidence": confidence,
    }
    with duckdb.connect() as connection:
        connection.execute(";\n".join(library_macros()))
        connection.register("draws", draw_samples(traffic, random))
        (figures,) = connection.sql(COVERAGE, params=known).to_arrow_table().to_pylist()
    figures_text = {key: round(value, 4) for key, value in figures.items()}
    print(f"\n{name}: {figures_text}")  # noqa: T201 - figures for the document
    return figures


@pytest.mark.parametrize("name", TRAFFIC)
def test_intervals_hold_what_they_promise(name):
    """A 95 % interval holds the truth in 93 to 97 of 100 samples, or is exact."""
    figures = measure(name)
    assert figures["records"] >= 100
    coverages = [figures["total_coverage"], figures["rate_coverage"]]
    if name == "all recorded":
        assert coverages == [1, 1]
    else:
        assert all(0.93 <= coverage <= 0.97 for coverage in coverages)
    assert figures["errors_coverage"] >= 0.93
    assert abs(figures["total_bias"]) < 0.01
    assert abs(figures["rate_bias"]) < 0.005


def test_unweighted_counting_is_wrong():
    """Counting records says a few per cent of the traffic, and another rate."""
    figures = measure("changing, errors in the burst")
    assert figures["unweighted_total_error"] < -0.95
    assert figures["unweighted_rate_error"] < -0.1


def test_level_of_confidence():
    """Another level is another width."""
    assert 0.77 <= measure("one in 10", 0.8)["rate_coverage"] <= 0.83


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        opened.execute(";\n".join(library_macros()))
        yield opened


def ask(connection, sql):
    return connection.execute(sql).fetchall()[0][0]


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.85, 0.9, 0.95, 0.99, 0.9999])
def test_z_score(confidence, connection):
    """The quantile of the normal distribution is right to six digits."""
    expected = NormalDist().inv_cdf((1 + confidence) / 2)
    assert ask(connection, f"select z_score({confidence})") == pytest.approx(
        expected, rel=1e-6
    )


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select estimate_count(1) from range(7)", (7, 7, 7, 7)),
        ("select estimate_count(1) from range(0)", (0, 0, None, 0)),
        ("select estimate_sum(1, 5) from range(3)", (15, 15, 15, 3)),
        ("select estimate_sum(1, null::int) from range(3)", (None, None, None, 0)),
        ("select estimate_sum(9, 0) from range(3)", (0, 0, 0, 3)),
        ("select estimate_rate(1, range < 3) from range(4)", (0.75, 0.75, 0.75, 4)),
        ("select estimate_rate(1, null) from range(4)", (None, None, None, 0)),
    ],
)
def test_nothing_is_uncertain_when_all_is_recorded(sql, expected, connection):
    """With every weight 1 an interval is the count; without records it is open."""
    assert tuple(ask(connection, sql).values()) == expected


def test_no_error_recorded_is_no_proof(connection):
    """A rate of 0 in a sample has an upper bound, near the rule of three's."""
    figures = ask(connection, "select estimate_rate(10, false) from range(1000)")
    assert figures["estimate"] == figures["lower"] == 0
    assert 0.003 < figures["upper"] < 0.004


def test_group_that_looks_certain_is_not(connection):
    """A group met only at weight 1 can have been missed where records weigh 100."""
    sql = """
        select last(e order by k) from (
            select k, estimate_count(w) as e
            from (select range < 5 as k, if(range < 5, 1, 100) as w from range(1000))
            group by k
        )
    """
    figures = ask(connection, sql)
    assert figures["estimate"] == figures["lower"] == 5
    assert figures["upper"] > 300


def test_distinct_values_are_a_lower_bound(connection):
    """Different values are counted as recorded, null left out."""
    sql = "select at_least(if(range = 0, null, (range % 5)::varchar)) from range(99)"
    assert ask(connection, sql) == 5


def test_records_outweigh_a_lower_bound(connection):
    """What was recorded happened: no lower bound is below it."""
    sql = "select estimate_count([1, 2][1 + range % 2]) from range(9)"
    figures = ask(connection, sql)
    assert figures["estimate"] == 13
    assert figures["lower"] == figures["sample_size"] == 9
