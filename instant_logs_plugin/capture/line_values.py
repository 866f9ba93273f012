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
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    encoded = column.dictionary_encode()
    read = encoded.dictionary.to_pylist()
    converted = [convert(value) for value in read]
    values = pa.array(converted, arrow_type(key.kind)).take(encoded.indices)
    null = "null" if key.form is Form.RAW else None
    fits = [
        value == null or found is not None
        for value, found in zip(read, converted, strict=True)
    ]
    if all(fits):
        return values, None
    misfits = pa.array([not one for one in fits]).take(encoded.indices)
    return values, np.asarray(misfits.fill_null(False))  # noqa: FBT003 - the value


def _converter(key: Key) -> Callable[[Any], Any] | None:
    """Return what a value as read still has to go through, or None for nothing."""
    convert = CONVERTERS[key.kind]
    if key.form is Form.RAW:
        return partial(_convert_json, convert)
    return convert if key.kind is FieldType.TIMESTAMP else None


def _convert_json(convert: Callable[[Any], Any], text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return None if value is None else convert(value)
