"""Run benchmarks, print JSON: ``python -m tests.benchmarks [--quick] [NAME…]``."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.benchmarks.capturing import run_apart
from tests.benchmarks.converting import copy, decode_and_write
from tests.benchmarks.sender import sender
from tests.benchmarks.spent import Spent
from tests.benchmarks.summaries import summary_seconds
from tests.benchmarks.traffic import read_lines

_LINES = 200_000


def _interleaved(
    ours: Callable[[], Spent], theirs: Callable[[], Spent], rounds: int
) -> list[tuple[Spent, Spent]]:
    """Run both in turns, so that both meet the noise."""
    return [(ours(), theirs()) for _ in range(rounds)]


def _compared(runs: list[tuple[Spent, Spent]], records: int) -> dict[str, Any]:
    """Compare medians; and the best runs, which a busy machine disturbs least."""
    first, second = zip(*runs, strict=True)
    ours, theirs = _each(statistics.median, first), _each(statistics.median, second)
    our_best, their_best = _each(min, first), _each(min, second)
    return {
        "ratio": round(theirs.wall_s / ours.wall_s, 3),
        "ratio_of_best": round(their_best.wall_s / our_best.wall_s, 3),
        "cpu_ratio": round(theirs.cpu_s / ours.cpu_s, 3),
        "records_per_s": round(records / ours.wall_s),
        "compared_records_per_s": round(records / theirs.wall_s),
    }


def _each(choose: Callable[[Iterable[float]], float], runs: Iterable[Spent]) -> Spent:
    walls, cpus = zip(*runs, strict=True)
    return Spent(choose(walls), choose(cpus))


def _run_spent(what: str, url: str, records: int) -> Spent:
    figures = run_apart(what, url, records, 10)
    return Spent(figures["wall_s"], figures["cpu_s"])


def bench_one_per_message(records: int, rounds: int) -> dict[str, Any]:
    """A whole capture against a bare websockets loop; ≥ 0.85 is the aim."""
    with sender(columns=10, lines=_LINES, per_message=1) as url:
        runs = _interleaved(
            lambda: _run_spent("capture", url, records),
            lambda: _run_spent("receive", url, records),
            rounds,
        )
    return _compared(runs, records)


def bench_fifty_per_message(records: int, rounds: int) -> dict[str, Any]:
    """A whole capture against decoding and writing from memory; ≥ 0.8 is the aim.

    Of seconds, as captures are longer yet: their start and end take some 0.1 s, which
    decoding alone does not have.
    """
    lines = read_lines(10, _LINES)
    lines = lines * (records // len(lines))
    with sender(columns=10, lines=_LINES, per_message=50) as url:
        runs = _interleaved(
            lambda: _run_spent("capture", url, len(lines)),
            lambda: decode_and_write(10, lines),
            rounds,
        )
    return _compared(runs, len(lines))


def bench_conversion(columns: int, count: int, rounds: int) -> dict[str, Any]:
    """NDJSON → Parquet against DuckDB's COPY, one thread each; ≥ 0.8 is the aim."""
    lines = read_lines(columns, count)
    runs = _interleaved(
        lambda: decode_and_write(columns, lines),
        lambda: copy(columns, lines),
        rounds,
    )
    return _compared(runs, count)


def bench_memory(short: int, long: int) -> dict[str, Any]:
    """Peak memory of a short and of a long capture; < 300 MB and flat is the aim."""
    with sender(columns=10, lines=_LINES, per_message=50) as url:
        runs = [run_apart("capture", url, count, 10) for count in (short, long)]
    peaks = [run["peak_memory_mb"] for run in runs]
    return {
        "records": [short, long],
        "peak_mb": [round(peak) for peak in peaks],
        "ratio": round(peaks[1] / peaks[0], 3),
        "records_per_s": [round(run["records"] / run["wall_s"]) for run in runs],
    }


def bench_event_loop(records: int) -> dict[str, Any]:
    """Longest wait for the event loop at 100,000 records/s; < 50 ms is the aim."""
    with sender(columns=10, lines=_LINES, per_message=50, rate=100_000) as url:
        run = run_apart("capture", url, records, 10)
    return {
        "records_per_s": round(run["records"] / run["wall_s"]),
        "longest_block_ms": round(run["longest_block_ms"], 1),
        "inbox_high_water_mb": round(run["inbox_high_water_mb"], 2),
    }


def bench_summaries(records: int, rounds: int) -> dict[str, Any]:
    """Every summary over 10 million records, two threads; < 2 s each is the aim."""
    seconds = summary_seconds(records, rounds)
    slowest = max(seconds, key=lambda name: seconds[name])
    return {"records": records, "slowest": slowest, "seconds": seconds}


def bench_help(rounds: int) -> dict[str, Any]:
    """Time of ``instant-logs --help``; < 0.3 s is the aim."""
    program = Path(sys.executable).with_name("instant-logs")
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run([program, "--help"], stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - started)
    return {"seconds": round(statistics.median(seconds), 3)}


def main() -> None:
    """Run those that are asked for, or all; progress goes to stderr."""
    asked = sys.argv[1:]
    quick = "--quick" in asked
    records, rounds = (200_000, 3) if quick else (1_000_000, 5)
    memory = (500_000, 2_000_000) if quick else (2_000_000, 20_000_000)
    benches: dict[str, Callable[[], dict[str, Any]]] = {
        "capture_1_per_message": lambda: bench_one_per_message(records, rounds),
        "capture_50_per_message": lambda: bench_fifty_per_message(4 * records, rounds),
        "convert_10_columns": lambda: bench_conversion(10, _LINES, rounds),
        "convert_42_columns": lambda: bench_conversion(42, _LINES // 2, rounds),
        "memory": lambda: bench_memory(*memory),
        "event_loop": lambda: bench_event_loop(records),
        "summaries_10m": lambda: bench_summaries(10 * records, rounds),
        "help": lambda: bench_help(5),
    }
    wanted = [name for name in asked if name != "--quick"]
    if unknown := sorted(set(wanted) - set(benches)):
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(benches)}")
    results: dict[str, Any] = {}
    for name in wanted or benches:
        print(f"{name} …", file=sys.stderr, flush=True)
        results[name] = benches[name]()
        print(f"{name}: {results[name]}", file=sys.stderr, flush=True)
    print(json.dumps({"machine": platform.platform(), **results}, indent=2))


if __name__ == "__main__":
    main()
