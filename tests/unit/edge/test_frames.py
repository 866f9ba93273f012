"""Messages cut out of a connection's bytes, however they come, as websockets does."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import State
from websockets.uri import parse_uri

from instant_logs_plugin.edge.frames import FrameCutter
from tests.support.stub_service import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame

LIMIT = 70_000
WHOLE = [frame(b"x" * size) for size in (0, 1, 125, 126, 65_535, 65_536, LIMIT)]
OTHER = [
    frame(b"ping", PING),
    frame(b"a", is_last=False) + frame(b"b", CONTINUATION),
    frame(b"a", is_last=False) + frame(b"ping", PING) + frame(b"b", CONTINUATION),
    frame(b"a" * 200, BINARY, is_last=False) + frame(b"", CONTINUATION),
    frame(b"\x03\xe8", CLOSE),
    frame(b"a", is_last=False) + frame(b"b"),
    frame(b"b", CONTINUATION),
    frame(b"x" * (LIMIT + 1)),
    frame(b"x", reserved=0x40),
    frame(b"x", 0x3),
    bytes((0x81, 0x82)) + b"maskhi",
    bytes((0x81, 0xFE)) + b"\x00\x02maskhi",
    bytes((0x81, 127)) + b"\xff" * 8,
    b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
]


class Peer:
    """A connection's protocol alone, and the data frames that it gave."""

    def __init__(self) -> None:
        self.protocol = ClientProtocol(
            parse_uri("ws://127.0.0.1/"), state=State.OPEN, max_size=LIMIT
        )
        self.frames: list[tuple[bytes, bool]] = []

    def receive(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
                self.frames.append((bytes(event.data), event.fin))


def pieces_of(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """Cut data into pieces of these sizes, and a last one."""
    ends = [0, *itertools.accumulate(sizes), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def cut(pieces: Sequence[bytes]) -> tuple[Peer, int]:
    """Give pieces to a cutter, and what it passes on to a peer."""
    cutter, peer, passed = FrameCutter(max_message_bytes=LIMIT), Peer(), 0
    for piece in pieces:
        for messages, rest in cutter.cut(memoryview(piece)):
            if peer.protocol.state is State.OPEN:
                peer.frames += [(message, True) for message in messages]
            peer.receive(rest)
            passed += len(rest)
    return peer, passed


@given(
    st.lists(st.sampled_from(WHOLE + OTHER), max_size=12).map(b"".join),
    st.lists(st.integers(0, 3) | st.integers(0, 100_000), max_size=30),
)
@example(WHOLE[1] + OTHER[1] + WHOLE[1], [1] * 20)
def test_as_websockets_reads_it(data, sizes):
    """The same frames in the same order, and the same end, wherever it is cut."""
    alone = Peer()
    alone.receive(data)
    peer, _ = cut(pieces_of(data, sizes))
    assert peer.frames == alone.frames
    assert peer.protocol.state is alone.protocol.state
    assert peer.protocol.close_sent == alone.protocol.close_sent
    assert peer.protocol.close_rcvd == alone.protocol.close_rcvd


def test_plain_messages_pass_no_protocol():
    """Every whole message is cut out here, at once and byte by byte."""
    data = b"".join([*WHOLE, frame(b"x", BINARY)])
    for pieces in ([data], pieces_of(data, [1] * 2000)):
        peer, passed = cut(pieces)
        assert len(peer.frames) == len(WHOLE) + 1
        assert passed == 0


@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_a_message_does_not_wait_for_the_next(kind):
    """A frame is given as soon as its last byte is there, the shortest too."""
    for payload in (b"", b"x", b"x" * 126):
        cutter = FrameCutter(max_message_bytes=LIMIT)
        whole = frame(payload, kind)
        assert not list(cutter.cut(memoryview(whole)[:-1]))
        assert [run.messages for run in cutter.cut(memoryview(whole)[-1:])] == [
            [payload]
        ]


def test_a_long_message_in_small_pieces_is_joined_once():
    """The pieces wait as they are: work is in proportion to the bytes."""
    size = 32 * 2**20
    cutter = FrameCutter(max_message_bytes=size)
    data = frame(b"x" * size)
    runs = [
        run
        for piece in pieces_of(data, [2**14] * 2**11)
        for run in cutter.cut(memoryview(piece))
    ]
    assert [len(message) for run in runs for message in run.messages] == [size]
