"""What a comparison asks of its evidence.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from instant_logs_plugin.analysis.compare.metrics import DEFAULT_METRICS, Metric
from instant_logs_plugin.errors import InvalidOption

__all__ = ["CompareSettings"]

_RANGES = {
    "confidence": (0.5, 0.9999, "from 0.5 to 0.9999"),
    "min_coverage": (0.0, 1.0, "from 0 to 1"),
    "max_mix_shift": (0.0, 1.0, "from 0 to 1"),
    "min_records": (1, float("inf"), "at least 1"),
}


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """Metrics and limits; the defaults are made to be used as they are.

    Attributes:
        metrics: What is compared, in this order; names are unique.
        confidence: Of intervals and, over all metrics together, of "worse".
        min_records: Fewer records on a side leave the comparison inconclusive.
        min_coverage: Recorded share of the windows, 0 to 1; less is inconclusive.
        max_mix_shift: Share of traffic, 0 to 1, that may move between hosts, methods
            or paths (total variation distance); more is inconclusive.
    """

    metrics: tuple[Metric, ...] = DEFAULT_METRICS
    confidence: float = 0.95
    min_records: int = 200
    min_coverage: float = 0.95
    max_mix_shift: float = 0.20

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InvalidOption: A value is out of its range, or no metric is left.
        """
        for name, (low, high, allowed) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise InvalidOption(name, getattr(self, name), allowed)
        if not self.metrics:
            raise InvalidOption("metrics", "none", "at least one enabled metric")
