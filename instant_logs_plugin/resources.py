"""Where the files that people read and edit are: ``sql`` and ``flows``.

A wheel carries them inside the package; a checkout has them at its root.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["bundled_path"]

_PACKAGE = Path(__file__).resolve().parent


def bundled_path(name: str) -> Path:
    """Return the directory ``name`` (``"sql"`` or ``"flows"``) of this installation.

    Args:
        name: A directory that stands in the package (wheel) or beside it (checkout).

    Raises:
        FileNotFoundError: Neither place has it: the installation is damaged.
    """
    for root in (_PACKAGE, _PACKAGE.parent):
        candidate = root / name
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{name!r} is neither in {_PACKAGE} nor beside it")
