"""Sealed lines to Arrow, in bulk where that is exact, line by line elsewhere.

One bad line costs itself: it comes back as a reject, verbatim. Rows keep the order of
the lines, and rows and rejects add up to the lines, always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from instant_logs_plugin.capture.bulk_read import BulkReader, parse_text
from instant_logs_plugin.capture.framing import Arrival
from instant_logs_plugin.capture.line_decode import LineDecoder, Row
from instant_logs_plugin.capture.line_proof import ReadProof, make_proof
from instant_logs_plugin.capture.line_scan import BlockScan, LineScanner
from instant_logs_plugin.capture.line_shape import Shape, find_shape
from instant_logs_plugin.capture.rejects import Reject
from instant_logs_plugin.capture.schema import capture_schema, column_types

__all__ = ["Decoded", "Decoder", "capture_schema"]

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

_SHAPE_TRIES = 4
_LEAST_PROVEN = 0.95
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
class _Plain:
    """Lines that were read in bulk: their places in the block, and their columns."""

    lines: Indices
    columns: Mapping[str, Any]


_NONE = _Plain(np.empty(0, np.intp), {})


class Decoder:
    """Decodes the blocks of one capture; used by one thread at a time.

    Args:
        fields: The requested fields, in order.
        capture_id: Goes into every row.
    """

    def __init__(self, fields: Sequence[str], *, capture_id: str) -> None:
        self._columns = column_types(fields)
        self._schema = capture_schema(fields)
        self._capture_id = capture_id
        self._lines = LineDecoder(self._columns)
        self._scanner = LineScanner()
        self._bulk = BulkReader()
        self._shape: Shape | None = None
        self._proof: ReadProof | None = None

    def decode(self, data: bytes, arrivals: Sequence[Arrival]) -> Decoded:
        r"""Decode a block.

        Args:
            data: Whole lines, each ended by ``\n``, none blank.
            arrivals: When they arrived, run by run; their counts add up to the lines.
        """
        times = _times(arrivals)
        if not len(times):
            return Decoded(self._schema.empty_table())
        plain = self._read_plain(data, len(times))
        if len(plain.lines) == len(times):
            return Decoded(self._table(plain.columns, times))
        return self._decode_mixed(data, times, plain)

    def close(self) -> None:
        """Give the bulk reader's memory back."""
        self._bulk.close()

    def _read_plain(self, data: bytes, line_count: int) -> _Plain:
        """Read what can be read in bulk: proven afterwards, or scanned before."""
        return self._read_proven(data, line_count) or self._read_scanned(
            data, line_count
        )

    def _read_proven(self, data: bytes, line_count: int) -> _Plain | None:
        """Read lines of the shape of the block before; None if few prove exact."""
        if self._shape is None:
            self._learn_shape(data)
        if self._shape is None or self._proof is None:
            return None
        table = self._bulk.read(data, self._shape.columns)
        if table is None or table.num_rows != line_count:
            return None
        exact = self._proof.prove(data, table)
        lines = np.flatnonzero(exact)
        if len(lines) < line_count:
            if len(lines) < _LEAST_PROVEN * line_count:
                return None
            table = table.filter(pa.array(exact))
        return _parsed(lines, table, self._shape)

    def _read_scanned(self, data: bytes, line_count: int) -> _Plain:
        scan = self._scan(data, line_count)
        if scan is None or not scan.plain.any():
            return _NONE
        table = self._bulk.read(_pick(data, scan.plain), scan.shape.columns)
        lines = np.flatnonzero(scan.plain)
        if table is None or table.num_rows != len(lines) or not _is_honest(table, scan):
            return _NONE
        return _parsed(lines, table, scan.shape)

    def _scan(self, data: bytes, line_count: int) -> BlockScan | None:
        """Scan by the shape of the block before; by this block's own if that fails."""
        scan = None
        if self._shape is not None:
            scan = self._scanner.scan(data, line_count, self._shape)
            if 2 * scan.plain.sum() > line_count:
                return scan
        if self._learn_shape(data) and self._shape is not None:
            scan = self._scanner.scan(data, line_count, self._shape)
        return scan

    def _learn_shape(self, data: bytes) -> bool:
        """Take the shape of one of the first lines; tells whether it is a new one."""
        lines = data.split(b"\n", _SHAPE_TRIES)[:_SHAPE_TRIES]
        shapes = (find_shape(line, self._columns) for line in lines)
        shape = next((shape for shape in shapes if shape), None)
        if shape is None or (self._shape and shape.keys == self._shape.keys):
            return False
        self._shape, self._proof = shape, make_proof(shape)
        return True

    def _decode_mixed(
        self, data: bytes, times: npt.NDArray[np.int64], plain: _Plain
    ) -> Decoded:
        """Decode the other lines one by one, and put all in order."""
        others = np.delete(np.arange(len(times)), plain.lines)
        rows, lines, rejects = self._decode_lines(data, others, times)
        tables = (
            [self._table(plain.columns, times[plain.lines])] if plain.columns else []
        )
        tables.append(self._table(self._transpose(rows), times[lines]))
        order = np.argsort(np.concatenate([plain.lines, lines]))
        return Decoded(pa.concat_tables(tables).take(order), rejects)

    def _decode_lines(
        self, data: bytes, places: Indices, times: npt.NDArray[np.int64]
    ) -> tuple[list[Row], Indices, list[Reject]]:
        rows: list[Row] = []
        lines: list[int] = []
        rejects: list[Reject] = []
        starts = _line_starts(data)
        for place in places.tolist():
            line = data[starts[place] : starts[place + 1] - 1]
            row = self._lines.decode(line)
            if isinstance(row, str):
                rejects.append(Reject(row, int(times[place]), line))
            else:
                rows.append(row)
                lines.append(place)
        return rows, np.array(lines, np.intp), rejects

    def _transpose(self, rows: list[Row]) -> dict[str, Any]:
        names = [*self._columns, "extra"]
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        return {
            name: pa.array(values, self._schema.field(name).type)
            for name, values in zip(names, columns, strict=True)
        }

    def _table(
        self, columns: Mapping[str, Any], times: npt.NDArray[np.int64]
    ) -> pa.Table:
        """Return the table of these columns; one that is absent is null."""
        count = len(times)
        ours = {
            "capture_id": pa.repeat(pa.scalar(self._capture_id), count),
            "received_at": pa.array(times).view(_UTC_US),
        }
        known = {**columns, **ours}
        arrays = [
            known[one.name] if one.name in known else pa.nulls(count, one.type)
            for one in self._schema
        ]
        return pa.table(arrays, schema=self._schema)


