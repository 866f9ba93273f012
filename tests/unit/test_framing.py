"""Lines out of messages."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instant_logs_plugin.capture.framing import Framed, LineFramer

A, B, C = b'{"a":1}', b'{"b":{"c":2}}', b'{"d":"}{"}'


@pytest.mark.parametrize(
    ("messages", "lines"),
    [
        ([A], [A]),
        ([A, B], [A, B]),
        ([A + b"\n", B + b"\n"], [A, B]),
        ([A + b"\n" + B], [A, B]),
        ([A + b"\n" + B + b"\n", C], [A, B, C]),
        ([b"", A, b"\n\n", b"\n" + B + b"\n\n"], [A, B]),
        ([A[:3], A[3:]], [A]),
        ([A + b"\n" + B[:5], B[5:] + b"\n" + C], [A, B, C]),
        ([b'{"b":', b'{"c":2}}'], [b'{"b":{"c":2}}']),
        ([b'{"b":{"c":2}', b"}", A], [b'{"b":{"c":2}}', A]),
        ([b'{"a":1', A], [b'{"a":1', A]),
        ([b"not json", A], [b"not json", A]),
        ([A, b"[1,2]", B], [A, b"[1,2]", B]),
        ([b'{"a":"\xe2\x80\xa8"}'], [b'{"a":"\xe2\x80\xa8"}']),
        ([b"\x00\xff", A], [b"\x00\xff", A]),
        ([b'{"b":', b"", b'{"c":2}}'], [b'{"b":{"c":2}}']),
        ([b'{"a":' + b"[" * 10_000], [b'{"a":' + b"[" * 10_000]),
    ],
)
def test_lines_of_messages(messages: list[bytes], lines: list[bytes]) -> None:
    """Messages give these lines, at once or one at a time, as bytes or as views."""
    whole = LineFramer()
    together = whole.feed(list(map(memoryview, messages))).data + whole.flush().data
    single = LineFramer()
    apart = b"".join(single.feed([m]).data for m in messages) + single.flush().data
    assert together.split(b"\n")[:-1] == lines
    assert apart == together


def test_counts_match_data() -> None:
    """Lines and bytes are counted without newlines."""
    framed = LineFramer().feed([A, B])
    assert framed.line_count == 2
    assert framed.byte_count == len(A) + len(B)


@pytest.mark.parametrize("beyond", [-4, -3, -2, -1, 0, 1])
def test_blank_lines_do_not_count(beyond: int) -> None:
    """Wherever they are: lines are counted in parts of half a MiB."""
    long = b'{"a":"%b"}' % (b"x" * (2**19 + beyond - len(b'{"a":""}')))
    framed = LineFramer().feed([long + b"\n\n" + B, C])
    assert framed == Framed(b"\n".join([long, B, C, b""]), 3)


def test_held_line_is_bounded() -> None:
    """An object that never ends is given up at the bound, not kept for ever."""
    framer = LineFramer(max_line_bytes=100)
    given_up = b"".join(framer.feed([b'{"a":"' + b"x" * 40]).data for _ in range(10))
    assert framer.held_bytes <= 100
    assert given_up


@pytest.mark.parametrize(
    ("max_lines", "max_bytes", "lines"),
    [
        (None, None, 3),
        (2, None, 2),
        (0, None, 0),
        (None, 1, 1),
        (None, len(A), 1),
        (None, len(A) + 1, 2),
        (1, 10**9, 1),
        (None, 0, 0),
    ],
)
def test_head(max_lines: int | None, max_bytes: int | None, lines: int) -> None:
    """A bound keeps the leading lines, the one that reaches it included."""
    framed = Framed(b"".join(x + b"\n" for x in (A, B, C)), 3)
    head = framed.head(max_lines=max_lines, max_bytes=max_bytes)
    assert head.line_count == lines == head.data.count(b"\n")
    assert framed.data.startswith(head.data)


records = st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=8))


@given(st.lists(records, min_size=1, max_size=8), st.data())
def test_any_cut_gives_the_lines_back(rows: list[dict], data: st.DataObject) -> None:
    """Newline-ended records come back whole, cut anywhere but before a brace."""
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    text = b"".join(line + b"\n" for line in lines)
    places = [i for i in range(len(text)) if text[i : i + 1] != b"{"]
    cuts = sorted(data.draw(st.sets(st.sampled_from(places), max_size=6)))
    edges = [0, *cuts, len(text)]
    messages = [text[a:b] for a, b in itertools.pairwise(edges)]
    framer = LineFramer()
    assert framer.feed(messages).data + framer.flush().data == text


# What decides where a line ends, and little else.
tokens = st.sampled_from(
    [b"{", b"}", b'"', b"\\", b"\n", b"\r", b",", b":", b"[", b"x", b"\x00", b"\xff", A]
)
anything = st.lists(
    st.binary(max_size=20) | st.lists(tokens, max_size=12).map(b"".join), max_size=10
)


@given(anything)
def test_no_byte_is_lost(messages: list[bytes]) -> None:
    """Whatever comes in goes out, newlines aside, and the counts agree."""
    check_no_byte_is_lost(messages)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@settings(max_examples=10_000, deadline=None)
@given(anything)
def test_no_byte_is_lost_ten_thousand_times(messages: list[bytes]) -> None:
    """The same, for longer."""
    check_no_byte_is_lost(messages)


def check_no_byte_is_lost(messages: list[bytes]) -> None:
    framer = LineFramer()
    parts = [framer.feed([m]) for m in messages]
    parts.append(framer.flush())
    out = b"".join(p.data for p in parts)
    assert out.replace(b"\n", b"") == b"".join(messages).replace(b"\n", b"")
    assert sum(p.line_count for p in parts) == out.count(b"\n")
    assert b"\n\n" not in out


HELD = rb'{"a":"x\"}{\\","b":{"c":[{"d":"}"}]}}'


@pytest.mark.parametrize("first", range(1, len(HELD)))
def test_an_object_in_three_pieces(first):
    """Cut anywhere, within an escape too, it is held until it ends, and no longer."""
    for second in range(first, len(HELD)):
        pieces = [HELD[:first], HELD[first:second], HELD[second:]]
        if pieces[1].startswith(b"{") or pieces[2].startswith(b"{"):
            continue  # what opens an object and does not end this one is another
        framer = LineFramer()
        out = b"".join(framer.feed([piece]).data for piece in pieces)
        assert out == HELD + b"\n", pieces
        assert framer.held_bytes == 0


def test_a_held_line_costs_each_byte_once():
    """An object that never ends, in many pieces, is not looked at again and again."""
    framer = LineFramer()
    started = time.perf_counter()
    framer.feed([b'{"a":"'])
    for _ in range(200):
        framer.feed([b'x}"{"y":"' * 10_000])
    assert framer.held_bytes > 17_000_000
    assert time.perf_counter() - started < 10


def test_what_is_no_json_is_not_held():
    """A text whose braces are even has ended, whatever it is."""
    framer = LineFramer()
    assert framer.feed([b"{}x", b'{"a":}']).line_count == 2
