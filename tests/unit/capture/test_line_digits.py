"""Integers read in bulk are those that JSON says, or none."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from instant_logs_plugin.capture.line_digits import read_ints

TEXTS = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.sampled_from([0, 10**8, 10**16, 2**63, 2**63 - 1, -(2**63)]).flatmap(
        lambda near: st.integers(near - 2, near + 2).map(str)
    ),
    st.text("0123456789-+.eE ", max_size=24),
    st.text("0123456789", max_size=40),
)


def expected(text: str) -> int | None:
    if text == "-0" or not re.fullmatch(r"-?(0|[1-9][0-9]*)", text):
        return None
    return int(text) if -(2**63) < int(text) < 2**63 else None


@given(st.lists(TEXTS, min_size=1, max_size=30))
def test_integers_are_read_as_json_spells_them(texts):
    """Whatever their width and sign; the least of 64 bits is left to another way."""
    data = "".join(f"{text}," for text in texts).encode()
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    starts = ends - [len(text) for text in texts]
    values, fits = read_ints(
        np.frombuffer(b"." * 8 + data, np.uint8), starts + 8, ends + 8
    )
    found = [
        value if fit else None
        for value, fit in zip(values.tolist(), fits.tolist(), strict=True)
    ]
    assert found == [expected(text) for text in texts]


def test_what_begins_the_text_is_left_to_another_way():
    """Words of eight bytes are read: there are none before the eighth."""
    text = np.frombuffer(b"1,12345678,", np.uint8)
    _, fits = read_ints(text, np.array([0, 2]), np.array([1, 10]))
    assert fits.tolist() == [False, True]
