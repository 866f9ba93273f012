"""Named steps of the write path at which a test makes the process fail.

Off unless armed: a step then costs one comparison. ``INSTANT_LOGS_FAILPOINTS`` arms
the command line; a specification is a list, separated by ``;``, of::

    STEP=ACTION[@N][+]

``STEP`` is a step's name or a shell pattern, ``@N`` the N-th time that it is reached
(from 1, the default), ``+`` every time from then on. ``ACTION`` is ``kill`` (SIGKILL),
``hang`` (until killed), ``slow`` (waits 0.1 s), the name of an error number such as
``ENOSPC``, or ``trace`` (the step's name goes to stderr). A ``torn-`` before ``kill``
or an error first writes half of what the step was to write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from instant_logs_plugin.errors import InvalidOption

__all__ = ["ENVIRONMENT_NAME", "arm", "armed", "reach"]

ENVIRONMENT_NAME = "INSTANT_LOGS_FAILPOINTS"

_POINT = re.compile(
    r"(?P<step>[^=;]+)=(?P<action>[A-Za-z-]+)(@(?P<nth>\d+))?(?P<on>\+?)"
)
_TORN = "torn-"
_SLOW_S = 0.1


@dataclass
class _Point:
    step: str
    action: str
    nth: int = 1
    goes_on: bool = False
    reached: int = field(default=0, init=False)

    def is_due(self, step: str) -> bool:
        if not fnmatchcase(step, self.step):
            return False
        self.reached += 1
        return self.reached == self.nth or (self.goes_on and self.reached > self.nth)


_points: tuple[_Point, ...] = ()


def arm(specification: str) -> None:
    """Arm the points of a specification; an empty one disarms all.

    Raises:
        InvalidOption: It is not of the form above.
    """
    global _points  # noqa: PLW0603 - the one switch of the process
    texts = [text for text in specification.split(";") if text]
    _points = tuple(map(_parse, texts))


@contextlib.contextmanager
def armed(specification: str) -> Iterator[None]:
    """Arm points for the block."""
    arm(specification)
    try:
        yield
    finally:
        arm("")


def reach(step: str, write_half: Callable[[], object] | None = None) -> None:
    """Fail here if a point says so.

    Args:
        step: The step that is about to be taken.
        write_half: Takes half of it, for a torn write.

    Raises:
        OSError: As the point says.
    """
    if _points:
        for point in _points:
            if point.is_due(step):
                _fail(step, point.action, write_half)


def _fail(step: str, action: str, write_half: Callable[[], object] | None) -> None:
    if action == "trace":
        sys.stderr.write(f"failpoint {step}\n")
        return
    if action == "slow":
        time.sleep(_SLOW_S)
        return
    if action.startswith(_TORN) and write_half is not None:
        write_half()
    action = action.removeprefix(_TORN)
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action in {"hang", "kill"}:
        threading.Event().wait()
    number = getattr(errno, action)
    raise OSError(number, os.strerror(number))


def _parse(text: str) -> _Point:
    match = _POINT.fullmatch(text)
    action = match["action"].removeprefix(_TORN) if match else ""
    if match is None or not (
        action in {"hang", "kill", "slow", "trace"} or hasattr(errno, action)
    ):
        raise InvalidOption(ENVIRONMENT_NAME, text, "STEP=ACTION[@N][+]")
    nth = int(match["nth"] or 1)
    return _Point(match["step"], match["action"], nth, goes_on=bool(match["on"]))
