"""Every exception the package raises, its exit code, and the one retry decision.

::

    InstantLogsError                     exit 1
    ├── ConfigurationError               exit 2, never retried
    │   ├── InvalidOption                an option outside its range
    │   ├── UnknownField                 a field the catalogue does not hold
    │   ├── RetiredField                 a field the service no longer sends
    │   ├── InvalidFilter                a filter the service would refuse
    │   ├── CaptureNotFound              no capture, or several, under that id
    │   └── CaptureRunning               its result was asked for while it ran
    ├── ApiError                         exit 5, carries status, code and message
    │   ├── AuthenticationFailed         exit 3
    │   ├── NotEntitled                  exit 3
    │   ├── RequestRefused               exit 2, the service refused the input
    │   ├── RateLimited                  transient, carries retry_after_s
    │   ├── ApiUnreachable               transient
    │   └── InvalidApiResponse           a 2xx reply that names no session
    ├── ZoneBusy                         exit 4
    ├── LeaseError                       exit 5, the lease cannot be had at all
    │   ├── LeaseUnreachable             transient: who grants it does not answer
    │   └── LeaseUnusable                what should grant it is set up wrong
    ├── StreamError                      exit 5
    │   ├── StreamLost                   transient, carries close_code
    │   ├── StreamRefused                transient: the handshake failed, carries status
    │   ├── StreamSilent                 transient, carries idle_s
    │   ├── ReconnectsSpent              lost streams used up their budget of tries
    │   ├── SessionExpired               transient: a new session is needed
    │   └── SessionSuperseded            another session took the zone's place
    ├── CoverageTooLow                   exit 5
    ├── StoreError                       exit 6
    │   ├── StoreUnreadable              the file system refused a read
    │   ├── StoreUnwritable              the file system or bucket refused
    │   │   └── StoreFull                less room left than is to be kept free
    │   ├── CaptureUnfinished            ended a capture; says what is safe where
    │   ├── RecoveryFailed               a journal that could not be finished, yet
    │   ├── JournalDamaged               raw lines that fail their checksum
    │   ├── InvalidManifest              a manifest that cannot be read
    │   └── VerificationFailed           a committed segment is not what was written
    ├── QueryError                       exit 2
    │   ├── InvalidQuery                 SQL that DuckDB refuses
    │   ├── UnknownQuery                 no query file of that name
    │   └── FieldsNotRecorded            a query over columns no capture holds
    └── CaptureInterrupted               exit 130 or 143, or 129

Each exception takes its facts as positional arguments (so that it survives
pickling), carries them as attributes, composes its text from them, and has a
``hint`` that says what to do next. No exception carries a token or a session URL.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ApiError",
    "ApiUnreachable",
    "AuthenticationFailed",
    "CaptureInterrupted",
    "CaptureNotFound",
    "CaptureRunning",
    "CaptureUnfinished",
    "ConfigurationError",
    "CoverageTooLow",
    "FieldsNotRecorded",
    "InstantLogsError",
    "InvalidApiResponse",
    "InvalidFilter",
    "InvalidManifest",
    "InvalidOption",
    "InvalidQuery",
    "JournalDamaged",
    "LeaseError",
    "LeaseUnreachable",
    "LeaseUnusable",
    "NotEntitled",
    "QueryError",
    "RateLimited",
    "ReconnectsSpent",
    "RecoveryFailed",
    "RequestRefused",
    "RetiredField",
    "SessionExpired",
    "SessionSuperseded",
    "StoreError",
    "StoreFull",
    "StoreUnreadable",
    "StoreUnwritable",
    "StreamError",
    "StreamLost",
    "StreamRefused",
    "StreamSilent",
    "UnknownField",
    "UnknownQuery",
    "VerificationFailed",
    "ZoneBusy",
    "is_transient",
]


class InstantLogsError(Exception):
    """Root of the tree; never raised itself.

    Attributes:
        exit_code: What the command line exits with (design §7).
        transient: Whether trying again later can help.
        hint: One sentence that says what to do next; empty when nothing helps.
    """

    exit_code: ClassVar[int] = 1
    transient: ClassVar[bool] = False
    hint: str = ""


def is_transient(exc: BaseException) -> bool:
    """Tell whether the same call can succeed later: the only retry decision."""
    return isinstance(exc, InstantLogsError) and exc.transient


class ConfigurationError(InstantLogsError):
    """Wrong input; nothing was contacted, and trying again cannot help."""

    exit_code = 2


class InvalidOption(ConfigurationError):
    """An option whose value is outside what it accepts."""

    def __init__(self, option: str, value: object, allowed: str) -> None:
        super().__init__(option, value, allowed)
        self.option, self.value, self.allowed = option, value, allowed
        # A reason behind a colon is told once.
        self.hint = f"give {option} {allowed.partition(': ')[0]}"

    def __str__(self) -> str:
        return f"{self.option} is {self.value!r}, not {self.allowed}"


class UnknownField(ConfigurationError):
    """A field name that the catalogue does not hold."""

    def __init__(self, name: str, close: tuple[str, ...] = ()) -> None:
        super().__init__(name, close)
        self.name, self.close = name, close
        near = f"did you mean {' or '.join(close)}? " if close else ""
        self.hint = (
            f"{near}'instant-logs fields' lists all; "
            "--allow-unknown-fields sends it as it is"
        )

    def __str__(self) -> str:
        return f"unknown field {self.name!r}"


class RetiredField(ConfigurationError):
    """A field that the service accepts by name and never sends."""

    def __init__(self, name: str, replaced_by: str | None, removed: str) -> None:
        super().__init__(name, replaced_by, removed)
        self.name, self.replaced_by, self.removed = name, replaced_by, removed
        self.hint = f"use {replaced_by}" if replaced_by else "leave it out"

    def __str__(self) -> str:
        return f"field {self.name!r} was retired ({self.removed})"


class InvalidFilter(ConfigurationError):
    """A filter that the service would refuse, or silently misread.

    Attributes:
        reason: What is wrong, with the value and the limit.
        where: The path in the JSON document or the column in the expression.
        repaired: A filter that says what was probably meant, or None.
    """

    def __init__(
        self, reason: str, where: str = "", repaired: str | None = None
    ) -> None:
        super().__init__(reason, where, repaired)
        self.reason, self.where, self.repaired = reason, where, repaired
        example = "'instant-logs filter --help' has examples"
        self.hint = f"try: {repaired}" if repaired else example

    def __str__(self) -> str:
        at = f" at {self.where}" if self.where else ""
        return f"invalid filter{at}: {self.reason}"


class CaptureNotFound(ConfigurationError):
    """No capture, or more than one, answers to an id."""

    def __init__(self, capture_id: str, matches: tuple[str, ...] = ()) -> None:
        super().__init__(capture_id, matches)
        self.capture_id, self.matches = capture_id, matches
        self.hint = (
            f"one of {', '.join(matches[:5])}"
            if matches
            else "'instant-logs captures list' shows what the store holds"
        )

    def __str__(self) -> str:
        if self.matches:
            return f"{len(self.matches)} captures match {self.capture_id!r}"
        return f"no capture matches {self.capture_id!r}"


class CaptureRunning(ConfigurationError):
    """The result of a capture was asked for while it still runs."""

    hint = "wait_for_completion() first"

    def __init__(self, zone_id: str) -> None:
        super().__init__(zone_id)
        self.zone_id = zone_id

    def __str__(self) -> str:
        return f"the capture of zone {self.zone_id} still runs"


class ApiError(InstantLogsError):
    """The session API said no, or nothing that can be used.

    Attributes:
        status: HTTP status, or None when there was no reply.
        code: The service's own error code, or None.
        message: The service's own words, verbatim, or a description.
    """

    exit_code = 5

    def __init__(
        self, message: str, status: int | None = None, code: int | None = None
    ) -> None:
        super().__init__(message, status, code)
        self.message, self.status, self.code = message, status, code

    def __str__(self) -> str:
        facts = [f"HTTP {self.status}"] if self.status is not None else []
        facts += [f"code {self.code}"] if self.code is not None else []
        return f"{self.message} ({', '.join(facts)})" if facts else self.message


class AuthenticationFailed(ApiError):
    """The credentials are missing, wrong, expired, or may not do this."""

    exit_code = 3
    hint = (
        "check the token: it needs the permission 'Logs Read' on this zone "
        "(CLOUDFLARE_API_TOKEN, or CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY; "
        "IBMCLOUD_API_KEY and CIS_CRN for CIS)"
    )


class NotEntitled(ApiError):
    """The zone's plan does not include Instant Logs."""

    exit_code = 3
    hint = "Instant Logs needs a Business or Enterprise plan on the zone"


