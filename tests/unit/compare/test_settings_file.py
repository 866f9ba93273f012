"""Settings in TOML: what they change, and one line for every mistake."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from instant_logs_plugin.analysis.compare.metrics import (
    DEFAULT_METRICS,
    Direction,
    Kind,
)
from instant_logs_plugin.analysis.compare.settings import CompareSettings
from instant_logs_plugin.analysis.compare.settings_file import (
    parse_settings,
    read_settings,
)
from instant_logs_plugin.errors import InvalidOption, InvalidQuery


def parse(text: str, directory: Path = Path()) -> CompareSettings:
    return parse_settings(tomllib.loads(text), directory=directory)


def by_name(settings: CompareSettings):
    return {metric.name: metric for metric in settings.metrics}


def test_nothing_said_is_the_default():
    """An empty file changes nothing."""
    assert parse("") == CompareSettings()


def test_limits_and_rules_change():
    """What is said replaces the default, the rest stays."""
    settings = parse(
        """
        confidence = 0.99
        min_records = 500
        max_mix_shift = 1

        [metrics.ttfb_p95]
        min_effect = 50
        critical = false

        [metrics.requests_per_s]
        direction = "higher_is_worse"

        [metrics.edge_4xx_rate]
        enabled = false
        """
    )
    assert (settings.confidence, settings.min_records) == (0.99, 500)
    assert settings.max_mix_shift == 1.0
    metrics = by_name(settings)
    assert len(metrics) == len(DEFAULT_METRICS) - 1
    assert (metrics["ttfb_p95"].min_effect, metrics["ttfb_p95"].critical) == (50, False)
    assert metrics["ttfb_p95"].min_relative_effect == 0.15
    assert metrics["requests_per_s"].direction is Direction.HIGHER_IS_WORSE


def test_own_metric(tmp_path):
    """A query file beside the settings becomes a metric, its header read."""
    (tmp_path / "slow.sql").write_text("select avg(ttfb_ms) as value from requests;")
    (tmp_path / "s.toml").write_text(
        '[metrics.slow]\nsql = "slow.sql"\nunit = "ms"\nmust_have_data = true\n'
    )
    metric = by_name(read_settings(tmp_path / "s.toml"))["slow"]
    assert (metric.kind, metric.unit, metric.must_have_data) == (Kind.QUERY, "ms", True)
    assert metric.query is not None
    assert metric.query.sql == "select avg(ttfb_ms) as value from requests"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("confidance = 0.9", "a key is 'confidance', not one of confidence, "),
        ("confidence = 1", "confidence is 1.0, not from 0.5 to 0.9999"),
        ("confidence = nan", "confidence is nan, not from 0.5 to 0.9999"),
        ("confidence = '0.9'", "confidence is '0.9', not a number"),
        ("min_records = 0", "min_records is 0, not at least 1"),
        ("min_records = 1.5", "min_records is 1.5, not a whole number"),
        ("min_records = true", "min_records is True, not a whole number"),
        ("min_coverage = 95", "min_coverage is 95.0, not from 0 to 1"),
        ("metrics = 1", "metrics is 1, not tables like [metrics.ttfb_p95]"),
        ("[metrics]\nttfb_p95 = 1", "metrics.ttfb_p95 is 1, not a table "),
        ("[metrics.tfb_p95]", "metrics is 'tfb_p95', not 'ttfb_p95', or a metric "),
        ("[metrics.zzz]", "metrics is 'zzz', not one of edge_5xx_rate, "),
        ("[metrics.ttfb_p95]\nsql = 'x'", "a key of metrics.ttfb_p95 is 'sql', not "),
        (
            "[metrics.ttfb_p95]\ndirection = 'up'",
            "metrics.ttfb_p95.direction is 'up', not higher_is_worse or lower_is_worse",
        ),
        ("[metrics.ttfb_p95]\ncritical = 1", "metrics.ttfb_p95.critical is 1, not tr"),
        (
            "[metrics.ttfb_p95]\nmin_effect = -1",
            "metrics.ttfb_p95.min_effect is -1.0, not at least 0",
        ),
        (
            "[metrics.ttfb_p95]\nmin_records = 0",
            "metrics.ttfb_p95.min_records is 0, not at least 1",
        ),
        ("[metrics.Own]\nsql = 'x.sql'", "metrics is 'Own', not a name like "),
        ("[metrics.own]\nsql = 1", "metrics.own.sql is 1, not text in quotes"),
        ("[metrics.own]\nsql = 'no.sql'", "metrics.own.sql is 'no.sql', not a readab"),
    ],
)
def test_mistakes(text, message, tmp_path):
    """Each names the key, the value and what is allowed, in one line."""
    with pytest.raises(InvalidOption) as caught:
        parse(text, tmp_path)
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


def test_no_metric_left():
    """A comparison of nothing is refused."""
    tables = "".join(f"[metrics.{m.name}]\nenabled = false\n" for m in DEFAULT_METRICS)
    with pytest.raises(InvalidOption, match="at least one enabled metric"):
        parse(tables)


def test_wrong_header_of_a_query(tmp_path):
    """A query file whose header is wrong is told as everywhere."""
    (tmp_path / "own.sql").write_text("-- name: other\nselect 1")
    with pytest.raises(InvalidQuery):
        parse("[metrics.own]\nsql = 'own.sql'", tmp_path)


@pytest.mark.parametrize("content", [None, b"a = ", b"\xff", b"a = 1\na = 2"])
def test_unreadable_files(content, tmp_path):
    """No file, no TOML, no UTF-8: one line that says which it is."""
    path = tmp_path / "s.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidOption, match="not readable TOML: ") as caught:
        read_settings(path)
    assert str(caught.value).isprintable()
