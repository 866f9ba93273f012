"""Recorders and a stranger compete for zones; recorders are killed; nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from instant_logs_plugin.emulator import EmulatorConfig, run_emulator
from tests.support.storm import Storm, Weather
from tests.support.storm_books import Books

ZONES = tuple(f"{number:032x}" for number in range(1, 4))


@pytest.mark.parametrize("on_second", ["kick", "refuse"])
def test_a_short_storm_of_command_lines(on_second: str, tmp_path: Path) -> None:
    """None of ours ends another's stream, and no line is lost or doubled."""
    config = EmulatorConfig(
        on_second=on_second, keep_sent=True, delay_s=0.0, lapse_s=2.0, rate=50.0
    )
    with run_emulator(config) as emulator:
        weather = Weather(
            duration_s=10,
            zones=ZONES,
            capture_s=3,
            kill_every_s=1.5,
            stranger_every_s=1.5,
        )
        storm = Storm(weather, emulator, tmp_path)
        storm.run()
        books = Books(storm)
    print(json.dumps(books.figures()))
    assert books.fights() == []
    assert books.rudeness() == []
    assert books.problems() == []
    assert books.unfinished() == []
    assert all(free.after_s < 5 for free in storm.frees)
    assert storm.killed
    assert storm.stranger_sessions
    assert sum(manifest.written for manifest in books.manifests)
