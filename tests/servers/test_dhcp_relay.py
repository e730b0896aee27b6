"""Clients of networks with relays are answered by a real Kea: by the subnet and the port that the relay tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from scapy.layers.dhcp6 import (
    DUID_LL,
    DHCP6_Advertise,
    DHCP6_Reply,
    DHCP6_Request,
    DHCP6_Solicit,
    DHCP6OptClientId,
    DHCP6OptIA_NA,
    DHCP6OptIAAddress,
    DHCP6OptServerId,
)
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from controller.model.model import Model
from controller.model.reader import Reader
from controller.runtime import hub
from controller.services import dhcp_relay
from controller.services.dhcp_relay import DhcpRelay
from controller.services.dispatch import Ignored, Later, to_asker
from controller.services.places import Places
from controller.switches.packet_in import FrameOut, PuntedFrame
from tests.apps.clouds import mac, network, port
from tests.lab import dhcp
from tests.services.dhcp import KEY, rows, subnet
from tests.world import change

from .kea import OTHER4, RELAY4, SERVER4, SERVER6, Wire, kea, wire

ME, OWN = mac(1), "10.0.0.1"
LOCAL = "fe80::1"
SUBNETS = [
    {"id": 1, "subnet": "192.0.2.0/24", "pools": [{"pool": "192.0.2.10-192.0.2.20"}]},
    {"id": 2, "subnet": "10.0.0.0/24", "valid-lifetime": 777,
     "reservations": [{"circuit-id": "'p'", "ip-address": OWN}, {"circuit-id": "'q'", "ip-address": "10.0.0.99"}],
     "option-data": [{"name": "routers", "data": "10.0.0.254"}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def cable() -> Iterator[Wire]:
    with wire() as made:
        yield made


def nobody(frame: PuntedFrame, see: Reader) -> Iterable[FrameOut]:
    raise Ignored("own")


class Relayed:
    """Red's ports, and the relay agent of their switch's master."""

    def __init__(self, cable: Wire, *servers: str) -> None:
        self.model = Model()
        six = subnet("s6", "2001:db8::/64", ip_version=6, address_mode="dhcpv6-stateful")
        change(self.model, *rows(), six, replace(network("red"), dhcp_relay=servers))
        self.sockets = cable.sockets()
        self.relay = DhcpRelay(self.model, self.sockets)

    def close(self) -> None:
        for sock in self.sockets.values():
            sock.close()

    def begin(self, data: bytes, key: int = KEY, version: int = 4) -> Any:
        """The green thread of the answer, once the servers have been asked."""
        punted = PuntedFrame(key, 3, data, {})
        with pytest.raises(Later) as later:
            self.relay.before(version, nobody)(punted, Reader(self.model, "h1"))

        def run() -> list[FrameOut] | str:
            try:
                return list(later.value.run())
            except Ignored as why:
                return why.reason

        thread = hub.spawn(run)
        hub.sleep(0)
        return thread

    def heard(self, version: int = 4) -> None:
        """Take one message of a server."""
        self.sockets[version].settimeout(10.0)
        said, source = self.sockets[version].recvfrom(65_535)
        self.relay.received(version, said, *source[:2])

    def asked(self, data: bytes, key: int = KEY, version: int = 4) -> bytes:
        """The frame that brings the answer to who asked."""
        thread = self.begin(data, key, version)
        self.heard(version)
        found = thread.wait()
        assert isinstance(found, list), found
        (out,) = found
        assert out == to_asker(PuntedFrame(key, 3, data, {}), out.data)
        return out.data

    def told(self, data: bytes) -> dhcp.Message:
        found = dhcp.read(self.asked(data))
        assert found is not None
        return found

    def why_not(self, data: bytes, key: int = KEY, version: int = 4) -> str:
        with pytest.raises(Ignored) as why:
            self.relay.before(version, nobody)(PuntedFrame(key, 3, data, {}), Reader(self.model, "h1"))
        return why.value.reason

    def counted(self) -> dict[str, float]:
        (answers, _) = self.relay.metrics()
        return {sample.labels["outcome"]: sample.value for sample in answers.samples}


@pytest.fixture
def red(cable: Wire) -> Iterator[Relayed]:
    made = Relayed(cable, SERVER4)
    yield made
    made.close()


@pytest.fixture
def server(cable: Wire, tmp_path: Path) -> Iterator[None]:
    with kea(tmp_path, cable.server, 4, SUBNETS):
        yield


@pytest.mark.usefixtures("server")
def test_a_client_gets_what_the_server_has_for_its_port(red: Relayed) -> None:
    offer = red.told(dhcp.discover(ME, 5))
    assert (offer.kind, offer.xid, offer.mac, offer.address, offer.server) == (dhcp.OFFER, 5, ME, OWN, SERVER4)
    frame = red.asked(dhcp.request(ME, 6, offer))
    lease = dhcp.read(frame)
    assert lease is not None and (lease.kind, lease.address, lease.lease) == (dhcp.ACK, OWN, 777)
    assert 82 not in lease.options and dhcp.ROUTERS in lease.options
    assert Ether(frame)[1].src == "169.254.169.254" and RELAY4 not in str(Ether(frame).show(dump=True))
    renewed = dhcp.message(dhcp.REQUEST, ME, 7, ciaddr=OWN, way=dhcp.Way(OWN, SERVER4, mac(9)))
    assert red.told(renewed).kind == dhcp.ACK


@pytest.mark.usefixtures("server")
def test_an_address_that_the_port_may_not_use_is_not_told(red: Relayed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dhcp_relay, "PATIENCE", 0.2)
    thread = red.begin(dhcp.discover(mac(2), 5), 10)
    red.heard()
    assert thread.wait() == "no server answers" and red.counted() == {"address": 1}
    change(red.model, replace(port("q", "red", 2), port_security=False))
    found = dhcp.read(red.asked(dhcp.discover(mac(2), 6), 10))
    assert found is not None and found.address == "10.0.0.99"


@pytest.mark.usefixtures("server")
def test_nobody_answers_a_release_and_nobody_waits(red: Relayed) -> None:
    lease = red.told(dhcp.request(ME, 6, red.told(dhcp.discover(ME, 5))))
    options = {dhcp.SERVER: lease.options[dhcp.SERVER]}
    assert red.begin(dhcp.message(dhcp.RELEASE, ME, 7, options, ciaddr=OWN)).wait() == "passed on"


@pytest.mark.usefixtures("server")
def test_only_who_was_asked_is_believed_and_only_about_that(red: Relayed, cable: Wire) -> None:
    data = dhcp.discover(ME, 5)
    thread = red.begin(data)
    said, source = _heard(red)
    for changed, sender in (
        (said, (OTHER4, 67)),
        (said, (SERVER4, 68)),
        (said[:28] + b"\2" + said[29:], source),  # another client
    ):
        red.relay.received(4, changed, *sender)
    red.relay.received(4, said[:4] + b"\7" + said[5:], *source)  # another transaction
    red.relay.received(4, said.replace(b"\x01\x01p", b"\x01\x01q"), *source)  # another port
    red.relay.received(4, said[:24] + bytes(4) + said[28:], *source)  # not to this relay
    assert red.counted() == {"stranger": 3, "unasked": 2, "malformed": 1}
    red.relay.received(4, said, *source)
    assert len(thread.wait()) == 1
    red.relay.received(4, said, *source)
    assert red.counted()["unasked"] == 3  # late


def test_messages_of_strangers_are_not_read(red: Relayed, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(dhcp_relay.dhcp_relayed, "answer4", lambda data, own: read.append(len(data)))
    thread = red.begin(dhcp.discover(ME, 5))
    red.relay.received(4, bytes(65_000), OTHER4, 67)
    red.relay.received(4, bytes(65_000), SERVER4, 68)
    assert red.counted() == {"stranger": 2} and not read
    thread.kill()


def _heard(red: Relayed) -> tuple[bytes, tuple[str, int]]:
    red.sockets[4].settimeout(10.0)
    said, source = red.sockets[4].recvfrom(65_535)
    return said, source


def test_open_transactions_are_bounded_and_end(red: Relayed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not run."""
    monkeypatch.setattr(dhcp_relay, "PATIENCE", 0.1)
    threads = [red.begin(dhcp.discover(ME, xid)) for xid in range(dhcp_relay.OF_PORT)]
    assert red.why_not(dhcp.discover(ME, 99)) == "busy"
    assert red.begin(dhcp.discover(ME, 0)).wait() == "passed on"  # the same again
    other = red.begin(dhcp.discover(mac(2), 99), 10)  # another port's share
    assert {thread.wait() for thread in (*threads, other)} == {"no server answers"}
    monkeypatch.setattr(red.relay, "_places", Places(1, 1, 1))
    last = red.begin(dhcp.discover(ME, 1))
    assert red.why_not(dhcp.discover(mac(2), 5), 10) == "busy"
    assert last.wait() == "no server answers"


