"""The running emulator: HTTP and streams on one event loop, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn

from instant_logs_plugin.emulator.api import make_app
from instant_logs_plugin.emulator.config import EmulatorConfig
from instant_logs_plugin.emulator.feed import Feed, open_feed
from instant_logs_plugin.emulator.registry import Registry, ServedSession
from instant_logs_plugin.emulator.replay import read_replay
from instant_logs_plugin.emulator.streams import STREAM_PATH, StreamServer
from instant_logs_plugin.errors import InvalidOption

__all__ = ["Emulator", "run_emulator", "serve"]

_START_TIMEOUT_S = 30.0


class Emulator:
    """A running emulator; made by `run_emulator`.

    Attributes:
        config: How it behaves.
        port: Of the API.
        stream_port: Of the streams.
    """

    def __init__(self, config: EmulatorConfig) -> None:
        self.config = config
        self.port = self.stream_port = 0
        self._started_at = time.monotonic()
        self._registry = Registry(
            is_kicking=config.on_second == "kick", lapse_s=config.lapse_s
        )
        self._records = read_replay(config.replay) if config.replay else None

    @property
    def url(self) -> str:
        """Where the API is; the base URL of IAM and of CIS."""
        return f"http://{self.config.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The value of CLOUDFLARE_BASE_URL."""
        return f"{self.url}/client/v4"

    @property
    def sessions(self) -> list[ServedSession]:
        """Every session so far, with what it was sent."""
        return self._registry.sessions

    @contextlib.asynccontextmanager
    async def listen(self) -> AsyncIterator[None]:
        """Serve until the block ends."""
        streams = await StreamServer(
            config=self.config,
            registry=self._registry,
            now=self._now,
            feed=self._open_feed,
            elapsed=self._elapsed,
        ).start()
        self.stream_port = next(iter(streams.sockets)).getsockname()[1]
        try:
            async with self._serve_api():
                yield
        finally:
            for connection in streams.connections:
                connection.transport.abort()
            streams.close()
            await streams.wait_closed()

    @contextlib.asynccontextmanager
    async def _serve_api(self) -> AsyncIterator[None]:
        app = make_app(
            self.config, self._registry, now=self._now, stream_url=self._stream_url
        )
        listener = _listen(self.config.host, self.config.port)
        self.port = listener.getsockname()[1]
        settings = uvicorn.Config(
            app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
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
        InvalidOption: The replay cannot be read, or the port is taken.
    """
    emulator = Emulator(config or EmulatorConfig())
    runner = _Runner(emulator)
    runner.start()
    try:
        yield emulator
    finally:
        runner.stop()


def serve(config: EmulatorConfig, *, ready: Callable[[Emulator], None]) -> None:
    """Run an emulator until SIGINT or SIGTERM.

    Args:
        config: How it behaves.
        ready: Called once it listens.

    Raises:
        InvalidOption: The replay cannot be read, or the port is taken.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with run_emulator(config) as emulator:
        ready(emulator)
        stopped.wait()


class _Runner(threading.Thread):
    """The emulator's thread."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(name="instant-logs-emulator", daemon=True)
        self._emulator = emulator
        self._loop = asyncio.new_event_loop()
        self._is_listening = threading.Event()
        self._is_stopped = asyncio.Event()
        self._error: BaseException | None = None

    def start(self) -> None:
        super().start()
        self._is_listening.wait(_START_TIMEOUT_S)
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._is_stopped.set)
        self.join(_START_TIMEOUT_S)

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._listen())
        except (OSError, InvalidOption) as exc:
            self._error = exc
            self._is_listening.set()

    async def _listen(self) -> None:
        async with self._emulator.listen():
            self._is_listening.set()
            await self._is_stopped.wait()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as exc:
        allowed = f"a free port of {host}: {exc.strerror}"
        raise InvalidOption("port", port, allowed) from exc
