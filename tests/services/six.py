"""Networks with IPv6 subnets of every mode, a router on them, and what their ports send and are answered."""

from __future__ import annotations

from typing import Any

from scapy.layers import dhcp6, inet, inet6
from scapy.layers.l2 import Ether

from apps.pipeline import SERVICE
from apps.source import link_local
from controller.model.rows import FixedIp, Network, Port, Router, RouterInterface, Row, Subnet
from controller.switches.packet_in import PuntedFrame
from tests.apps.clouds import mac, network, plugged, switch

ALICE = mac(1)
ROUTER_MAC = mac(0xF1)
LEASE = 86_400


def subnet(name: str, number: int, ra: str = "", address: str = "", of: str = "red", **rest: Any) -> Subnet:
    """The /64 with this number; its gateway is ::1."""
    prefix = f"2001:db8:{number:x}::"
    return Subnet(
        id=name, project_id="t", network_id=of, ip_version=6, cidr=f"{prefix}/64", gateway_ip=f"{prefix}1",
        ra_mode=ra, address_mode=address, **rest,
    )  # fmt: skip


STATEFUL = subnet("stateful", 1, "dhcpv6-stateful", "dhcpv6-stateful")
SECOND = subnet("second", 2, "dhcpv6-stateful", "dhcpv6-stateful", dns_nameservers=("2001:db8::53",))
STATELESS = subnet("stateless", 3, "dhcpv6-stateless", "dhcpv6-stateless")
SLAAC = subnet("slaac", 4, "slaac", "slaac")


def port(*fixed: tuple[str, str], name: str = "alice", of: str = "red", number: int = 1, **rest: Any) -> Port:
    return Port(
        id=name, project_id="t", network_id=of, mac_address=mac(number), interface_id=name,
        fixed_ips=tuple([FixedIp(*each) for each in fixed]), **rest,
    )  # fmt: skip


def rows(*subnets: Subnet, alice: Port) -> list[Row]:
    """Alice in the network red, at logical port 1 of switch h1."""
    return [switch(1), switch(2), red(), *subnets, alice, plugged("alice", 1, 1)]


def red() -> Network:
    return network("red")


def router(*fixed: tuple[str, str], of: str = "red", name: str = "r", number: int = 0xF1, **rest: Any) -> list[Row]:
    """A router with an interface that has these addresses."""
    at = Port(
        id=f"if-{name}-{of}", project_id="t", network_id=of, mac_address=mac(number),
        device_owner="network:router_interface", fixed_ips=tuple([FixedIp(*each) for each in fixed]),
    )  # fmt: skip
    return [
        Router(id=name, project_id="t", number=number, segment=900 + number, **rest), at,
        RouterInterface(id=at.id, router_id=name, network_id=of),
    ]  # fmt: skip


def punted(data: bytes, service: int, key: int = 1) -> PuntedFrame:
    return PuntedFrame(key, key, data, {"reg5": service << SERVICE.low, "reg6": key})


def from_client(message: Any, to: str = "ff02::1:2", source: str = "") -> bytes:
    """A DHCPv6 message of Alice's as a frame."""
    head = inet6.IPv6(src=source or link_local(ALICE), dst=to) / inet.UDP(sport=546, dport=547)
    return bytes(Ether(src=ALICE, dst="33:33:00:01:00:02") / head / message)


DUID = dhcp6.DUID_LL(lladdr=ALICE)


def message(kind: Any, *options: Any, client: bool = True) -> Any:
    made = kind(trid=0x010203)
    for option in (*([dhcp6.DHCP6OptClientId(duid=DUID)] if client else []), *options):
        made /= option
    return made


def ia(iaid: int, *addresses: str) -> Any:
    return dhcp6.DHCP6OptIA_NA(iaid=iaid, ianaopts=[dhcp6.DHCP6OptIAAddress(addr=each) for each in addresses])


def layers(frame: bytes) -> list[Any]:
    """The layers of a frame, outermost first."""
    read, found = Ether(frame), []
    while read:
        found.append(read)
        read = read.payload
    return found
