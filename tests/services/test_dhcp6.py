"""What a DHCPv6 client is answered: its port's addresses and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scapy.layers import dhcp6
from scapy.layers.l2 import Ether

from apps.pipeline import DHCP6
from apps.services.address import ADDRESS6, MAC
from apps.source import link_local
from controller.config.services import ServiceSettings
from controller.model.model import Model
from controller.model.names import Naming
from controller.model.reader import Reader
from controller.model.rows import DhcpOption, Port
from controller.services.dhcp6 import Dhcp6
from controller.services.dhcp6_terms import server_id
from controller.services.dispatch import Ignored, to_asker
from controller.services.leases import Leases
from tests.services import six
from tests.services.six import ALICE, LEASE, SECOND, SLAAC, STATEFUL, STATELESS, from_client, ia, message, punted
from tests.world import change

OWN, OTHER = "2001:db8:1::5", "2001:db8:2::5"
SUCCESS, NO_ADDRESSES, NO_BINDING, NOT_ON_LINK, USE_MULTICAST, NO_PREFIXES = 0, 2, 3, 4, 5, 6
SERVER = dhcp6.DHCP6OptServerId(duid=dhcp6.DUID_UUID(server_id("red")))


def told(*fixed: tuple[str, str], **rest: Any) -> Port:
    return six.port(*(fixed or (("stateful", OWN),)), **rest)


def world(alice: Port | None = None) -> Model:
    model = Model()
    change(model, *six.rows(STATEFUL, SECOND, STATELESS, SLAAC, alice=alice or told()))
    return model


def service(model: Model, leases: Leases | None = None) -> Dhcp6:
    return Dhcp6(ServiceSettings(), leases or Leases(model, lambda: 1000.0, lambda _: True))


def ask(model: Model, asked: Any, **how: Any) -> Any:
    """The answer, as another library reads it, as a message without its frame."""
    (out,) = service(model).answer(punted(from_client(asked, **how), DHCP6), Reader(model, "h1"))
    ether, ip, udp, said = six.layers(out.data)[:4]
    assert out[:2] == to_asker(punted(b"", DHCP6), b"")[:2]
    assert (ether.src, ether.dst, ip.src, ip.dst) == (MAC, ALICE, ADDRESS6, how.get("source", link_local(ALICE)))
    assert (udp.sport, udp.dport, said.trid) == (547, 546, 0x010203)
    assert bytes(said[dhcp6.DHCP6OptServerId].duid) == server_id("red")
    read = Ether(out.data)
    del read["IPv6"].plen, read["UDP"].chksum, read["UDP"].len
    assert bytes(read) == out.data  # checksums and lengths
    return said


def why_not(model: Model, asked: Any, **how: Any) -> str:
    with pytest.raises(Ignored) as found:
        list(service(model).answer(punted(from_client(asked, **how), DHCP6), Reader(model, "h1")))
    return found.value.reason


def associations(said: Any, kind: Any = dhcp6.DHCP6OptIA_NA) -> dict[int, dict[str, int] | int]:
    """By id, the addresses with their lifetimes, or the status."""
    found: dict[int, dict[str, int] | int] = {}
    for each in kinds(said, kind):
        options = next(value for name, value in each.fields.items() if name in ("ianaopts", "iataopts", "iapdopt"))
        held = {one.addr: one.validlft for one in options if isinstance(one, dhcp6.DHCP6OptIAAddress)}
        codes = [one.statuscode for one in options if isinstance(one, dhcp6.DHCP6OptStatusCode)]
        found[each.iaid] = codes[0] if codes else held
    return found


def kinds(said: Any, kind: Any) -> list[Any]:
    found = []
    while said:
        if isinstance(said, kind):
            found.append(said)
        said = said.payload
    return found


def status(said: Any) -> int | None:
    found = kinds(said, dhcp6.DHCP6OptStatusCode)
    return found[0].statuscode if found else None


def test_a_solicitation_is_offered_the_ports_own_address_with_preference() -> None:
    said = ask(world(), message(dhcp6.DHCP6_Solicit, ia(7)))
    assert isinstance(said, dhcp6.DHCP6_Advertise) and associations(said) == {7: {OWN: LEASE}}
    assert said[dhcp6.DHCP6OptPref].prefval == 255 and bytes(said[dhcp6.DHCP6OptClientId].duid) == bytes(six.DUID)
    held = said[dhcp6.DHCP6OptIA_NA]
    assert (held.T1, held.T2) == (43_200, 75_600)


def test_what_a_solicitation_names_of_others_is_not_looked_at() -> None:
    said = ask(world(), message(dhcp6.DHCP6_Solicit, ia(7, "2001:db8:1::6", "2001:db8:99::1")))
    assert associations(said) == {7: {OWN: LEASE}}


def test_with_rapid_commit_the_answer_is_final() -> None:
    said = ask(world(), message(dhcp6.DHCP6_Solicit, ia(7), dhcp6.DHCP6OptRapidCommit()))
    assert isinstance(said, dhcp6.DHCP6_Reply) and associations(said) == {7: {OWN: LEASE}}
    assert kinds(said, dhcp6.DHCP6OptRapidCommit) and not kinds(said, dhcp6.DHCP6OptPref)


def test_rapid_commit_without_an_address_is_an_offer_of_none() -> None:
    said = ask(world(told(("stateless", "2001:db8:3::5"))),
               message(dhcp6.DHCP6_Solicit, ia(7), dhcp6.DHCP6OptRapidCommit()))  # fmt: skip
    assert isinstance(said, dhcp6.DHCP6_Advertise) and associations(said) == {7: NO_ADDRESSES}


def test_a_request_gets_its_address_and_loses_others() -> None:
    said = ask(world(), message(dhcp6.DHCP6_Request, SERVER, ia(7, OWN, "2001:db8:1::6")))
    assert isinstance(said, dhcp6.DHCP6_Reply) and associations(said) == {7: {OWN: LEASE, "2001:db8:1::6": 0}}


def test_a_request_for_an_address_of_another_link_is_told_so() -> None:
    said = ask(world(), message(dhcp6.DHCP6_Request, SERVER, ia(7, "2001:db8:99::1"), ia(8)))
    assert associations(said) == {7: NOT_ON_LINK, 8: {OWN: LEASE}}


def test_several_associations_share_the_addresses() -> None:
    model = world(told(("stateful", OWN), ("second", OTHER), ("stateful", "2001:db8:1::7")))
    said = ask(model, message(dhcp6.DHCP6_Solicit, ia(7), ia(8)))
    assert associations(said) == {7: {OWN: LEASE, "2001:db8:1::7": LEASE}, 8: {OTHER: LEASE}}
    said = ask(model, message(dhcp6.DHCP6_Renew, SERVER, ia(7, OTHER), ia(8, OWN), ia(9)))
    assert associations(said) == {7: {OTHER: LEASE}, 8: {OWN: LEASE}, 9: {"2001:db8:1::7": LEASE}}
    said = ask(model, message(dhcp6.DHCP6_Request, SERVER, ia(1), ia(2), ia(3), ia(4)))
    assert list(associations(said).values()).count(NO_ADDRESSES) == 1


@pytest.mark.parametrize(("kind", "options"), [(dhcp6.DHCP6_Renew, [SERVER]), (dhcp6.DHCP6_Rebind, [])])
def test_renewed_and_rebound_is_what_is_the_ports(kind: Any, options: list[Any]) -> None:
    assert associations(ask(world(), message(kind, *options, ia(7, OWN)))) == {7: {OWN: LEASE}}
    said = ask(world(), message(kind, *options, ia(7, "2001:db8:1::6")))
    assert associations(said) == {7: {OWN: LEASE, "2001:db8:1::6": 0}}
    stateless = world(told(("stateless", "2001:db8:3::5")))
    assert associations(ask(stateless, message(kind, *options, ia(7)))) == {7: NO_BINDING}
    assert associations(ask(stateless, message(kind, *options, ia(7, OWN)))) == {7: {OWN: 0}}


def test_temporary_addresses_and_prefixes_are_not_given() -> None:
    asked = dhcp6.DHCP6OptIA_TA(iaid=8), dhcp6.DHCP6OptIA_PD(iaid=9)
    for kind, options, codes in (
        (dhcp6.DHCP6_Solicit, [], (NO_ADDRESSES, NO_PREFIXES)),
        (dhcp6.DHCP6_Request, [SERVER], (NO_ADDRESSES, NO_PREFIXES)),
        (dhcp6.DHCP6_Renew, [SERVER], (NO_BINDING, NO_BINDING)),
        (dhcp6.DHCP6_Release, [SERVER], (NO_BINDING, NO_BINDING)),
    ):
        said = ask(world(), message(kind, *options, ia(7, OWN), *asked))
        assert associations(said, dhcp6.DHCP6OptIA_TA) == {8: codes[0]}
        assert associations(said, dhcp6.DHCP6OptIA_PD) == {9: codes[1]}


@pytest.mark.parametrize(("addresses", "code"), [
    ([OWN], SUCCESS), ([OWN, "2001:db8:1::6"], NOT_ON_LINK), (["2001:db8:99::1"], NOT_ON_LINK),
])  # fmt: skip
def test_addresses_are_confirmed_where_all_are_the_ports(addresses: list[str], code: int) -> None:
    assert status(ask(world(), message(dhcp6.DHCP6_Confirm, ia(7, *addresses)))) == code


@pytest.mark.parametrize("kind", [dhcp6.DHCP6_Release, dhcp6.DHCP6_Decline])
def test_what_is_given_back_is_acknowledged_and_stays_the_ports(kind: Any) -> None:
    model = world()
    said = ask(model, message(kind, SERVER, ia(7, OWN), ia(8, "2001:db8:1::6")))
    assert status(said) == SUCCESS and associations(said) == {8: NO_BINDING}
    assert associations(ask(model, message(dhcp6.DHCP6_Solicit, ia(7)))) == {7: {OWN: LEASE}}


def test_who_asks_for_options_gets_those_that_it_names() -> None:
    stateless = world(told(("stateless", "2001:db8:3::5")))
    said = ask(stateless, message(dhcp6.DHCP6_InfoRequest, dhcp6.DHCP6OptOptReq(reqopts=[23, 24, 32]), client=False))
    assert said[dhcp6.DHCP6OptDNSServers].dnsservers == [ADDRESS6]
    assert said[dhcp6.DHCP6OptDNSDomains].dnsdomains == ["openstacklocal."]
    assert said[dhcp6.DHCP6OptInfoRefreshTime].reftime == LEASE
    said = ask(stateless, message(dhcp6.DHCP6_InfoRequest, dhcp6.DHCP6OptOptReq(reqopts=[82, 24])))
    assert not kinds(said, dhcp6.DHCP6OptDNSServers) and kinds(said, dhcp6.DHCP6OptDNSDomains)
    assert b"\0\x52\0\4\0\0\x0e\x10" in bytes(said)  # SOL_MAX_RT: an hour


def test_the_subnets_of_the_port_say_the_resolvers() -> None:
    said = ask(world(told(("second", OTHER))), message(dhcp6.DHCP6_Solicit, ia(7)))
    assert said[dhcp6.DHCP6OptDNSServers].dnsservers == ["2001:db8::53"]
    said = ask(world(told(("second", OTHER), ("stateful", OWN))), message(dhcp6.DHCP6_Solicit, ia(7)))
    assert said[dhcp6.DHCP6OptDNSServers].dnsservers == ["2001:db8::53", ADDRESS6]
    model = world()
    change(model, replace(STATEFUL, dns_nameservers=("::",)))
    assert not kinds(ask(model, message(dhcp6.DHCP6_Solicit, ia(7))), dhcp6.DHCP6OptDNSServers)


def test_extra_options_of_the_port_are_told_and_win() -> None:
    extra = (
        DhcpOption("bootfile-url", "tftp://[2001:db8::1]/pxe.efi", 6), DhcpOption("ntp-server", "2001:db8::2", 6),
        DhcpOption("domain-search", "a.example", 6), DhcpOption("bootfile-name", "pxelinux.0", 4),
        DhcpOption("no-such-option", "x", 6),
    )  # fmt: skip
    said = ask(world(told(dhcp_options=extra)), message(dhcp6.DHCP6_Solicit, ia(7)))
    assert said[dhcp6.DHCP6OptBootFileUrl].optdata == b"tftp://[2001:db8::1]/pxe.efi"
    assert said[dhcp6.DHCP6OptDNSDomains].dnsdomains == ["a.example."]
    assert b"\0\x38\0\x14\0\1\0\x10" in bytes(said) and b"pxelinux" not in bytes(said)


@pytest.mark.parametrize(("flag", "flags"), [("S", 1), ("", 3)])
def test_a_client_that_says_its_name_is_told_the_ports(flag: str, flags: int) -> None:
    said_by_client = dhcp6.DHCP6OptClientFQDN(flags=flag, fqdn="laptop")
    said = ask(world(told(dns_name="web")), message(dhcp6.DHCP6_Solicit, ia(7), said_by_client))
    name = said[dhcp6.DHCP6OptClientFQDN]
    assert (int(name.flags), name.fqdn) == (flags, b"web.openstacklocal.")


def test_the_name_is_the_one_that_the_api_shows() -> None:
    """Where fixed IPs are published to an external server, that in the domain of the port or its network."""
    model = world(told(dns_name="web", dns_domain="cloud.test."))
    published = ServiceSettings(naming=Naming(published=lambda reads, network: True))
    asked = from_client(message(dhcp6.DHCP6_Solicit, ia(7), dhcp6.DHCP6OptClientFQDN(fqdn="x")))
    answer = Dhcp6(published, Leases(model, lambda: 1000.0, lambda _: True)).answer
    (out,) = answer(punted(asked, DHCP6), Reader(model, "h1"))
    assert six.layers(out.data)[3][dhcp6.DHCP6OptClientFQDN].fqdn == b"web.cloud.test."


def test_who_only_asks_for_its_name_is_told_it_and_others_are_not() -> None:
    asked = message(dhcp6.DHCP6_Solicit, ia(7), dhcp6.DHCP6OptOptReq(reqopts=[39]))
    name = ask(world(), asked)[dhcp6.DHCP6OptClientFQDN]
    assert name.fqdn == b"host-2001-db8-1--5.openstacklocal."
    assert not kinds(ask(world(), message(dhcp6.DHCP6_Solicit, ia(7))), dhcp6.DHCP6OptClientFQDN)


def test_what_does_not_fit_into_a_packet_is_left_out() -> None:
    extra = tuple(DhcpOption(str(200 + n), "x" * 400, 6) for n in range(6))
    model = world(told(dhcp_options=extra))
    said = ask(model, message(dhcp6.DHCP6_Solicit, ia(7)))
    assert 1000 < len(bytes(said)) <= 1450 - 48
    some = [ia(n, *[f"2001:db8:1::{n:x}:{m:x}" for m in range(30)]) for n in range(3)]
    assert why_not(model, message(dhcp6.DHCP6_Renew, SERVER, *some)) == "too long"


@pytest.mark.parametrize("asked", [
    message(dhcp6.DHCP6_Solicit, ia(7), client=False), message(dhcp6.DHCP6_Solicit, SERVER, ia(7)),
    message(dhcp6.DHCP6_Request, ia(7)), message(dhcp6.DHCP6_Renew, ia(7)), message(dhcp6.DHCP6_Release, ia(7)),
    message(dhcp6.DHCP6_Decline, ia(7)), message(dhcp6.DHCP6_Rebind, SERVER, ia(7)),
    message(dhcp6.DHCP6_Confirm, SERVER, ia(7)), message(dhcp6.DHCP6_Confirm, ia(7)),
    message(dhcp6.DHCP6_InfoRequest, ia(7)), dhcp6.DHCP6_Advertise(), b"", b"\1",
])  # fmt: skip
def test_messages_that_are_not_to_be_are_not_answered(asked: Any) -> None:
    assert why_not(world(), asked) == "malformed"


def test_messages_of_relays_and_for_other_servers_are_not_answered() -> None:
    assert why_not(world(), dhcp6.DHCP6_RelayForward(linkaddr="2001:db8:1::9")) == "relayed"
    another = dhcp6.DHCP6OptServerId(duid=six.DUID)
    assert why_not(world(), message(dhcp6.DHCP6_Request, another, ia(7))) == "for another server"


def test_unicast_messages_are_told_to_ask_everybody() -> None:
    said = ask(world(), message(dhcp6.DHCP6_Renew, SERVER, ia(7, OWN)), to=ADDRESS6)
    assert status(said) == USE_MULTICAST and not associations(said)
    assert why_not(world(), message(dhcp6.DHCP6_Solicit, ia(7)), to=ADDRESS6) == "unicast"


@pytest.mark.parametrize("source", ["::", "ff02::1"])
def test_who_has_no_address_to_be_answered_at_is_not(source: str) -> None:
    assert why_not(world(), message(dhcp6.DHCP6_Solicit, ia(7)), source=source) == "malformed"


def test_only_ports_of_subnets_with_dhcpv6_are_answered() -> None:
    asked = message(dhcp6.DHCP6_Solicit, ia(7))
    assert why_not(world(told(("slaac", "2001:db8:4::5"))), asked) == "not told"
    model = world()
    change(model, replace(STATEFUL, enable_dhcp=False))
    assert why_not(model, asked) == "not told"
    model = world()
    with pytest.raises(Ignored):  # of another switch, or of a logical port that is nobody's
        list(service(model).answer(punted(from_client(asked), DHCP6, key=2), Reader(model, "h1")))


def test_what_is_kept_is_made_anew_when_a_row_changes() -> None:
    model = world()
    kept = service(model)
    asked = punted(from_client(message(dhcp6.DHCP6_Solicit, ia(7))), DHCP6)

    def given_to_it() -> Any:
        (out,) = kept.answer(asked, Reader(model, "h1"))
        return six.layers(out.data)[3]

    assert associations(given_to_it()) == associations(given_to_it()) == {7: {OWN: LEASE}}
    change(model, told(("stateful", "2001:db8:1::6")))
    assert associations(given_to_it()) == {7: {"2001:db8:1::6": LEASE}}
    change(model, replace(STATEFUL, dns_nameservers=("2001:db8::9",)))
    assert given_to_it()[dhcp6.DHCP6OptDNSServers].dnsservers == ["2001:db8::9"]
    change(model, told(dhcp_options=tuple(DhcpOption(str(200 + n), "x" * 400, 6) for n in range(3))))
    assert len(given_to_it()) > 1280 - 48
    change(model, replace(six.red(), mtu=1280))
    assert len(given_to_it()) <= 1280 - 48 and len(kept._kept) == 1


def test_operators_are_shown_what_was_given_and_declined() -> None:
    model = world()
    leases = Leases(model, lambda: 1000.0, lambda _: True)
    served = service(model, leases)

    def says(kind: Any, *options: Any, **how: Any) -> list[tuple[str, str, float]]:
        list(served.answer(punted(from_client(message(kind, *options), **how), DHCP6), Reader(model, "h1")))
        return [(each.port_id, each.address, each.ends) for each in leases.current()]

    assert says(dhcp6.DHCP6_Solicit, ia(7)) == []
    assert says(dhcp6.DHCP6_Request, SERVER, ia(7), to=ADDRESS6) == []
    assert says(dhcp6.DHCP6_Request, SERVER, ia(7)) == [("alice", OWN, 1000.0 + LEASE)]
    leases.acknowledged("alice", "10.0.0.1", 50)
    assert says(dhcp6.DHCP6_Release, SERVER, ia(7, OWN, "2001:db8:1::6")) == []
    assert says(dhcp6.DHCP6_Solicit, ia(7), dhcp6.DHCP6OptRapidCommit())
    assert says(dhcp6.DHCP6_Decline, SERVER, ia(7, OWN)) == []
    assert [(each.port_id, each.address, each.times) for each in leases.declines()] == [("alice", OWN, 1)]


def test_every_network_has_a_server_of_its_own() -> None:
    assert server_id("red") == server_id("red") != server_id("blue") and len(server_id("red")) == 18


WHOLE = from_client(message(dhcp6.DHCP6_Request, SERVER, ia(7, OWN), dhcp6.DHCP6OptOptReq(reqopts=[23])))
MODEL = world()


@settings(max_examples=300)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=60), st.integers(0, 90))
def test_no_frame_makes_the_service_fail(at: int, changed: bytes, more: int) -> None:
    data = WHOLE[:at] + changed + WHOLE[at + more :]
    try:
        outs = list(service(MODEL).answer(punted(data, DHCP6), Reader(MODEL, "h1")))
    except Ignored:
        return
    for out in outs:
        six.layers(out.data)
