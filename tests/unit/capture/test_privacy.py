"""What is made less personal before the disk: in raw lines, whole or cut."""

from __future__ import annotations

import pytest

from instant_logs_plugin.capture.privacy import AnonymizeIp, line_rewriter
from instant_logs_plugin.errors import InvalidOption

KEY = b"0123456789abcdef"


def line(address: str) -> bytes:
    return (
        b'{"RayID":"1","ClientIP":"%s","EdgeResponseStatus":200}\n' % address.encode()
    )


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("::ffff:192.0.2.77", "::"),
        ("", ""),
        ("not an address", ""),
        ("192.0.2.77, 192.0.2.78", ""),
    ],
)
def test_truncate(address, kept):
    """IPv4 keeps its /24, IPv6 its /48; what is neither keeps nothing."""
    assert line_rewriter(AnonymizeIp.TRUNCATE)(line(address)) == line(kept)


def test_off_changes_nothing():
    """Nothing is touched that was not asked for."""
    lines = line("192.0.2.77") + b'{"ClientRequestURI":"/a?b"}\n'
    assert line_rewriter(AnonymizeIp.OFF)(lines) == lines


def test_hmac_joins_and_does_not_tell():
    """Equal addresses stay equal under one key, and only under one."""
    rewrite = line_rewriter(AnonymizeIp.HMAC, KEY)
    first, again = rewrite(line("192.0.2.77")), rewrite(line("192.0.2.77"))
    assert first == again != rewrite(line("192.0.2.78"))
    assert b"192.0.2" not in first
    assert first != line_rewriter(AnonymizeIp.HMAC, KEY[::-1])(line("192.0.2.77"))


@pytest.mark.parametrize("key", [b"", b"short"])
def test_hmac_needs_a_key(key):
    """A key that can be guessed is none."""
    with pytest.raises(InvalidOption):
        line_rewriter(AnonymizeIp.HMAC, key)


@pytest.mark.parametrize("mode", [AnonymizeIp.TRUNCATE, AnonymizeIp.HMAC])
def test_a_cut_address_is_dropped(mode):
    """A line that ends within the address does not leak its beginning."""
    cut = b'{"ClientIP":"192.0.2.7\n' + line("192.0.2.77")
    rewritten = line_rewriter(mode, KEY)(cut)
    assert rewritten.startswith(b'{"ClientIP":"\n{"RayID"')
    assert b"192.0.2.7" not in rewritten


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("/a?token=1", "/a"),
        ("/a#part", "/a"),
        ("/a", "/a"),
        (r"/a\"b?c=\"d", r"/a\"b"),
        (r"/a\\?c", r"/a\\"),
        ("", ""),
        ("?", ""),
    ],
)
@pytest.mark.parametrize("field", ["ClientRequestURI", "ClientRequestReferer"])
def test_redact_query(field, value, kept):
    """A query and a fragment are cut, escapes understood; the rest stays."""
    text = '{"A":"x?y","%s":"%s","B":"z?"}\n'
    rewrite = line_rewriter(AnonymizeIp.OFF, redact_query=True)
    assert rewrite((text % (field, value)).encode()) == (text % (field, kept)).encode()


def test_a_cut_query_is_dropped():
    """A line that ends within the query does not leak its beginning."""
    rewrite = line_rewriter(AnonymizeIp.OFF, redact_query=True)
    cut = b'{"ClientRequestURI":"/a?token=12\n{"ClientRequestURI":"/b"}\n'
    assert rewrite(cut) == b'{"ClientRequestURI":"/a\n{"ClientRequestURI":"/b"}\n'
