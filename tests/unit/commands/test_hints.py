"""Hints name commands that do what was meant when they are pasted."""

from __future__ import annotations

import pytest

from instant_logs_plugin.commands.hints import complete_hint

RECOVER = "'instant-logs recover' finishes it"
FIELDS = "'instant-logs fields' lists all"


@pytest.mark.parametrize(
    ("hint", "arguments", "completed"),
    [
        (RECOVER, [], RECOVER),
        (
            RECOVER,
            ["capture", "z", "--store", "/a b", "--journal=/j"],
            "'instant-logs recover --store '/a b' --journal /j' finishes it",
        ),
        (
            "'instant-logs captures list' shows what the store holds",
            ["query", "--store=x", "--store", "y", "--journal", "/j"],
            "'instant-logs captures list --store y' shows what the store holds",
        ),
        (
            "'instant-logs query \"describe requests\"' shows the columns",
            ["query", "x", "--store", "s"],
            "'instant-logs query \"describe requests\" --store s' shows the columns",
        ),
        (FIELDS, ["filter", "--store", "s"], FIELDS),
        (RECOVER, ["capture", "--store"], RECOVER),
    ],
)
def test_commands_look_where_the_failed_one_looked(hint, arguments, completed):
    """Each gets the places it takes, the last one given."""
    assert complete_hint(hint, arguments) == completed
