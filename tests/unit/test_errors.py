"""The tree of errors: as drawn, and every leaf fit for a log, a pickle, an exit."""

from __future__ import annotations

import asyncio
import pickle
import re

import pytest

from instant_logs_plugin import errors
from instant_logs_plugin.errors import (
    ApiError,
    ApiUnreachable,
    AuthenticationFailed,
    CaptureInterrupted,
    CaptureNotFound,
    CaptureRunning,
    CaptureUnfinished,
    ConfigurationError,
    CoverageTooLow,
    FieldsNotRecorded,
    InstantLogsError,
    InvalidApiResponse,
    InvalidFilter,
    InvalidManifest,
    InvalidOption,
    InvalidQuery,
    JournalDamaged,
    LeaseError,
    LeaseUnreachable,
    LeaseUnusable,
    NotEntitled,
    QueryError,
    RateLimited,
    ReconnectsSpent,
    RecoveryFailed,
    RequestRefused,
    RetiredField,
    SessionExpired,
    SessionSuperseded,
    StoreError,
    StoreFull,
    StoreUnreadable,
    StoreUnwritable,
    StreamError,
    StreamLost,
    StreamRefused,
    StreamSilent,
    UnknownField,
    UnknownQuery,
    VerificationFailed,
    ZoneBusy,
    is_transient,
)

# Every error as it is raised, with its exit code (design §7) and its whole text.
EXAMPLES = [
    (InvalidOption("sample", 0, "at least 1"), 2, "sample is 0, not at least 1"),
    (UnknownField("Rayid"), 2, "unknown field 'Rayid'"),
    (UnknownField("Rayid", ("RayID", "X")), 2, "unknown field 'Rayid'"),
    (RetiredField("A", "B", "in 2021"), 2, "field 'A' was retired (in 2021)"),
    (RetiredField("A", None, "in 2021"), 2, "field 'A' was retired (in 2021)"),
    (InvalidFilter("6 levels, not 5"), 2, "invalid filter: 6 levels, not 5"),
    (InvalidFilter("no key", "where.and[0]", "{}"), 2, None),
    (CaptureNotFound("x"), 2, "no capture matches 'x'"),
    (CaptureNotFound("x", ("x1", "x2")), 2, "2 captures match 'x'"),
    (CaptureRunning("z"), 2, "the capture of zone z still runs"),
    (AuthenticationFailed("wrong token", 403, 9109), 3, None),
    (AuthenticationFailed("no credentials"), 3, "no credentials"),
    (NotEntitled("no plan", 403), 3, "no plan (HTTP 403)"),
    (RequestRefused("bad", 400, 1004), 2, "bad (HTTP 400, code 1004)"),
    (RateLimited("slow down"), 5, "slow down (HTTP 429)"),
    (RateLimited("slow down", 429, 971, 2.5), 5, "slow down (HTTP 429, code 971)"),
    (ApiUnreachable("no answer"), 5, "no answer"),
    (InvalidApiResponse("no session", 200), 5, "no session (HTTP 200)"),
    (ZoneBusy("z", "process 7 here", is_refusing=True), 4, None),
    (
        ZoneBusy("z", "them", "2026-03-01T12:00:00Z"),
        4,
        "zone z is busy: its session is held by them since 2026-03-01T12:00:00Z",
    ),
    (LeaseUnreachable("a", "no"), 5, "cannot ask for the lease a: no"),
    (LeaseUnusable("a", "no"), 5, "the concurrency limit a is no lease: no"),
    (StreamLost(1006), 5, "stream lost (close code 1006)"),
    (StreamLost(1001, "bye"), 5, "stream lost (close code 1001): bye"),
    (StreamRefused(429, "later", 3.0), 5, "stream refused with HTTP 429: later"),
    (StreamRefused(None, "no route"), 5, "stream refused: no route"),
    (StreamSilent(30.5), 5, "stream silent for 30.5 s"),
    (
        ReconnectsSpent(3, "stream lost"),
        5,
        "the budget of 3 reconnects is spent: stream lost",
    ),
    (SessionExpired(3600.0), 5, "session expired after 3600 s"),
    (SessionSuperseded("z"), 5, "another session took over zone z"),
    (
        CoverageTooLow(0.5, 0.95, "c"),
        5,
        "capture c covers 50.0% of its window, less than --min-coverage 95.0%",
    ),
    (StoreUnreadable("/x", "no"), 6, "cannot read /x: no"),
    (StoreUnwritable("/x", "no space left"), 6, "cannot write /x: no space left"),
    (
        StoreFull("/x", 2**20, 2**26),
        6,
        "cannot write /x: 1.0 MiB are free, 64.0 MiB are to be kept free",
    ),
    (
        CaptureUnfinished("c1", "cannot write /x: no", 9, 5, 3, "/j/c1"),
        6,
        (
            "capture c1 could not be finished: cannot write /x: no; of 9 lines "
            "received 5 are safe in the store and 3 in the journal /j/c1"
        ),
    ),
    (
        RecoveryFailed("c1", ("cannot write /x: no",), 2),
        6,
        "capture c1 could not be recovered (and 1 more): cannot write /x: no",
    ),
    (JournalDamaged("/x", 512, "CRC"), 6, "journal /x is damaged at byte 512: CRC"),
    (InvalidManifest("m/c.json", "not UTF-8"), 6, "manifest m/c.json: not UTF-8"),
    (VerificationFailed("c", ("a", "b")), 6, "capture c: a; b"),
    (InvalidQuery("syntax error"), 2, "syntax error"),
    (UnknownQuery("x", ("cache", "status")), 2, "no query named 'x'"),
    (
        FieldsNotRecorded("cache", ("A", "B|C")),
        2,
        "cache needs fields not recorded: A, B or C",
    ),
    (CaptureInterrupted(2, "c"), 130, "capture c was interrupted"),
    (CaptureInterrupted(15, "c"), 143, "capture c was interrupted"),
]
# Roots of the tree: there to be caught, not to be raised.
ROOTS = {
    InstantLogsError,
    ConfigurationError,
    ApiError,
    LeaseError,
    StreamError,
    StoreError,
    QueryError,
}
TRANSIENT = {
    ApiUnreachable,
    LeaseUnreachable,
    RateLimited,
    SessionExpired,
    StreamLost,
    StreamRefused,
    StreamSilent,
}


