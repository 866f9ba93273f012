"""The capture's state machine."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instant_logs_plugin.capture.window import (
    Bounds,
    CaptureWindow,
    EndReason,
    GapReason,
    Plan,
    Span,
    Step,
)
from instant_logs_plugin.errors import InvalidOption


def open_window(**bounds: float) -> CaptureWindow:
    window = CaptureWindow(Bounds(**{"duration_s": 60.0} | bounds))
    window.opened(100.0)
    return window


def receive(window: CaptureWindow, now: float, lines: int, size: int = 10) -> None:
    window.received(now, lines=lines, byte_count=lines * size, messages=1)


@pytest.mark.parametrize(
    ("bound", "option", "value"),
    [
        ("duration_s", "duration", 0),
        ("duration_s", "duration", float("inf")),
        ("duration_s", "duration", 1e12),
        ("drain_s", "drain", 1e12),
        ("max_records", "max_records", 0),
        ("max_bytes", "max_bytes", -1),
        ("warm_up_s", "warm_up", -1),
        ("drain_s", "drain", float("nan")),
        ("renew_after_s", "renew_after", 0),
        ("renew_after_s", "renew_after", 3600),
    ],
)
def test_bounds_are_checked(bound: str, option: str, value: float) -> None:
    """A bound outside its range names the option, as users know it, and the value."""
    with pytest.raises(InvalidOption) as caught:
        Bounds(**{"duration_s": 1.0} | {bound: value})
    assert caught.value.option == option


def test_nothing_is_known_before_the_first_stream() -> None:
    """Without a stream there is no window, no gap and no coverage."""
    window = CaptureWindow(Bounds(duration_s=60))
    assert window.plan(5.0) == Plan(Step.OPEN)
    assert window.start is None
    assert window.gaps(9.0) == ()
    assert window.coverage(9.0) == 0.0


def test_duration_ends_the_window() -> None:
    """The window ends at its end, exclusive."""
    window = open_window()
    assert window.plan(159.999) == Plan(Step.RECEIVE, 160.0)
    assert window.plan(160.0) == Plan(Step.CLOSE)
    assert window.end_reason is EndReason.DURATION
    assert list(window.spans(161.0)) == [Span(100.0, 160.0)]
    assert window.coverage(161.0) == 1.0


def test_warm_up_and_drain_lie_outside_the_window() -> None:
    """Receiving starts before the window and goes on behind it."""
    window = open_window(warm_up_s=5, drain_s=3)
    assert (window.start, window.end) == (105.0, 165.0)
    assert window.plan(166.0) == Plan(Step.RECEIVE, 168.0)
    assert window.plan(168.0).step is Step.CLOSE
    assert list(window.spans(170.0)) == [Span(105.0, 165.0)]


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ({"max_records": 5}, EndReason.MAX_RECORDS),
        ({"max_bytes": 50}, EndReason.MAX_BYTES),
        ({"max_records": 5, "max_bytes": 50}, EndReason.MAX_RECORDS),
    ],
)
def test_counts_end_the_window(bounds: dict, reason: EndReason) -> None:
    """The record that meets a count ends the window there and then."""
    window = open_window(**bounds)
    receive(window, 101.0, 4)
    assert window.plan(101.0).step is Step.RECEIVE
    receive(window, 102.0, 1)
    assert window.plan(102.0).step is Step.CLOSE
    assert window.end_reason is reason
    assert window.end == 102.0
    assert window.coverage(103.0) == 1.0


def test_a_lost_stream_is_a_gap_until_the_next() -> None:
    """The gap starts with the loss, ends with the next stream, has its reason."""
    window = open_window()
    window.lost(110.0, GapReason.STREAM_LOST)
    assert window.plan(110.0) == Plan(Step.OPEN, 160.0)
    window.lost(112.0, GapReason.RATE_LIMITED)
    window.opened(115.0)
    window.plan(160.0)
    assert window.gaps(160.0) == (
        Span(110.0, 112.0, GapReason.STREAM_LOST),
        Span(112.0, 115.0, GapReason.RATE_LIMITED),
    )
    assert window.coverage(160.0) == pytest.approx(55 / 60)


def test_a_gap_reaches_to_the_end() -> None:
    """A stream that never comes back leaves the rest of the window as a gap."""
    window = open_window()
    window.lost(130.0, GapReason.SERVICE_UNAVAILABLE)
    window.stop(140.0, EndReason.STREAM_FAILED)
    expected = (Span(130.0, 160.0, GapReason.SERVICE_UNAVAILABLE),)
    assert window.gaps(140.0) == expected
    assert window.coverage(140.0) == pytest.approx(0.5)


def test_an_interruption_cuts_the_window() -> None:
    """What was not asked for any more is no gap; later reasons change nothing."""
    window = open_window()
    window.stop(110.0, EndReason.INTERRUPTED)
    window.stop(120.0, EndReason.STREAM_FAILED)
    assert window.end_reason is EndReason.INTERRUPTED
    assert list(window.spans(130.0)) == [Span(100.0, 110.0)]


def test_a_session_is_renewed_before_it_expires() -> None:
    """A long capture asks for a renewal by the age of the session, each time."""
    window = open_window(duration_s=10_000.0, renew_after_s=3540.0)
    assert window.plan(200.0) == Plan(Step.RECEIVE, 3640.0)
    assert window.plan(3640.0).step is Step.RENEW
    window.lost(3640.0, GapReason.RENEWAL)
    window.opened(3640.5)
    assert window.plan(3641.0) == Plan(Step.RECEIVE, 7180.5)
    assert window.gaps(3641.0) == (Span(3640.0, 3640.5, GapReason.RENEWAL),)


def renew(window: CaptureWindow, heard_until: float, now: float) -> None:
    """The old stream was heard until some time before the new one opened."""
    window.renewing()
    window.lost(heard_until, GapReason.RENEWAL)
    window.opened(now)


ENDS = {"stop": EndReason.INTERRUPTED, "fail": EndReason.STREAM_FAILED}
events = st.lists(
    st.tuples(
        st.floats(0.001, 30),
        st.sampled_from(
            ["open", "lose", "renew", "receive", "repeat", "plan", "stop", "fail"]
        ),
    ),
    max_size=40,
)


@given(events, st.integers(1, 50), st.floats(0, 5), st.floats(0, 5))
def test_spans_always_fill_the_window(
    history: list[tuple[float, str]], max_records: int, warm_up: float, drain: float
) -> None:
    """Recorded spans and gaps touch, and together are the window."""
    window = CaptureWindow(
        Bounds(duration_s=60, max_records=max_records, warm_up_s=warm_up, drain_s=drain)
    )
    now, is_open, opened_at = 1000.0, False, 0.0
    repeated = 0
    for pause, event in history:
        now += pause
        if event == "open" and not is_open and window.end_reason is None:
            window.opened(now)
            is_open, opened_at = True, now
        elif event == "renew" and is_open:
            renew(window, max(opened_at, now - pause / 2), now)
            opened_at = now
        elif event == "repeat" and is_open:
            window.repeated(lines=2, byte_count=20)
            repeated += 2
        elif event == "lose" and is_open:
            window.lost(now, GapReason.STREAM_LOST)
            is_open = False
        elif event == "receive" and is_open:
            receive(window, now, 1)
        elif event == "plan":
            window.plan(now)
        elif event in ENDS:
            window.stop(now, ENDS[event])
        is_open = is_open and window.end_reason is None
    spans = list(window.spans(now))
    assert all(span.start < span.end for span in spans)
    assert all(a.end == b.start for a, b in itertools.pairwise(spans))
    if spans:
        assert spans[0].start == window.start
        asked = window.end if window.end_reason else min(now, window.end or now)
        assert spans[-1].end == asked
    assert 0.0 <= window.coverage(now) <= 1.0
    assert window.duplicate_count == repeated


def test_a_renewal_that_overlaps_leaves_no_gap() -> None:
    """The next stream is open before the old one is left: nothing was missed."""
    window = open_window(duration_s=10_000.0, renew_after_s=3540.0)
    window.renewing()
    assert window.plan(3650.0) == Plan(Step.RECEIVE, 10_100.0)
    window.opened(3651.0)
    assert window.gaps(4000.0) == ()
    assert window.plan(4000.0) == Plan(Step.RECEIVE, 3651.0 + 3540.0)


def test_a_renewal_that_failed_is_due_again() -> None:
    """When it was told to be, and not before."""
    window = open_window(duration_s=10_000.0, renew_after_s=3540.0)
    window.renewing()
    window.renew_at(3660.0)
    assert window.plan(3655.0) == Plan(Step.RECEIVE, 3660.0)
    assert window.plan(3660.0).step is Step.RENEW


def test_duplicates_meet_no_bound() -> None:
    """What came before is counted, and leaves room for what is new."""
    window = open_window(max_records=5, max_bytes=1000)
    window.repeated(lines=100, byte_count=10_000)
    assert (window.lines_left, window.bytes_left) == (5, 1000)
    assert window.plan(101.0).step is Step.RECEIVE


def test_a_session_joined_again_keeps_its_age():
    """A second stream of one session does not put its renewal off."""
    window = CaptureWindow(Bounds(duration_s=7200.0))
    window.opened(100.0)
    window.lost(3000.0, GapReason.STREAM_LOST)
    window.opened(3001.0, session_age_s=2901.0)
    assert window.plan(3001.0) == Plan(Step.RECEIVE, 100.0 + 3540.0)
    assert window.plan(3640.0).step is Step.RENEW
