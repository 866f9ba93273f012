"""A real Chromium, driven over its DevTools protocol with the websockets we have."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

__all__ = ["CHROMIUM", "Page", "open_browser"]

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
"""The browser's program, or None when there is none on this machine."""

_DEADLINE_S = 60.0
_SWITCHES = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-sandbox",  # tests run as root in containers, and open our own file only
    "--remote-debugging-port=0",
)


class Page:
    """One tab.

    Attributes:
        events: What the browser told since the tab was opened, oldest first.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self.events: list[dict[str, Any]] = []
        self._connection = connection
        self._ids = itertools.count(1)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Run a command of the protocol and return its result."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params}
        self._connection.send(json.dumps(message))
        while True:
            reply = json.loads(self._connection.recv(timeout=_DEADLINE_S))
            if reply.get("id") == number:
                assert "error" not in reply, (method, reply["error"])
                result: dict[str, Any] = reply["result"]
                return result
            self.events.append(reply)

    def open(self, path: Path, *, width: int = 1280, scheme: str = "light") -> None:
        """Show a file in a window of this width, for readers of this colour scheme."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", media="", features=[feature])
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        seen = len(self.events)
        self.call("Page.navigate", url=path.absolute().as_uri())
        until = time.monotonic() + _DEADLINE_S
        while not any(e["method"] == "Page.loadEventFired" for e in self.events[seen:]):
            assert time.monotonic() < until, "the page did not load"
            self.call("Runtime.evaluate", expression="0")

    def run(self, script: str) -> Any:
        """Return the value of a script's expression."""
        reply = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, as a reader without a mouse does."""
        text = {"Enter": "\r"}.get(key, "")
        codes = {"Enter": 13, "Tab": 9}
        shared = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **shared)
        self.call("Input.dispatchKeyEvent", type="keyUp", **shared)

    def told(self, *methods: str) -> list[dict[str, Any]]:
        """Return the parameters of the events of these names."""
        self.call("Runtime.evaluate", expression="0")
        return [e["params"] for e in self.events if e["method"] in methods]


@contextmanager
def open_browser() -> Iterator[Page]:
    """Start Chromium with a profile of its own; it ends with the block."""
    assert CHROMIUM is not None
    with ExitStack() as stack:
        profile = stack.enter_context(
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        )
        process = subprocess.Popen(
            [CHROMIUM, *_SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": profile},
        )
        stack.callback(_end, process)
        url = _debugger_url(Path(profile), process)
        page = Page(stack.enter_context(connect(url, max_size=None)))
        for domain in ("Page", "Network", "Runtime", "Log", "DOM", "Accessibility"):
            page.call(f"{domain}.enable")
        yield page


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _debugger_url(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Return the tab's address once the browser has written its port."""
    told, until = profile / "DevToolsActivePort", time.monotonic() + _DEADLINE_S
    while time.monotonic() < until:
        assert process.poll() is None, "the browser ended"
        if told.exists() and (lines := told.read_text().splitlines()):
            listed = httpx.get(
                f"http://127.0.0.1:{lines[0]}/json/list", trust_env=False
            )
            for target in listed.json():
                if target["type"] == "page":
                    url: str = target["webSocketDebuggerUrl"]
                    return url
        time.sleep(0.1)
    raise TimeoutError("the browser opened no tab")
