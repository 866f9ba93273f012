"""Sealed lines to Arrow, in bulk where that is exact, line by line elsewhere.

One bad line costs itself: it comes back as a reject, verbatim. Rows keep the order of
the lines, and rows and rejects add up to the lines, always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from instant_logs_plugin.capture.bulk_read import BulkReader
from instant_logs_plugin.capture.framing import Arrival
from instant_logs_plugin.capture.line_cut import LineCutter
from instant_logs_plugin.capture.line_decode import LineDecoder, Row
from instant_logs_plugin.capture.line_scan import line_starts
from instant_logs_plugin.capture.line_shape import Shape, find_shape
from instant_logs_plugin.capture.line_values import convert_column
from instant_logs_plugin.capture.rejects import Reject
from instant_logs_plugin.capture.schema import capture_schema, column_types
from instant_logs_plugin.capture.segment import Block

__all__ = ["Decoded", "Decoder", "capture_schema"]

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
Times = npt.NDArray[np.int64]

# Fewer lines are read one by one in less time than a query takes to begin.
_LEAST_IN_BULK = 256
_SHAPE_LINES = 16
_UTC_US = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Decoded:
    """What became of a block's lines.

    Attributes:
        table: The records, in the order of their lines; see ``capture_schema``.
        rejects: The lines that are none, in order.
    """

    table: pa.Table
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True)
class _Rows:
    """Some lines of a block, by their places in it, and the columns of their rows."""

    lines: Indices
    columns: Mapping[str, Any]


class Decoder:
    """Decodes the segments of one capture; used by one thread at a time.

    Args:
        fields: The requested fields, in order.
        capture_id: Goes into every row.
    """

    def __init__(self, fields: Sequence[str], *, capture_id: str) -> None:
        self._columns = column_types(fields)
        self._schema = capture_schema(fields)
        self._capture_id = capture_id
        self._alone = LineDecoder(self._columns)
        self._bulk = BulkReader()
        self._cutter: LineCutter | None = None

    def decode(self, blocks: Iterable[Block]) -> Iterator[Decoded]:
        r"""Decode blocks of lines, each by itself.

        Args:
            blocks: Whole lines, each ended by ``\n``, none blank, and their arrivals.
        """
        return map(self._decode_block, blocks)

    def close(self) -> None:
        """Give the bulk reader's memory back."""
        self._bulk.close()

    def _decode_block(self, block: Block) -> Decoded:
        """Try the fastest way first; each leaves lines to the next."""
        times = _times(block.arrivals)
        parts = [self._cut(block.data, len(times))]
        left = np.delete(np.arange(len(times)), parts[0].lines)
        if len(left) >= _LEAST_IN_BULK:
            parts.append(self._read_bulk(block.data, left))
            left = np.setdiff1d(left, parts[-1].lines, assume_unique=True)
        if not len(left):
            return Decoded(self._join(parts, times))
        rows, rejects = self._read_alone(block.data, left, times)
        return Decoded(self._join([*parts, rows], times), rejects)

    def _cut(self, data: bytes, line_count: int) -> _Rows:
        """Cut lines that look like those before, or else like the first ones here."""
        rows = _cut_by(self._cutter, data, line_count)
        if len(rows.lines):
            return rows
        shape = find_shape(data, self._columns)
        if shape is None or (self._cutter and self._cutter.shape == shape):
            return _NO_ROWS
        self._cutter = LineCutter(shape)
        return _cut_by(self._cutter, data, line_count)

    def _read_bulk(self, data: bytes, lines: Indices) -> _Rows:
        texts = _lines_of(data).take(lines)
        shape = find_shape(_bytes_of(texts, count=_SHAPE_LINES), self._columns)
        if shape is None:
            return _NO_ROWS
        table, exact = self._bulk.read(texts, shape)
        kept = table.filter(pa.array(exact))
        columns = {key.name: kept[key.name] for key in shape.keys}
        return _fitting(lines[exact], columns, shape)

    def _read_alone(
        self, data: bytes, places: Indices, times: Times
    ) -> tuple[_Rows, list[Reject]]:
        rows: list[Row] = []
        lines: list[int] = []
        rejects: list[Reject] = []
        starts = line_starts(data).tolist()
        for place in places.tolist():
            line = data[starts[place] : starts[place + 1] - 1]
            row = self._alone.decode(line)
            if isinstance(row, str):
                rejects.append(Reject(row, int(times[place]), line))
            else:
                rows.append(row)
                lines.append(place)
        return _Rows(np.array(lines, np.intp), self._transpose(rows)), rejects

    def _transpose(self, rows: list[Row]) -> dict[str, Any]:
        names = [*self._columns, "extra"]
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        return {
            name: pa.array(values, self._schema.field(name).type)
            for name, values in zip(names, columns, strict=True)
        }

    def _join(self, parts: Sequence[_Rows], times: Times) -> pa.Table:
        """Return the rows of all parts, in the order of their lines."""
        tables = [self._table(part, times) for part in parts if len(part.lines)]
        if not tables:
            return self._schema.empty_table()
        if len(tables) == 1:
            return tables[0]
        order = np.argsort(np.concatenate([part.lines for part in parts]))
        return pa.concat_tables(tables).take(order)

    def _table(self, part: _Rows, times: Times) -> pa.Table:
        """Return the table of these columns; one that is absent is null."""
        count = len(part.lines)
        ours = {
            "capture_id": pa.repeat(pa.scalar(self._capture_id), count),
            "received_at": pa.array(times[part.lines]).view(_UTC_US),
        }
        known = {**part.columns, **ours}
        arrays = [
            known[one.name] if one.name in known else pa.nulls(count, one.type)
            for one in self._schema
        ]
        return pa.Table.from_arrays(arrays, schema=self._schema)


_NO_ROWS = _Rows(np.empty(0, np.intp), {})


def _times(arrivals: Sequence[Arrival]) -> Times:
    counts = [arrival.line_count for arrival in arrivals]
    return np.repeat(np.array([a.received_at_us for a in arrivals], np.int64), counts)


def _lines_of(data: bytes) -> Any:
    """Return the lines with their newlines as Arrow text; nothing is looked at."""
    starts = line_starts(data)
    offsets = pa.py_buffer(starts.astype(np.int32).tobytes())
    return pa.StringArray.from_buffers(len(starts) - 1, offsets, pa.py_buffer(data))


def _bytes_of(lines: Any, *, count: int) -> bytes:
    return b"".join(lines.slice(0, count).cast(pa.binary()).to_pylist())


def _cut_by(cutter: LineCutter | None, data: bytes, line_count: int) -> _Rows:
    if cutter is None:
        return _NO_ROWS
    cut = cutter.cut(data, line_count)
    if not len(cut.lines):
        return _NO_ROWS
    return _fitting(cut.lines, cut.columns, cutter.shape)


def _fitting(lines: Indices, texts: Mapping[str, Any], shape: Shape) -> _Rows:
    """Convert columns, and keep the rows whose values all fit them."""
    columns: dict[str, Any] = {}
    misfits = np.zeros(len(lines), np.bool_)
    for key in shape.keys:
        columns[key.name], misfit = convert_column(texts[key.name], key)
        if misfit is not None:
            misfits |= misfit
    if misfits.any():
        kept = pa.array(~misfits)
        columns = {name: column.filter(kept) for name, column in columns.items()}
    return _Rows(lines[~misfits], columns)
