"""From values as they were read in bulk to values of their columns' types.

Times, lists and the like are converted by their distinct values, which are few, and by
the same functions as in ``line_decode``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from instant_logs_plugin.capture.line_decode import CONVERTERS
from instant_logs_plugin.capture.line_shape import Form, Key
from instant_logs_plugin.capture.schema import arrow_type
from instant_logs_plugin.edge.fields import FieldType

__all__ = ["convert_column"]


def convert_column(column: Any, key: Key) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    """Return a column of its final type, and where values do not fit it.

    Returns:
        The values, and a mask of misfits (their values are null), or None for none.
    """
    convert = _converter(key)
    if convert is None:
        return column, None
    encoded = column.combine_chunks().dictionary_encode()
    converted = [convert(value) for value in encoded.dictionary.to_pylist()]
    values = pa.array(converted, arrow_type(key.kind)).take(encoded.indices)
    if None not in converted:
        return values, None
    return values, np.asarray(pc.is_valid(column)) & np.asarray(pc.is_null(values))


def _converter(key: Key) -> Callable[[Any], Any] | None:
    """Return what a value as read still has to go through, or None for nothing."""
    convert = CONVERTERS[key.kind]
    if key.form is Form.RAW:
        return partial(_convert_json, convert)
    return convert if key.kind is FieldType.TIMESTAMP else None


def _convert_json(convert: Callable[[Any], Any], text: str) -> Any:
    try:
        return convert(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None
