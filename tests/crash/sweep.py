"""Captures that are killed, and what must be true of what they leave."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from glob import glob
from itertools import count
from pathlib import Path

from instant_logs_plugin.capture.orphan import Orphans
from instant_logs_plugin.capture.orphan_files import SESSIONS, read_orphans
from instant_logs_plugin.edge.session import session_fingerprint
from instant_logs_plugin.emulator import Emulator
from instant_logs_plugin.failpoints import ENVIRONMENT_NAME
from instant_logs_plugin.store.filesystem import open_store
from tests.crash.command import TIMEOUT_S, Command, end_command, start_command
from tests.crash.write_path import assert_whole, stored_names
from tests.support.command_line import emulator_environment

__all__ = ["KILLED", "Case", "Sweep"]

KILLED = -9
_CAPTURE = (
    "--duration=30s",
    "--max-records=700",
    "--fields=RayID,EdgeResponseStatus",
    "--segment-size=8kB",
    "--fsync-interval=100ms",
    # One killed before it knew its session leaves one that it cannot tell is its own.
    "--on-busy=takeover",
    "--quiet",
)
_STEP = re.compile(r"^failpoint (\S+)$", re.MULTILINE)


@dataclass
class Case:
    """A store of its own, in which captures of one zone are killed.

    Attributes:
        zone: The zone.
        directory: Where everything of it is.
        taken: RayIDs, or rejects, that the kernel held after a kill.
    """

    zone: str
    directory: Path
    taken: Counter[str] = field(default_factory=Counter)

    @property
    def store_path(self) -> Path:
        return self.directory / "captures"

    @property
    def output(self) -> str:
        return (self.directory / "output").read_text(errors="replace")

    def steps(self) -> list[str]:
        """Return the steps that a traced command took."""
        return _STEP.findall(self.output)

    def journal_files(self, name: str) -> set[str]:
        """Return the journal's files of a name, while others come and go."""
        pattern = self.store_path / ".journal" / "*" / name
        return set(glob(str(pattern)))  # noqa: PTH207 - Path.glob fails when a directory goes meanwhile

    def note_taken(self) -> None:
        """Remember every line that is whole in the journal or committed."""
        in_journal = [
            line
            for path in self.store_path.glob(".journal/*/*.ndjson")
            for line in path.read_text().splitlines(keepends=True)
        ]
        for line in in_journal:
            if line.endswith("\n"):
                self.taken[_name(line.rstrip("\n"))] = 1
        for name in stored_names(open_store(str(self.store_path))):
            self.taken[name] = 1


class Sweep:
    """Runs captures against one emulator that keeps what it sent.

    Args:
        emulator: The service.
        directory: Where everything goes.
    """

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        self._emulator = emulator
        self._directory = directory
        self._numbers = count(1)

    @property
    def sessions(self) -> tuple[object, ...]:
        """What the service was asked for."""
        return tuple(self._emulator.sessions)

    def case(self) -> Case:
        """Return a new case."""
        zone = f"{next(self._numbers):032x}"
        directory = self._directory / zone
        directory.mkdir()
        return Case(zone, directory)

    def copy(self, case: Case) -> Case:
        """Return a case that goes on from where another one is."""
        directory = self._directory / f"copy-{next(self._numbers)}"
        shutil.copytree(case.directory, directory)
        return Case(case.zone, directory, Counter(case.taken))

    def start(
        self,
        case: Case,
        *options: str,
        points: str = "",
        output: Path | None = None,
    ) -> Command:
        """Start a capture."""
        return start_command(
            "capture",
            case.zone,
            *(options or _CAPTURE),
            environment=self._environment(case, points),
            output=output or case.directory / "output",
        )

    def capture(self, case: Case, points: str = "") -> int:
        """Run a capture to its end, or to where a point kills it."""
        code = end_command(self.start(case, points=points))
        case.note_taken()
        return code

    def kill(self, case: Case, *, first: str, after_s: float) -> None:
        """Run a capture and kill it some time after its first file of a name."""
        known = case.journal_files(first)
        process = self.start(case)
        deadline = time.monotonic() + TIMEOUT_S
        while process.is_running and time.monotonic() < deadline:
            if case.journal_files(first) - known:
                break
            time.sleep(0.005)
        process.wait(after_s)
        process.kill()
        end_command(process)
        case.note_taken()

    def recover(self, case: Case, points: str = "") -> int:
        """Run ``instant-logs recover`` in a fresh process; return its exit code."""
        process = start_command(
            "recover",
            environment=self._environment(case, points),
            output=case.directory / "output",
        )
        return end_command(process)

    def check(self, case: Case) -> int:
        """Check what a recovery left; return how many lines are in the store.

        Nothing the kernel took is missing, nothing is there twice or was never sent,
        what is missing was sent last, and no file is left that nothing accounts for.
        """
        store = open_store(str(case.store_path))
        sessions = [one for capture in assert_whole(store) for one in capture.sessions]
        stored = stored_names(store)
        assert case.taken.keys() <= stored.keys(), "a line that was taken is missing"
        left = {p.name for p in case.store_path.glob(".journal/*")}
        assert left <= {".damaged", SESSIONS}
        assert list(case.store_path.rglob("*.tmp")) == []
        self._check_orphans(case, {one.fingerprint for one in sessions})
        for session in self._emulator.sessions:
            if session.zone_id == case.zone:
                sent = [_name(line.decode()) for line in session.sent.lines]
                found = [name for name in sent if name in stored]
                assert found == sent[: len(found)], "a line in the middle is missing"
                for name in found:
                    assert stored.pop(name) == 1, "a line is there twice"
        assert all(not name.isalnum() for name in stored), "a line was never sent"
        return case.taken.total()

    @staticmethod
    def orphans(case: Case) -> list[Orphans]:
        """Return what is kept of sessions that no manifest names."""
        return read_orphans(case.store_path / ".journal", case.zone)

    def _check_orphans(self, case: Case, named: set[str | None]) -> None:
        """Check that what is kept beside journals is of sessions that were made here.

        No manifest names them, each is kept once, and a file without one is a stray.
        """
        orphans = self.orphans(case)
        files = list(case.store_path.glob(f".journal/{SESSIONS}/*"))
        assert len(files) == len(orphans)
        kept = [name for one in orphans for name in one.fingerprints]
        made = {
            session_fingerprint(one.session_id)
            for one in self._emulator.sessions
            if one.zone_id == case.zone
        }
        assert set(kept) <= made - named
        assert len(kept) == len(set(kept))

    @staticmethod
    def wait_for_lines(case: Case, process: Command) -> None:
        """Return once a capture's lines reach its journal."""
        deadline = time.monotonic() + TIMEOUT_S
        while process.is_running and time.monotonic() < deadline:
            if case.journal_files("*.ndjson"):
                return
            time.sleep(0.005)

    def _environment(self, case: Case, points: str) -> dict[str, str]:
        return {
            **emulator_environment(self._emulator),
            ENVIRONMENT_NAME: points,
            "INSTANT_LOGS_STORE": str(case.store_path),
            "XDG_STATE_HOME": str(self._directory / "state"),
        }


def _name(line: str) -> str:
    """Return what a line is recognised by: its RayID, or itself."""
    try:
        return str(json.loads(line)["RayID"])
    except (ValueError, KeyError, TypeError):
        return line
