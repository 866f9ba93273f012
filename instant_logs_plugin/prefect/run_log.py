"""What the recorder warns of, in the log of its flow run.

The recorder knows nothing of Prefect: it logs the name of an event, with facts beside
it (``instant_logs.stream_ended``, ``reason``). Prefect would show neither.
"""

from __future__ import annotations

import logging
from collections import Counter
from uuid import UUID

from prefect.logging.handlers import APILogHandler

from instant_logs_plugin.prefect.run import current_run, run_logger

__all__ = ["show_warnings"]

_MOST_LINES = 50
_OURS = logging.getLogger("instant_logs_plugin")
_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "taskName"}


def show_warnings() -> None:
    """Show warnings in the log of the run that they come from, from now on.

    Nothing is changed where Prefect was told to show them
    (``PREFECT_LOGGING_EXTRA_LOGGERS``). A run's log gets 50 lines at most.
    """
    if not any(isinstance(one, APILogHandler) for one in _OURS.handlers):
        _OURS.addHandler(_HANDLER)


class _RunLogHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._shown: Counter[UUID] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Show it; nothing outside a run."""
        run = current_run()
        if run is None or self._shown[run.id] > _MOST_LINES:
            return
        self._shown[run.id] += 1
        is_last = self._shown[run.id] > _MOST_LINES
        text = "more warnings are left out" if is_last else _describe(record)
        run_logger().log(record.levelno, "%s", text)


def _describe(record: logging.LogRecord) -> str:
    """Return the event in words, with its facts: ``stream ended (reason: silent)``."""
    name = record.getMessage().removeprefix("instant_logs.").replace("_", " ")
    facts = [
        f"{key}: {value}"
        for key, value in vars(record).items()
        if key not in _OF_EVERY_RECORD
    ]
    return f"{name} ({', '.join(facts)})" if facts else name


_HANDLER = _RunLogHandler()
