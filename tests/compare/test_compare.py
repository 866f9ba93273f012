"""Captures compared: what is found, what is doubted, and what cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from instant_logs_plugin.analysis.compare import (
    CompareSettings,
    Verdict,
    compare_captures,
    read_settings,
)
from instant_logs_plugin.edge.fields import PRESETS
from instant_logs_plugin.emulator.scenarios import Conditions
from instant_logs_plugin.errors import CaptureNotFound, InvalidOption, InvalidQuery
from instant_logs_plugin.store.manifest import CaptureState, Gap, Request, Sampling
from tests.sql.stores import write_capture
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


def write_pair(root, before, after, **manifest):
    """Write a pair whose candidate's manifest says otherwise; return the names."""
    write_synthetic(str(root), "one", before)
    write_synthetic(str(root), "two", after, **manifest)
    return str(root), ["one"], ["two"]


SMALL = Synthetic(records=400)
AFTER_SMALL = replace(AFTER, records=400)
GAP = Gap(
    started_at=AFTER.started_at + timedelta(seconds=20),
    ended_at=AFTER.started_at + timedelta(seconds=26),
    reason="stream_lost",
)
ASKED = Request(fields=AFTER.fields)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (
            {"coverage": 0.9, "gaps": (GAP,)},
            (
                "candidate covers 90.0% of its window (gaps: 1 x stream_lost), "
                "less than 95.0%"
            ),
        ),
        ({"state": CaptureState.RECORDING}, "candidate two is recording"),
        ({"state": CaptureState.FAILED}, "candidate two is failed"),
        (
            {"request": replace(ASKED, filter='{"where":{}}')},
            'filters differ: no filter and {"where":{}}',
        ),
        (
            {"sampling": Sampling(model="inclusive")},
            "sampling rules differ: exclusive and inclusive",
        ),
        (
            {"request": replace(ASKED, sample=10)},
            "sampling differs: 1 in 1 and 1 in 10",
        ),
        ({"written": 500}, "candidate: only 400 of 500 records can be read"),
    ],
)
def test_doubts(manifest, reason, tmp_path):
    """What makes two captures unlike, or one incomplete, is said and inconclusive."""
    names = write_pair(tmp_path, SMALL, AFTER_SMALL, **manifest)
    comparison = compare_captures(*names)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.reasons == (reason,)


def test_small_gaps_are_noted(tmp_path):
    """A gap that leaves enough recorded is no doubt, and is told all the same."""
    gap = replace(GAP, ended_at=GAP.started_at + timedelta(seconds=1))
    names = write_pair(tmp_path, SMALL, AFTER_SMALL, coverage=0.983, gaps=(gap,))
    comparison = compare_captures(*names)
    assert comparison.verdict is Verdict.PASS
    assert comparison.notes[0] == (
        "candidate has gaps, 1 x stream_lost; it covers 98.3% of its window"
    )


def test_few_records_are_inconclusive(store):
    """Fewer records than asked for end in doubt; what was found is told too."""
    settings = CompareSettings(min_records=2_001)
    comparison = compare_captures(store, ["before"], ["errors"], settings=settings)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.reasons[0] == "baseline holds 2000 records, 2001 are needed"
    assert comparison.reasons[2].startswith("edge_5xx_rate got worse: ")


def test_a_capture_of_nothing_is_inconclusive(tmp_path):
    """No record at all is a doubt like any other, not an error."""
    names = write_pair(tmp_path, SMALL, replace(AFTER, records=0))
    comparison = compare_captures(*names)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "candidate holds 0 records, 200 are needed" in comparison.reasons
    assert comparison.markdown()


def test_one_moment_is_inconclusive(tmp_path):
    """Records of one second say nothing about how traffic varies."""
    names = write_pair(tmp_path, SMALL, replace(AFTER_SMALL, duration_s=1.0))
    comparison = compare_captures(*names)
    assert comparison.reasons[0] == "candidate's records are of fewer than 4 moments"


def test_shifted_traffic_is_inconclusive(tmp_path):
    """An attack is other traffic, not a worse release; the reason names its path."""
    attack = Conditions(attack_share=0.5)
    after = replace(AFTER_SMALL, conditions=lambda _: attack)
    comparison = compare_captures(*write_pair(tmp_path, SMALL, after))
    assert comparison.verdict is Verdict.INCONCLUSIVE
    shifts = [one for one in comparison.reasons if "traffic mix shifted" in one]
    assert any("between paths (limit 20%), the most for /" in one for one in shifts)


def test_unlike_fields_are_inconclusive(tmp_path):
    """A field that one side lacks leaves its metrics open, and the verdict too."""
    fields = tuple(one for one in AFTER.fields if one != "EdgeTimeToFirstByteMs")
    names = write_pair(tmp_path, SMALL, replace(AFTER_SMALL, fields=fields))
    comparison = compare_captures(*names)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.reasons[0] == (
        "ttfb_p50: EdgeTimeToFirstByteMs was recorded in the baseline only"
    )


def test_fields_of_neither_side_are_skipped(tmp_path):
    """What neither side recorded is skipped with its reason; nothing hangs on it."""
    fields = PRESETS["default"]
    names = write_pair(
        tmp_path, replace(SMALL, fields=fields), replace(AFTER_SMALL, fields=fields)
    )
    comparison = compare_captures(*names)
    assert comparison.verdict is Verdict.PASS
    reasons = {one.metric.name: one.reason for one in comparison.metrics if one.reason}
    assert reasons["ttfb_p95"] == "needs fields not recorded: EdgeTimeToFirstByteMs"
    assert set(outcomes(comparison).values()) == {"unchanged", "skipped"}


