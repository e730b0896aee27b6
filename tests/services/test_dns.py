"""Answers to DNS questions: own names, what does not exist, what is for others, and the protocol around them."""

from __future__ import annotations

from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.model import names
from controller.services import own_names
from controller.services.dns import Forward, Unanswerable, resolve
from controller.services.own_answers import Resolver
from controller.services.plain_dns import PAYLOAD

from .dns_site import ALONE, HERE, RECURSIVE, Site, mangled, question


@pytest.fixture
def site() -> Site:
    site = Site()
    site.port("web", "n1", "10.0.0.5", "2001:db8::5", name="web")
    return site


def reply(found: dns.message.Message | Forward) -> dns.message.Message:
    assert isinstance(found, dns.message.Message)
    return found


# --- own names --------------------------------------------------------------------------------------------------------


def test_a_name_has_the_addresses_of_its_port(site: Site) -> None:
    assert site.values("web.here.test.") == ["10.0.0.5"]
    assert site.values("web.here.test.", "AAAA") == ["2001:db8::5"]
    assert site.values("WEB.Here.Test.") == ["10.0.0.5"]
    assert site.values("web.") == ["10.0.0.5"]
    answer = reply(site.ask("WEB.Here.Test."))
    assert answer.question[0].name.to_text() == "WEB.Here.Test."  # as it was asked (0x20)
    assert answer.flags & dns.flags.AA and not answer.flags & dns.flags.RA


def test_a_port_without_a_name_is_known_by_its_addresses(site: Site) -> None:
    site.port("p", "n1", "10.0.0.7", "2001:db8::7")
    assert site.values("host-10-0-0-7.here.test.") == ["10.0.0.7"]
    assert site.values("host-2001-db8--7.here.test.", "AAAA") == ["2001:db8::7"]
    assert site.values("host-10-0-0-5.here.test.") == ["NXDOMAIN"]  # that port is called web
    assert site.values("host-10-0-0-07.here.test.") == ["NXDOMAIN"]
    assert site.values("host-2001-0db8--7.here.test.", "AAAA") == ["NXDOMAIN"]
    assert site.values("host-.here.test.") == ["NXDOMAIN"]


def test_addresses_have_names(site: Site) -> None:
    assert site.values("5.0.0.10.in-addr.arpa.", "PTR") == ["web.here.test."]
    assert site.values("2.0.0.10.in-addr.arpa.", "PTR") == ["host-10-0-0-2.here.test."]
    nibbles = "5.0.0.0." + "0." * 20 + "8.b.d.0.1.0.0.2.ip6.arpa."
    assert site.values(nibbles, "PTR") == ["web.here.test."]


def test_a_name_without_an_address_of_the_kind_exists(site: Site) -> None:
    site.port("four", "n1", "10.0.0.6", name="four")
    for kind in ("AAAA", "MX", "ANY", "SRV"):
        answer = reply(site.ask("four.here.test.", kind))
        assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])
        assert answer.authority[0].name.to_text() == HERE  # the SOA, by which clients remember it (RFC 2308)


def test_ports_with_one_name_are_told_together(site: Site) -> None:
    site.port("web2", "n1", "10.0.0.6", name="web")
    assert sorted(site.values("web.here.test.")) == ["10.0.0.5", "10.0.0.6"]


def test_a_change_of_the_model_is_told_at_once(site: Site) -> None:
    port = site.port("web", "n1", "10.0.0.9", name="www")
    assert (site.values("web.here.test."), site.values("www.here.test.")) == (["NXDOMAIN"], ["10.0.0.9"])
    site.delete(port)
    assert site.values("www.here.test.") == ["NXDOMAIN"]


def test_a_name_is_known_in_the_domain_of_its_network_or_port_too(site: Site) -> None:
    site.domain("n1", "<project_id>.cloud.test.")
    assert site.values("web.red.cloud.test.") == ["10.0.0.5"]
    assert site.values("web.here.test.") == ["10.0.0.5"]
    site.port("web", "n1", "10.0.0.5", name="web", domain="own.test.")
    assert site.values("web.own.test.") == ["10.0.0.5"]
    assert site.values("web.red.cloud.test.") == ["NXDOMAIN"]


