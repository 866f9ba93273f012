"""Synthetic and recorded traffic: reproducible, coherent, complete."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.edge.fields import PRESETS, FieldType, find_field
from instant_logs_plugin.edge.filters import parse_filter
from instant_logs_plugin.emulator import EmulatorConfig
from instant_logs_plugin.emulator.feed import open_feed
from instant_logs_plugin.emulator.registry import Job, ServedSession
from instant_logs_plugin.emulator.rendering import compile_renders
from instant_logs_plugin.emulator.replay import parse_combined, read_replay
from instant_logs_plugin.emulator.scenarios import SCENARIOS
from instant_logs_plugin.emulator.traffic import Request, Traffic
from instant_logs_plugin.errors import InvalidOption

AT_S = 1_767_225_600.0
LOG = (
    '192.0.2.1 - - [17/May/2015:10:05:03 +0200] "GET /a/b?q=1 HTTP/1.1" 200 203 '
    '"http://example.org/" "Agent \\"x\\" 1.0"'
)
TYPES: dict[FieldType, Any] = {
    FieldType.STRING: str,
    FieldType.INT: int,
    FieldType.FLOAT: float,
    FieldType.BOOL: bool,
    FieldType.STRING_LIST: list,
    FieldType.INT_LIST: list,
    FieldType.OBJECT: dict,
    FieldType.TIMESTAMP: str,
}


def draw(scenario: str, since_s: float, *, seed: int = 1) -> list[Request]:
    conditions = SCENARIOS[scenario](since_s)
    traffic = Traffic(seed, 1)
    return [traffic.draw(AT_S, conditions) for _ in range(4000)]


def share(requests: list[Request], is_counted: Any) -> float:
    return sum(map(is_counted, requests)) / len(requests)


def make_session(number: int = 1, **job: Any) -> ServedSession:
    return ServedSession(
        session_id="0" * 32,
        number=number,
        zone_id="z",
        job=Job(**{"fields": PRESETS["default"]} | job),
        created_at=0.0,
        unread_since=None,
    )


def iter_lines(
    config: EmulatorConfig,
    session: ServedSession,
    records: list[dict[str, Any]] | None = None,
) -> Iterator[dict[str, Any]]:
    feed = open_feed(config, session, records, elapsed_s=0.0)
    elapsed_s = 0.0
    while not feed.is_over:
        elapsed_s += 0.5
        feed.advance(elapsed_s)
        while feed.is_due:
            yield from map(json.loads, feed.take(AT_S))


def test_a_seed_is_a_traffic() -> None:
    """The same seed gives the same bytes, another one others."""

    def lines(seed: int) -> list[dict[str, Any]]:
        config = EmulatorConfig(seed=seed, limit=300, rate=100)
        return list(iter_lines(config, make_session(fields=PRESETS["all"])))

    assert lines(1) == lines(1) != lines(2)
    assert len({line["RayID"] for line in lines(1)}) == 300


def test_each_field_has_its_type() -> None:
    """Every field of the catalogue is sent, in the order asked, as its type."""
    names = tuple(reversed(PRESETS["all"]))
    (line,) = iter_lines(EmulatorConfig(limit=1), make_session(fields=names))
    assert list(line) == [*names, "sampleInterval"]
    wrong = [n for n in names if type(line[n]) is not TYPES[find_field(n).type]]
    assert wrong == []


@pytest.mark.parametrize("preset", sorted(set(PRESETS) - {"all"}))
def test_fields_of_presets_vary_or_are_meant_to_be_constant(preset: str) -> None:
    """No field of a preset is always empty."""
    requests = draw("attack", 1.0) + draw("steady", 1.0)
    silent = {
        name
        for name, render in compile_renders(PRESETS[preset])
        if not any(render(request) for request in requests)
    }
    assert silent == set()


def test_unknown_and_retired_names_are_silently_absent() -> None:
    """As on the service."""
    names = ("NoSuchField", "RayID", "FirewallMatchesActions")
    (line,) = iter_lines(EmulatorConfig(limit=1), make_session(fields=names))
    assert list(line) == ["RayID", "sampleInterval"]


@pytest.mark.parametrize(
    ("scenario", "is_counted"),
    [
        ("deploy-regression", lambda r: r.status >= 500),
        ("deploy-regression", lambda r: r.ttfb_ms > 120),
        ("attack", lambda r: r.is_attack),
        ("cache-purge", lambda r: r.cache == "miss"),
    ],
)
def test_a_scenario_shows_behind_its_onset(scenario: str, is_counted: Any) -> None:
    """Before it the traffic is the steady one."""
    steady = share(draw("steady", 1.0), is_counted)
    assert share(draw(scenario, -1.0), is_counted) == steady
    assert share(draw(scenario, 1.0), is_counted) > 1.5 * steady


def test_a_flash_crowd_rises_and_falls() -> None:
    """The rate is tenfold within seconds."""
    factors = [SCENARIOS["flash-crowd"](at).rate_factor for at in (-1, 10, 600)]
    assert factors[0] == 1.0
    assert factors[1] > 8
    assert factors[2] < 3


def test_conditions_leave_unconcerned_requests_as_they_are() -> None:
    """An event changes answers, not who asks for what."""
    for steady, deployed in zip(
        draw("steady", 1.0), draw("deploy-regression", 1.0), strict=True
    ):
        assert steady.bits == deployed.bits
        assert steady.visitor is deployed.visitor
        assert steady.target is deployed.target


def test_values_hang_together() -> None:
    """A hit has no origin, security lists are parallel, bodies are part of all."""
    names = ("SecurityActions", "SecurityRuleIDs", "SecuritySources")
    renders = compile_renders(names)
    for request in draw("attack", 1.0):
        assert len({len(render(request)) for _, render in renders}) == 1
        assert request.cache != "hit" or request.origin_ms == request.origin_status == 0
        assert request.body_bytes < request.all_bytes
        assert request.origin_ms < request.ttfb_ms


def test_a_filter_sees_the_values_that_are_sent() -> None:
    """Every record that passes satisfies the filter, and some do not pass."""
    text = "ClientRequestBytes >= 1000 and BotScore < 50"
    session = make_session(
        fields=("ClientRequestBytes", "BotScore"), filter=parse_filter(text)
    )
    lines = list(iter_lines(EmulatorConfig(limit=2000), session))
    assert 0 < len(lines) < 2000
    assert all(one["ClientRequestBytes"] >= 1000 for one in lines)
    assert all(one["BotScore"] < 50 for one in lines)


@pytest.mark.parametrize(
    ("rule", "sample", "interval"),
    [("excluded", 1, 4), ("excluded", 5, 4), ("included", 5, 20), ("absent", 5, None)],
)
def test_samples_are_of_the_right_size(
    rule: str, sample: int, interval: int | None
) -> None:
    """The server samples above its rate, the client's sample comes on top."""
    config = EmulatorConfig(limit=8000, rate=400, max_rate=100, interval_rule=rule)
    lines = list(iter_lines(config, make_session(sample=sample)))
    assert {line.get("sampleInterval") for line in lines} == {interval}
    assert len(lines) == pytest.approx(8000 / 4 / sample, rel=0.2)


