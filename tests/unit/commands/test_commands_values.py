"""Option values as people write them, and figures as people read them."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instant_logs_plugin.commands.values import (
    format_bytes,
    format_duration,
    parse_bytes,
    parse_choice,
    parse_duration,
    parse_labels,
)
from instant_logs_plugin.errors import InvalidOption

NO_NUMBERS = [
    "",
    " ",
    "-1",
    "+1",
    "1e3",
    "1,5",
    ".5",
    "5.",
    "nan",
    "inf",
    "٣",
    "9" * 400,
]


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark-blue"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("60s", 60),
        ("60", 60),
        ("0", 0),
        ("10m", 600),
        ("1.5h", 5400),
        ("2d", 172_800),
        (" 10 M ", 600),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """A number with a unit, in any case; seconds without one."""
    assert parse_duration("--duration", text) == seconds


@pytest.mark.parametrize("text", [*NO_NUMBERS, "s", "10 minutes", "1h30m", "10MB"])
def test_no_durations(text: str) -> None:
    """What is none names the option, the text and an example."""
    with pytest.raises(InvalidOption) as caught:
        parse_duration("--duration", text)
    assert (caught.value.option, caught.value.value) == ("--duration", text)
    assert "60s" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("1kB", 1000),
        ("1KiB", 1024),
        ("100MB", 100_000_000),
        ("64mib", 67_108_864),
        ("1.5 GB", 1_500_000_000),
        ("2TiB", 2 * 2**40),
        ("0.0001kb", 0),
        ("1.001kb", 1001),
        ("999999999999999tb", 999_999_999_999_999 * 10**12),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """Powers of ten and of two, exact, a part of a byte cut off."""
    assert parse_bytes("--max-bytes", text) == size


@pytest.mark.parametrize("text", [*NO_NUMBERS, "MB", "10 bytes", "1PB", "10s"])
def test_no_sizes(text: str) -> None:
    """What is none names the option, the text and an example."""
    with pytest.raises(InvalidOption) as caught:
        parse_bytes("--max-bytes", text)
    assert (caught.value.option, caught.value.value) == ("--max-bytes", text)
    assert "100MB" in caught.value.hint


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        ([], {}),
        (["a=1", "b=2"], {"a": "1", "b": "2"}),
        (["a=1", "a=2"], {"a": "2"}),
        (["a="], {"a": ""}),
        (["a=b=c"], {"a": "b=c"}),
        (["=x"], {"": "x"}),
    ],
)
def test_labels(texts: list[str], labels: dict[str, str]) -> None:
    """The first equals sign parts key and value; the last of a key wins."""
    assert parse_labels(texts) == labels


@pytest.mark.parametrize("text", ["", "release", "release:v1"])
def test_no_labels(text: str) -> None:
    """A text without an equals sign is no label."""
    with pytest.raises(InvalidOption) as caught:
        parse_labels(["a=1", text])
    assert caught.value.value == text


def test_choices() -> None:
    """A choice is spelled exactly; the error lists all."""
    assert parse_choice("--colour", "dark-blue", Colour) is Colour.DARK_BLUE
    for text in ("Red", "DARK_BLUE", "", "red "):
        with pytest.raises(InvalidOption, match="red or dark-blue"):
            parse_choice("--colour", text, Colour)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1249, "1.2 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (10**9, "1.0 GB"),
        (10**15, "1000.0 TB"),
    ],
)
def test_sizes_are_shown(size: float, text: str) -> None:
    """One decimal of the largest unit that gives at least 1."""
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (4.24, "4.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 00 s"),
        (65, "1 m 05 s"),
        (3599.6, "1 h 00 m"),
        (7380, "2 h 03 m"),
        (360_000, "100 h 00 m"),
    ],
)
def test_times_are_shown(seconds: float, text: str) -> None:
    """Two units at most, rounded once."""
    assert format_duration(seconds) == text


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text raises anything but our error, and what is read is never negative."""
    for parse in (parse_duration, parse_bytes):
        try:
            value = parse("--option", text)
        except InvalidOption:
            continue
        assert 0 <= value < float("inf")
