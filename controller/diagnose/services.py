"""Services of a network on a frame's way: which one takes it, and the first message of a client of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from apps.pipeline import ANSWER, DHCP4, DHCP6, NAMES, SERVED, SERVICE, SOLICITED
from apps.services.address import ADDRESS4, ADDRESS6, MAC, told
from apps.services.identity import MOST_NUMBER
from apps.source import link_local
from controller.diagnose.conversation import Fields
from controller.diagnose.trace import Hop
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import MetadataService, Port, Switch
from controller.model.rows.metadata import SERVICE as METADATA
from controller.model.serving import service_port

_CALLED = {DHCP4: "DHCP", DHCP6: "DHCPv6", SOLICITED: "router advertisement", NAMES: "DNS"}


def taken_by(hops: Sequence[Hop]) -> str:
    """Name of the service that a frame is handed to; "" where it is handed to none."""
    for hop in hops:
        flows = {table: flow for table, flow in hop.steps if flow is not None}
        chosen = flows.get(ANSWER.number)
        if chosen is not None and SERVED.number in flows:
            return next((name for number, name in _CALLED.items() if SERVICE.put(number) in chosen.actions), "")
    return ""


def metadata_host(model: Model, hops: Sequence[Hop]) -> str:
    """Id of the switch to whose metadata server a frame comes; "" where it comes to none."""
    for hop in hops:
        server = service_port(model, hop.switch_id)
        if server is not None and any(sent.port == server.ofport for sent in hop.sent):
            return hop.switch_id
    return ""


def verdict(model: Model, hops: Sequence[Hop]) -> str:
    """What a service does with a frame; "" where none gets it."""
    if service := taken_by(hops):
        return f"answered by the {service} service of its network"
    if host := metadata_host(model, hops):
        switch = model.get(Switch, host)
        return f"goes to the metadata server on {switch.host if switch and switch.host else host}"
    return ""


def hindrance(model: Model, service: str, port: Port) -> str:
    """Why a port is led to no metadata server, where that is not for its own rules; "" for other services."""
    if service != "metadata":
        return ""
    if not told(port.network_id, Reader(model)):
        return "reaches no metadata server: no subnet of its network has enable_dhcp"
    held = model.get(MetadataService, METADATA)
    if held is None:
        return "reaches no metadata server: no host is to have one (`tenet metadata hosts add SWITCH`)"
    if not held.hosts:
        return "reaches no metadata server: none serves (`tenet metadata hosts list` says why)"
    at = model.placement.bindings.get(port.id)
    switch = model.get(Switch, at.switch_id) if at else None
    if switch is not None and switch.number > MOST_NUMBER and request(port)["eth_type"] == 0x0800:
        return f"reaches no metadata server over IPv4: number {switch.number} of its switch is above {MOST_NUMBER}"
    return ""


def discovery(port: Port) -> Fields:
    """DHCPDISCOVER of a client that has no address yet (RFC 2131, 4.4.1)."""
    return {
        "eth_src": port.mac_address, "eth_dst": "ff:ff:ff:ff:ff:ff", "eth_type": 0x0800, "ip_ttl": 64, "ip_proto": 17,
        "ipv4_src": "0.0.0.0", "ipv4_dst": "255.255.255.255", "udp_src": 68, "udp_dst": 67,
    }  # fmt: skip


def question(port: Port) -> Fields:
    """DNS question to the network's resolver, over IPv6 where the port has no IPv4 address."""
    return _to_service_address(port) | {"ip_proto": 17, "udp_src": 40_000, "udp_dst": 53}


def request(port: Port) -> Fields:
    """First packet of a connection to the metadata server, over IPv6 where the port has no IPv4 address."""
    return _to_service_address(port) | {"ip_proto": 6, "tcp_src": 40_000, "tcp_dst": 80}


def _to_service_address(port: Port) -> Fields:
    four = next((each for each in port.addresses if ":" not in each), "")
    six = next((each for each in port.addresses if ":" in each), "")
    head: Fields = {"eth_src": port.mac_address, "eth_dst": MAC, "ip_ttl": 64}
    if six and not four:
        return head | {"eth_type": 0x86DD, "ipv6_src": six, "ipv6_dst": ADDRESS6}
    return head | {"eth_type": 0x0800, "ipv4_src": four or "0.0.0.0", "ipv4_dst": ADDRESS4}


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
    "metadata": request,
    "dhcp6": solicit,
    "router-solicitation": router_solicitation,
}
_ASKED = {"dhcp6": ADDRESS6, "router-solicitation": _ALL_ROUTERS}


def shown(name: str) -> dict[str, object]:
    """A service as what is traced to."""
    return {"address": _ASKED.get(name, ADDRESS4), "floating_ip_id": None, "service": name}