def test_data_that_must_be_there(tmp_path):
    """A metric that must have data makes its lack inconclusive."""
    fields = ("ClientRequestURI", "EdgeStartTimestamp", "RayID")
    names = write_pair(
        tmp_path, replace(SMALL, fields=fields), replace(AFTER_SMALL, fields=fields)
    )
    comparison = compare_captures(*names)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.reasons == (
        "edge_5xx_rate: needs fields not recorded: EdgeResponseStatus",
    )


def test_notes_say_what_before_and_after_hide(store):
    """A verdict over captures of two times says so."""
    after = compare_captures(store, ["before"], ["same"])
    assert len(after.notes) == 1
    assert after.notes[0].startswith("the sides were recorded 59 min apart: ")
    reverse = compare_captures(store, ["same"], ["before"])
    assert reverse.notes[0] == "the candidate was recorded before the baseline"


def test_paths_say_where_to_look(tmp_path):
    """A path that fails, a new one that does, and one that nobody asks for."""
    comparison = compare_captures(*write_broken_paths(tmp_path))
    worse = comparison.paths.worse
    assert [one.path for one in worse] == ["/orders/:id/items"]
    assert worse[0].candidate.server_errors == 60
    assert worse[0].more_bad == 60
    assert [one.path for one in comparison.paths.new_errors] == [
        "/orders/:id/items",
        "/new",
    ]
    assert [one.path for one in comparison.paths.vanished] == ["/old"]


def write_broken_paths(root):
    """Write captures record by record, for paths that are made to be found."""

    def record(second, path, status=200):
        moment = f"2026-03-01T12:00:{second % 60:02d}+00:00"
        return {
            "EdgeStartTimestamp": moment,
            "ClientRequestURI": path,
            "EdgeResponseStatus": status,
        }

    before = [record(i, f"/orders/{i}/items") for i in range(300)]
    before += [record(i, "/") for i in range(300)] + [
        record(i, "/old") for i in range(60)
    ]
    after = [
        record(i, f"/orders/{i}/items", 500 if i % 5 == 0 else 200) for i in range(300)
    ]
    after += [record(i, "/") for i in range(300)]
    after += [record(i, "/new", 404) for i in range(20)]
    write_capture(root, "one", before)
    write_capture(root, "two", after)
    return str(root), ["one"], ["two"]


def test_parts_of_one_capture_are_compared(store):
    """A condition on each side makes a concurrent comparison of one capture."""
    comparison = compare_captures(
        store,
        ["errors"],
        ["errors"],
        baseline_where="host = 'static.example.com' -- cached",
        candidate_where="host = 'api.example.com'",
    )
    assert comparison.verdict is Verdict.INCONCLUSIVE  # they have no path in common
    assert {one.dimension for one in comparison.mix} == {"method", "path"}
    assert outcomes(comparison)["edge_5xx_rate"] == "worse"
    assert comparison.notes == ()
    before, after = comparison.baseline, comparison.candidate
    assert 0 < before.records < before.readable == after.readable == 2_000
    assert "api.example.com" in comparison.markdown()


def test_same_part_twice_is_refused(store):
    """The same condition on both sides does not make two sides of one capture."""
    with pytest.raises(InvalidOption):
        compare_captures(
            store,
            ["same"],
            ["same"],
            baseline_where="status < 500",
            candidate_where="status < 500",
        )


@pytest.mark.parametrize(
    "where", ["nothing = 1", "true) ; drop view requests --", "host", "1 +"]
)
def test_wrong_conditions(where, store):
    """What is no condition, or more than one, is refused as any wrong SQL is."""
    with pytest.raises(InvalidQuery):
        compare_captures(store, ["before"], ["same"], candidate_where=where)


def own_metric(root, sql):
    (root / "own.sql").write_text(sql)
    (root / "own.toml").write_text("[metrics.own]\nsql = 'own.sql'\ncritical = true\n")
    settings = read_settings(root / "own.toml")
    own = tuple(one for one in settings.metrics if one.name == "own")
    return replace(settings, metrics=own)


def test_own_query_is_compared(store, tmp_path):
    """A query of one number is a metric, its certainty found by leaving time out."""
    sql = "select avg(is_server_error::int) as value from requests"
    settings = own_metric(tmp_path, sql)
    comparison = compare_captures(store, ["before"], ["errors"], settings=settings)
    assert comparison.verdict is Verdict.FAIL
    builtin = compare_captures(store, ["before"], ["errors"]).metrics[0].effect
    effect = comparison.metrics[0].effect
    assert (effect.baseline, effect.candidate) == pytest.approx(
        (builtin.baseline, builtin.candidate)
    )
    assert (effect.lower, effect.upper) == pytest.approx(
        (builtin.lower, builtin.upper), abs=0.003
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 1 from range(2)", "own: 2 rows where one is expected"),
        ("select 1 as a, 2 as b", "own: none of its 2 columns is named value"),
        ("select 'x' as value", "own: 'x' is no number"),
        ("copy requests to 'x.csv'", "only queries are allowed, not copy"),
        ("select nothing from requests", "Binder Error"),
    ],
)
def test_wrong_queries(sql, message, store, tmp_path):
    """What gives no number, or would do more than read, is refused in words."""
    settings = own_metric(tmp_path, sql)
    with pytest.raises(InvalidQuery, match=message):
        compare_captures(store, ["before"], ["same"], settings=settings)


def test_query_without_an_answer_is_skipped(store, tmp_path):
    """Null is no number and no error."""
    settings = own_metric(tmp_path, "select null as value")
    comparison = compare_captures(store, ["before"], ["same"], settings=settings)
    assert comparison.metrics[0].reason == "the baseline gives no value"
    assert comparison.verdict is Verdict.PASS
