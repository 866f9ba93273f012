"""Where the sessions are kept that a capture left and no manifest names.

::

    <journal>/.sessions/<fingerprint>.json      of one capture; named by the first

Written before the journal that names them goes, so that one of the two is there
whenever it is looked for; removed with the first recovery after they can be listed no
more. Neither a journal nor part of a capture: nothing is ever recovered from here.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from instant_logs_plugin.capture.orphan import (
    Orphans,
    format_orphans,
    may_be_listed,
    parse_orphans,
)
from instant_logs_plugin.errors import StoreUnreadable
from instant_logs_plugin.files import make_directory, publish_file, write_errors

__all__ = ["SESSIONS", "forget_orphans", "keep_orphans", "read_orphans"]

SESSIONS = ".sessions"
_FILE_NAME = re.compile(r"[0-9a-f]{16}\.json|\.[0-9a-f]{16}\.json\.tmp")


def keep_orphans(journal_root: Path, orphans: Orphans) -> None:
    """Keep them, durably; what was kept under their name before is replaced.

    Raises:
        StoreUnwritable: The file system refused.
    """
    path = journal_root / SESSIONS / f"{orphans.name}.json"
    with write_errors(path):
        make_directory(path.parent)
        publish_file(path, format_orphans(orphans).encode(), step="journal.sessions")


def read_orphans(journal_root: Path, zone_id: str) -> list[Orphans]:
    """Return a zone's; one that cannot be read is passed over.

    Raises:
        StoreUnreadable: The journal cannot be listed.
    """
    found = map(_read, _paths(journal_root))
    return [one for one in found if one is not None and one.zone_id == zone_id]


def forget_orphans(journal_root: Path, now: datetime) -> None:
    """Remove those that the service can list no more, and what a crash left of them.

    What the file system keeps is left for the next time, and so is what is not ours.

    Raises:
        StoreUnreadable: The journal cannot be listed.
    """
    for path in _paths(journal_root):
        with contextlib.suppress(OSError):
            if not may_be_listed(_known_at(path), now):
                path.unlink()
    with contextlib.suppress(OSError):
        (journal_root / SESSIONS).rmdir()


def _paths(journal_root: Path) -> Iterator[Path]:
    directory = journal_root / SESSIONS
    try:
        found = list(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as exc:
        raise StoreUnreadable(str(directory), exc.strerror or str(exc)) from exc
    yield from filter(lambda path: _FILE_NAME.fullmatch(path.name), found)


def _read(path: Path) -> Orphans | None:
    try:
        return parse_orphans(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _known_at(path: Path) -> datetime:
    orphans = _read(path)
    if orphans is not None:
        return orphans.known_at
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
