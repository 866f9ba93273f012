"""Records delivered twice around a stream's opening."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instant_logs_plugin.capture.framing import Framed
from instant_logs_plugin.capture.overlap import Overlap


def framed(*lines: str | bytes) -> Framed:
    data = (line.encode() if isinstance(line, str) else line for line in lines)
    return Framed(b"".join(line + b"\n" for line in data), len(lines))


def record(ray_id: object, **others: object) -> str:
    return json.dumps({"EdgeResponseStatus": 200, "RayID": ray_id, **others})


A, B, C = record("a1"), record("b2"), record("c3")


def test_a_record_delivered_again_is_dropped():
    """The first stream's last records are known to the second."""
    overlap = Overlap(is_told=True)
    overlap.opened(0.0)
    assert overlap.keep(framed(A, B), 1.0) == framed(A, B)
    overlap.opened(2.0)
    assert overlap.keep(framed(B, C, A), 2.5) == framed(C)


def test_one_stream_alone_has_no_duplicates():
    """Ray ids are not globally unique: within a stream none is compared."""
    overlap = Overlap(is_told=True)
    overlap.opened(0.0)
    assert overlap.keep(framed(A, A), 1.0) == framed(A, A)
    assert overlap.keep(framed(A), 2.0) == framed(A)


def test_only_the_moments_around_an_opening_are_compared():
    """What came long before, or comes long after it, is another request."""
    overlap = Overlap(is_told=True, span_s=10.0)
    overlap.keep(framed(A), 0.0)
    overlap.keep(framed(B), 11.0)
    overlap.opened(12.0)
    assert overlap.keep(framed(A), 13.0) == framed(A)
    assert overlap.keep(framed(B), 21.9) == framed()
    assert overlap.keep(framed(B), 22.0) == framed(B)


def test_without_ray_ids_every_line_is_kept():
    """Nothing is remembered then either."""
    overlap = Overlap(is_told=False)
    overlap.keep(framed(A), 0.0)
    overlap.opened(1.0)
    assert overlap.keep(framed(A), 1.0) == framed(A)
    assert overlap.held_bytes == 0


@pytest.mark.parametrize(
    "line",
    [
        record(""),
        record(None),
        record(7),
        '{"RayID":"a1"',
        "not json",
        '{"Note":"\\"RayID\\":\\"a1\\""}',
        '{"RequestHeaders":{"RayID":"a1"},"RayID":"other"}',
        '{"RayID":"a1","RayID":"other"}',
        '[{"RayID":"a1"},{"RayID":"a1"}]',
        b'{"RayID":"a1","RayID":"' + b"\xff" + b'"}',
    ],
)
def test_what_is_not_surely_a_duplicate_is_kept(line):
    """Only the record's own ray id counts; a cut line has no second key to tell."""
    overlap = Overlap(is_told=True)
    overlap.keep(framed('{"RayID":"zz"}', record("a1")), 0.0)
    overlap.opened(1.0)
    kept = overlap.keep(framed(line), 1.0)
    assert kept == (framed() if line == '{"RayID":"a1"' else framed(line))


def test_memory_is_bounded():
    """The oldest lines are forgotten first, and a huge message in part."""
    overlap = Overlap(is_told=True, limit_bytes=1000)
    for number in range(100):
        overlap.keep(framed(record(f"r{number}")), 1.0)
        assert overlap.held_bytes <= 1000
    overlap.keep(framed(record("huge", x="y" * 5000), A), 1.0)
    assert overlap.held_bytes <= 1000
    overlap.opened(2.0)
    assert overlap.keep(framed(A, record("r0")), 2.0) == framed(record("r0"))


@given(st.lists(st.lists(st.integers(0, 30), max_size=8), min_size=2, max_size=6))
def test_each_record_is_kept_at_least_once(streams):
    """Whatever is repeated, nothing is lost, and later streams add only news."""
    overlap, kept, now = Overlap(is_told=True), [], 0.0
    for stream in streams:
        overlap.opened(now)
        lines = framed(*(record(f"r{number}") for number in stream))
        kept.append(overlap.keep(lines, now))
        now += 0.1
    ids = [{json.loads(x)["RayID"] for x in one.data.splitlines()} for one in kept]
    sent = {f"r{number}" for stream in streams for number in stream}
    assert set().union(*ids) == sent
    assert sum(map(len, ids)) == len(sent)


def test_a_stream_alone_costs_next_to_nothing():
    """Lines are only kept in mind: the cost is per batch, not per line."""
    overlap = Overlap(is_told=True)
    batch = framed(*(record(f"r{number}") for number in range(1000)))
    started = time.perf_counter()
    for number in range(1000):
        overlap.keep(batch, number / 100)
    assert time.perf_counter() - started < 0.5
