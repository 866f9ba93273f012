"""How often a verdict is right: pairs of captures of the emulator's traffic, compared.

``python -m tests.compare.proof`` prints one JSON object by kind of pair; ``--pairs``
says how many of each. The traffic is the emulator's own, journaled, stored and compared
by the product's code; only the stream is left out (``tests/support/synthetic.py``).

Kinds, each with all requests recorded and with 1 in 10:

- ``same``: nothing changed. A ``fail`` is a false alarm.
- ``errors``: 2 points more 5xx at the edge.
- ``slow``: the origin takes 1.3 times as long, its p95 too.
- ``bursts``: nothing changed, but errors come in spells of some seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from random import Random

from instant_logs_plugin.analysis.compare import Comparison, compare_captures
from instant_logs_plugin.emulator.scenarios import Conditions
from instant_logs_plugin.emulator.traffic import Traffic
from tests.support.synthetic import START, Synthetic, write_synthetic

__all__ = ["KINDS", "Tally", "run_pairs"]

RECORDS = 2_000
_ZONES = 20
_APART = 10_000
_USUAL = Conditions()
_SPELL_S = 4.0
_LATER = timedelta(hours=1)

Changing = Callable[[float], Conditions]


@dataclass(frozen=True)
class Tally:
    """What came of the pairs of a kind.

    Attributes:
        pairs: How many there were.
        verdicts: How many ended with each verdict.
        worse: How many found each metric worse.
    """

    pairs: int
    verdicts: Counter[str]
    worse: Counter[str]

    def share(self, verdict: str) -> float:
        """Return the share of the pairs that ended with a verdict."""
        return self.verdicts[verdict] / self.pairs


def run_pairs(kind: str, pairs: int, *, sample: int = 1, first: int = 0) -> Tally:
    """Compare pairs of a kind; the same numbers give the same pairs."""
    verdicts: Counter[str] = Counter()
    worse: Counter[str] = Counter()
    for number in range(first, first + pairs):
        comparison = _compare(kind, number, sample)
        verdicts[comparison.verdict.value] += 1
        worse.update(
            one.metric.name for one in comparison.metrics if one.outcome == "worse"
        )
    return Tally(pairs, verdicts, worse)


def _compare(kind: str, number: int, sample: int) -> Comparison:
    before, after = _conditions(kind, number)
    # Sampled pairs are drawn anew: they are no copies of the others.
    session = 2 * (number + (_APART * sample if sample > 1 else 0))
    side = Synthetic(
        records=RECORDS, seed=number % _ZONES, number=session, sample=sample
    )
    with tempfile.TemporaryDirectory() as store:
        write_synthetic(store, "before", replace(side, conditions=before))
        later = replace(side, number=session + 1, started_at=START + _LATER)
        write_synthetic(store, "after", replace(later, conditions=after))
        return compare_captures(store, ["before"], ["after"])


def _conditions(kind: str, number: int) -> tuple[Changing, Changing]:
    if kind == "bursts":
        return _spells(2 * number), _spells(2 * number + 1)
    changed = KINDS[kind](number % _ZONES)
    return (lambda _: _USUAL), (lambda _: changed)


def _more_errors(zone: int) -> Conditions:
    """Return conditions under which 2 % more of all requests get a 5xx."""
    return Conditions(error_share=_USUAL.error_share + 0.02 / _asked_share(zone))


def _slower(_zone: int) -> Conditions:
    return Conditions(latency_factor=1.3)


def _spells(number: int) -> Changing:
    """Return conditions with the usual errors on average, all in one spell of four."""
    random = Random(f"spells {number}")
    is_bad = [random.random() < 0.25 for _ in range(1_000)]
    bad = Conditions(error_share=4 * 5 * _USUAL.error_share)
    return lambda at_s: (
        bad if is_bad[int(at_s / _SPELL_S)] else Conditions(error_share=0.0)
    )


@lru_cache(maxsize=_ZONES)
def _asked_share(zone: int) -> float:
    """Return the share of a zone's requests that can be answered with a 5xx."""
    traffic, broken = Traffic(zone, -1), Conditions(error_share=1.0)
    statuses = (traffic.draw(0.0, broken).status for _ in range(20_000))
    return sum(status >= 500 for status in statuses) / 20_000


KINDS: dict[str, Callable[[int], Conditions]] = {
    "same": lambda _: _USUAL,
    "errors": _more_errors,
    "slow": _slower,
    "bursts": lambda _: _USUAL,
}


def _figures(pairs: int) -> Iterator[dict[str, object]]:
    for kind in KINDS:
        for sample in (1, 10):
            tally = run_pairs(kind, pairs, sample=sample)
            yield {
                "kind": kind,
                "sample": sample,
                "pairs": pairs,
                "verdicts": dict(tally.verdicts),
                "worse": dict(tally.worse),
            }


def main() -> None:
    """Print the figures as they come."""
    parser = argparse.ArgumentParser(description="how often a verdict is right")
    parser.add_argument("--pairs", type=int, default=200)
    for figures in _figures(parser.parse_args().pairs):
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
