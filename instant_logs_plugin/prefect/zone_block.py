"""The block of a zone: what to record of it, by whom, where to; and a run of it.

The recording runs in a thread with an event loop of its own, so that it is started,
waited for and asked about from synchronous and from asynchronous code alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.blocks.abstract import JobBlock, JobRun
from pydantic import Field, HttpUrl

from instant_logs_plugin.errors import CaptureRunning, ZoneBusy
from instant_logs_plugin.prefect.blocks import (
    CaptureStore,
    CISCredentials,
    CloudflareCredentials,
)
from instant_logs_plugin.prefect.own_thread import OwnThread
from instant_logs_plugin.prefect.parameters import RecordingParameters, ZoneId

if TYPE_CHECKING:
    from instant_logs_plugin.capture.record import CaptureOutcome

__all__ = ["InstantLogsRun", "InstantLogsZone"]

_DOCUMENTATION = HttpUrl("https://developers.cloudflare.com/logs/instant-logs/")


class InstantLogsRun(JobRun[dict[str, Any]]):
    """A capture that was started; made by `InstantLogsZone.trigger`.

    Ending the wait for it, by a cancellation or a signal, ends it: what was received
    is committed before the wait returns.
    """

    def __init__(self, zone: InstantLogsZone) -> None:
        self._zone = zone
        self._recording = OwnThread(self._record, "instant-logs-run")
        self._recording.start()

    # Prefect's abstract pair is asynchronous under the name of the synchronous one.
    def wait_for_completion(self) -> None:  # type: ignore[override]
        """Wait for the capture's end.

        Raises:
            InstantLogsError: Nothing was recorded, or the store failed.
        """
        self._recording.result()

    async def await_for_completion(self) -> None:
        """Wait for the capture's end, in asynchronous code.

        Raises:
            InstantLogsError: Nothing was recorded, or the store failed.
        """
        await self._recording.aresult()

    def fetch_result(self) -> dict[str, Any]:  # type: ignore[override]
        """Return the capture's manifest; its rows stay in the store.

        Raises:
            CaptureRunning: It still runs.
            ZoneBusy: The zone was taken, and nothing was recorded.
            InstantLogsError: Nothing was recorded, or less than was asked for.
        """
        from instant_logs_plugin.store.manifest import (  # noqa: PLC0415 - see blocks
            manifest_document,
        )

        if not self._recording.has_ended:
            raise CaptureRunning(self._zone.zone_id)
        outcome = self._recording.result()
        if outcome is None:
            raise ZoneBusy(self._zone.zone_id, "somebody else")
        if outcome.error is not None:
            raise outcome.error
        return manifest_document(outcome.manifest)

    async def afetch_result(self) -> dict[str, Any]:
        """Return the capture's manifest, in asynchronous code; see `fetch_result`."""
        return self.fetch_result()

    def cancel(self) -> None:
        """End the capture now; returns once what was received is committed."""
        self._recording.end()

    async def _record(self) -> CaptureOutcome | None:
        # The recorder loads here, not when a server registers the blocks.
        from instant_logs_plugin.prefect.tasks import record_zone  # noqa: PLC0415

        zone = self._zone
        return await record_zone(
            zone.recording,
            zone.zone_id,
            credentials=zone.credentials,
            store=zone.store,
        )


class InstantLogsZone(JobBlock[dict[str, Any]]):
    """A zone to record: who asks for its logs, what is asked for, where they go.

    Example:
        Record it for as long as the block says:

        ```python
        from instant_logs_plugin.prefect import InstantLogsZone

        zone = InstantLogsZone.load("BLOCK_NAME")
        run = zone.trigger()
        run.wait_for_completion()
        manifest = run.fetch_result()
        ```
    """

    _block_type_name = "Instant Logs Zone"
    _block_type_slug = "instant-logs-zone"
    _documentation_url = _DOCUMENTATION

    zone_id: ZoneId = Field(default=..., title="Zone", description="The zone's id.")
    credentials: CloudflareCredentials | CISCredentials = Field(
        default=..., title="Credentials", description="Who asks for the zone's logs."
    )
    store: CaptureStore = Field(
        default_factory=CaptureStore,
        title="Store",
        description="Where captures are stored.",
    )
    recording: RecordingParameters = Field(
        default_factory=RecordingParameters,
        title="Recording",
        description="What is recorded, for how long, and what a taken zone means.",
    )

    def trigger(self) -> InstantLogsRun:  # type: ignore[override]
        """Start a capture and return at once.

        Raises:
            ConfigurationError: A parameter is wrong; nothing was contacted.
        """
        self.recording.options_for(self.zone_id)
        return InstantLogsRun(self)

    async def atrigger(self) -> InstantLogsRun:
        """Start a capture and return at once, in asynchronous code.

        Raises:
            ConfigurationError: A parameter is wrong; nothing was contacted.
        """
        return self.trigger()