class RequestRefused(ApiError):
    """The service refused the request's content: a field, the filter, the zone."""

    exit_code = 2
    hint = "the service's own words say which part it refused"


class RateLimited(ApiError):
    """The service asks for fewer requests.

    Attributes:
        retry_after_s: Seconds to wait as the service asked, or None.
    """

    transient = True

    def __init__(
        self,
        message: str,
        status: int | None = 429,
        code: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, status, code)
        self.args = (message, status, code, retry_after_s)
        self.retry_after_s = retry_after_s
        self.hint = (
            f"try again in {retry_after_s:g} s"
            if retry_after_s is not None
            else "try again in a few minutes"
        )


class ApiUnreachable(ApiError):
    """No reply, or a reply that says the service is down (5xx)."""

    transient = True
    hint = "check the network and the service's status page, then try again"


class InvalidApiResponse(ApiError):
    """A reply that is not what the service documents."""

    hint = "check the base URL (CLOUDFLARE_BASE_URL): something else answered"


class ZoneBusy(InstantLogsError):
    """The zone's one session is held by somebody else.

    Attributes:
        zone_id: The zone.
        holder: Who holds it, as far as is known.
        since: When it was taken, ISO 8601 UTC, or None.
        is_refusing: Whether a takeover does not help: the lease of a capture of ours
            is in the way, or the service refused.
    """

    exit_code = 4

    def __init__(
        self,
        zone_id: str,
        holder: str,
        since: str | None = None,
        is_refusing: bool = False,  # noqa: FBT001, FBT002 - unpickled by its place
    ) -> None:
        super().__init__(zone_id, holder, since, is_refusing)
        self.zone_id, self.holder, self.since = zone_id, holder, since
        self.is_refusing = is_refusing
        waiting = "wait with --on-busy wait, for longer with --busy-timeout"
        taking = "end the other session with --on-busy takeover"
        ending = "end who holds it: it cannot be taken over"
        self.hint = f"{waiting}, or {ending if is_refusing else taking}"

    def __str__(self) -> str:
        since = f" since {self.since}" if self.since else ""
        return (
            f"zone {self.zone_id} is busy: its session is held by {self.holder}{since}"
        )


