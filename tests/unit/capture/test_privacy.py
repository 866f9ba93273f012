"""What is made less personal before the disk: in raw lines, whole or cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


ADDRESS = "192.0.2.77"
RECORD = {
    "RayID": "1",
    "RequestHeaders": {"accept": ["*/*"], "x": {}},
    "ClientIP": ADDRESS,
    "ClientRequestURI": "/a?secret",
    "EdgeResponseStatus": 200,
}
ALL = line_rewriter(
    AnonymizeIp.TRUNCATE, redact_query=True, drop_fields=("ClientRequestUserAgent",)
)


def rewritten(text: str | bytes, rewrite=ALL) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return rewrite(data + b"\n").removesuffix(b"\n")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (r'{"Client\u0049P":"192.0.2.77"}', r'{"Client\u0049P":"192.0.2.0"}'),
        (r'{"\u0043lientIP":"192.0.2.77","A":1.50}', None),
        (r'{"ClientIP":"\u0031\u00392.0.2.77"}', '{"ClientIP":"192.0.2.0"}'),
        (r'{"A":"b\/c","Client\u0049P":"192.0.2.77"}', None),
        (r'{"A\/\u0042":1,"ClientIP":"192.0.2.77"}', None),
        ('{"ClientIP":"8.8.8.8","ClientIP":"192.0.2.77"}', None),
        ('{"ClientIP":["192.0.2.77"]}', '{"ClientIP":""}'),
        ('{"ClientIP":{"a":"192.0.2.77"},"B":2}', '{"ClientIP":"","B":2}'),
        ('{"ClientIP":192.0}', '{"ClientIP":""}'),
        ('{"ClientIP":null}', '{"ClientIP":null}'),
        ('{"ClientIP" :\t"192.0.2.77"}', '{"ClientIP" :\t"192.0.2.0"}'),
        (' {"ClientIP":"192.0.2.77"}', '{"ClientIP":"192.0.2.0"}'),
        ('{"A":1,\r"ClientIP":["192.0.2.77"]}', '{"A":1,"ClientIP":""}'),
        (r'{"ClientIP":"x\"192.0.2.77"}', '{"ClientIP":""}'),
        ('IP":"192.0.2.77"}', None),
        ('["ClientIP","192.0.2.77"]', None),
        ('{"ClientIP":192.0.2.77}', None),
        ('{"ClientIP":["192.0.2.77"', None),
        ('{"ClientRequestUserAgent":"192.0.2.77","A":1}', '{"A":1}'),
        ('{"A":1,"ClientRequestUserAgent":{"b":[1,"192.0.2.77"]}}', '{"A":1}'),
        (r'{"ClientRequestUser\u0041gent":"192.0.2.77"}', "{}"),
        ('{"ClientRequestUserAgent":"192.0.2.77', None),
        ('{"A":{"ClientRequestUserAgent":1},"B":1e400}', None),
        (r'{"ClientRequestURI":"/a\u003f192.0.2.77"}', '{"ClientRequestURI":"/a"}'),
        (r'{"ClientRequestURI":"/a\u0023192.0.2.77"}', '{"ClientRequestURI":"/a"}'),
        (r'{"ClientRequestURI":"/\u0026\u003F192.0.2.77"}', None),
        (r'{"Client\u0052equestURI":"/a?192.0.2.77"}', None),
        ('{"ClientRequestURI":["/a?192.0.2.77"]}', '{"ClientRequestURI":""}'),
    ],
)
def test_no_spelling_gets_past(text, kept):
    """Escapes, repeats, other types, cut lines: the raw value is never there."""
    out = rewritten(text)
    assert b"192.0.2.77" not in out
    assert b"2.77" not in out
    if kept is not None:
        assert out == kept.encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"A":"ClientIP","B":1.50,"C":1e400,"D":123456789012345678901234567890}',
        r'{"A":"\u0026, \"\u0043lientIP\"","B":"\ud800"}',
        '{"ClientIPClass":"unknown"}',
    ],
)
def test_what_is_not_personal_stays_byte_for_byte(text):
    """Numbers are not written anew, texts are not escaped otherwise."""
    assert rewritten(text) == text.encode()


@given(st.integers(0, len(json.dumps(RECORD))), st.booleans())
def test_no_cut_lets_an_address_through(at, compact):
    """Wherever a line is cut in two, neither part holds what the whole must not."""
    separators = (",", ":") if compact else None
    text = json.dumps(RECORD, separators=separators)
    out = ALL(text[:at].encode() + b"\n" + text[at:].encode() + b"\n")
    assert b"2.7" not in out
    assert b"secret" not in out
    assert out.count(b"\n") == 2


escaped = st.sampled_from(["plain", "all", "some"])


def spelled(text: str, how: str, random) -> str:
    def one(char: str) -> str:
        is_escaped = how == "all" or (how == "some" and random.random() < 0.3)
        return f"\\u{ord(char):04x}" if is_escaped else json.dumps(char)[1:-1]

    return '"' + "".join(map(one, text)) + '"'


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*RECORD, "ClientRequestUserAgent"]),
            st.sampled_from(["192.0.2.77", "/a?192.0.2.77", "x"]),
            escaped,
            escaped,
        ),
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_any_spelling_reads_the_same(members, random):
    """However keys and values are spelled, a reader sees the rewritten values."""
    pairs = [
        f"{spelled(key, how_key, random)}:{spelled(value, how_value, random)}"
        for key, value, how_key, how_value in members
    ]
    out = rewritten("{" + ",".join(pairs) + "}")
    less = {
        "ClientIP": lambda value: "192.0.2.0" if value == ADDRESS else "",
        "ClientRequestURI": lambda value: value.partition("?")[0],
    }
    expected = [
        (key, less.get(key, str)(value))
        for key, value, _, _ in members
        if key != "ClientRequestUserAgent"
    ]
    assert json.loads(out, object_pairs_hook=list) == expected


def test_hmac_reads_before_it_hashes():
    """Spelled with escapes or not, an address joins with itself."""
    rewrite = line_rewriter(AnonymizeIp.HMAC, KEY)
    plain = rewritten('{"ClientIP":"192.0.2.77"}', rewrite)
    assert rewritten(r'{"ClientIP":"\u003192.0.2.77"}', rewrite) == plain


@pytest.mark.parametrize("mode", [AnonymizeIp.TRUNCATE, AnonymizeIp.HMAC])
@pytest.mark.parametrize("value", ["", "unknown", "192.0.2.77.1", "é"])
def test_what_is_no_address_is_nothing(mode, value):
    """An absent address does not become a client of its own."""
    rewrite = line_rewriter(mode, KEY)
    assert rewrite(line(value)) == line("")


def test_plain_lines_are_rewritten_at_speed():
    """Bulk rewriting stays bulk when values, not keys, hold escapes."""
    text = r'{"ClientRequestURI":"/a\u0026b","ClientIP":"192.0.2.77","U":"A, \"b\""}'
    data = (text.encode() + b"\n") * 2000
    out = ALL(data)
    assert out == data.replace(b"2.77", b"2.0")