def test_what_is_not_relayed(red: Relayed) -> None:
    assert red.why_not(dhcp.message(1, ME, 5, giaddr="10.0.0.9")) == "malformed: relayed"
    assert red.why_not(dhcp.message(1, ME, 5, {82: b"\1\1q"})) == "malformed: relayed"
    assert red.why_not(dhcp.message(1, mac(2), 5, sender=ME)) == "hardware address of another"
    assert red.why_not(dhcp.discover(ME, 5), version=6) == "own"  # no server of IPv6
    assert red.why_not(dhcp.discover(ME, 5), 77) == "own"  # at no port
    change(red.model, replace(port("p", "red", 1), fixed_ips=()))
    assert red.why_not(dhcp.discover(ME, 5)) == "no address"
    change(red.model, network("red"))
    assert red.why_not(dhcp.discover(ME, 5)) == "own"


def test_without_an_address_of_its_own_nothing_is_relayed(cable: Wire) -> None:
    made = Relayed(cable, SERVER4)
    made.close()
    made.relay = DhcpRelay(made.model, {})
    assert made.why_not(dhcp.discover(ME, 5)) == "no relay address"


# --- IPv6 -------------------------------------------------------------------------------------------------------------


def asked6(message: Any) -> bytes:
    ends = Ether(src=ME, dst="33:33:00:01:00:02") / IPv6(src=LOCAL, dst="ff02::1:2") / UDP(sport=546, dport=547)
    return bytes(ends / message / DHCP6OptClientId(duid=DUID_LL(lladdr=ME)) / DHCP6OptIA_NA(iaid=7))


