"""The news of a capture as lines of its run's log, where its owner looks.

The recorder knows nothing of Prefect: it logs events, some of them from threads where
no run is known. They belong to a run by their zone, which it holds alone.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from prefect.logging.handlers import APILogHandler

from instant_logs_plugin.capture.events import describe_event
from instant_logs_plugin.prefect.run import Logger, current_run, run_logger

__all__ = ["show_warnings"]

_MOST_LINES = 50
_OURS = logging.getLogger("instant_logs_plugin")


@contextlib.contextmanager
def show_warnings(zone_id: str) -> Iterator[None]:
    """Show what the zone's capture warns of in the log of this run, 50 lines at most.

    Nothing is shown outside a run, nor where Prefect was told to show it itself
    (``PREFECT_LOGGING_EXTRA_LOGGERS``).
    """
    is_shown = any(isinstance(one, APILogHandler) for one in _OURS.handlers)
    if is_shown or current_run() is None:
        yield
        return
    handler = _RunLogHandler(zone_id, run_logger())
    _OURS.addHandler(handler)
    try:
        yield
    finally:
        _OURS.removeHandler(handler)


class _RunLogHandler(logging.Handler):
    def __init__(self, zone_id: str, log: Logger) -> None:
        super().__init__(logging.WARNING)
        self._zone_id, self._log = zone_id, log
        self._shown = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Show it, if it is news of the zone."""
        is_of_zone = getattr(record, "zone_id", None) == self._zone_id
        words = describe_event(record) if is_of_zone else None
        if words is None or self._shown > _MOST_LINES:
            return
        self._shown += 1
        is_last = self._shown > _MOST_LINES
        text = "more warnings are left out" if is_last else words
        self._log.log(record.levelno, "%s", text)
