"""What a stream brings: the fields, the filter, the forms of messages."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from tests.contract.service import (
    FAST,
    FIELDS,
    open_url,
    read,
    read_to_end,
    sent_lines,
    stream,
)


async def test_records_have_the_fields_asked_for_in_their_order() -> None:
    """Compact, one object a message, sampleInterval last; kept as sent."""
    config = EmulatorConfig(limit=20, keep_sent=True, **FAST)
    with run_emulator(config) as emulator:
        messages = await read(open_url(emulator, fields=f"{FIELDS},Nope"), 20)
    assert messages == sent_lines(emulator)
    for message in messages:
        record = json.loads(message)
        assert ",".join(record) == f"{FIELDS},sampleInterval"
        assert json.dumps(record, separators=(",", ":")) == message


async def test_a_filter_is_applied() -> None:
    """Only what passes is sent."""
    condition = {"key": "ClientRequestMethod", "operator": "!eq", "value": "GET"}
    text = json.dumps({"where": {"and": [condition]}})
    with run_emulator(EmulatorConfig(**FAST)) as emulator:
        messages = await read(open_url(emulator, filter=text), 20)
    assert "GET" not in {json.loads(one)["ClientRequestMethod"] for one in messages}


@pytest.mark.parametrize(
    "config",
    [
        {"binary": True},
        {"fragment": True},
        {"binary": True, "fragment": True},
        {"records_per_message": 7, "trailing_newline": True},
    ],
)
async def test_forms_of_messages_carry_the_same_lines(config: dict[str, Any]) -> None:
    """Binary, fragmented or many lines: the same lines arrive."""
    settings = EmulatorConfig(
        limit=30, at_end="close", keep_sent=True, **config, **FAST
    )
    with run_emulator(settings) as emulator:
        async with stream(open_url(emulator)) as connection:
            messages, code = await read_to_end(connection)
    is_binary = config.get("binary", False)
    assert {type(one) for one in messages} == {bytes if is_binary else str}
    texts = [one.decode() if is_binary else one for one in messages]
    lines = [line for text in texts for line in text.split("\n") if line]
    assert (lines, code) == (sent_lines(emulator), 1000)
    sent = emulator.sent()[0]
    assert (sent.records, sent.messages) == (30, len(messages))
    assert sent.bytes == sum(len(text.encode()) for text in texts)


async def test_records_come_in_bursts() -> None:
    """Several within milliseconds, then a pause."""
    with run_emulator(EmulatorConfig(rate=100, tick_s=0.2)) as emulator:
        async with stream(open_url(emulator)) as connection:
            times = []
            for _ in range(70):
                await connection.recv()
                times.append(time.monotonic())
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert sum(pause > 0.1 for pause in pauses) >= 2
    assert sum(pause < 0.01 for pause in pauses) >= 40
