"""TLS is verified, always: API and stream, with the authorities of the system's."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from tests.support.command_line import CommandLine, Result
from tests.support.stub_service import Stub, frame, stub

ZONE = "0123456789abcdef0123456789abcdef"
GOOD = b'{"RayID":"good","EdgeResponseStatus":200,"sampleInterval":1}'


async def send(writer: asyncio.StreamWriter) -> None:
    writer.write(frame(GOOD))
    await asyncio.sleep(30)


def tls_context(authority: trustme.CA, host: str = "localhost") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    return context


def capture(service: Stub, directory: Path, **environment: str) -> Result:
    work = directory / "work"
    work.mkdir()
    state = {"XDG_STATE_HOME": str(directory)}
    line = CommandLine(work, service.environment | state | environment)
    return line.run(
        *("capture", ZONE, "--fields", "RayID,EdgeResponseStatus"),
        *("--duration", "1s", "--open-timeout", "1s"),
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> tuple[trustme.CA, str]:
    """Return an authority of our own, and where its certificate is."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made = trustme.CA()
    made.cert_pem.write_to_path(path)
    return made, str(path)


def test_an_authority_of_ones_own_is_trusted_if_named(authority, tmp_path):
    """``SSL_CERT_FILE`` is enough for the API and for the stream."""
    made, path = authority
    behaviour = Stub(
        send=send, tls=tls_context(made), destination="wss://localhost:{port}/session"
    )
    with stub(behaviour) as service:
        result = capture(service, tmp_path, SSL_CERT_FILE=path)
    assert result.exit_code == 0, result.stderr
    assert result.document["written"] == 1
    assert ("GET", "/session") in service.requests


@pytest.mark.parametrize("flaw", ["unknown authority", "another name"])
def test_an_api_that_cannot_be_verified_gets_no_token(flaw, authority, tmp_path):
    """The request is never sent."""
    made, path = authority
    host = "localhost" if flaw == "unknown authority" else "other.example"
    trusted = {} if flaw == "unknown authority" else {"SSL_CERT_FILE": path}
    with stub(Stub(send=send, tls=tls_context(made, host))) as service:
        result = capture(service, tmp_path, **trusted)
    assert result.exit_code == 5
    assert "certificate" in result.stderr.lower()
    assert "Traceback" not in result.stderr
    assert service.requests == []


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE"),
        ({"ALL_PROXY": "socks5://user:s3cret@127.0.0.1:1"}, "proxy"),
        ({"HTTPS_PROXY": "nonsense://user:s3cret@x"}, "proxy"),
    ],
)
def test_unusable_settings_are_told(environment, names, tmp_path):
    """Before anything is contacted, and without a proxy's password."""
    with stub(Stub(send=send)) as service:
        result = capture(service, tmp_path, **environment)
    assert result.exit_code == 2, result.stderr
    assert names in result.stderr
    assert "Traceback" not in result.stderr
    assert "s3cret" not in result.stderr
    assert service.requests == []


def test_a_stream_that_cannot_be_verified_is_not_read(authority, tmp_path):
    """The API can be trusted and the stream's host not: the URL is not sent."""
    made, path = authority
    with stub(Stub(send=send, tls=tls_context(trustme.CA()))) as stranger:
        behaviour = Stub(
            tls=tls_context(made), destination=f"wss://localhost:{stranger.port}/secret"
        )
        with stub(behaviour) as service:
            result = capture(service, tmp_path, SSL_CERT_FILE=path)
        assert stranger.requests == []
    assert result.exit_code == 5
    assert "certificate" in result.stderr.lower()
    assert "secret" not in result.stderr
