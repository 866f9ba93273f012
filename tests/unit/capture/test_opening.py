"""Opening a session: look before every create, know one's own, never fight."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import pytest

from instant_logs_plugin.capture.opening import Holder, SessionOpener
from instant_logs_plugin.capture.options import BusyPolicy, OnBusy
from instant_logs_plugin.capture.ownership import OwnSession
from instant_logs_plugin.edge.client import SessionClient, cloudflare_provider
from instant_logs_plugin.edge.credentials import TokenAuth
from instant_logs_plugin.edge.session import SessionRequest, session_fingerprint
from instant_logs_plugin.errors import ApiUnreachable, NotEntitled, ZoneBusy

REQUEST = SessionRequest(zone_id="z", fields=("RayID",), filter="")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
THEIRS, OURS_OVER, OURS_RUNNING = "theirs", "ours-over", "ours-running"
OWN = {
    session_fingerprint(OURS_OVER): OwnSession(
        capture_id="c1", opened_at=AT, is_over=True
    ),
    session_fingerprint(OURS_RUNNING): OwnSession(
        capture_id="c2", opened_at=AT, is_over=False
    ),
}


class Service:
    """The session API of one zone, behind the real client: its list and its log."""

    def __init__(self, *listed: str) -> None:
        self.listed = list(listed)
        self.is_refusing = False
        self.names_no_id = False
        self.is_away = False
        self.calls: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.method)
        if self.is_away:
            return httpx.Response(503)
        if request.method == "GET":
            return self._reply([self._shown(one) for one in self.listed])
        if self.is_refusing:
            message = "not allowed: exceeded max jobs allowed"
            errors = [{"code": 1004, "message": message}]
            body = {"success": False, "errors": errors, "result": None}
            return httpx.Response(403, json=body)
        self.listed = [f"new{len(self.calls)}"]
        return self._reply(
            {"destination_conf": f"wss://logs.cloudflare.com/x/{self.listed[0]}"}
        )

    def _shown(self, session_id: str) -> dict[str, Any]:
        shown = {"fields": "RayID", "filter": "", "sample": 1}
        return shown if self.names_no_id else shown | {"session_id": session_id}

    def _reply(self, result: Any) -> httpx.Response:
        body = {"success": True, "errors": [], "messages": [], "result": result}
        return httpx.Response(200, content=json.dumps(body))


def opener(
    service: Service,
    on_busy: OnBusy = OnBusy.FAIL,
    *,
    timeout_s: float = 0.0,
    sleep: Callable[[float], Any] | None = None,
) -> SessionOpener:
    client = SessionClient(
        cloudflare_provider(TokenAuth("any")),
        transport=httpx.MockTransport(service.answer),
    )
    options = {} if sleep is None else {"sleep": sleep}
    return SessionOpener(
        api=client,
        request=REQUEST,
        busy=BusyPolicy(on_busy=on_busy, timeout_s=timeout_s),
        read_own=lambda: OWN,
        random=Random(1),
        **options,
    )


async def test_a_free_zone_is_looked_at_and_taken():
    """Every create is preceded by a look."""
    service = Service()
    await opener(service).create()
    assert service.calls == ["GET", "POST"]


async def test_the_store_is_not_read_while_the_zone_is_free():
    """Who is whose matters only once there is a session."""
    one = opener(Service())

    def read() -> Any:
        raise AssertionError("read")

    one.read_own = read
    await one.create()


@pytest.mark.parametrize(
    ("session_id", "holder", "since"),
    [
        (
            THEIRS,
            f"session {session_fingerprint(THEIRS)} of somebody else",
            None,
        ),
        (OURS_RUNNING, "our capture c2", "2026-03-01T12:00:00.000000Z"),
    ],
)
async def test_a_session_that_somebody_reads_is_busy(session_id, holder, since):
    """A stranger's, or one of ours that may run on another host: told apart."""
    service = Service(session_id)
    with pytest.raises(ZoneBusy) as caught:
        await opener(service).create()
    assert (caught.value.holder, caught.value.since) == (holder, since)
    assert service.calls == ["GET"]


async def test_our_own_orphan_is_no_stranger():
    """Its capture is over: a new session ends only what nobody reads."""
    service = Service(OURS_OVER)
    await opener(service).create()
    assert service.calls == ["GET", "POST"]