def test_names_of_several_labels_and_fully_qualified_ones(site: Site) -> None:
    site.port("a", "n1", "10.0.0.10", name="a.shop")
    site.port("b", "n1", "10.0.0.11", name="b.here.test.")
    assert site.values("a.shop.here.test.") == ["10.0.0.10"]
    assert site.values("b.here.test.") == ["10.0.0.11"]
    assert site.values("b.here.test.here.test.") == ["NXDOMAIN"]
    assert site.values("a.shop.") == ["REFUSED"]  # might be a name of others
    assert site.values("11.0.0.10.in-addr.arpa.", "PTR") == ["b.here.test."]


def test_many_ports_with_one_name_are_looked_at_once_for_their_domain(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project can have as many as its quota says, and ask again and again."""
    looked = []

    def all_of(*what: Any) -> Any:
        looked.append(what)
        return names.all_of(*what)

    monkeypatch.setattr(own_names, "all_of", all_of)
    for number in range(20):
        site.port(f"x{number}", "n1", f"10.0.0.{100 + number}", name="many")
    site.port("other", "n1", "10.0.0.99", name="many", domain="cloud.test.")
    assert len(site.values("many.here.test.")) == 21
    assert len(looked) == 2
    assert site.values("many.cloud.test.") == ["10.0.0.99"]


def test_an_address_has_the_name_that_the_api_shows(site: Site) -> None:
    """Where fixed IPs are published to an external server, that in the domain of the port or its network."""
    site.domain("n1", "cloud.test.")
    published = ALONE._replace(naming=ALONE.naming._replace(published=lambda reads, which: which.id == "n1"))
    found = reply(site.ask("5.0.0.10.in-addr.arpa.", "PTR", resolver=published))
    assert [each.to_text() for each in found.answer[0]] == ["web.cloud.test."]
    for name in ("web.cloud.test.", "web.here.test."):
        assert [each.to_text() for each in reply(site.ask(name, resolver=published)).answer[0]] == ["10.0.0.5"]


# --- whose names ------------------------------------------------------------------------------------------------------


def test_names_of_other_projects_are_not_told(site: Site) -> None:
    site.port("secret", "n3", "10.0.0.5", name="secret")
    shared = site.port("guest", "n1", "10.0.0.66", name="guest", project="blue")
    for name in ("secret", "guest", "host-10-0-0-66"):
        assert site.values(f"{name}.here.test.") == ["NXDOMAIN"]
    assert site.values("66.0.0.10.in-addr.arpa.", "PTR") == ["NXDOMAIN"]
    assert site.values("secret.here.test.", asker=shared) == ["10.0.0.5"]
    assert site.values("web.here.test.", asker=shared) == ["NXDOMAIN"]  # though in the same network
    nobody = replace(site.asker, project_id="")
    assert site.values("web.here.test.", asker=nobody) == ["NXDOMAIN"]


def test_a_domain_that_another_project_claims_is_not_its_own(site: Site) -> None:
    site.domain("n3", "bank.test.")
    site.port("www", "n3", "10.0.0.7", name="www")
    assert site.values("www.bank.test.") == ["REFUSED"]
    assert isinstance(site.ask("www.bank.test.", resolver=RECURSIVE), Forward)


def test_the_network_of_the_asker_hides_others_of_its_project(site: Site) -> None:
    other = site.port("web2", "n2", "10.0.0.5", name="web")
    site.port("db", "n2", "10.0.0.8", name="db")
    six = site.port("web3", "n2", "2001:db8::33", name="web")
    assert site.values("web.here.test.", "AAAA") == ["2001:db8::5"]
    assert site.values("web.here.test.", "AAAA", asker=other) == ["2001:db8::33"]
    assert site.values("db.here.test.") == ["10.0.0.8"]
    assert site.values("5.0.0.10.in-addr.arpa.", "PTR", asker=six) == ["web.here.test."]


# --- what is not there, and what is for others ------------------------------------------------------------------------


def test_what_is_not_there_in_own_domains(site: Site) -> None:
    answer = reply(site.ask("none.here.test.", resolver=RECURSIVE))
    assert (answer.rcode(), answer.authority[0].name.to_text()) == (dns.rcode.NXDOMAIN, HERE)
    assert answer.authority[0].ttl <= 5
    assert site.values("none.") == ["NXDOMAIN"]
    assert site.values("9.0.0.10.in-addr.arpa.", "PTR") == ["NXDOMAIN"]
    assert site.values("here.test.", "SOA")[0].startswith("here.test. here.test. ")
    assert reply(site.ask("here.test.")).rcode() == dns.rcode.NOERROR
    site.domain("n1", "cloud.test.")
    assert site.values("none.cloud.test.") == ["NXDOMAIN"]
    assert isinstance(site.ask("none.cloud.test.", resolver=RECURSIVE), Forward)  # others may serve it, too


@pytest.mark.parametrize("name", ["example.org.", "nothere.test.", "9.9.9.9.in-addr.arpa.", ".", "xhere.test."])
def test_what_is_not_own_goes_to_resolvers_or_is_refused(site: Site, name: str) -> None:
    assert reply(site.ask(name)).rcode() == dns.rcode.REFUSED
    found = site.ask(name, resolver=RECURSIVE)
    assert isinstance(found, Forward)
    sent = dns.message.from_wire(found.wire)
    assert (sent.id, sent.question[0].name.to_text(), sent.edns) == (0, name, -1)
    assert sent.flags & dns.flags.RD


def test_what_is_forwarded_keeps_edns_without_its_options(site: Site) -> None:
    cookie = dns.edns.GenericOption(10, b"12345678")
    asked = question("example.org.", payload=4096, want_dnssec=True, options=[cookie])
    found = site.answer(asked, resolver=RECURSIVE)
    assert isinstance(found, Forward)
    sent = dns.message.from_wire(found.wire)
    assert (sent.edns, sent.payload, sent.options) == (0, PAYLOAD, ())
    assert sent.ednsflags & dns.flags.DO
    assert found.limit == PAYLOAD


def test_without_a_domain_names_are_bare(site: Site) -> None:
    bare = Resolver()._replace(naming=ALONE.naming._replace(domain=""))
    answer = reply(site.ask("web.", resolver=bare))
    assert [each.to_text() for each in answer.answer[0]] == ["10.0.0.5"]
    assert reply(site.ask("web.here.test.", resolver=bare)).rcode() == dns.rcode.REFUSED
    pointer = reply(site.ask("5.0.0.10.in-addr.arpa.", "PTR", resolver=bare))
    assert [each.to_text() for each in pointer.answer[0]] == ["web."]


# --- the protocol -----------------------------------------------------------------------------------------------------


def many(site: Site, count: int) -> None:
    for number in range(count):
        site.port(f"many{number}", "n1", f"10.1.{number // 256}.{number % 256}", name="many")


@pytest.mark.parametrize(("payload", "limit"), [(0, 512), (512, 512), (100, 512), (1000, 1000), (65535, PAYLOAD)])
def test_an_answer_that_does_not_fit_is_truncated(site: Site, payload: int, limit: int) -> None:
    many(site, 300)
    wire = resolve(question("many.here.test.", payload=payload), site.asker, site.model, ALONE)
    assert isinstance(wire, bytes)
    answer = dns.message.from_wire(wire)
    assert len(wire) <= limit
    assert answer.flags & dns.flags.TC
    assert answer.question and (answer.edns == 0) == bool(payload)


def test_over_tcp_it_is_whole(site: Site) -> None:
    many(site, 300)
    answer = reply(site.ask("many.here.test.", tcp=True))
    assert not answer.flags & dns.flags.TC
    assert len(answer.answer[0]) == 300


def test_other_versions_of_edns_are_told_which_is_known(site: Site) -> None:
    query = dns.message.make_query("web.here.test.", "A", use_edns=1)
    answer = reply(site.answer(query.to_wire()))
    assert (answer.rcode(), answer.edns, answer.answer) == (dns.rcode.BADVERS, 0, [])


def test_other_classes_and_opcodes(site: Site) -> None:
    chaos = dns.message.make_query("version.bind.", "TXT", "CH").to_wire()
    assert reply(site.answer(chaos)).rcode() == dns.rcode.REFUSED
    update = question("here.test.", "SOA")
    update = update[:2] + bytes([5 << 3]) + update[3:]
    found = resolve(update, site.asker, site.model, RECURSIVE)
    assert isinstance(found, bytes)
    assert (found[:2], found[2] >> 3 & 15, found[3] & 15, len(found)) == (update[:2], 5, dns.rcode.NOTIMP, 12)


@pytest.mark.parametrize(
    "body",
    [
        bytes.fromhex("0001000000000000"),  # no question after all
        bytes.fromhex("0000000000000000"),
        bytes.fromhex("0002000000000000") + b"\1a\0\0\1\0\1" * 2,
        bytes.fromhex("0001000000000000") + b"\xc0\x0c\0\1\0\1",  # a pointer to itself
        bytes.fromhex("0001000000000000") + b"\x3fa\0\0\1\0\1",  # a label beyond the end
        bytes.fromhex("0001000000000000") + b"\x80\0\0\1\0\1",
        bytes.fromhex("0001000000000000") + b"\1a\0\0\1\0\1trailing",
        bytes.fromhex("ffffffffffffffff") + b"\1a\0\0\1\0\1",
        bytes.fromhex("0001000000000001") + b"\1a\0\0\1\0\1\0\0\x29\4\0\0\0\0\0\0\xff",  # OPT with a wrong length
    ],
)
def test_malformed_questions_are_told_so(site: Site, body: bytes) -> None:
    found = resolve(b"\x12\x34\1\0" + body, site.asker, site.model, RECURSIVE)
    assert isinstance(found, bytes)
    assert (found[:2], found[3] & 15, len(found)) == (b"\x12\x34", dns.rcode.FORMERR, 12)


@pytest.mark.parametrize("wire", [b"", b"\0" * 11, b"\x12\x34\x81\x80" + b"\0" * 30])
def test_what_is_no_question_has_no_answer(site: Site, wire: bytes) -> None:
    with pytest.raises(Unanswerable):
        resolve(wire, site.asker, site.model, RECURSIVE)


def test_names_with_strange_labels_are_nobodys(site: Site) -> None:
    for name in (r"we\.b.here.test.", r"\000.here.test.", r"\255\254.here.test.", r"web\032.here.test."):
        assert reply(site.ask(name)).rcode() in (dns.rcode.NXDOMAIN, dns.rcode.REFUSED)
    assert site.values("a." * 120 + "here.test.") == ["NXDOMAIN"]


SITE = Site()
SITE.port("web", "n1", "10.0.0.5", "2001:db8::5", name="web")
GOOD = [question(name, kind, payload=size) for name in ("web.here.test.", "5.0.0.10.in-addr.arpa.", "a.b.") for kind
        in ("A", "PTR", "ANY") for size in (0, 1232)]  # fmt: skip


@given(st.one_of(
    st.binary(max_size=80),
    st.tuples(st.sampled_from(GOOD), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=4),
              st.integers(0, 70)).map(lambda drawn: mangled(*drawn)),
), st.booleans(), st.booleans())  # fmt: skip
def test_no_message_raises_anything_else(wire: bytes, tcp: bool, recursive: bool) -> None:
    try:
        found = resolve(wire, SITE.asker, SITE.model, RECURSIVE if recursive else ALONE, tcp)
    except Unanswerable:
        return
    if isinstance(found, bytes):
        assert found[:2] == wire[:2] and found[2] & 0x80
        assert len(found) <= max(PAYLOAD, 512) or tcp
    else:
        dns.message.from_wire(found.wire)
