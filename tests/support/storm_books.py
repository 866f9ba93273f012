"""The books of a storm: what the service saw, what the store holds, side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import pyarrow.parquet as pq

from instant_logs_plugin.edge.session import session_fingerprint
from instant_logs_plugin.emulator.registry import Attempt, ServedSession
from instant_logs_plugin.store.catalog import capture_problems, list_captures
from instant_logs_plugin.store.filesystem import open_store
from instant_logs_plugin.store.manifest import CaptureState, Manifest
from tests.support.storm import OUR_FIELDS, Storm

__all__ = ["Books"]

_RACE_S = 1.0
"""A session younger than this may be missing from a list that was read before."""


@dataclass(frozen=True)
class Books:
    """What is checked after a storm.

    Attributes:
        storm: It.
    """

    storm: Storm

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        """The store's captures, those still running or unfinished too."""
        listing = list_captures(open_store(str(self.storm.store)))
        assert not listing.unreadable
        return listing.manifests

    @property
    def our_attempts(self) -> list[Attempt]:
        """Every create of ours."""
        return [one for one in self.storm.emulator.attempts if _is_ours(one.job.fields)]

    def fights(self) -> list[Attempt]:
        """Return the creates of ours while a stream of ours lived."""
        return [
            one
            for one in self.our_attempts
            if one.met and one.met_stream and _is_ours(one.met.job.fields)
        ]

    def rudeness(self) -> list[Attempt]:
        """Return the creates of ours on a stranger's session that could be seen."""
        return [one for one in self._met_strangers() if one.met_age_s > _RACE_S]

    def races(self) -> list[Attempt]:
        """Return the creates of ours on a stranger's session too young to be seen."""
        return [one for one in self._met_strangers() if one.met_age_s <= _RACE_S]

    def problems(self) -> list[str]:
        """Check every capture against its manifest, and against the service."""
        store = open_store(str(self.storm.store))
        problems = [
            f"{manifest.capture_id}: {problem}"
            for manifest in self.manifests
            for problem in capture_problems(store, manifest)
        ]
        return problems + self._shared_sessions() + self._line_problems()

    def unfinished(self) -> list[str]:
        """Return the captures that say that they still run."""
        return [
            one.capture_id
            for one in self.manifests
            if one.state is CaptureState.RECORDING
        ]

    def figures(self) -> dict[str, object]:
        """Return the storm's counts, for people."""
        storm = self.storm
        ended = Counter(f"{one.kind} {one.exit_code}" for one in storm.contenders)
        return {
            "contenders": len(storm.contenders),
            "ends": dict(sorted(ended.items())),
            "kills": len(storm.killed),
            "creates_of_ours": len(self.our_attempts),
            "fights": len(self.fights()),
            "rudeness": len(self.rudeness()),
            "races": len(self.races()),
            "free_after_s": self._free_after_s(),
            "stranger": [storm.stranger_sessions, storm.stranger_refusals],
            "kicked": sum(
                _is_ours(one.job.fields) and one.end_reason == "superseded"
                for one in storm.emulator.sessions
            ),
            "captures": dict(Counter(one.state.value for one in self.manifests)),
            "written": sum(one.written for one in self.manifests),
        }

    def _free_after_s(self) -> dict[str, list[float]]:
        """Return how long each zone stayed taken after its holder was killed."""
        frees = self.storm.frees
        return {
            kind: sorted(round(one.after_s, 1) for one in frees if one.kind == kind)
            for kind in {one.kind for one in frees}
        }

    def _met_strangers(self) -> list[Attempt]:
        return [
            one
            for one in self.our_attempts
            if one.met and not _is_ours(one.met.job.fields)
        ]

    def _sessions(self) -> dict[str, ServedSession]:
        return {
            session_fingerprint(one.session_id): one
            for one in self.storm.emulator.sessions
        }

    def _shared_sessions(self) -> list[str]:
        """Find sessions that two captures say to have read."""
        readers = Counter(
            fingerprint
            for manifest in self.manifests
            for fingerprint in {one.fingerprint for one in manifest.sessions}
        )
        return [f"session {one}: {n} captures" for one, n in readers.items() if n > 1]

    def _line_problems(self) -> list[str]:
        """Find lines that were recorded twice, never sent, or left out.

        A capture holds the beginning of what each of its sessions was sent: behind
        it are only lines that were on the way when the stream ended.
        """
        sent = {
            line.split(b'"', 4)[3].decode(): (session.number, index)
            for session in self.storm.emulator.sessions
            if _is_ours(session.job.fields)
            for index, line in enumerate(session.sent.lines)
        }
        problems, seen = [], Counter[tuple[int, int]]()
        for manifest in self.manifests:
            places = [sent.get(ray_id, (0, 0)) for ray_id in self._ray_ids(manifest)]
            seen.update(places)
            problems += _holes(manifest.capture_id, sorted(places))
        problems += [f"{place}: {n} times" for place, n in seen.items() if n > 1]
        return problems

    def _ray_ids(self, manifest: Manifest) -> list[str]:
        return [
            str(ray_id)
            for segment in manifest.segments
            for ray_id in pq.read_table(
                self.storm.store / segment.path, columns=["RayID"], partitioning=None
            )["RayID"].to_pylist()
        ]


def _is_ours(fields: tuple[str, ...]) -> bool:
    return fields == OUR_FIELDS


def _holes(capture_id: str, places: list[tuple[int, int]]) -> list[str]:
    problems = [f"{capture_id}: a line that was never sent"] * places.count((0, 0))
    for before, place in pairwise([(-1, 0), *places]):
        expected = before[1] + 1 if before[0] == place[0] else 0
        if place[0] and place[1] != expected:
            problems.append(f"{capture_id}: {place} follows {before}")
    return problems
