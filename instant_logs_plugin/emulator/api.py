"""The HTTP side: the session API of Cloudflare and of CIS, and IAM's token exchange."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from instant_logs_plugin.edge.fields import catalogue
from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.faults import Fault, FaultKind, find_fault
from instant_logs_plugin.emulator.refusals import parse_predicate
from instant_logs_plugin.emulator.registry import Job, Registry, ServedSession
from instant_logs_plugin.emulator.requests import Asked, RequestLog, What

__all__ = ["make_app"]

_JOBS = "/zones/{zone_id}/logpush/edge/jobs"
_FIELDS = "/zones/{zone_id}/logpush/datasets/http_requests/fields"
_NOT_ALLOWED = "creating a new instant logs job is not allowed: "
_IAM_LIFETIME_S = 3600


def make_app(
    config: EmulatorConfig,
    registry: Registry,
    *,
    now: Callable[[], float],
    stream_url: Callable[[str], str],
    asked: RequestLog,
) -> FastAPI:
    """Return the API.

    Args:
        config: How the emulator behaves.
        registry: Its sessions.
        now: Gives emulated seconds.
        stream_url: The secret URL of a session id.
        asked: Where every create and list is entered.
    """
    app = FastAPI(title="Instant Logs emulator", docs_url=None, redoc_url=None)
    api = _Api(config, registry, now=now, stream_url=stream_url, asked=asked)
    for prefix in ("/client/v4", "/v1/{crn:path}", "/v2/{crn:path}"):
        app.post(prefix + _JOBS)(api.create)
        app.get(prefix + _JOBS)(api.list)
        app.get(prefix + _FIELDS)(api.fields)
    app.post("/identity/token")(api.token)
    app.get("/emulator/state")(api.state)
    app.get("/emulator/log")(api.log)
    app.get("/emulator/sent")(api.sent)
    return app


class _Api:
    def __init__(
        self,
        config: EmulatorConfig,
        registry: Registry,
        *,
        now: Callable[[], float],
        stream_url: Callable[[str], str],
        asked: RequestLog,
    ) -> None:
        self._config, self._registry = config, registry
        self._now, self._stream_url, self._asked = now, stream_url, asked
        self._creates = 0
        self._iam_tokens: set[str] = set()

    async def create(self, zone_id: str, request: Request) -> Response:
        """Create a session."""
        made = await self._create(zone_id, request)
        await asyncio.sleep(self._lateness_s())
        if isinstance(made, Response):
            self._enter(What.CREATE, zone_id, made)
            return made
        shown = self._shown(made, has_url=True)
        response = _result(shown, status=201 if self._is_live else 200)
        self._enter(What.CREATE, zone_id, response, made.number)
        return response

    async def _create(self, zone_id: str, request: Request) -> ServedSession | Response:
        refusal = self._refuse(request) or self._fault()
        if refusal is not None:
            return refusal
        job = _parse_job(await request.body())
        if isinstance(job, Response):
            return job
        is_entitled = self._config.is_entitled
        session = is_entitled and self._registry.create(zone_id, job, self._now())
        if not session:
            return _error(403, 1004, f"{_NOT_ALLOWED}exceeded max jobs allowed")
        return session

    async def list(self, zone_id: str, request: Request) -> Response:
        """List a zone's sessions; live ones come without their URLs."""
        has_url = not self._is_live
        listed = self._registry.listed(zone_id, self._now())
        shown = [self._shown(one, has_url=has_url) for one in listed]
        response = self._refuse(request) or _result(shown)
        self._enter(What.LIST, zone_id, response)
        return response

    async def fields(self, zone_id: str, request: Request) -> Response:
        """List the fields that a zone can send."""
        del zone_id  # every zone has all
        known = {
            field.name: f"{field.type.value}; {field.description}"
            for field in catalogue().values()
        }
        return self._refuse(request) or _result(known)

    async def token(self, request: Request) -> Response:
        """Exchange an IBM Cloud API key for a token."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        given = form.get("apikey", [""])[0]
        if not given or self._config.token not in {"", given}:
            message = "Provided API key could not be found."
            body = {"errorCode": "BXNIM0415E", "errorMessage": message}
            return JSONResponse(body, 400)
        token = secrets.token_hex(16)
        self._iam_tokens.add(token)
        return JSONResponse(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": _IAM_LIFETIME_S,
            }
        )

    async def state(self) -> Response:
        """Tell what was sent; holds no secret."""
        sessions = self._registry.describe()
        return JSONResponse({"creates": self._creates, "sessions": sessions})

    async def log(self) -> Response:
        """Tell every create, list and handshake; holds no secret."""
        return JSONResponse({"requests": [vars(one) for one in self._asked.of()]})

    async def sent(self) -> Response:
        """Tell every line sent as NDJSON, when the emulator keeps them."""
        if not self._config.keep_sent:
            return JSONResponse({"error": "started without keep_sent"}, 409)
        return StreamingResponse(self._iter_sent(), media_type="application/x-ndjson")

    def _iter_sent(self) -> Iterator[bytes]:
        for session in tuple(self._registry.sessions):
            sent = session.sent
            for line, at_s in zip(tuple(sent.lines), sent.times_s, strict=False):
                row = {"session": session.number, "at_s": at_s, "line": line.decode()}
                yield json.dumps(row).encode() + b"\n"

    def _enter(
        self, what: What, zone_id: str, response: Response, session: int = 0
    ) -> None:
        self._asked.add(
            Asked(
                at_s=time.time(),
                what=what,
                zone_id=zone_id,
                session=session,
                status=response.status_code,
            )
        )

    @property
    def _is_live(self) -> bool:
        return self._config.reply_form == "live"

    def _refuse(self, request: Request) -> Response | None:
        """Return the refusal of wrong credentials."""
        if request.url.path.startswith("/client/"):
            is_known = self._is_cloudflare_known(request)
        else:
            token = _bearer(request, "X-Auth-User-Token")
            is_any = not self._config.token and bool(token)
            is_known = is_any or token in self._iam_tokens
        return None if is_known else _error(403, 10000, "Authentication error")

    def _is_cloudflare_known(self, request: Request) -> bool:
        given = _bearer(request, "Authorization")
        if not given and request.headers.get("X-Auth-Email"):
            given = request.headers.get("X-Auth-Key", "")
        return bool(given) and self._config.token in {"", given}

    def _fault(self) -> Response | None:
        self._creates += 1
        for fault in self._create_faults():
            if fault.kind is not FaultKind.POST_SLOW:
                return _faulty(fault)
        return None

    def _lateness_s(self) -> float:
        slow = find_fault(self._create_faults(), FaultKind.POST_SLOW)
        return slow.ms / 1_000 if slow else 0.0

    def _create_faults(self) -> Iterator[Fault]:
        """Yield the faults of the newest create."""
        return (one for one in self._config.faults if one.hits_create(self._creates))

    def _shown(self, session: ServedSession, *, has_url: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "fields": ",".join(session.job.fields),
            "filter": session.job.filter_text,
            "kind": "instant-logs",
            "sample": session.job.sample,
        }
        if self._is_live:
            shown["session_id"] = session.session_id
        else:
            shown["id"] = session.number
        if has_url:
            shown["destination_conf"] = self._stream_url(session.session_id)
        return shown


def _bearer(request: Request, header: str) -> str:
    scheme, _, token = request.headers.get(header, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _parse_job(body: bytes) -> Job | Response:
    """Return what is asked for, or the refusal."""
    try:
        document = json.loads(body)
        names, sample = document["fields"].split(","), document.get("sample", 1)
        filter_text, kind = document.get("filter", ""), document.get("kind")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _error(400, 1002, "invalid request body")
    if kind != "instant-logs" or type(sample) is not int or sample < 1:
        return _error(400, 1002, "invalid request body")
    filter_, refusal = parse_predicate(filter_text)
    if refusal:
        return _error(400, 1004, f"{_NOT_ALLOWED}bad predicate: {refusal}")
    fields = tuple(filter(None, names))
    return Job(fields=fields, sample=sample, filter_text=filter_text, filter=filter_)


def _faulty(fault: Fault) -> Response:
    match fault.kind:
        case FaultKind.POST_429:
            response = _error(429, 10429, "rate limited")
            if fault.retry:
                response.headers["Retry-After"] = str(fault.retry)
            return response
        case FaultKind.POST_HTML:
            return HTMLResponse("<html><title>502 Bad Gateway</title></html>", 502)
        case _:
            return _error(500, 1000, "internal error")


def _result(result: Any, *, status: int = 200) -> Response:
    body = {"errors": [], "messages": [], "result": result, "success": True}
    return JSONResponse(body, status)


def _error(status: int, code: int, message: str) -> Response:
    errors = [{"code": code, "message": message}]
    body = {"errors": errors, "messages": [], "result": None, "success": False}
    return JSONResponse(body, status)