def subclasses(kind: type[InstantLogsError]) -> set[type[InstantLogsError]]:
    found = {kind}
    for one in kind.__subclasses__():
        found |= subclasses(one)
    return {one for one in found if one.__module__ == errors.__name__}


@pytest.mark.parametrize(("error", "exit_code", "text"), EXAMPLES, ids=repr)
def test_errors(error: InstantLogsError, exit_code: int, text: str | None) -> None:
    """One line of text, one of advice, and the exit code that is promised."""
    assert error.exit_code == exit_code
    assert str(error) == (str(error) if text is None else text)
    for line in (str(error), error.hint):
        assert line
        assert line.isprintable()
    assert not error.hint.endswith(".")


@pytest.mark.parametrize("error", [error for error, *_ in EXAMPLES], ids=repr)
def test_errors_survive_pickling(error: InstantLogsError) -> None:
    """What comes out of another process is the same error with the same facts."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(error, protocol))
        assert type(copy) is type(error)
        assert (str(copy), copy.args, vars(copy)) == (
            str(error),
            error.args,
            vars(error),
        )
        assert (copy.exit_code, copy.hint) == (error.exit_code, error.hint)


@pytest.mark.parametrize("error", [error for error, *_ in EXAMPLES], ids=repr)
def test_facts_are_attributes(error: InstantLogsError) -> None:
    """Every argument can be asked for by name."""
    assert set(map(repr, error.args)) <= set(map(repr, vars(error).values()))


def test_every_error_has_an_example() -> None:
    """A new class is in the table above, in __all__, or it is a root."""
    kinds = subclasses(InstantLogsError)
    assert {type(error) for error, *_ in EXAMPLES} == kinds - ROOTS
    assert set(errors.__all__) == {one.__name__ for one in kinds} | {"is_transient"}
    assert sorted(errors.__all__) == errors.__all__


@pytest.mark.parametrize("error", [error for error, *_ in EXAMPLES], ids=repr)
def test_transient_errors(error: InstantLogsError) -> None:
    """These may be tried again; everything else is not."""
    assert is_transient(error) is (type(error) in TRANSIENT)


@pytest.mark.parametrize(
    "error",
    [
        OSError("x"),
        TimeoutError(),
        ConnectionResetError(),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
        InstantLogsError(),
    ],
    ids=repr,
)
def test_what_is_not_ours_is_not_retried(error: BaseException) -> None:
    """An error that nobody mapped is a bug, and a cancellation is obeyed."""
    assert not is_transient(error)


def drawn_tree() -> dict[str, tuple[str | None, str]]:
    """Return the docstring's classes, each with its parent and its remark."""
    drawn: dict[str, tuple[str | None, str]] = {}
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"(    [ │├└─]*)([A-Z]\w+)\s*(.*)", line)
        if match:
            depth = (len(match[1]) - 4) // 4
            above[depth] = match[2]
            drawn[match[2]] = (above.get(depth - 1), match[3])
    return drawn


def test_the_tree_is_drawn_as_it_is() -> None:
    """The docstring has every class: its parent, its exit code, whether to retry."""
    drawn = drawn_tree()
    kinds = {one.__name__: one for one in subclasses(InstantLogsError)}
    assert set(drawn) == set(kinds)
    for name, (parent, remark) in drawn.items():
        kind = kinds[name]
        if parent:
            assert kind.__base__ is kinds[parent], name
        for code in re.findall(r"exit (\d+)\b(?! or)", remark):
            assert kind.exit_code == int(code), name
        assert ("transient" in remark) is (kind in TRANSIENT), name


def test_a_capture_that_never_was_needs_no_advice() -> None:
    """Interrupted before anything was recorded, there is nothing to look at."""
    error = CaptureInterrupted(2, None)
    assert str(error) == "interrupted before anything was recorded"
    assert (error.hint, error.exit_code) == ("", 130)
