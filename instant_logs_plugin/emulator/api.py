"""The HTTP side: the session API of Cloudflare and of CIS, and IAM's token exchange."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from instant_logs_plugin.edge.fields import catalogue
from instant_logs_plugin.edge.filter_json import parse_json
from instant_logs_plugin.edge.filters import Filter, parse_filter
from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.faults import Fault, FaultKind
from instant_logs_plugin.emulator.registry import Registry, ServedSession
from instant_logs_plugin.errors import ConfigurationError

__all__ = ["make_app"]

_JOBS = "/zones/{zone_id}/logpush/edge/jobs"
_FIELDS = "/zones/{zone_id}/logpush/datasets/http_requests/fields"
_NOT_ALLOWED = "creating a new instant logs job is not allowed: "


def make_app(
    config: EmulatorConfig,
    registry: Registry,
    *,
    now: Callable[[], float],
    stream_url: Callable[[str], str],
) -> FastAPI:
    """Return the API.

    Args:
        config: How the emulator behaves.
        registry: Its sessions.
        now: Gives emulated seconds.
        stream_url: The secret URL of a session id.
    """
    app = FastAPI(title="Instant Logs emulator", docs_url=None, redoc_url=None)
    api = _Api(config, registry, now, stream_url)
    for prefix in ("/client/v4", "/v1/{crn:path}", "/v2/{crn:path}"):
        app.post(prefix + _JOBS)(api.create)
        app.get(prefix + _JOBS)(api.list)
        app.get(prefix + _FIELDS)(api.fields)
    app.post("/identity/token")(api.token)
    app.get("/emulator/state")(api.state)
    return app


class _Api:
    def __init__(
        self,
        config: EmulatorConfig,
        registry: Registry,
        now: Callable[[], float],
        stream_url: Callable[[str], str],
    ) -> None:
        self._config, self._registry = config, registry
        self._now, self._stream_url = now, stream_url
        self._creates = 0

    async def create(self, zone_id: str, request: Request) -> Response:
        """Create a session."""
        refusal = self._refuse(request) or self._fault()
        if refusal is not None:
            return refusal
        try:
            body = json.loads(await request.body())
            fields, sample = tuple(body["fields"].split(",")), int(body["sample"])
            filter_text = body.get("filter", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            return _error(400, 1002, "invalid request body")
        try:
            filter_ = _parse_strictly(filter_text)
        except ConfigurationError as exc:
            return _error(400, 1004, f"{_NOT_ALLOWED}bad predicate: {exc}")
        session = self._registry.create(
            zone_id,
            fields=fields,
            sample=max(1, sample),
            filter_text=filter_text,
            filter_=filter_,
            now=self._now(),
        )
        if session is None or not self._config.is_entitled:
            return _error(403, 1004, f"{_NOT_ALLOWED}exceeded max jobs allowed")
        return _result(self._shown(session, is_new=True), status=201)

    async def list(self, zone_id: str, request: Request) -> Response:
        """List a zone's sessions, without their URLs."""
        listed = self._registry.listed(zone_id, self._now())
        return self._refuse(request) or _result([self._shown(one) for one in listed])

    async def fields(self, zone_id: str, request: Request) -> Response:
        """List the fields that a zone can send."""
        del zone_id
        known = {
            f.name: f"{f.type.value}; {f.description}" for f in catalogue().values()
        }
        return self._refuse(request) or _result(known)

    async def token(self, request: Request) -> Response:
        """Exchange an IBM Cloud API key for a token."""
        if b"apikey=" not in await request.body():
            message = "Provided API key could not be found."
            return JSONResponse(
                {"errorCode": "BXNIM0415E", "errorMessage": message}, 400
            )
        token = self._config.token or "emulated-iam-token"
        return JSONResponse({"access_token": token, "expires_in": 3600})

    async def state(self) -> Response:
        """Tell what was sent; holds no secret."""
        sessions = [
            {
                "number": session.number,
                "zone_id": session.zone_id,
                "end_reason": session.end_reason,
                "records": session.sent.records,
                "bytes": session.sent.bytes,
            }
            for session in self._registry.sessions
        ]
        return JSONResponse({"sessions": sessions})

    def _refuse(self, request: Request) -> Response | None:
        headers = request.headers
        bearer = headers.get("Authorization") or headers.get("X-Auth-User-Token") or ""
        given = bearer.removeprefix("Bearer ") or headers.get("X-Auth-Key") or ""
        if given and self._config.token in {"", given}:
            return None
        return _error(403, 10000, "Authentication error")

    def _fault(self) -> Response | None:
        self._creates += 1
        for fault in self._config.faults:
            if fault.is_of_create and self._creates <= fault.times:
                return _faulty(fault)
        return None

    def _shown(self, session: ServedSession, *, is_new: bool = False) -> dict[str, Any]:
        shown = {
            "fields": ",".join(session.fields),
            "filter": session.filter_text,
            "kind": "instant-logs",
            "sample": session.sample,
            "session_id": session.session_id,
        }
        if is_new:
            shown["destination_conf"] = self._stream_url(session.session_id)
        return shown


def _parse_strictly(text: str) -> Filter | None:
    """Parse as the service does: JSON only, nothing normalised."""
    if not text:
        return None
    notes: list[str] = []
    parse_json(text, notes)
    if notes:
        raise ConfigurationError(notes[0])
    return parse_filter(text, allow_unknown=True)


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
