"""What is documented is executed: every block tagged ``sh``, ``python`` or ``sql``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from instant_logs_plugin.emulator import Emulator, EmulatorConfig, run_emulator
from tests.docs.documents import (
    ROOT,
    Block,
    documents,
    iter_links,
    runnable_blocks,
)
from tests.support.command_line import PROGRAM, emulator_environment

ZONE = "0123456789abcdef0123456789abcdef"
TIMEOUT_S = 110.0
WITH_BLOCKS = [path for path in documents() if runnable_blocks(path)]
ANY = documents()


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Serve traffic to all documents."""
    with run_emulator(EmulatorConfig(rate=300.0, delay_s=0.0)) as running:
        yield running


@pytest.fixture
def environment(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    """Return what a reader has set up, in places of the test's own."""
    return {
        "HOME": str(tmp_path),
        "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
        "ZONE": ZONE,
        "INSTANT_LOGS_STORE": str(tmp_path / "captures"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        **emulator_environment(emulator, "docs-token"),
    }


def command_of(block: Block) -> list[str]:
    if block.language == "sh":
        return ["bash", "-euo", "pipefail", "-c", block.text]
    if block.language == "python":
        return [sys.executable, "-c", block.text]
    return [str(PROGRAM), "query", block.text]


@pytest.mark.parametrize("document", WITH_BLOCKS, ids=name_of)
def test_every_block_runs(document, environment, tmp_path):
    """The blocks of a document run in order, in one directory, without an error."""
    for block in runnable_blocks(document):
        done = subprocess.run(
            command_of(block),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        where = f"{name_of(document)}:{block.line}"
        assert done.returncode == 0, f"{where}\n{block.text}\n{done.stderr}"


@pytest.mark.parametrize("document", ANY, ids=name_of)
def test_every_link_leads_somewhere(document):
    """A link into the project names a file, and a heading that the file has."""
    for link in iter_links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", document.read_text(), flags=re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("document", ANY, ids=name_of)
def test_every_make_target_exists(document):
    """Each ``make`` target that a document names is one of the Makefile's."""
    named = set(re.findall(r"^(?:\$ )?make ([a-z]+)|`make ([a-z]+)`",
                           document.read_text(), flags=re.MULTILINE))  # fmt: skip
    makefile = (ROOT / "Makefile").read_text()
    for target in {one or other for one, other in named}:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_verb_is_in_the_readme():
    """The README names each verb of the command line."""
    done = subprocess.run(
        [PROGRAM, "--help"], capture_output=True, text=True, check=True
    )
    _, _, commands = done.stdout.partition("Commands:\n")
    readme = (ROOT / "README.md").read_text()
    for verb in re.findall(r"^  (\w+)  ", commands, flags=re.MULTILINE):
        assert f"`{verb}" in readme or f"instant-logs {verb}" in readme, verb
