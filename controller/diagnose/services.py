"""Services of a network on a frame's way: which one takes it, and the first message of a client of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from apps.pipeline import ANSWER, DHCP4, DHCP6, NAMES, SERVED, SERVICE, SOLICITED
from apps.services.address import ADDRESS4, ADDRESS6, MAC
from apps.source import link_local
from controller.diagnose.conversation import Fields
from controller.diagnose.trace import Hop
from controller.model.rows import Port

_CALLED = {DHCP4: "DHCP", DHCP6: "DHCPv6", SOLICITED: "router advertisement", NAMES: "DNS"}


def taken_by(hops: Sequence[Hop]) -> str:
    """Name of the service that a frame is handed to; "" where it is handed to none."""
    for hop in hops:
        flows = {table: flow for table, flow in hop.steps if flow is not None}
        chosen = flows.get(ANSWER.number)
        if chosen is not None and SERVED.number in flows:
            return next((name for number, name in _CALLED.items() if SERVICE.put(number) in chosen.actions), "")
    return ""


def discovery(port: Port) -> Fields:
    """DHCPDISCOVER of a client that has no address yet (RFC 2131, 4.4.1)."""
    return {
        "eth_src": port.mac_address, "eth_dst": "ff:ff:ff:ff:ff:ff", "eth_type": 0x0800, "ip_ttl": 64, "ip_proto": 17,
        "ipv4_src": "0.0.0.0", "ipv4_dst": "255.255.255.255", "udp_src": 68, "udp_dst": 67,
    }  # fmt: skip


def question(port: Port) -> Fields:
    """DNS question to the network's resolver, over IPv6 where the port has no IPv4 address."""
    four = next((each for each in port.addresses if ":" not in each), "")
    six = next((each for each in port.addresses if ":" in each), "")
    head: Fields = {"eth_src": port.mac_address, "eth_dst": MAC, "ip_ttl": 64, "ip_proto": 17}
    if six and not four:
        head |= {"eth_type": 0x86DD, "ipv6_src": six, "ipv6_dst": ADDRESS6}
    else:
        head |= {"eth_type": 0x0800, "ipv4_src": four or "0.0.0.0", "ipv4_dst": ADDRESS4}
    return head | {"udp_src": 40_000, "udp_dst": 53}


def solicit(port: Port) -> Fields:
    """SOLICIT of a DHCPv6 client (RFC 8415, 18.2.1)."""
    return {
        "eth_src": port.mac_address, "eth_dst": "33:33:00:01:00:02", "eth_type": 0x86DD, "ip_ttl": 1, "ip_proto": 17,
        "ipv6_src": link_local(port.mac_address), "ipv6_dst": "ff02::1:2", "udp_src": 546, "udp_dst": 547,
    }  # fmt: skip


def router_solicitation(port: Port) -> Fields:
    """Router solicitation of a host (RFC 4861, 6.3.7)."""
    return {
        "eth_src": port.mac_address, "eth_dst": "33:33:00:00:00:02", "eth_type": 0x86DD, "ip_ttl": 255, "ip_proto": 58,
        "ipv6_src": link_local(port.mac_address), "ipv6_dst": _ALL_ROUTERS, "icmpv6_type": 133,
    }  # fmt: skip


_ALL_ROUTERS = "ff02::2"
# what is traced to by its name, and the message that asks it
MESSAGES: Mapping[str, Callable[[Port], Fields]] = {
    "dhcp": discovery,
    "dns": question,
    "dhcp6": solicit,
    "router-solicitation": router_solicitation,
}
_ASKED = {"dhcp6": ADDRESS6, "router-solicitation": _ALL_ROUTERS}


def shown(name: str) -> dict[str, object]:
    """A service as what is traced to."""
    return {"address": _ASKED.get(name, ADDRESS4), "floating_ip_id": None, "service": name}
