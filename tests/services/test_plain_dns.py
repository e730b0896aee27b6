"""Messages that are written by hand, judged by dnspython: the same as it would make of the same question."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.services import dns as answers
from controller.services import plain_dns
from controller.services.dns import Forward, Unanswerable, resolve

from .dns_site import ALONE, RECURSIVE, Site, mangled, question

SITE = Site()
SITE.port("web", "n1", "10.0.0.5", "2001:db8::5", name="web")
SITE.port("web2", "n1", "10.0.0.6", name="web", domain="cloud.test.")
SITE.port("plain", "n1", "10.0.0.7")
NAMES = ["web.here.test.", "WEB.Here.Test.", "web.", "web.cloud.test.", "host-10-0-0-7.here.test.", "none.here.test.",
         "none.", "here.test.", "5.0.0.10.in-addr.arpa.", "9.0.0.10.in-addr.arpa.", "9.9.9.9.in-addr.arpa.",
         "5.0.0.0." + "0." * 20 + "8.b.d.0.1.0.0.2.ip6.arpa.", "1.0.10.in-addr.arpa.", "ip6.arpa.",
         "www.example.test.", "a_b.here.test.", "a b.here.test.", "x." * 100 + "here.test."]  # fmt: skip
KINDS = ["A", "AAAA", "PTR", "ANY", "SOA", "MX", "TXT", "NS"]
FLAGS = [0, dns.flags.RD, dns.flags.RD | dns.flags.AD, dns.flags.CD]


def by_dnspython(wire: bytes, recursive: bool, tcp: bool) -> bytes | Forward:
    return answers._unusual(wire, SITE.asker, SITE.model, RECURSIVE if recursive else ALONE, tcp)


@given(
    st.sampled_from(NAMES), st.sampled_from(KINDS), st.sampled_from([0, 100, 512, 1232, 65_535]), st.booleans(),
    st.sampled_from(FLAGS), st.booleans(), st.booleans(), st.sampled_from([b"", b"12345678"]),
)  # fmt: skip
def test_answers_are_those_that_dnspython_makes(
    name: str, kind: str, payload: int, dnssec: bool, flags: int, recursive: bool, tcp: bool, cookie: bytes
) -> None:
    options = [dns.edns.CookieOption(cookie, b"")] if cookie and payload else []
    more = {"want_dnssec": dnssec, "options": options} if payload else {}
    query = dns.message.from_wire(question(name, kind, payload, **more))
    query.flags = dns.flags.Flag(flags)
    wire = query.to_wire()
    assert plain_dns.read(wire) is not None
    found = resolve(wire, SITE.asker, SITE.model, RECURSIVE if recursive else ALONE, tcp)
    made = by_dnspython(wire, recursive, tcp)
    if isinstance(found, Forward):
        assert isinstance(made, Forward) and found == made
        return
    assert isinstance(made, bytes)
    ours, theirs = dns.message.from_wire(found), dns.message.from_wire(made)
    assert ours == theirs and (ours.flags, ours.edns, ours.payload) == (theirs.flags, theirs.edns, theirs.payload)
    for one, other in zip(ours.sections, theirs.sections, strict=True):
        assert [each.to_text() for each in one] == [each.to_text() for each in other]  # with their TTLs


GOOD = [question("web.here.test."), question("a.b.", payload=1232), question("web.", "PTR", 600)]
MANGLED = st.tuples(
    st.sampled_from(GOOD), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=3), st.integers(0, 60)
).map(lambda drawn: mangled(*drawn))


@given(st.one_of(st.binary(max_size=60), MANGLED), st.booleans())
def test_whatever_is_read_by_hand_is_answered_as_dnspython_does(wire: bytes, recursive: bool) -> None:
    """But for malformed options of EDNS, which are passed over."""
    if len(wire) < 12 or wire[2] & 0x80:
        assert len(wire) < 12 or plain_dns.read(wire) is None
        return
    asked = plain_dns.read(wire)
    if asked is None or (asked.payload and wire[-2:] != b"\0\0"):
        return
    try:
        found = resolve(wire, SITE.asker, SITE.model, RECURSIVE if recursive else ALONE)
    except Unanswerable:
        pytest.fail("a question that is read is answered")
    made = by_dnspython(wire, recursive, tcp=False)
    if isinstance(found, bytes) and isinstance(made, bytes):
        assert dns.message.from_wire(found) == dns.message.from_wire(made)
    else:
        assert found == made


def test_what_is_of_another_form_is_not_read() -> None:
    good = question("web.here.test.", payload=1232)
    assert plain_dns.read(good) is not None
    other_version = good.replace(b"\0\0\x29\x04\xd0\0\0", b"\0\0\x29\x04\xd0\0\1")
    for wire in (
        good + b"\0", good[:-1], other_version, b"\0" * 12, question("."), question(r"a\.b.here.test."),
        question(r"\255.here.test."), dns.message.make_query("version.bind.", "TXT", "CH").to_wire(),
        good[:4] + b"\0\2" + good[6:], good[:10] + b"\0\0" + good[12:],  # the second: OPT, and no count of it
    ):  # fmt: skip
        assert plain_dns.read(wire) is None, wire


CROWD = Site()
for number in range(200):
    CROWD.port(f"p{number}", "n1", f"10.0.1.{number}", f"2001:db8::1:{number:x}", name="crowd")
CROWD.port("six", "n1", *(f"2001:db8::2:{number:x}" for number in range(18)), name="six")  # 512 bytes and a few more


@pytest.mark.parametrize("payload", [0, 100, 512, 1000, 65_535])
@pytest.mark.parametrize(("name", "kind"), [("crowd.here.test.", "A"), ("crowd.", "AAAA"), ("six.here.test.", "AAAA")])
def test_what_does_not_fit_is_truncated_by_hand_as_dnspython_does(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str, payload: int
) -> None:
    """RFC 2181, section 9.  An answer by dnspython takes many times as long, and every tenant can ask for it."""
    wire = question(name, kind, payload)
    theirs = answers._unusual(wire, CROWD.asker, CROWD.model, ALONE, False)
    assert isinstance(theirs, bytes)
    monkeypatch.delattr(answers, "_unusual")
    ours = resolve(wire, CROWD.asker, CROWD.model, ALONE)
    assert isinstance(ours, bytes)
    one, other = dns.message.from_wire(ours), dns.message.from_wire(theirs)
    assert bool(one.flags & dns.flags.TC) == (name != "six.here.test." or payload < 600)
    assert one == other and (one.flags, one.edns, one.payload) == (other.flags, other.edns, other.payload)
    assert [len(each) for each in one.sections] == [len(each) for each in other.sections]


def test_the_records_of_an_answer_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST", 150)
    found = resolve(question("crowd.here.test."), CROWD.asker, CROWD.model, ALONE, tcp=True)
    assert isinstance(found, bytes)
    assert len(dns.message.from_wire(found).answer[0]) == 150
