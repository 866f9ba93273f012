"""The running emulator: HTTP and streams on one event loop, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

import uvicorn

from instant_logs_plugin.emulator.api import make_app
from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.feed import Feed, open_feed
from instant_logs_plugin.emulator.registry import Attempt, Registry, ServedSession
from instant_logs_plugin.emulator.replay import read_replay
from instant_logs_plugin.emulator.requests import Asked, RequestLog, What
from instant_logs_plugin.emulator.sent import Sent, open_sent_log
from instant_logs_plugin.emulator.streams import STREAM_PATH, StreamServer
from instant_logs_plugin.errors import InvalidOption

__all__ = ["Emulator", "run_emulator", "serve"]

_EXPIRE_EVERY_S = 0.02


class Emulator:
    """A running emulator; made by `run_emulator`.

    Args:
        config: How it behaves.
        sent_log: Where every line sent is appended, or None.

    Attributes:
        config: How it behaves.
        port: Of the API.
        stream_port: Of the streams.

    Raises:
        InvalidOption: The replay cannot be read.
    """

    def __init__(
        self, config: EmulatorConfig, *, sent_log: BinaryIO | None = None
    ) -> None:
        self.config = config
        self.port = self.stream_port = 0
        self._started_at = time.monotonic()
        self._registry = Registry(
            is_kicking=config.on_second == "kick",
            lapse_s=config.lapse_s,
            lists_unread=config.lists_unread,
            make_sent=partial(Sent, is_kept=config.keep_sent, log=sent_log),
        )
        self._asked = RequestLog()
        self._records = read_replay(config.replay) if config.replay else None

    @property
    def url(self) -> str:
        """Where it listens, without a path; with ``/v1/…`` it is the API of CIS."""
        return f"http://{self.config.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The value of CLOUDFLARE_BASE_URL."""
        return f"{self.url}/client/v4"

    api_url = url
    cis_base_url = url

    @property
    def iam_url(self) -> str:
        """Where an IBM Cloud API key is exchanged for a token."""
        return f"{self.url}/identity/token"

    @property
    def sessions(self) -> tuple[ServedSession, ...]:
        """Every session so far, in order of creation."""
        return tuple(self._registry.sessions)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every create so far that was not a fault's, in order, and whom it met."""
        return tuple(self._registry.attempts)

    def asked(self, what: What | None = None) -> tuple[Asked, ...]:
        """Return what it was asked, in order: requests of one kind, or all.

        The same is told by ``/emulator/log``, faults and refusals included.
        """
        return self._asked.of(what)

    def sent(self) -> tuple[Sent, ...]:
        """Return what each session was sent, in order of creation."""
        return tuple(session.sent for session in self.sessions)

    @property
    def state(self) -> list[dict[str, Any]]:
        """Every session's facts and counts, as ``/emulator/state`` shows them."""
        return self._registry.describe()

    @contextlib.asynccontextmanager
    async def listen(self) -> AsyncIterator[None]:
        """Serve until the block ends.

        Raises:
            InvalidOption: A port is taken.
        """
        self._started_at = time.monotonic()
        async with self._serve_streams(), self._serve_api():
            expiring = asyncio.create_task(self._expire())
            try:
                yield
            finally:
                expiring.cancel()

    @contextlib.asynccontextmanager
    async def _serve_streams(self) -> AsyncIterator[None]:
        server = StreamServer(
            config=self.config,
            registry=self._registry,
            now=self._now,
            open_feed=self._open_feed,
            elapsed=self._elapsed,
            asked=self._asked,
        )
        with _mapped_port(self.config.host, "stream_port", self.config.stream_port):
            streams = await server.start()
        self.stream_port = next(iter(streams.sockets)).getsockname()[1]
        try:
            yield
        finally:
            for connection in streams.connections:
                connection.transport.abort()
            streams.close()
            await streams.wait_closed()

    @contextlib.asynccontextmanager
    async def _serve_api(self) -> AsyncIterator[None]:
        app = make_app(
            self.config,
            self._registry,
            now=self._now,
            stream_url=self._stream_url,
            asked=self._asked,
        )
        with _mapped_port(self.config.host, "port", self.config.port):
            listener = socket.create_server((self.config.host, self.config.port))
        self.port = listener.getsockname()[1]
        settings = uvicorn.Config(
            app,
            access_log=False,
            lifespan="off",
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(settings)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 - a flag
                await asyncio.sleep(0.005)
            yield
        finally:
            server.should_exit = True
            await serving

    async def _expire(self) -> None:
        """End sessions when their time is over, whatever their streams do."""
        while True:
            self._registry.expire(self._now())
            await asyncio.sleep(_EXPIRE_EVERY_S)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started_at

    def _now(self) -> float:
        return self._elapsed() * self.config.time_scale

    def _stream_url(self, session_id: str) -> str:
        return f"ws://{self.config.host}:{self.stream_port}{STREAM_PATH}{session_id}"

    def _open_feed(self, session: ServedSession) -> Feed:
        elapsed_s = self._elapsed()
        return open_feed(self.config, session, self._records, elapsed_s=elapsed_s)


@contextlib.contextmanager
def run_emulator(config: EmulatorConfig | None = None) -> Iterator[Emulator]:
    """Run an emulator in a thread for the time of the block.

    Raises:
        InvalidOption: The replay cannot be read, the log of what is sent cannot be
            written, or a port is taken.
    """
    config = config or EmulatorConfig()
    with contextlib.ExitStack() as stack:
        log = (
            stack.enter_context(open_sent_log(config.sent_log))
            if config.sent_log
            else None
        )
        runner = _Runner(Emulator(config, sent_log=log))
        stack.callback(runner.close)
        runner.open()
        yield runner.emulator


def serve(config: EmulatorConfig, *, ready: Callable[[Emulator], None]) -> None:
    """Run an emulator until SIGINT or SIGTERM; only the main thread can.

    Args:
        config: How the emulator behaves.
        ready: Called once it listens.

    Raises:
        InvalidOption: As `run_emulator`.
    """
    # Of what threads wait on, only this queue may be fed by a signal's handler.
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {
        number: signal.signal(number, lambda caught, _: signals.put(caught))
        for number in numbers
    }
    try:
        with run_emulator(config) as emulator:
            ready(emulator)
            signals.get()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Runner:
    """The emulator's thread and its event loop."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._opened = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(
            target=self._run, name="instant-logs-emulator", daemon=True
        )

    def open(self) -> None:
        """Start, and wait until it listens."""
        self._thread.start()
        self._opened.wait()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Stop, and wait until nothing of it runs."""
        with contextlib.suppress(RuntimeError):  # it did not start: its loop is closed
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._listen())
        except Exception as exc:  # noqa: BLE001 - raised by `open`, in its own thread
            self._error = exc
        finally:
            self._opened.set()

    async def _listen(self) -> None:
        async with self.emulator.listen():
            self._opened.set()
            await self._closing.wait()


@contextlib.contextmanager
def _mapped_port(host: str, option: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        allowed = f"a free port of {host}: {exc.strerror}"
        raise InvalidOption(option, port, allowed) from exc
