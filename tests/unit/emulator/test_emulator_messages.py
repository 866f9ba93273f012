"""Lines into messages, with the faults that touch them; and refused filters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from instant_logs_plugin.capture.framing import LineFramer
from instant_logs_plugin.emulator import EmulatorConfig, parse_fault
from instant_logs_plugin.emulator.messages import MALFORMED, Packer, cut_fragments
from instant_logs_plugin.emulator.refusals import parse_predicate

A, B, C = (f'{{"p":"é{n}","sampleInterval":1}}'.encode() for n in range(3))


def pack(*faults: str, **config: Any) -> list[bytes]:
    packer = Packer(EmulatorConfig(**config), [parse_fault(text) for text in faults])
    return [message.data for message in packer.pack([A, B, C])]


@pytest.mark.parametrize(
    ("config", "messages"),
    [
        ({}, [A, B, C]),
        ({"trailing_newline": True}, [A + b"\n", B + b"\n", C + b"\n"]),
        ({"records_per_message": 2}, [A + b"\n" + B, C]),
        (
            {"records_per_message": 3, "trailing_newline": True},
            [A + b"\n" + B + b"\n" + C + b"\n"],
        ),
    ],
)
def test_records_per_message(config: dict[str, Any], messages: list[bytes]) -> None:
    """One bare object each, or several joined by newlines."""
    assert pack(**config) == messages


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("newline", [False, True])
def test_split_messages_are_text_and_give_the_same_lines(
    size: int, *, newline: bool
) -> None:
    """A cut falls between characters, and the recorder's framing mends it."""
    messages = pack("split", records_per_message=size, trailing_newline=newline)
    assert all(message.decode() for message in messages)
    framed = LineFramer().feed(messages)
    assert framed.data.splitlines() == [A, B, C]


def test_malformed_lines_are_added_and_counted_apart() -> None:
    """Records stay whole; every second one is followed by rubbish."""
    packer = Packer(EmulatorConfig(), [parse_fault("malformed:every=2")])
    messages = [*packer.pack([A, B, C]), *packer.pack([A])]
    assert [one.data for one in messages] == [A, B, MALFORMED[0], C, A, MALFORMED[1]]
    assert [one.malformed for one in messages] == [0, 0, 1, 0, 0, 1]
    assert [one.lines for one in messages if one.lines] == [(A,), (B,), (C,), (A,)]


def test_one_record_is_huge() -> None:
    """It is still a record, with its sample interval last."""
    messages = pack("huge:after=1,mb=1")
    assert (messages[0], messages[2]) == (A, C)
    record = json.loads(messages[1])
    assert len(record["Huge"]) == 10**6
    assert list(record) == ["p", "Huge", "sampleInterval"]


def test_fragments_are_the_message() -> None:
    """Nothing is lost, whatever the size."""
    for data in (b"", b"a", b"ab", b"abcd", A):
        assert b"".join(cut_fragments(data)) == data


CONDITION = {"key": "EdgeResponseStatus", "operator": "eq", "value": 200}


def ask(**changes: Any) -> str:
    return json.dumps({"where": {"and": [CONDITION | changes]}})


@pytest.mark.parametrize(
    "text", ["", ask(), ask(operator="neq"), ask(operator="in", value=[200, 201])]
)
def test_good_filters_are_taken(text: str) -> None:
    """Both spellings of not equal are documented."""
    filter_, refusal = parse_predicate(text)
    assert refusal == ""
    assert (filter_ is None) is (text == "")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (
            ask(operator="in", value="200,201"),
            r'failed to decode value "\"200,201\"", supported kinds: []uint64',
        ),
        (
            ask(value="200"),
            r'failed to decode value "\"200\"", supported kinds: uint64',
        ),
        (ask(value=True), 'failed to decode value "true", supported kinds: uint64'),
        (
            ask(key="ClientCountry", value=1),
            'failed to decode value "1", supported kinds: string',
        ),
        (ask(operator="In", value=[1]), "written 'in'"),
        (ask(operator="contains"), "takes eq"),
        (json.dumps({"where": CONDITION}), "stands in an 'and'"),
        ("EdgeResponseStatus = 200", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "nested deeper"),
        (None, "no text"),
        ({"where": {}}, "no text"),
    ],
)
def test_bad_filters_get_the_services_words(text: object, refusal: str) -> None:
    """A value that cannot be decoded is quoted as seen on a live zone."""
    filter_, words = parse_predicate(text)
    assert filter_ is None
    assert refusal in words
