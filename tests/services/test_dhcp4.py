"""DHCP for IPv4: who is given what, in every state of a client, and who is answered nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scapy.layers.dhcp import DHCP
from scapy.layers.l2 import Ether

from apps.packets import udp
from controller.model.rows import DhcpOption, FixedIp
from controller.services.dispatch import Ignored
from tests.apps.clouds import mac, network, port
from tests.lab import dhcp, frames
from tests.lab.dhcp import ACK, DECLINE, INFORM, NAK, OFFER, RELEASE, REQUEST, Way
from tests.services.dhcp import KEY, SERVER, DhcpScene, ends, subnet, with_address
from tests.world import change

OWN, OTHER = "10.0.0.1", "10.0.0.2"
ME = mac(1)


@pytest.fixture
def scene() -> DhcpScene:
    return DhcpScene()


def asked(kind: int, wanted: str = "", server: str = "", **rest: Any) -> bytes:
    options = {dhcp.WANTED_ADDRESS: wanted, dhcp.SERVER: server}
    given = {code: frames.address(text) for code, text in options.items() if text}
    return dhcp.message(kind, ME, 7, given | rest.pop("options", {}), **rest)


def test_a_client_is_given_the_address_of_its_port(scene: DhcpScene) -> None:
    offer = scene.told(dhcp.discover(ME, 5))
    assert (offer.kind, offer.xid, offer.mac, offer.address, offer.server) == (OFFER, 5, ME, OWN, SERVER)
    lease = scene.told(dhcp.request(ME, 6, offer))
    assert (lease.kind, lease.xid, lease.address, lease.server, lease.lease) == (ACK, 6, OWN, SERVER, 86_400)
    assert {**offer.options, dhcp.KIND: b"\5"} == lease.options


def test_another_port_is_given_its_own(scene: DhcpScene) -> None:
    assert scene.lease(number=2, key=10).address == OTHER


NAKED = {
    "selecting": asked(REQUEST, OTHER, SERVER),
    "init-reboot": asked(REQUEST, OTHER),
    "of no subnet": asked(REQUEST, "192.0.2.1"),
    "renewing": asked(REQUEST, ciaddr=OTHER, way=Way(OTHER, SERVER)),
}


@pytest.mark.parametrize("case", NAKED)
def test_what_is_not_its_own_is_refused(scene: DhcpScene, case: str) -> None:
    """To everybody, for the client may have no address to be reached by (RFC 2131, 4.3.2)."""
    told = scene.told(NAKED[case])
    assert (told.kind, told.address, told.server, told.xid, told.mac) == (NAK, "0.0.0.0", SERVER, 7, ME)
    assert told.options.keys() == {dhcp.KIND, dhcp.SERVER, 56}
    frame = scene.frame(NAKED[case])
    assert frame is not None and ends(frame) == ("ff:ff:ff:ff:ff:ff", "255.255.255.255", SERVER)


ACKED = {
    "selecting": asked(REQUEST, OWN, SERVER),
    "init-reboot": asked(REQUEST, OWN),
    "renewing": asked(REQUEST, ciaddr=OWN, way=Way(OWN, "10.0.0.2", mac(9))),
    "rebinding": asked(REQUEST, ciaddr=OWN, way=Way(OWN, "255.255.255.255")),
}


@pytest.mark.parametrize("case", ACKED)
def test_its_own_is_acknowledged_in_every_state(scene: DhcpScene, case: str) -> None:
    told = scene.told(ACKED[case])
    assert (told.kind, told.address, told.lease) == (ACK, OWN, 86_400)
    assert [(lease.port_id, lease.address) for lease in scene.leases.current()] == [("p", OWN)]
    frame = scene.frame(ACKED[case])
    assert frame is not None
    assert frame[54:58] == ACKED[case][54:58], "its own address is repeated (RFC 2131, table 3)"


IGNORED = {
    "for another server": asked(REQUEST, OWN, "10.0.0.9"),
    "relayed": asked(1, giaddr="10.0.0.9"),
    "hardware address of another": dhcp.message(1, mac(2), 7, sender=ME),
    "malformed: no address requested": asked(REQUEST, server=SERVER),
    "malformed: message type of a server": asked(OFFER),
    "malformed": frames.ethernet("ff:ff:ff:ff:ff:ff", ME, frames.IPV4, bytes(40)),
    "address of another": asked(INFORM, ciaddr=OTHER),
}


@pytest.mark.parametrize("why", IGNORED)
def test_what_is_not_answered(scene: DhcpScene, why: str) -> None:
    assert scene.ask(IGNORED[why]) == why
    assert not list(scene.leases.current())


def test_who_is_at_no_port_is_not_answered(scene: DhcpScene) -> None:
    assert scene.ask(dhcp.discover(ME, 5), key=77) == "no port"


def test_a_port_without_an_address_is_not_answered(scene: DhcpScene) -> None:
    scene.change(fixed_ips=())
    assert scene.ask(dhcp.discover(ME, 5)) == "no address"
    assert scene.told(asked(REQUEST, OWN)).kind == NAK


def test_a_subnet_without_dhcp_gives_nothing() -> None:
    scene = DhcpScene(subnet(enable_dhcp=False))
    assert scene.ask(dhcp.discover(ME, 5)) == "no address"
    assert scene.ask(asked(INFORM, ciaddr=OWN)) == "address of another"


def test_an_address_of_its_own_without_dhcp_is_not_refused() -> None:
    """Though another subnet of the network has DHCP: a client that has it by hand keeps it."""
    scene = DhcpScene(subnet("s7", "10.0.7.0/24", enable_dhcp=False))
    scene.change(fixed_ips=(FixedIp("s7", "10.0.7.1"),))
    assert scene.ask(asked(REQUEST, "10.0.7.1")) == "no address"
    assert scene.ask(asked(REQUEST, ciaddr="10.0.7.1", way=Way("10.0.7.1", SERVER))) == "no address"
    assert scene.told(asked(REQUEST, "10.0.7.2")).kind == NAK


def test_a_port_may_switch_dhcp_off(scene: DhcpScene) -> None:
    scene.change(dhcp_options=(DhcpOption("dhcp_disabled", "True", 4),))
    assert scene.ask(dhcp.discover(ME, 5)) == "switched off at the port"
    assert scene.ask(asked(REQUEST, OTHER)) == "switched off at the port"


def test_the_subnet_of_the_address_that_is_asked_for() -> None:
    """Of several, else the first with DHCP."""
    row = port("p", "red", 1)
    other = subnet("s5", "10.0.5.0/24")
    scene = DhcpScene(other, subnet("s7", "10.0.7.0/24", enable_dhcp=False))
    first = (FixedIp("s7", "10.0.7.1"),)
    change(scene.model, replace(with_address(row, FixedIp("s5", "10.0.5.1")), fixed_ips=(
        *first, FixedIp("s5", "10.0.5.1"), *row.fixed_ips)))  # fmt: skip
    assert scene.told(asked(1)).address == "10.0.5.1"
    told = scene.told(asked(1, OWN))
    assert (told.address, told.options[dhcp.ROUTERS]) == (OWN, frames.address("10.0.0.254"))
    assert scene.told(asked(1, "10.0.7.1")).address == "10.0.5.1"
    assert scene.told(asked(REQUEST, "10.0.7.1")).kind == NAK
    assert scene.told(asked(REQUEST, ciaddr="10.0.5.1")).address == "10.0.5.1"


def test_inform_is_answered_with_options_alone(scene: DhcpScene) -> None:
    """RFC 2131, 4.3.5: no address, no times."""
    told = scene.told(asked(INFORM, ciaddr=OWN, way=Way(OWN)))
    assert (told.kind, told.address) == (ACK, "0.0.0.0")
    assert told.options.keys().isdisjoint({51, 58, 59}) and told.options[dhcp.MASK] == b"\xff\xff\xff\0"
    assert not list(scene.leases.current())


DESTINATIONS = {
    "nothing yet": (dhcp.discover(ME, 5), (ME, OWN, SERVER)),
    "its address": (asked(REQUEST, ciaddr=OWN), (ME, OWN, SERVER)),
}


@pytest.mark.parametrize("case", DESTINATIONS)
def test_a_reply_goes_to_where_the_client_hears_it(scene: DhcpScene, case: str) -> None:
    data, expected = DESTINATIONS[case]
    frame = scene.frame(data)
    assert frame is not None and ends(frame) == expected


def test_a_client_that_hears_no_unicast_says_so(scene: DhcpScene) -> None:
    data = bytearray(dhcp.discover(ME, 5))
    place = 14 + 20 + 8 + 10
    data[place] = 0x80
    data[40:42] = b"\0\0"  # no checksum
    frame = scene.frame(bytes(data))
    assert frame is not None and ends(frame) == ("ff:ff:ff:ff:ff:ff", "255.255.255.255", SERVER)
    assert frame[place : place + 2] == b"\x80\0"


def test_leases_given_back_are_forgotten(scene: DhcpScene) -> None:
    scene.lease()
    assert scene.ask(asked(RELEASE, server=SERVER, ciaddr=OTHER)) == "address of another"
    assert scene.ask(asked(RELEASE, server="10.0.0.9", ciaddr=OWN)) == "address of another"
    assert len(list(scene.leases.current())) == 1
    assert scene.ask(asked(RELEASE, server=SERVER, ciaddr=OWN)) is None
    assert not list(scene.leases.current())


def test_declined_addresses_are_told(scene: DhcpScene, caplog: pytest.LogCaptureFixture) -> None:
    scene.lease()
    for _ in range(3):
        assert scene.ask(asked(DECLINE, OWN, SERVER)) is None
    assert scene.ask(asked(DECLINE, OTHER, SERVER)) == "address of another"
    assert [(one.port_id, one.address, one.times) for one in scene.leases.declines()] == [("p", OWN, 3)]
    assert len([record for record in caplog.records if "declined its address 10.0.0.1" in record.message]) == 1
    assert not list(scene.leases.current())
    assert scene.told(dhcp.discover(ME, 5)).address == OWN, "the model says what it has"


def test_the_identifier_of_a_client_is_sent_back(scene: DhcpScene) -> None:
    """RFC 6842, with refusals too."""
    identifier = {dhcp.CLIENT_ID: b"\xff1234"}
    assert scene.lease(identifier).kind == ACK
    assert scene.told(dhcp.discover(ME, 5, identifier)).options[dhcp.CLIENT_ID] == b"\xff1234"
    assert scene.told(asked(REQUEST, OTHER, options=identifier)).options[dhcp.CLIENT_ID] == b"\xff1234"
    assert dhcp.CLIENT_ID not in scene.told(dhcp.discover(ME, 5)).options


def test_answers_follow_the_rows(scene: DhcpScene) -> None:
    """What is kept from one message to the next is dropped when a row that it follows from is another."""
    assert scene.told(dhcp.discover(ME, 5)).options[dhcp.MTU] == b"\5\xaa"
    change(scene.model, replace(network("red"), mtu=1400))
    assert scene.told(dhcp.discover(ME, 5)).options[dhcp.MTU] == b"\5\x78"
    change(scene.model, subnet(gateway_ip="10.0.0.200"))
    assert scene.told(dhcp.discover(ME, 5)).options[dhcp.ROUTERS] == frames.address("10.0.0.200")
    scene.change(fixed_ips=(FixedIp("s4", "10.0.0.77"),))
    assert scene.told(dhcp.discover(ME, 5)).address == "10.0.0.77"
    before = scene.told(dhcp.discover(ME, 5)).options
    change(scene.model, subnet("s5", "10.0.5.0/24", gateway_ip="10.0.0.200"))
    assert scene.told(dhcp.discover(ME, 5)).options[121] != before[121]


def test_answers_follow_the_message(scene: DhcpScene) -> None:
    """What is kept is of a message of that kind, from such a client."""
    scene.change(dhcp_options=(DhcpOption("67", "a", 4), DhcpOption("tag:ipxe,67", "b", 4)))
    for wanted, ipxe, expected in ((b"\3", b"", b"a"), (b"\6", b"", b"a"), (b"\3", b"\1", b"b"), (b"\3", b"", b"a")):
        said = {dhcp.ASKED_FOR: wanted} | ({175: ipxe} if ipxe else {})
        options = scene.told(dhcp.discover(ME, 5, said)).options
        assert (options.keys() & {3, 6}, options[67]) == ({wanted[0]}, expected)


MESSAGES = st.builds(
    lambda kind, wanted, server, ciaddr, giaddr, sender, options: dhcp.message(
        kind, ME, 9,
        {code: frames.address(text) for code, text in ((50, wanted), (54, server)) if text} | options,
        ciaddr=ciaddr, giaddr=giaddr, sender=sender,
    ),
    st.integers(0, 20), st.sampled_from(["", OWN, OTHER]), st.sampled_from(["", SERVER, OTHER]),
    st.sampled_from(["0.0.0.0", OWN, OTHER]), st.sampled_from(["0.0.0.0", "0.0.0.0", OTHER]),
    st.sampled_from(["", mac(2)]), st.dictionaries(st.integers(1, 254), st.binary(max_size=12), max_size=6),
)  # fmt: skip
CUT = st.tuples(MESSAGES, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4), st.integers(0, 60))


@given(CUT)
def test_no_packet_raises_and_only_good_replies_come_out(case: tuple[bytes, list[tuple[int, int]], int]) -> None:
    """Whatever is changed in a message, or cut off it: an answer is one that another library reads, and of the port."""
    data, changes, cut = case
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    whole = bytes(damaged[: len(damaged) - cut])
    scene = DhcpScene()
    try:
        frame = scene.frame(whole)
    except Ignored:
        return
    if frame is None:
        return
    datagram = udp.read(frame)
    assert datagram is not None and datagram.source_port == 67
    reply = Ether(frame)
    told = dict(each[:2] for each in reply[DHCP].options if isinstance(each, tuple))
    assert told["message-type"] in (OFFER, ACK, NAK) and told["server_id"] == SERVER
    assert reply["BOOTP"].yiaddr in (OWN, "0.0.0.0") and reply["BOOTP"].op == 2
    assert dhcp.parsed(datagram.payload).mac == ME
    again = Ether(frame)
    del again["UDP"].chksum, again["IP"].chksum
    assert bytes(again.__class__(bytes(again))) == frame, "checksums as another library has them"


@given(st.binary(max_size=600), st.integers(0, 12))
def test_no_bytes_raise(data: bytes, key: int) -> None:
    scene = DhcpScene()
    head = frames.ethernet("ff:ff:ff:ff:ff:ff", ME, frames.IPV4, b"")
    for frame in (data, head + data, head + frames.ipv4("0.0.0.0", "255.255.255.255", 17, frames.udp(68, 67, data))):
        assert isinstance(scene.ask(frame, key), str)


def test_what_is_kept_for_ports_is_bounded(monkeypatch: pytest.MonkeyPatch, scene: DhcpScene) -> None:
    monkeypatch.setattr("controller.services.dhcp4._MOST_PREPARED", 1)
    for number, key in ((1, KEY), (2, 10), (1, KEY)):
        for asked_for in range(20):
            scene.told(dhcp.discover(mac(number), 5, {dhcp.ASKED_FOR: bytes((asked_for + 1,))}), key)
    assert len(scene.service._known) == 1
    assert all(len(each.replies) <= 8 for each in scene.service._known.values())