def test_timestamps_are_just_behind_now() -> None:
    """Three to five seconds behind, whole seconds, not quite in order."""
    config = EmulatorConfig(limit=500)
    times = [one["EdgeStartTimestamp"] for one in iter_lines(config, make_session())]
    assert set(times) <= {f"2025-12-31T23:59:{second}Z" for second in (55, 56, 57)}
    assert times != sorted(times)


@pytest.mark.parametrize(("form", "digits"), [("unix", 10), ("unix-ns", 19)])
def test_timestamps_come_as_numbers_too(form: str, digits: int) -> None:
    """The dataset's type is int or string."""
    (line,) = iter_lines(EmulatorConfig(limit=1, times=form), make_session())
    assert len(str(line["EdgeStartTimestamp"])) == digits


def test_a_lag_is_not_caught_up() -> None:
    """What a blocked reader did not read is gone."""
    feed = open_feed(EmulatorConfig(rate=100), make_session(), None, elapsed_s=0.0)
    feed.advance(3600.0)
    assert len(feed.take(AT_S)) == 100
    assert not feed.is_due


def test_a_line_of_an_access_log_is_a_record() -> None:
    """All of it is kept; the rest is empty by type; time zones become UTC."""
    record = parse_combined(LOG, 26)
    assert record is not None
    assert {name: value for name, value in record.items() if value} == {
        "ClientIP": "192.0.2.1",
        "ClientRequestHost": "www.example.com",
        "ClientRequestMethod": "GET",
        "ClientRequestPath": "/a/b",
        "ClientRequestProtocol": "HTTP/1.1",
        "ClientRequestReferer": "http://example.org/",
        "ClientRequestURI": "/a/b?q=1",
        "ClientRequestUserAgent": 'Agent \\"x\\" 1.0',
        "EdgeEndTimestamp": "2015-05-17T08:05:03Z",
        "EdgeRequestHost": "www.example.com",
        "EdgeResponseBytes": 203,
        "EdgeResponseStatus": 200,
        "EdgeStartTimestamp": "2015-05-17T08:05:03Z",
        "RayID": "000000000000001a",
    }
    assert record["SecurityActions"] == []


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        (" 203 ", " - ", "EdgeResponseBytes", 0),
        ('"http://example.org/"', '"-"', "ClientRequestReferer", ""),
        ("GET /a/b?q=1 HTTP/1.1", "GET /old", "ClientRequestURI", "/old"),
        ("GET /a/b?q=1 HTTP/1.1", "GET /a b HTTP/1.0", "ClientRequestURI", "/a b"),
        ("GET /a/b?q=1 HTTP/1.1", "-", "ClientRequestMethod", "-"),
        ("GET /a/b?q=1 HTTP/1.1", "\\x16\\x03", "ClientRequestURI", ""),
        (' 1.0"', " 1.0", "ClientRequestUserAgent", 'Agent \\"x\\" 1.0'),
    ],
)
def test_odd_lines_of_access_logs(old: str, new: str, field: str, value: Any) -> None:
    """No size, no referer, no protocol, rubbish, a cut line."""
    record = parse_combined(LOG.replace(old, new), 1)
    assert record is not None
    assert record[field] == value


