"""Which paths a reader is pointed to, and which are left out as chance."""

from __future__ import annotations

from instant_logs_plugin.analysis.compare.path_changes import find_path_changes
from instant_logs_plugin.analysis.compare.side import MOST_PATHS, PathCounts


def counts(records, errors=0, slow=0, weight=1.0):
    bad = errors + slow
    return PathCounts(
        requests=weight * records,
        server_errors=weight * errors,
        slow=weight * slow,
        bad=weight * bad,
        records=records,
        bad_records=bad,
        error_records=errors,
    )


def names(changes):
    return [one.path for one in changes]


def test_the_most_affected_come_first():
    """The order is by how many requests more fare badly, not by their share."""
    before = {"/a": counts(100), "/b": counts(1_000, errors=10), "/c": counts(500)}
    after = {
        "/a": counts(100, errors=50),
        "/b": counts(1_000, errors=100),
        "/c": counts(500, slow=60),
    }
    worse = find_path_changes(before, after).worse
    assert names(worse) == ["/b", "/c", "/a"]
    assert [one.more_bad for one in worse] == [90, 60, 50]


def test_more_traffic_is_not_worse():
    """Twice the requests with the same share of errors are as they were."""
    changes = find_path_changes(
        {"/a": counts(500, errors=10)}, {"/a": counts(1_000, errors=20)}
    )
    assert changes.worse == ()


def test_chance_is_left_out():
    """One more error, or a first one, is nothing to look at."""
    changes = find_path_changes(
        {"/a": counts(50, errors=1), "/b": counts(50)},
        {"/a": counts(50, errors=2), "/b": counts(50, errors=3)},
    )
    assert (changes.worse, changes.new_errors) == ((), ())


def test_new_errors_are_of_known_paths_and_of_new_ones():
    """A known path fails beyond chance, a new one fails at all."""
    changes = find_path_changes(
        {"/known": counts(200)},
        {"/known": counts(200, errors=20), "/new": counts(3, errors=3)},
    )
    assert names(changes.new_errors) == ["/known", "/new"]


def test_vanished_paths_were_asked_for_often():
    """A path that would have come up by now and did not is told, a rare one is not."""
    before = {"/": counts(2_000), "/old": counts(30), "/rare": counts(5)}
    changes = find_path_changes(before, {"/": counts(2_000)})
    assert names(changes.vanished) == ["/old"]


def test_short_captures_make_nothing_vanish():
    """A candidate of a tenth of the records would not have shown the path."""
    before = {"/": counts(2_000), "/old": counts(30)}
    assert find_path_changes(before, {"/": counts(200)}).vanished == ()


def test_at_most_ten_of_each():
    """The reader gets the top, not the whole list."""
    before = {f"/{number}": counts(100) for number in range(30)}
    after = {f"/{number}": counts(100, errors=50) for number in range(30)}
    changes = find_path_changes(before, after)
    assert len(changes.worse) == len(changes.new_errors) == 10


def test_paths_beyond_the_counted_have_not_vanished():
    """Where paths were cut off, one that is as rare as the last may be among them."""
    after = {f"/{number}": counts(20) for number in range(MOST_PATHS)}
    before = {**after, "/old": counts(30), "/gone": counts(50)}
    assert names(find_path_changes(before, after).vanished) == ["/gone"]
