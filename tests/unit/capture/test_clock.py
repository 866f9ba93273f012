"""Bounds by the monotonic clock, labels by the wall clock at the start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from instant_logs_plugin.capture.clock import Clock
from instant_logs_plugin.capture.window import Bounds, CaptureWindow, EndReason, Step

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class TwoClocks:
    """A monotonic clock that is told to go on, and a wall clock that may jump."""

    def __init__(self) -> None:
        self.monotonic_s, self.wall = 1000.0, NOON

    def go_on(self, seconds: float, *, jump_s: float = 0.0) -> None:
        self.monotonic_s += seconds
        self.wall += timedelta(seconds=seconds + jump_s)

    def start(self) -> Clock:
        return Clock(self.monotonic_s, self.wall, read=lambda: self.monotonic_s)


def test_a_jump_of_the_wall_clock_changes_no_bound():
    """An hour forth or back in the middle: the capture lasts as long as asked."""
    for jump_s in (3600.0, -3600.0):
        clocks = TwoClocks()
        clock, window = clocks.start(), CaptureWindow(Bounds(duration_s=60.0))
        window.opened(clock.now())
        clocks.go_on(30.0, jump_s=jump_s)
        assert window.plan(clock.now()).step is Step.RECEIVE
        clocks.go_on(29.9)
        assert window.plan(clock.now()).step is Step.RECEIVE
        clocks.go_on(0.1)
        assert window.plan(clock.now()).step is Step.CLOSE
        assert window.end_reason is EndReason.DURATION
        assert window.coverage(clock.now()) == 1.0


def test_labels_keep_their_order_whatever_the_wall_clock_does():
    """They go on from the wall time of the start, so no gap has a negative length."""
    clocks = TwoClocks()
    clock = clocks.start()
    first = clock.now_us()
    clocks.go_on(5.0, jump_s=-7200.0)
    assert clock.now_us() - first == 5_000_000
    assert clock.to_wall(clock.now()) == NOON + timedelta(seconds=5)
