"""The emulator's settings and faults: their ranges and their text form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, Fault, FaultKind, parse_fault
from instant_logs_plugin.errors import InvalidOption


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("scenario", "calm"),
        ("at_end", "stop"),
        ("on_second", "queue"),
        ("end_by", "reset"),
        ("interval_rule", "both"),
        ("times", "iso"),
        ("reply_form", "old"),
        ("rate", 0),
        ("rate", -1),
        ("rate", float("nan")),
        ("max_rate", 0),
        ("limit", -1),
        ("tick_s", 0),
        ("time_scale", float("inf")),
        ("records_per_message", 0),
        ("port", 65536),
        ("stream_port", -1),
        ("replay", Path("no-such-file")),
    ],
)
def test_settings_are_checked(option: str, value: Any) -> None:
    """A setting outside its range names the option."""
    with pytest.raises(InvalidOption) as caught:
        EmulatorConfig(**{option: value})
    assert caught.value.option == option


def test_the_token_is_not_in_the_repr() -> None:
    """A configuration may be logged."""
    assert "s3cret" not in repr(EmulatorConfig(token="s3cret"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop", Fault(kind=FaultKind.DROP)),
        ("drop:after=500", Fault(kind=FaultKind.DROP, after=500)),
        (
            "close:code=1013,session=2",
            Fault(kind=FaultKind.CLOSE, code=1013, session=2),
        ),
        ("post-429:retry=7,times=2", Fault(kind=FaultKind.POST_429, retry=7, times=2)),
        ("malformed:every=3,", Fault(kind=FaultKind.MALFORMED, every=3)),
    ],
)
def test_faults_have_a_text_form(text: str, fault: Fault) -> None:
    """A kind, and numbers by name."""
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "explode",
        "Drop",
        "drop:500",
        "drop:after=",
        "drop:after=-1",
        "drop:after=1.5",
        "drop:after=٣",
        "drop:kind=1",
        "drop:when=3",
        "close:code=1006",
        "close:code=99",
        "malformed:every=0",
        "huge:mb=0",
        "post-500:times=0",
    ],
)
def test_wrong_faults_are_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidOption):
        parse_fault(text)


@pytest.mark.parametrize(
    ("text", "attempts"),
    [
        ("post-500", [1]),
        ("post-500:times=3", [1, 2, 3]),
        ("post-500:session=2,times=2", [2, 3]),
        ("post-500:session=0", [1, 2, 3, 4, 5]),
        ("drop", []),
    ],
)
def test_faults_of_creates_hit_consecutive_requests(
    text: str, attempts: list[int]
) -> None:
    """They begin with the n-th create; 0 hits every one."""
    fault = parse_fault(text)
    assert [n for n in range(1, 6) if fault.hits_create(n)] == attempts
