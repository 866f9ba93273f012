"""What the documents promise: their blocks that run, their links, their commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["ROOT", "Block", "documents", "iter_links", "runnable_blocks"]

ROOT = Path(__file__).parents[2]
RUNNABLE = {"sh", "python", "sql"}


@dataclass(frozen=True)
class Block:
    """A fenced block that runs.

    Attributes:
        language: ``sh``, ``python`` or ``sql``.
        text: What runs.
        line: Where it stands in the document, from 1.
    """

    language: str
    text: str
    line: int


def documents() -> list[Path]:
    """Return every document for people, in a stable order."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]


def runnable_blocks(document: Path) -> list[Block]:
    """Return the blocks of a document that are tagged with a language that runs."""
    tokens = MarkdownIt().parse(document.read_text())
    return [
        Block(token.info.split()[0], token.content, token.map[0] + 1)
        for token in tokens
        if token.type == "fence" and token.info.strip() in RUNNABLE and token.map
    ]


def iter_links(document: Path) -> list[str]:
    """Return the targets of a document's links that point into the project."""
    targets = [
        str(child.attrs["href"])
        for token in MarkdownIt().parse(document.read_text())
        for child in token.children or []
        if child.type == "link_open"
    ]
    return [target for target in targets if "://" not in target]
