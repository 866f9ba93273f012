"""A storm: many recorders and a stranger compete for few zones, and some are killed.

Two kinds of contender: the command line, and the flow on a real Prefect server; each
capture is a process of its own. The stranger does what a colleague in the dashboard
does: creates a session without asking anybody, reads it for a while, goes.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import httpx
from filelock import FileLock, Timeout
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from instant_logs_plugin.emulator import Emulator
from tests.support.command_line import PROGRAM

__all__ = ["OUR_FIELDS", "Contender", "Free", "Storm", "Weather"]

OUR_FIELDS = ("RayID", "EdgeStartTimestamp")
_STRANGER_FIELDS = ("ClientIP",)
_FLOW = Path(__file__).with_name("snapshot_run.py")
_FREE_S = 90.0
_CAPTURE_S = 300.0
"""What a capture may take beyond its window and its waiting, on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How hard it blows.

    Attributes:
        duration_s: How long new captures are started.
        zones: What is competed for.
        command_lines: How many contenders are command lines.
        flows: How many are flows; they need ``server``.
        server: The environment that points at a Prefect server.
        capture_s: The longest window; the shortest is a third of it.
        kill_every_s: Mean time between two kills.
        stranger_every_s: Mean time between two sessions of the stranger.
        busy_timeout_s: How long a contender waits for a taken zone.
        seed: Of all draws.
    """

    duration_s: float
    zones: tuple[str, ...]
    command_lines: int = 4
    flows: int = 0
    server: Mapping[str, str] = field(default_factory=dict)
    capture_s: float = 6.0
    kill_every_s: float = 4.0
    stranger_every_s: float = 5.0
    busy_timeout_s: float = 20.0
    seed: int = 0


@dataclass(kw_only=True)
class Contender:
    """One capture's process.

    Attributes:
        kind: ``command-line`` or ``flow``.
        zone_id: What it wants.
        process: It.
        started_at: Unix seconds.
        killed_at: Unix seconds, or None.
        exit_code: None while it runs.
    """

    kind: str
    zone_id: str
    process: subprocess.Popen[bytes]
    started_at: float
    killed_at: float | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class Free:
    """How a zone became free again after its holder was killed.

    Attributes:
        kind: Of the holder.
        after_s: How long it took; infinite when it did not happen in time.
    """

    kind: str
    after_s: float


class Storm:
    """Runs the contenders, the stranger and the killer; remembers what they did.

    Args:
        weather: How hard it blows.
        emulator: The service.
        directory: Where store, journals, leases and logs are made.
    """

    def __init__(self, weather: Weather, emulator: Emulator, directory: Path) -> None:
        self.weather, self.emulator, self.directory = weather, emulator, directory
        self.store = directory / "captures"
        self.contenders: list[Contender] = []
        self.stranger_sessions = self.stranger_refusals = 0
        self.frees: list[Free] = []
        self._over = threading.Event()
        self._mutex = threading.Lock()
        self._watches: list[threading.Thread] = []
        self._leases = directory / "state" / "instant-logs" / "leases"

    @property
    def environment(self) -> dict[str, str]:
        """What every contender is given."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME")}
        return {
            **inherited,
            "CLOUDFLARE_API_TOKEN": "ours",
            "CLOUDFLARE_BASE_URL": self.emulator.base_url,
            "INSTANT_LOGS_STORE": str(self.store),
            "XDG_STATE_HOME": str(self.directory / "state"),
        }

    @property
    def killed(self) -> list[Contender]:
        """The contenders that were killed, in order."""
        hit = [one for one in self.contenders if one.killed_at is not None]
        return sorted(hit, key=lambda one: one.killed_at or 0.0)

    def run(self) -> None:
        """Blow for ``duration_s``, then wait until every contender has ended."""
        weather = self.weather
        kinds = ["command-line"] * weather.command_lines + ["flow"] * weather.flows
        loops: list[Callable[[Random], None]] = [
            *(self._contending(kind) for kind in kinds),
            self._kill,
            self._intrude,
        ]
        with ThreadPoolExecutor(len(loops)) as pool:
            ends = [
                pool.submit(loop, Random(f"storm {weather.seed} {number}"))
                for number, loop in enumerate(loops)
            ]
            time.sleep(weather.duration_s)
            self._over.set()
            for end in ends:
                end.result()
        for watch in self._watches:
            watch.join()
        self._recover()

    def _recover(self) -> None:
        """Finish what the killed left."""
        subprocess.run(
            [PROGRAM, "recover"],
            env=self.environment,
            cwd=self.directory,
            check=True,
            capture_output=True,
        )

    def _contending(self, kind: str) -> Callable[[Random], None]:
        def contend(random: Random) -> None:
            while not self._over.wait(random.uniform(0, 0.5)):
                self._capture(kind, random)

        return contend

    def _capture(self, kind: str, random: Random) -> None:
        weather = self.weather
        zone_id = random.choice(weather.zones)
        window_s = random.uniform(weather.capture_s / 3, weather.capture_s)
        make = _command_line if kind == "command-line" else _flow
        command = make(zone_id, window_s, weather.busy_timeout_s)
        environment = self.environment
        if kind == "flow":
            environment |= weather.server
        log = self.directory / f"{kind}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=self.directory,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        contender = Contender(
            kind=kind, zone_id=zone_id, process=process, started_at=time.time()
        )
        with self._mutex:
            self.contenders.append(contender)
        limit_s = window_s + weather.busy_timeout_s + _CAPTURE_S
        try:
            contender.exit_code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def _kill(self, random: Random) -> None:
        while not self._over.wait(_about(self.weather.kill_every_s, random)):
            with self._mutex:
                running = [one for one in self.contenders if one.process.poll() is None]
            if running:
                self._kill_one(self._victim(running, random))

    def _victim(self, running: list[Contender], random: Random) -> Contender:
        """Half of the time one that holds a zone, best a flow; else few would."""
        if random.random() < 0.5:
            return random.choice(running)
        holding = [one for one in running if self._is_holder(one)]
        flows = [one for one in holding if one.kind == "flow"]
        return random.choice(flows or holding or running)

    def _kill_one(self, victim: Contender) -> None:
        was_holder = self._is_holder(victim)
        victim.killed_at = time.time()
        os.kill(victim.process.pid, signal.SIGKILL)
        if was_holder:
            watch = threading.Thread(target=self._watch, args=(victim,))
            self._watches.append(watch)
            watch.start()

    def _watch(self, victim: Contender) -> None:
        """Note when another can hold the zone of a holder that was killed."""
        killed_at = time.monotonic()
        while not self._is_free_of(victim):
            if time.monotonic() - killed_at > _FREE_S:
                self.frees.append(Free(victim.kind, math.inf))
                return
            time.sleep(0.5 if victim.kind == "flow" else 0.1)
        self.frees.append(Free(victim.kind, time.monotonic() - killed_at))

    def _is_free_of(self, victim: Contender) -> bool:
        if victim.kind == "flow" and not self._has_server_freed(victim):
            return False
        if self._holder_pid(victim.zone_id) != victim.process.pid:
            return True
        lock = FileLock(self._leases / f"{victim.zone_id}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        lock.release()
        return True

    def _has_server_freed(self, victim: Contender) -> bool:
        """Tell whether the zone's slot is free, or another's by now."""
        limit = self._ask(f"/v2/concurrency_limits/instant-logs:{victim.zone_id}")
        holder = self._ask(f"/variables/name/instant_logs_holder_{victim.zone_id}")
        if limit is None or limit["active_slots"] == 0:
            return True
        # Who holds a slot writes it down behind taking it.
        pid = str(victim.process.pid)
        return holder is not None and holder["value"]["pid"] != pid

    def _ask(self, path: str) -> Any:
        url = f"{self.weather.server['PREFECT_API_URL']}{path}"
        reply = httpx.get(url, timeout=60)
        if reply.status_code == HTTPStatus.NOT_FOUND:
            return None
        return reply.raise_for_status().json()

    def _is_holder(self, contender: Contender) -> bool:
        return self._holder_pid(contender.zone_id) == contender.process.pid

    def _holder_pid(self, zone_id: str) -> int | None:
        """Return who holds a zone on this host; a killed holder is still named."""
        try:
            holder = json.loads((self._leases / f"{zone_id}.holder.json").read_text())
        except (OSError, ValueError):
            return None
        pid: int = holder["pid"]
        return pid

    def _intrude(self, random: Random) -> None:
        while not self._over.wait(_about(self.weather.stranger_every_s, random)):
            zone_id = random.choice(self.weather.zones)
            self._look(zone_id, until=time.monotonic() + random.uniform(0.5, 3.0))

    def _look(self, zone_id: str, until: float) -> None:
        job = {
            "fields": ",".join(_STRANGER_FIELDS),
            "kind": "instant-logs",
            "sample": 1,
            "filter": "",
        }
        path = f"{self.emulator.base_url}/zones/{zone_id}/logpush/edge/jobs"
        headers = {"Authorization": "Bearer strange"}
        reply = httpx.post(path, json=job, headers=headers, timeout=30)
        if not reply.is_success:
            self.stranger_refusals += 1
            return
        self.stranger_sessions += 1
        url = reply.json()["result"]["destination_conf"]
        with contextlib.suppress(WebSocketException, OSError), connect(url) as stream:
            while (left_s := until - time.monotonic()) > 0:
                with contextlib.suppress(TimeoutError):
                    stream.recv(timeout=left_s)


def _about(mean_s: float, random: Random) -> float:
    return random.uniform(0.2, 1.8) * mean_s


def _command_line(zone_id: str, window_s: float, busy_timeout_s: float) -> list[str]:
    return [
        str(PROGRAM),
        "capture",
        zone_id,
        f"--duration={window_s:.1f}s",
        f"--fields={','.join(OUR_FIELDS)}",
        f"--busy-timeout={busy_timeout_s:g}s",
        "--min-coverage=0",
        "--label=by=command-line",
        "--quiet",
    ]


def _flow(zone_id: str, window_s: float, busy_timeout_s: float) -> list[str]:
    capture = {
        "zone_id": zone_id,
        "duration_s": round(window_s, 1),
        "fields": ",".join(OUR_FIELDS),
        "busy_timeout_s": busy_timeout_s,
        "min_coverage": 0,
        "labels": {"by": "flow"},
    }
    return [sys.executable, str(_FLOW), json.dumps(capture)]