class LeaseError(InstantLogsError):
    """The lease of a zone cannot be had, whoever holds it.

    Attributes:
        name: What grants it.
        reason: Why it does not.
    """

    exit_code = 5

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason


class LeaseUnreachable(LeaseError):
    """Who grants leases, a Prefect server, does not answer."""

    transient = True
    hint = "check PREFECT_API_URL and the server, then try again"

    def __str__(self) -> str:
        return f"cannot ask for the lease {self.name}: {self.reason}"


class LeaseUnusable(LeaseError):
    """The concurrency limit of a zone is not what a lease needs."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.hint = (
            f"'prefect gcl update {name} --limit 1', 'prefect gcl enable {name}'"
        )

    def __str__(self) -> str:
        return f"the concurrency limit {self.name} is no lease: {self.reason}"


class StreamError(InstantLogsError):
    """The websocket of a session ended or never opened."""

    exit_code = 5


class StreamLost(StreamError):
    """The connection ended; whether the session still lives is not known.

    Attributes:
        close_code: RFC 6455 close code; 1006 when there was no close frame.
        reason: The peer's reason or the network's error; may be empty.
    """

    transient = True
    hint = "a new session is needed if the old one lapsed"

    def __init__(self, close_code: int, reason: str = "") -> None:
        super().__init__(close_code, reason)
        self.close_code, self.reason = close_code, reason

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"stream lost (close code {self.close_code}){why}"


class StreamRefused(StreamError):
    """The websocket handshake was refused.

    Attributes:
        status: HTTP status of the refusal, or None when there was no reply.
        reason: What the peer or the network said.
        retry_after_s: Seconds to wait as the service asked, or None.
    """

    transient = True
    hint = "the session may have lapsed; a new one is needed"

    def __init__(
        self, status: int | None, reason: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(status, reason, retry_after_s)
        self.status, self.reason, self.retry_after_s = status, reason, retry_after_s

    def __str__(self) -> str:
        status = f" with HTTP {self.status}" if self.status is not None else ""
        return f"stream refused{status}: {self.reason}"


class StreamSilent(StreamError):
    """Nothing arrived for longer than the read deadline."""

    transient = True
    hint = "a quiet zone is silent too: raise --read-deadline if that is normal"

    def __init__(self, idle_s: float) -> None:
        super().__init__(idle_s)
        self.idle_s = idle_s

    def __str__(self) -> str:
        return f"stream silent for {self.idle_s:g} s"


class ReconnectsSpent(StreamError):
    """A stream was lost, and the capture has no try left to replace it.

    Attributes:
        limit: How many tries the capture had.
        reason: What the last of them, or the stream, ended with.
    """

    hint = "see why streams are lost; --max-reconnects allows more tries"

    def __init__(self, limit: int, reason: str) -> None:
        super().__init__(limit, reason)
        self.limit, self.reason = limit, reason

    def __str__(self) -> str:
        return f"the budget of {self.limit} reconnects is spent: {self.reason}"


class SessionExpired(StreamError):
    """The session reached its 60 minutes."""

    transient = True
    hint = "open a new session"

    def __init__(self, age_s: float) -> None:
        super().__init__(age_s)
        self.age_s = age_s

    def __str__(self) -> str:
        return f"session expired after {self.age_s:g} s"


class SessionSuperseded(StreamError):
    """Another session became the zone's active one; creating anew would fight it."""

    hint = "somebody else is watching the zone: let them finish"

    def __init__(self, zone_id: str) -> None:
        super().__init__(zone_id)
        self.zone_id = zone_id

    def __str__(self) -> str:
        return f"another session took over zone {self.zone_id}"


