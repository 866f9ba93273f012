"""Real traffic through the command line: what is recorded is what the log holds."""

from __future__ import annotations

from collections import Counter

from instant_logs_plugin.emulator import parse_fault
from tests.support.access_log import LOG, needs_log, read_log_figures

ZONE = "0123456789abcdef0123456789abcdef"


@needs_log
def test_the_access_log_is_recorded_whole(emulate, command_line):
    """Counts by status, method and path and the sum of bytes equal the log's."""
    truth = read_log_figures()
    emulator = emulate(replay=LOG, rate=0.0, records_per_message=7)
    line = command_line(emulator)
    recorded = line.run(
        "capture", ZONE, "--duration", "30s", "--max-records", str(truth.total)
    )
    assert recorded.exit_code == 0, recorded.stderr
    manifest = recorded.document
    assert manifest["end_reason"] == "max_records"
    assert (manifest["received"], manifest["written"]) == (truth.total, truth.total)
    assert manifest["rejected"] == 0

    def count(column: str) -> Counter[object]:
        sql = f"select {column} as value, count(*) as n from requests group by all"
        return Counter({r["value"]: r["n"] for r in line.run("query", sql).document})

    assert count("EdgeResponseStatus") == truth.statuses
    assert count("ClientRequestMethod") == truth.methods
    assert count("path") == truth.paths
    size = line.run("query", "select sum(EdgeResponseBytes)::bigint as n from requests")
    assert size.document == [{"n": truth.bytes}]
    verified = line.run("captures", "verify")
    assert verified.exit_code == 0
    assert [row["verified"] for row in verified.document] == [True]
    assert not list((line.directory / "captures" / ".journal").iterdir())


def test_every_line_is_accounted_for(emulate, command_line):
    """Faulty lines between good ones become rejects, and nothing else is lost."""
    fault = parse_fault("malformed:every=50")
    emulator = emulate(rate=5000.0, limit=2000, faults=(fault,), keep_sent=True)
    line = command_line(emulator)
    result = line.run("capture", ZONE, "--duration", "2s")
    assert result.exit_code == 0, result.stderr
    manifest, sent = result.document, emulator.sessions[0].sent
    assert sent.malformed > 0
    assert manifest["rejected"] == sent.malformed
    assert manifest["written"] == sent.records == 2000
    assert manifest["received"] == manifest["written"] + manifest["rejected"]
    rejects = line.run("query", "select count(*) as n from rejects").document
    assert rejects == [{"n": sent.malformed}]
