"""Readers of a store that is being written never meet anything half-written."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from instant_logs_plugin.store.catalog import list_captures
from instant_logs_plugin.store.filesystem import open_store
from tests.crash.command import end_command
from tests.crash.sweep import Sweep

OPTIONS = (
    "--duration=2s",
    "--fields=RayID,EdgeResponseStatus",
    "--segment-size=20kB",
    "--quiet",
)


@pytest.fixture
def sweep(tmp_path):
    config = EmulatorConfig(delay_s=0.0, tick_s=0.02, rate=3_000.0, keep_sent=True)
    with run_emulator(config) as one:
        yield Sweep(one, tmp_path)


def test_a_glob_meets_whole_segments_and_manifests_name_what_is_there(sweep):
    """Other engines read files, we read what manifests name: both are whole."""
    case = sweep.case()
    store = open_store(str(case.store_path))
    process = sweep.start(case, *OPTIONS)
    rows_seen = looks = 0
    while process.is_running:
        listing = list_captures(store)
        assert not listing.unreadable
        named = [segment for one in listing.manifests for segment in one.segments]
        for segment in named:
            assert store.size(segment.path) == segment.bytes
        globbed = list(case.store_path.glob("requests/**/*.parquet"))
        rows = [pq.read_metadata(path).num_rows for path in globbed]
        assert len(globbed) >= len(named)
        assert sum(rows) >= rows_seen
        rows_seen, looks = sum(rows), looks + bool(named)
    assert end_command(process) == 0, case.output
    assert looks > 1
    sweep.check(case)


def test_publishing_again_changes_nothing(tmp_path):
    """The same path published twice is one file, with the last content."""
    store = open_store(str(tmp_path))
    for _ in range(2):
        store.write_bytes("manifests/a.json", b"{}")
    assert store.list_tree("") == ["manifests/a.json"]
    assert store.read_bytes("manifests/a.json") == b"{}"