def test_a_client_of_ipv6(cable: Wire, tmp_path: Path) -> None:
    pools = [{"pool": "2001:db8::1-2001:db8::1"}]
    subnets = [{"id": 1, "subnet": "2001:db8:1::/64", "pools": [{"pool": "2001:db8:1::/80"}]},
               {"id": 2, "subnet": "2001:db8::/64", "pools": pools}]  # fmt: skip
    red = Relayed(cable, SERVER6)
    with kea(tmp_path, cable.server, 6, subnets):
        offered = Ether(red.asked(asked6(DHCP6_Solicit(trid=5)), version=6))
        assert (offered[IPv6].src, offered[IPv6].dst, offered.dst) == ("fe80::a9fe:a9fe", LOCAL, ME)
        assert offered[DHCP6_Advertise].trid == 5 and offered[DHCP6OptIAAddress].addr == "2001:db8::1"
        server = offered[DHCP6OptServerId].copy()
        server.remove_payload()
        leased = Ether(red.asked(asked6(DHCP6_Request(trid=6) / server), version=6))
        assert leased[DHCP6_Reply].trid == 6 and leased[DHCP6OptIAAddress].addr == "2001:db8::1"
        assert red.why_not(asked6(DHCP6_Solicit(trid=5))) == "own"  # no server of IPv4
        change(red.model, replace(port("p", "red", 1), fixed_ips=port("p", "red", 2).fixed_ips))
        thread = red.begin(asked6(DHCP6_Solicit(trid=8)), version=6)
        red.heard(6)
        assert red.counted()["address"] == 1
        thread.kill()
    red.close()
