"""One thing that was looked at, and how it is.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from instant_logs_plugin.errors import InstantLogsError

__all__ = ["Finding", "Status", "exit_code"]


class Status(StrEnum):
    """How a thing is."""

    OK = "ok"
    SKIPPED = "skipped"
    """Not looked at: what it needs is missing, or nobody asked for it."""
    WARNING = "warning"
    """A capture can start; what is said may spoil it."""
    FAILED = "failed"
    """A capture would fail."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found.

    Attributes:
        check: What was looked at.
        status: How it is.
        text: What was seen, in one line.
        mend: What to do about it; ``""`` when nothing is to be done.
        exit_code: What a capture would end with, if it failed.
    """

    check: str
    status: Status
    text: str
    mend: str = ""
    exit_code: int = 0

    @classmethod
    def of_error(cls, check: str, exc: InstantLogsError) -> Finding:
        """Return the finding that an error is."""
        return cls(
            check=check,
            status=Status.FAILED,
            text=str(exc),
            mend=exc.hint,
            exit_code=exc.exit_code,
        )


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit code of the first that failed; 0 if none did."""
    failed = (one.exit_code for one in findings if one.status is Status.FAILED)
    return next(failed, 0)
