"""The interpreter's switch interval while captures run."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import pytest

from instant_logs_plugin.capture.turns import short_turns


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_it_is_as_before_once_the_last_capture_ended(order):
    """Captures of several zones overlap in any way."""
    usual_s = sys.getswitchinterval()
    captures = [ExitStack(), ExitStack()]
    for one in captures:
        one.enter_context(short_turns())
    first, last = order
    captures[first].close()
    assert sys.getswitchinterval() < usual_s
    captures[last].close()
    assert sys.getswitchinterval() == usual_s