async def test_a_refusal_for_a_session_of_ones_own():
    """Where the service keeps the first one it is no stranger who is in the way."""
    service = Service()
    one = opener(service)
    session = await one.create()
    service.is_refusing = True
    with pytest.raises(ZoneBusy) as caught:
        await one.try_create()
    assert caught.value.holder == f"session {session.fingerprint} of this capture"


async def test_waiting_ends_with_the_strangers_session():
    """Polls with jitter, then takes the zone that became free."""
    service = Service(THEIRS)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            service.listed = []

    await opener(service, OnBusy.WAIT, timeout_s=60, sleep=sleep).create()
    assert service.calls == ["GET"] * 4 + ["POST"]
    assert len(set(pauses)) == 3
    assert all(2.5 <= pause <= 7.5 for pause in pauses)


@pytest.mark.parametrize("reply_s", [0.0, 1.5])
async def test_waiting_is_bounded(reply_s):
    """It never waits longer than it was told to, slow replies included."""
    service, now = Service(THEIRS), 100.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    one = opener(service, OnBusy.WAIT, timeout_s=12, sleep=sleep)
    one.now = lambda: now + reply_s * len(service.calls)
    with pytest.raises(ZoneBusy):
        await one.create()
    assert one.now() == pytest.approx(112 + reply_s, abs=reply_s)


async def test_waiting_outlasts_a_service_that_is_away():
    """A taken zone is waited for through a 503; a free one is not looked for then."""
    service = Service(THEIRS)
    ends = [lambda: setattr(service, "is_away", True), lambda: None]
    ends += [lambda: setattr(service, "is_away", False), service.listed.clear]

    async def sleep(seconds: float) -> None:
        del seconds
        ends.pop(0)()

    await opener(service, OnBusy.WAIT, timeout_s=60, sleep=sleep).create()
    assert service.calls == ["GET"] * 5 + ["POST"]
    service.is_away = True
    with pytest.raises(ApiUnreachable):
        await opener(service, OnBusy.WAIT, timeout_s=60, sleep=sleep).create()


async def test_a_takeover_says_whom_it_hits(caplog):
    """Explicit and logged; the session's id is not in the log."""
    service = Service(THEIRS)
    with caplog.at_level(logging.WARNING):
        await opener(service, OnBusy.TAKEOVER).create()
    (record,) = caplog.records
    assert record.message == "instant_logs.zone_taken_over"
    assert record.holder == f"session {session_fingerprint(THEIRS)} of somebody else"
    assert service.calls == ["GET", "POST"]


async def test_a_takeover_happens_once():
    """Superseded in turn, it waits like everybody: two takeovers do not fight."""
    service = Service()
    one = opener(service, OnBusy.TAKEOVER)
    await one.create()
    service.listed = [THEIRS]
    with pytest.raises(ZoneBusy):
        await one.try_create()
    assert service.calls == ["GET", "POST", "GET"]


@pytest.mark.parametrize(
    ("listed", "error"), [((THEIRS,), ZoneBusy), ((), NotEntitled)]
)
async def test_one_refusal_means_two_things(listed, error):
    """A taken zone if the list shows a session, else a plan without the feature."""
    service = Service()
    service.is_refusing = True
    one = opener(service, OnBusy.TAKEOVER)
    service.listed = list(listed)
    with pytest.raises(error):
        await one.create()


@pytest.mark.parametrize(
    ("listed", "holder"),
    [
        ((), Holder.NOBODY),
        ((THEIRS,), Holder.STRANGER),
        ((OURS_RUNNING,), Holder.STRANGER),
        ((OURS_OVER,), Holder.NOBODY),
    ],
)
async def test_whose_session_it_is(listed, holder):
    """Only this capture's own session means that its stream may go on."""
    service = Service()
    one = opener(service)
    await one.create()
    assert await one.find_holder() is Holder.US
    service.listed = list(listed)
    assert await one.find_holder() is holder


async def test_a_list_without_ids_is_matched_by_content():
    """Only after a create of its own: before, any session may be a stranger's."""
    service = Service(THEIRS)
    service.names_no_id = True
    one = opener(service)
    with pytest.raises(ZoneBusy):
        await one.create()
    service.listed = []
    await one.create()
    assert await one.find_holder() is Holder.US