def _times(arrivals: Sequence[Arrival]) -> npt.NDArray[np.int64]:
    counts = [arrival.line_count for arrival in arrivals]
    return np.repeat(np.array([a.received_at_us for a in arrivals], np.int64), counts)


def _line_starts(data: bytes) -> list[int]:
    """Return where each line starts, and where one more would."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    return [0, *(ends + 1).tolist()]


def _pick(data: bytes, wanted: Bools) -> bytes:
    """Return the wanted lines, in runs."""
    if wanted.all():
        return data
    starts = _line_starts(data)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]])))
    runs = edges.reshape(-1, 2).tolist()
    return b"".join(data[starts[first] : starts[last]] for first, last in runs)


def _is_honest(table: pa.Table, scan: BlockScan) -> bool:
    """Tell whether each NULL is a ``null`` of its key, not a key that is not there."""
    for index, key in enumerate(scan.shape.keys):
        column = table[key]
        if column.null_count:
            rows = np.flatnonzero(np.asarray(pc.is_null(column)))
            if not scan.are_nulls(index, rows):
                return False
    return True


def _parsed(lines: Indices, table: pa.Table, shape: Shape) -> _Plain:
    """Parse the text columns; lines with a misfit are left to be read one by one."""
    columns: dict[str, Any] = {}
    misfits = np.zeros(len(lines), np.bool_)
    for key, kind in shape.columns.items():
        columns[key], misfit = parse_text(table[key], kind)
        if misfit is not None:
            misfits |= misfit
    if not misfits.any():
        return _Plain(lines, columns)
    kept = pa.array(~misfits)
    columns = {key: column.filter(kept) for key, column in columns.items()}
    return _Plain(lines[~misfits], columns if not misfits.all() else {})
