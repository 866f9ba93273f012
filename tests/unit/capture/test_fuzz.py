"""Framing and decoding of anything at all: no exception, no byte lost.

Whatever messages come, the lines are what they say, and each line is a record or a
reject that keeps it verbatim.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instant_logs_plugin.capture.decode import Decoder
from instant_logs_plugin.capture.framing import Arrival, LineFramer
from instant_logs_plugin.capture.rejects import format_reject
from instant_logs_plugin.capture.segment import Block

FIELDS = ("RayID", "EdgeResponseStatus", "EdgeStartTimestamp", "SecurityActions")
EXAMPLES, SOAK_EXAMPLES = 150, 10_000

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["2026-11-24T05:00:00Z", "\u2028", "\x00", "\x1b[31m", "a\\\n"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
records = st.dictionaries(
    st.sampled_from([*FIELDS, "sampleInterval", "Unknown", ""]), values, max_size=6
)
compact = records.map(
    lambda row: json.dumps(row, separators=(",", ":"), ensure_ascii=False)
)
spaced = records.map(json.dumps)
pieces = st.one_of(
    (compact | spaced).map(lambda text: text.encode(errors="surrogatepass")),
    st.binary(max_size=16),
    st.sampled_from(
        [
            b"\n",
            b"\r\n",
            b"\n\n",
            b"\x00",
            b"\xef\xbb\xbf",
            b"{",
            b"}",
            b'{"RayID":"a","RayID":"b"}',
            b"[" * 200,
            b'{"a":' * 200,
            b'{"EdgeResponseStatus":1e999}',
            b'{"EdgeResponseStatus":NaN}',
            b'{"RayID":"\\ud800"}',
            b"\xff\xfe",
        ]
    ),
)
message_lists = st.lists(
    st.lists(pieces, max_size=5).map(b"".join) | st.lists(pieces).map(b"\n".join),
    max_size=8,
)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(FIELDS, capture_id="20261124T000000000Z-00000000")
    with contextlib.closing(decoder):
        yield decoder


def check(decoder: Decoder, messages: list[bytes]) -> None:
    framer = LineFramer()
    parts = [framer.feed([message]) for message in messages] + [framer.flush()]
    data = b"".join(part.data for part in parts)
    count = sum(part.line_count for part in parts)
    sent, kept = (b"".join(text.split(b"\n")) for text in (b"".join(messages), data))
    assert kept == sent
    if count:
        check_decoded(decoder, data, count)


def check_decoded(decoder: Decoder, data: bytes, count: int) -> None:
    lines = data.split(b"\n")[:-1]
    assert len(lines) == count
    block = Block(data, (Arrival(count, 0),))
    (decoded,) = decoder.decode([block])
    assert decoded.table.num_rows + len(decoded.rejects) == count
    rejected = [reject.line for reject in decoded.rejects]
    left = iter(lines)
    assert all(line in left for line in rejected), "a reject is no line that came"
    for reject in decoded.rejects:
        assert json.loads(format_reject(reject))["reason"] == reject.reason
    assert count - len(rejected) <= sum(map(could_be_record, lines))


def could_be_record(line: bytes) -> bool:
    return line.strip(b" \t\r").startswith(b"{")


@settings(max_examples=EXAMPLES, deadline=None)
@given(message_lists)
def test_anything_is_a_record_or_a_reject(decoder, messages):
    """A few examples, with every run of the tests."""
    check(decoder, messages)


@pytest.mark.soak
@pytest.mark.timeout(0)
@settings(
    max_examples=SOAK_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(message_lists)
def test_very_many_things_are_records_or_rejects(decoder, messages):
    """The same, ten thousand times."""
    check(decoder, messages)
