"""Bulk reading is exact: whatever the lines, it gives what reading each alone gives."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from instant_logs_plugin.capture.decode import Decoded, Decoder
from instant_logs_plugin.capture.framing import Arrival
from instant_logs_plugin.capture.line_cut import LineCutter
from instant_logs_plugin.capture.line_decode import LineDecoder
from instant_logs_plugin.capture.line_shape import find_shape
from instant_logs_plugin.capture.schema import column_types
from instant_logs_plugin.capture.segment import Block

CAPTURE = "20261124T000000000Z-00000000"
# Of every kind that a proof has; two of one length and of different kinds among them.
FIELDS = (
    "ClientIP",  # text
    "ClientASN",  # int, the next but one is as long
    "ClientRequestURI",  # text
    "CacheResponseBytes",  # int, 18 long
    "EdgeStartTimestamp",  # time, 18 long
    "EdgeResponseStatus",  # int, 18 long
    "SecurityActions",  # list of texts
    "ClientMTLSAuthStatus",  # text
    "CacheTieredFill",  # bool
    "RayID",
)
PLAIN: dict[str, Any] = {
    "ClientIP": "192.0.2.1",
    "ClientASN": 64500,
    "ClientRequestURI": "/a?b=c",
    "CacheResponseBytes": 1234,
    "EdgeStartTimestamp": "2026-11-24T05:00:00Z",
    "EdgeResponseStatus": 200,
    "SecurityActions": ["block", "log"],
    "ClientMTLSAuthStatus": "unknown",
    "CacheTieredFill": True,
    "RayID": "0123456789abcdef",
    "sampleInterval": 1,
}


def compact(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def changed(**values: Any) -> bytes:
    return compact(PLAIN | values)


def without(*names: str) -> bytes:
    return compact({name: value for name, value in PLAIN.items() if name not in names})


def replaced(old: str, new: str) -> bytes:
    line = compact(PLAIN)
    assert old.encode() in line
    return line.replace(old.encode(), new.encode())


def block_of(lines: list[bytes]) -> Block:
    return Block(b"".join(line + b"\n" for line in lines), (Arrival(len(lines), 0),))


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with contextlib.closing(Decoder(FIELDS, capture_id=CAPTURE)) as decoder:
        yield decoder


def one_by_one(lines: list[bytes]) -> tuple[list[tuple[Any, ...]], list[bytes]]:
    """Return rows and rejects of the line-wise decoder, which guesses nothing."""
    alone = LineDecoder(column_types(FIELDS))
    rows, rejects = [], []
    for line in lines:
        row = alone.decode(line)
        if isinstance(row, str):
            rejects.append(line)
        else:
            rows.append(tuple(row))
    return rows, rejects


def assert_exact(decoder: Decoder, lines: list[bytes]) -> None:
    """Decode as a capture does: a block of the usual shape was there before."""
    blocks = [block_of([compact(PLAIN)]), block_of(lines)]
    _, decoded = decoder.decode(blocks)
    assert_same(decoded, lines)


def assert_same(decoded: Decoded, lines: list[bytes]) -> None:
    rows, rejects = one_by_one(lines)
    names = [*column_types(FIELDS), "extra"]
    schema = decoded.table.schema
    expected = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    for name, values in expected.items():
        wanted = pa.array(values, schema.field(name).type)
        assert decoded.table[name].combine_chunks().equals(wanted), name
    assert [reject.line for reject in decoded.rejects] == rejects
    assert decoded.table.num_rows + len(rejects) == len(lines)


DRIFTS = [
    changed(EdgeResponseStatus=None),
    changed(ClientIP=None),
    changed(SecurityActions=None),
    changed(CacheTieredFill=None),
    changed(CacheTieredFill=False),
    changed(CacheTieredFill=1),
    changed(CacheTieredFill="true"),
    changed(EdgeResponseStatus=404),
    changed(EdgeResponseStatus=-1),
    changed(EdgeResponseStatus=0),
    changed(EdgeResponseStatus=2**63 - 1),
    changed(EdgeResponseStatus=-(2**63)),
    changed(EdgeResponseStatus=2**63),
    changed(EdgeResponseStatus=2**64 - 1),
    changed(EdgeResponseStatus=True),
    changed(EdgeResponseStatus=1.5),
    changed(EdgeResponseStatus="200"),
    changed(EdgeResponseStatus=[]),
    changed(EdgeResponseStatus={}),
    changed(ClientIP=12345),
    changed(ClientIP=1.5),
    changed(ClientIP=True),
    changed(ClientIP={"a": 1}),
    changed(ClientIP=["192.0.2.1"]),
    changed(ClientIP=""),
    changed(ClientIP='a"b'),
    changed(ClientIP="a\\b"),
    changed(ClientIP='","RayID":"x'),
    changed(ClientIP="\u2028é\U0001f600"),
    changed(SecurityActions=[]),
    changed(SecurityActions=[1, 2]),
    changed(SecurityActions=["a", None]),
    changed(SecurityActions=['a"b']),
    changed(SecurityActions=[{"RayID": "x"}]),
    changed(SecurityActions="block"),
    changed(EdgeStartTimestamp=1_700_000_000),
    changed(EdgeStartTimestamp=1_700_000_000_123_456_789),
    changed(EdgeStartTimestamp="2026-11-24T05:00:00.123456+01:00"),
    changed(EdgeStartTimestamp="yesterday"),
    changed(EdgeStartTimestamp=""),
    changed(Unknown=1),
    without("RayID"),
    without("ClientIP"),
    without("sampleInterval"),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":2e2'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":2E2'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":2.0e2'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":2.1e4'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":-0'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":nan'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus": 200'),
    replaced('"EdgeResponseStatus":200', '"XdgeResponseStatus":200'),
    replaced('"EdgeResponseStatus":200', '"XdgeResponseStatus":null'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":200,"RayID":"y"'),
    replaced('"EdgeResponseStatus":200', '"CacheResponseBytes":200'),
    replaced('"sampleInterval":1}', '"sampleInterval":1,}'),
    replaced('"sampleInterval":1}', '"sampleInterval":1} '),
    replaced('"sampleInterval":1}', '"sampleInterval":1}{}'),
    replaced('"192.0.2.1"', '"\\u0031"'),
    replaced('"192.0.2.1"', '"\\ud800"'),
    replaced('"192.0.2.1"', '"\\x"'),
    replaced('"192.0.2.1"', '"\\"'),
    replaced('"192.0.2.1"', '"\\\\"'),
    replaced('"192.0.2.1"', '"'),
    replaced('"192.0.2.1"', ""),
    replaced('"192.0.2.1"', '"\t"'),
    replaced('"192.0.2.1"', '"1","ClientIP":"2"'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":007'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":+7'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":-'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":'),
    replaced('"EdgeResponseStatus":200', '"EdgeResponseStatus":nulL'),
    replaced('["block","log"]', '["bl\\"ock","log"]'),
    replaced('["block","log"]', '["block","log"],[]'),
    replaced('["block","log"]', "true"),
    replaced('"unknown"', '":unknown"'),
    # A text that begins as a key ends, the wrong kinds, and another order.
    compact(
        {
            "ClientASN": ":",
            "ClientIP": 64500,
            **{k: v for k, v in PLAIN.items() if k not in {"ClientASN", "ClientIP"}},
        }
    ),
    # Two keys of one length change places, and both values are of the wrong kind.
    compact(
        {
            **{k: v for k, v in PLAIN.items() if k in {"ClientIP", "ClientASN"}},
            "ClientRequestURI": "/",
            "EdgeStartTimestamp": 123,
            "CacheResponseBytes": "1",
            **{
                k: v
                for k, v in PLAIN.items()
                if k
                not in {
                    "ClientIP",
                    "ClientASN",
                    "ClientRequestURI",
                    "EdgeStartTimestamp",
                    "CacheResponseBytes",
                }
            },
        }
    ),
    b"{}",
    b"[]",
    b"1",
    b"{",
    b'{"ClientIP":"\xff"}',
    compact(PLAIN)[:-1],
    compact(PLAIN) + b"\r",
    b"\xef\xbb\xbf" + compact(PLAIN),
    b"\0" + compact(PLAIN),
]


@pytest.mark.parametrize("line", DRIFTS, ids=lambda line: repr(line[:90]))
def test_each_drift_among_plain_lines(line, decoder):
    """A line that bulk reading would get wrong costs nothing but itself."""
    plain = [changed(RayID=f"{number:016x}") for number in range(40)]
    assert_exact(decoder, [*plain[:25], line, *plain[25:]])


SOAK_EXAMPLES = int(os.environ.get("INSTANT_LOGS_SOAK_EXAMPLES", "5000"))
PADDING = [changed(RayID=f"{number:016x}") for number in range(60)]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.sampled_from([0, 1, 100, 200, 1000, 10**15, 1.5, 1e22, "", "200", "true", '"']),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.text('":,\\{}[]e1', max_size=6),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=1),
)
RECORDS = st.builds(
    lambda changes, order: compact(
        {name: (PLAIN | changes)[name] for name in order if name not in changes}
        | changes
    ),
    st.dictionaries(st.sampled_from([*PLAIN]), VALUES, max_size=3),
    st.one_of(st.just([*PLAIN]), st.permutations([*PLAIN])),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    line = bytearray(draw(RECORDS))
    for _ in range(draw(st.integers(1, 2))):
        index = draw(st.integers(0, len(line) - 1))
        match draw(st.sampled_from(["set", "insert", "delete", "repeat"])):
            case "set":
                line[index] = draw(st.integers(0, 255))
            case "insert":
                line.insert(index, draw(st.sampled_from(b' ",:{}[]0e1\\')))
            case "delete":
                del line[index]
            case "repeat":
                line[index:index] = line[index : index + 12]
    return bytes(line).replace(b"\n", b" ") or b"?"


LINES = st.lists(st.one_of(RECORDS, damaged()), min_size=1, max_size=30)
ESCAPED = [changed(RayID=f"{number:016x}", ClientIP='"') for number in range(60)]
# Not cut, as there are blanks: so many are read in bulk by their canonical JSON.
SPACED = [
    json.dumps(PLAIN | {"RayID": f"{number:016x}", "ClientIP": '"'}).encode()
    for number in range(260)
]


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_any_lines_are_read_exactly(decoder, lines):
    """Rows, extras and rejects are those of the line-wise decoder, in order."""
    assert_exact(decoder, PADDING[:30] + lines[:3] + PADDING[30:])
    assert_exact(decoder, lines)


@settings(max_examples=20, deadline=None)
@given(LINES)
def test_any_lines_among_many_with_blanks_are_read_exactly(decoder, lines):
    """The same where no line is cut and canonical JSON decides."""
    assert_exact(decoder, SPACED[:100] + lines + SPACED[100:])


@pytest.mark.soak
@pytest.mark.timeout(0)
@settings(max_examples=SOAK_EXAMPLES, deadline=None)
@given(LINES, st.sampled_from([[], PADDING, ESCAPED, SPACED]))
def test_very_many_lines_are_read_exactly(decoder, lines, among):
    """Nothing that a night of examples finds is read otherwise than line by line."""
    assert_exact(decoder, among[:30] + lines + among[30:])


@pytest.mark.parametrize("line", DRIFTS, ids=lambda line: repr(line[:90]))
def test_each_drift_among_lines_with_escapes(line, decoder):
    """Escapes are found and read beside any drift."""
    assert_exact(decoder, [*ESCAPED[:20], line, *ESCAPED[20:]])


@pytest.mark.parametrize("line", DRIFTS, ids=lambda line: repr(line[:90]))
def test_each_drift_among_lines_with_blanks(line, decoder):
    """Canonical JSON tells each drift that cutting tells."""
    assert_exact(decoder, [*SPACED[:200], line, *SPACED[200:]])


def test_times_as_numbers_are_read_in_bulk(decoder):
    """A capture whose times are numbers is proven line by line as any other."""
    times = [1_790_000_000, 1_790_000_000_123, 1_790_000_000_123_456_789, -1, 0]
    lines = [changed(EdgeStartTimestamp=time) for time in times]
    (decoded,) = decoder.decode([block_of(lines * 3)])
    assert_same(decoded, lines * 3)


@pytest.mark.parametrize(
    "cookies",
    [
        {},
        {"a": "b", "c": '":'},
        {"RayID": "x"},
        {"Cookies": {"RayID": "x", "sampleInterval": 2}},
        ["RayID", ":"],
        "RayID",
        None,
    ],
)
def test_keys_in_objects_are_not_those_of_the_line(cookies):
    """An object is a value, whatever keys it has."""
    names = ("Cookies", "RayID")
    plain = {"Cookies": {"a": "b", "c": {"d": 1}}, "RayID": "x", "sampleInterval": 1}
    lines = [compact(plain), compact(plain | {"Cookies": cookies}), compact(plain)]
    alone = LineDecoder(column_types(names))
    with contextlib.closing(Decoder(names, capture_id=CAPTURE)) as decoder:
        (decoded,) = decoder.decode([block_of(lines)])
    found = decoded.table.select([*names, "sampleInterval", "extra"]).to_pylist()
    assert [[*row.values()] for row in found] == [alone.decode(line) for line in lines]


RAW_VALUES = st.sampled_from(
    [
        '"a"',
        '""',
        "1",
        "",
        '"',
        "null",
        "{}",
        '"\\""',
        '"\\"',
        "true",
        '"RayID":"b"',
        "}",
    ]
)
BARE_LINES = st.one_of(
    RAW_VALUES.map('{{"RayID":{}}}'.format),
    st.tuples(RAW_VALUES, RAW_VALUES).map(
        lambda two: '{{"RayID":{},"ClientIP":{}}}'.format(*two)
    ),
)
BARE_BLOCKS = st.lists(st.lists(BARE_LINES, min_size=1, max_size=3), max_size=4)


@settings(max_examples=300, deadline=None)
@given(BARE_BLOCKS)
@example([['{"RayID":"a"}'], ['{"RayID":1}']])
def test_blocks_of_few_lines_with_few_keys_are_read_exactly(blocks):
    """Whatever shape the blocks before had: values may end before they begin."""
    with contextlib.closing(Decoder(FIELDS, capture_id=CAPTURE)) as decoder:
        for texts in blocks:
            lines = [text.encode() for text in texts]
            (decoded,) = decoder.decode([block_of(lines)])
            assert_same(decoded, lines)


def test_a_line_of_ten_megabytes_is_read(decoder):
    """A line longer than what the bulk reader takes at once costs no other."""
    long = changed(ClientRequestURI="/" + "x" * 10 * 2**20)
    assert_exact(decoder, [*PADDING[:30], long, *PADDING[30:]])


def test_most_lines_are_cut():
    """Neither nulls, escapes nor another line among them make a way slow."""
    lines = [changed(ClientASN=n * 7, ClientIP="x" * (n % 9)) for n in range(5000)]
    lines += [changed(EdgeResponseStatus=None, CacheTieredFill=False)] * 20
    lines += [changed(ClientIP='"\\', RayID="\t"), changed(ClientASN=-(10**17))] * 20
    lines += [changed(ClientIP=None, SecurityActions=None, CacheTieredFill=None)] * 20
    shape = find_shape(lines[0], column_types(FIELDS))
    assert shape is not None
    block = block_of([*lines, b"[]", *lines])
    cut = LineCutter(shape).cut(block.data, 2 * len(lines) + 1)
    assert [*cut.lines] == [n for n in range(2 * len(lines) + 1) if n != len(lines)]


@pytest.mark.parametrize("fields", [["RayID"], ["RayID", "EdgeResponseStatus"], FIELDS])
def test_any_set_of_fields_is_read(fields):
    """A few keys that nothing needs to tell apart are proven as many are."""
    names = [*fields, "sampleInterval"]
    block = block_of([compact({name: PLAIN[name] for name in names})] * 20)
    with contextlib.closing(Decoder(tuple(fields), capture_id=CAPTURE)) as decoder:
        (decoded,) = decoder.decode([block])
    assert decoded.table["RayID"].to_pylist() == [PLAIN["RayID"]] * 20
    assert decoded.rejects == []


@pytest.mark.parametrize("bad", [b"not json", b'"text"', b"{}x", b"\x00", b'{"a":'])
def test_a_bad_line_far_behind_the_first_costs_only_itself(bad, decoder):
    """All others are cut as they are where it is not there."""
    lines = [changed(ClientASN=number) for number in range(20_000)]
    lines[15_000:15_000] = [bad]
    (decoded,) = decoder.decode([block_of(lines)])
    assert [reject.line for reject in decoded.rejects] == [bad]
    numbers = decoded.table["ClientASN"].to_pylist()
    assert numbers == list(range(20_000))


TAKEN = ("ClientIP", "capture_id", "Extra", "received_at", "date", "clientip", "New")


def test_a_field_whose_name_is_taken_has_no_column():
    """Its values are in ``extra``: a capture that asked for it can be read."""
    record = dict.fromkeys(TAKEN, "theirs") | {"sampleInterval": 1}
    blocks = [block_of([compact(record)] * 3)]
    with contextlib.closing(Decoder(TAKEN, capture_id=CAPTURE)) as decoder:
        (decoded,) = decoder.decode(blocks)
    sent = [*column_types(TAKEN)]
    assert sent == ["ClientIP", "New", "sampleInterval"]
    columns = [*sent, "capture_id", "received_at", "extra"]
    assert decoded.table.column_names == columns
    assert set(decoded.table["capture_id"].to_pylist()) == {CAPTURE}
    assert set(decoded.table["New"].to_pylist()) == {"theirs"}
    for extra in decoded.table["extra"].to_pylist():
        assert json.loads(extra) == dict.fromkeys(set(TAKEN) - {*sent}, "theirs")
