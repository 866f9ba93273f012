"""Hints to paste: a command that one names gets the places that were given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["complete_hint"]

_PLACES = {
    "recover": ("--store", "--journal"),
    "captures": ("--store",),
    "query": ("--store",),
    "summary": ("--store",),
}
_COMMAND = re.compile(rf"'instant-logs ({'|'.join(_PLACES)})\b[^']*")


def complete_hint(hint: str, arguments: Sequence[str]) -> str:
    """Return a hint whose commands look where the failed one looked.

    Args:
        hint: Commands in it are quoted: ``'instant-logs recover'``.
        arguments: Of the command that failed, without its name.
    """

    def complete(command: re.Match[str]) -> str:
        return command[0] + "".join(
            f" {option} {shlex.quote(value)}"
            for option in _PLACES[command[1]]
            for value in _given(option, arguments)
        )

    return _COMMAND.sub(complete, hint)


def _given(option: str, arguments: Sequence[str]) -> Sequence[str]:
    """Return the value that counts, the last one, if there is one."""
    values = []
    for one, following in pairwise([*arguments, ""]):
        if one == option:
            values.append(following)
        elif one.startswith(f"{option}="):
            values.append(one.removeprefix(f"{option}="))
    return [value for value in values[-1:] if value]
