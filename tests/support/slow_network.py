"""A way to a server on which one reply is held back: what was asked has happened."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

__all__ = ["SlowNetwork", "run_slow_network"]


class SlowNetwork:
    """Hands requests on; the first reply to a path with this ending does not come.

    Attributes:
        url: Stands for the server's API.
        is_heard: Set once the server has answered what gets no reply.
    """

    def __init__(self, api_url: str, ending: str) -> None:
        self.is_heard = threading.Event()
        self._released = threading.Event()
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), self._handler(api_url, ending)
        )
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Leave whoever still waits without a reply."""
        self._released.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _handler(self, api_url: str, ending: str) -> type[BaseHTTPRequestHandler]:
        network = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._hand_on()

            def do_POST(self) -> None:
                self._hand_on()

            def log_message(self, *args: object) -> None:
                del args

            def _hand_on(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                reply = httpx.request(
                    self.command,
                    f"{api_url}{self.path}",
                    content=self.rfile.read(size),
                    headers={"Content-Type": "application/json"},
                )
                if self.path.endswith(ending) and not network.is_heard.is_set():
                    network.is_heard.set()
                    network._released.wait()
                    return
                self.send_response(reply.status_code)
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)

        return Handler


@contextlib.contextmanager
def run_slow_network(api_url: str, ending: str) -> Iterator[SlowNetwork]:
    """Serve for the time of the block."""
    network = SlowNetwork(api_url, ending)
    network.start()
    try:
        yield network
    finally:
        network.close()