class CoverageTooLow(InstantLogsError):
    """A capture recorded less of its window than was asked; it is committed."""

    exit_code = 5

    def __init__(self, coverage: float, minimum: float, capture_id: str) -> None:
        super().__init__(coverage, minimum, capture_id)
        self.coverage, self.minimum, self.capture_id = coverage, minimum, capture_id
        self.hint = f"'instant-logs captures show {capture_id}' lists the gaps"

    def __str__(self) -> str:
        return (
            f"capture {self.capture_id} covers {self.coverage:.1%} of its window, "
            f"less than --min-coverage {self.minimum:.1%}"
        )


class StoreError(InstantLogsError):
    """The store or the journal failed; what was received is still in the journal."""

    exit_code = 6


class StoreUnreadable(StoreError):
    """The file system refused to show what is there.

    Attributes:
        path: Where.
        reason: The operating system's words.
    """

    hint = "check that the path is a store's, and its permissions"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot read {self.path}: {self.reason}"


class StoreUnwritable(StoreError):
    """The file system refused a write.

    Attributes:
        path: Where.
        reason: The operating system's words.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason
        self.hint = "make room or mend the permissions, then 'instant-logs recover'"

    def __str__(self) -> str:
        return f"cannot write {self.path}: {self.reason}"


class StoreFull(StoreUnwritable):
    """A disk with less room left than is to be kept free.

    Attributes:
        free_bytes: The room that is left.
        least_bytes: The room that is to be kept.
    """

    def __init__(self, path: str, free_bytes: int, least_bytes: int) -> None:
        mib = 2**20
        reason = (
            f"{free_bytes / mib:,.1f} MiB are free, {least_bytes / mib:,.1f} MiB are "
            "to be kept free"
        )
        super().__init__(path, reason)
        self.args = (path, free_bytes, least_bytes)
        self.free_bytes, self.least_bytes = free_bytes, least_bytes
        self.hint = "make room, or set --min-free lower, then 'instant-logs recover'"


class CaptureUnfinished(StoreError):
    """The store or the journal failed a capture; says what is safe where.

    Attributes:
        capture_id: The capture.
        cause: What failed.
        received: Lines received.
        in_store: Those of them in the store.
        in_journal: Those of them in the journal only.
        journal_path: Where that is.
    """

    def __init__(  # noqa: PLR0917 - facts, told apart by their names
        self,
        capture_id: str,
        cause: str,
        received: int,
        in_store: int,
        in_journal: int,
        journal_path: str,
    ) -> None:
        super().__init__(
            capture_id, cause, received, in_store, in_journal, journal_path
        )
        self.capture_id, self.cause, self.received = capture_id, cause, received
        self.in_store, self.in_journal = in_store, in_journal
        self.journal_path = journal_path
        self.hint = (
            "make room or mend the permissions, then 'instant-logs recover' finishes it"
        )

    def __str__(self) -> str:
        return (
            f"capture {self.capture_id} could not be finished: {self.cause}; of "
            f"{self.received} lines received {self.in_store} are safe in the store "
            f"and {self.in_journal} in the journal {self.journal_path}"
        )


class RecoveryFailed(StoreError):
    """Journals that could not be finished; they are kept to be tried again.

    Attributes:
        capture_id: The first capture of them.
        problems: What was in its way.
        count: How many there are.
    """

    hint = "mend what is in the way, then 'instant-logs recover' again"

    def __init__(self, capture_id: str, problems: tuple[str, ...], count: int) -> None:
        super().__init__(capture_id, problems, count)
        self.capture_id, self.problems, self.count = capture_id, problems, count

    def __str__(self) -> str:
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        text = f"capture {self.capture_id} could not be recovered{more}"
        return f"{text}: {'; '.join(self.problems)}"


class JournalDamaged(StoreError):
    """Raw lines on disk that fail their checksum."""

    hint = "what comes before the damage is used; what follows is kept aside"

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(path, offset, reason)
        self.path, self.offset, self.reason = path, offset, reason

    def __str__(self) -> str:
        return f"journal {self.path} is damaged at byte {self.offset}: {self.reason}"


class InvalidManifest(StoreError):
    """A manifest that is not one, or is of a newer schema than this program knows."""

    hint = "restore it from a backup, or upgrade this program"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"manifest {self.path}: {self.reason}"


class VerificationFailed(StoreError):
    """A committed file is missing, or is not what its manifest says."""

    hint = "restore the file from a backup: what the manifest names was once whole"

    def __init__(self, capture_id: str, problems: tuple[str, ...]) -> None:
        super().__init__(capture_id, problems)
        self.capture_id, self.problems = capture_id, problems

    def __str__(self) -> str:
        return f"capture {self.capture_id}: {'; '.join(self.problems)}"


class QueryError(InstantLogsError):
    """A question that cannot be answered as it was put."""

    exit_code = 2


class InvalidQuery(QueryError):
    """SQL that DuckDB refuses; the message is DuckDB's own."""

    hint = "'instant-logs query \"describe requests\"' shows the columns"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class UnknownQuery(QueryError):
    """No query file of that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known
        self.hint = f"one of {', '.join(known)}"

    def __str__(self) -> str:
        return f"no query named {self.name!r}"


class FieldsNotRecorded(QueryError):
    """A query over fields that no capture in question holds; ``A|B``: one of them."""

    def __init__(self, query: str, missing: tuple[str, ...]) -> None:
        super().__init__(query, missing)
        self.query, self.missing = query, missing
        enough = ",".join(one.split("|")[0] for one in missing)
        self.hint = f"record them: --fields …,{enough}"

    def __str__(self) -> str:
        names = ", ".join(self.missing).replace("|", " or ")
        return f"{self.query} needs fields not recorded: {names}"


class CaptureInterrupted(InstantLogsError):
    """A signal ended the capture; what was received is committed.

    Attributes:
        signal_number: 1 (SIGHUP), 2 (SIGINT) or 15 (SIGTERM).
        capture_id: The capture, or None when nothing had been recorded.
    """

    def __init__(self, signal_number: int, capture_id: str | None) -> None:
        super().__init__(signal_number, capture_id)
        self.signal_number, self.capture_id = signal_number, capture_id
        self.exit_code = 128 + signal_number  # type: ignore[misc]
        if capture_id is not None:
            self.hint = f"'instant-logs captures show {capture_id}' says what was kept"

    def __str__(self) -> str:
        if self.capture_id is None:
            return "interrupted before anything was recorded"
        return f"capture {self.capture_id} was interrupted"