@pytest.mark.parametrize("is_zipped", [False, True])
def test_a_replay_is_told_as_recorded(tmp_path: Path, *, is_zipped: bool) -> None:
    """Values keep their forms; what a record lacks stays away; order is kept."""
    recorded = [{"RayID": "é", "sampleInterval": 10, "X": 1}, {"RayID": 2**80}, {}]
    data = "\n\n".join(map(json.dumps, recorded)).encode()
    path = tmp_path / ("a.ndjson.gz" if is_zipped else "a.ndjson")
    path.write_bytes(gzip.compress(data) if is_zipped else data)
    config = EmulatorConfig(replay=path, rate=0)
    session = make_session(fields=("Y", "RayID"))
    assert list(iter_lines(config, session, read_replay(path))) == [
        {"RayID": "é", "sampleInterval": 10},
        {"RayID": 2**80, "sampleInterval": 1},
        {"sampleInterval": 1},
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.ndjson", b""),
        ("a.ndjson", b'{"a":1}\n{"a":'),
        ("a.log", LOG.encode() + b"\nrubbish"),
        ("a.log", LOG.replace("May", "Mai").encode()),
        ("a.gz", b"not zipped"),
        ("a.gz", gzip.compress(LOG.encode())[:-9]),
    ],
)
def test_unreadable_replays_are_refused(tmp_path: Path, name: str, data: bytes) -> None:
    """Before anything is served, not in the middle of it."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InvalidOption, match="replay"):
        read_replay(path)


def test_the_real_log_is_read_whole() -> None:
    """Counts by method and the sum of bytes are those of the file."""
    path = Path("/work/shared/data/access.log.gz")
    if not path.exists():
        pytest.skip("the shared log is not here")
    records = read_replay(path)
    methods = Counter(record["ClientRequestMethod"] for record in records)
    assert methods == {"GET": 9952, "HEAD": 42, "POST": 5, "OPTIONS": 1}
    with gzip.open(path) as file:
        columns = [line.split() for line in file]
    total = sum(int(column[9]) for column in columns if column[9] != b"-")
    assert sum(record["EdgeResponseBytes"] for record in records) == total
