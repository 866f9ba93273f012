"""The public surface: what it names exists, and importing it is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

import instant_logs_plugin

HEAVY = ("duckdb", "httpx", "numpy", "prefect", "pyarrow", "websockets")


@pytest.mark.parametrize("name", instant_logs_plugin.__all__)
def test_each_name_is_there(name):
    """A public name leads to its object, which knows that name."""
    assert getattr(instant_logs_plugin, name).__name__ == name


def test_names_are_sorted_and_listed():
    """``__all__`` is sorted as ruff sorts it, has no name twice, and is in ``dir``."""
    names = instant_logs_plugin.__all__
    assert len(set(names)) == len(names)
    assert set(names) <= set(dir(instant_logs_plugin))
    assert set(names) == set(instant_logs_plugin._HOMES)


def test_an_unknown_name_is_an_attribute_error():
    """A misspelt name fails as that of any module does."""
    with pytest.raises(AttributeError, match="no attribute 'record_captures'"):
        _ = instant_logs_plugin.record_captures


def test_importing_loads_nothing_heavy():
    """The package's import loads none of the libraries that its parts need."""
    code = f"import sys, instant_logs_plugin; print(set({HEAVY}) & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_report_loads_no_statistics():
    """What a report is written with does not load what only a comparison needs."""
    code = (
        "import sys, instant_logs_plugin; instant_logs_plugin.render_report;"
        " print('scipy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
