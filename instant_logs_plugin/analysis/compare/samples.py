"""One side of a metric as arrays: what the tests take.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "Clusters",
    "Floats",
    "Replicates",
    "Values",
    "effective_size",
    "weighted_quantile",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """One side of a share, mean or rate: one item by cluster.

    Attributes:
        weight: Sum of the weights (requests stood for), or seconds of a rate; above 0.
        weight_squared: Sum of the squared weights.
        amount: Sum of weight times value.
        records: Records, over all clusters.
    """

    weight: Floats
    weight_squared: Floats
    amount: Floats
    records: int


@dataclass(frozen=True, kw_only=True)
class Values:
    """One side of a quantile: one item by cluster and distinct value.

    Attributes:
        cluster: Number of the cluster, from 0.
        value: The value.
        weight: Sum of the weights.
        weight_squared: Sum of the squared weights.
        records: Records, over all items.
    """

    cluster: npt.NDArray[np.int64]
    value: Floats
    weight: Floats
    weight_squared: Floats
    records: int


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """One side of a query: its answer, and the answers with one cluster left out."""

    value: float
    without: Floats
    records: int


def effective_size(weight: float, weight_squared: float) -> float:
    """Return how many equal weights tell as much (Kish)."""
    return weight**2 / weight_squared


def weighted_quantile(values: Floats, weights: Floats, q: float) -> float:
    """Return the smallest value at or below which a fraction ``q`` of weight lies."""
    return float(np.quantile(values, q, weights=weights, method="inverted_cdf"))
