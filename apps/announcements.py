"""Announcements of addresses in external networks by the switch that has them now: of gateways and floating IPs.

They tell physical switches where the MAC is, and hosts whose MAC has the address.  IPv4: an ARP announcement (RFC 5227,
section 3); IPv6: an unsolicited neighbor advertisement (RFC 4861, section 7.2.6).  A packet-out sends them into the
network as any frame of a port there.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from struct import pack

from controller.flow import CONTROLLER, Action, resubmit
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, Network, Port, Router, Switch, WatchPort

from .pipeline import ROUTED, SEGMENT

EVERY = 60.0  # seconds between two announcements of an address; the first is at once
_ALL_NODES = IPv6Address("ff02::1")
_ROUTER_OVERRIDE = 0xA0000000


def announced(see: Reader) -> Iterator[str]:
    """Ports, without a VIF, whose addresses this switch has towards the outside now.

    Gateway ports of the routers that it is the gateway of, and ports of floating IPs that are translated there.
    """
    for router_id in see.gateway_of():
        router = see.view(Router, router_id)
        if router is None or not router.admin_state_up or not _acts(router_id, see):
            continue
        for gateway in router.gateways:
            yield gateway.port_id
        for floating in see.find(FloatingIp, "router_id", router_id):
            if not _distributed(floating, see):
                yield floating.floating_port_id


def _acts(router_id: str, see: Reader) -> bool:
    """Whether this switch is the router's gateway now: it hears none of those before it in the ranking."""
    for switch_id in see.ranking(router_id):
        if switch_id == see.switch_id:
            return True
        port = see.get(WatchPort, f"{see.switch_id}/{switch_id}")
        if port is None or port.up:
            return False
    return False


def _distributed(floating: FloatingIp, see: Reader) -> bool:
    """Whether the switch of the floating IP's port has the external network's physical network."""
    port, network = see.get(Port, floating.port_id), see.view(Network, floating.floating_network_id)
    at = see.binding(port) if port is not None else None
    switch = see.get(Switch, at.switch_id) if at is not None else None
    name = network.physical_network if network is not None else ""
    return bool(name) and switch is not None and any(one.network == name for one in switch.physical)


def announcements(port_id: str, see: Reader) -> Iterator[tuple[int, tuple[Action, ...], bytes]]:
    """In-port, actions and frame of a packet-out for each address of a port."""
    port = see.get(Port, port_id)
    network = see.view(Network, port.network_id) if port is not None else None
    if port is None or network is None:
        return
    into = (SEGMENT.put(network.segment), resubmit(ROUTED.number))
    for fixed in port.fixed_ips:
        yield CONTROLLER, into, frame(port.mac_address, fixed.ip_address)


def frame(mac: str, address: str) -> bytes:
    """The announcement of one address, without FCS."""
    source, at = bytes.fromhex(mac.replace(":", "")), ip_address(address)
    if isinstance(at, IPv6Address):
        return bytes.fromhex("333300000001") + source + b"\x86\xdd" + _advertisement(source, at)
    arp = pack("!HHBBH", 1, 0x0800, 6, 4, 1) + source + at.packed + bytes(6) + at.packed
    return b"\xff" * 6 + source + b"\x08\x06" + arp + bytes(18)


def _advertisement(mac: bytes, at: IPv6Address) -> bytes:
    said = pack("!BBHI", 136, 0, 0, _ROUTER_OVERRIDE) + at.packed + b"\x02\x01" + mac
    head = pack("!IHBB", 0x60000000, len(said), 58, 255) + at.packed + _ALL_NODES.packed
    pseudo = at.packed + _ALL_NODES.packed + pack("!II", len(said), 58)
    total = sum(int.from_bytes((pseudo + said)[place : place + 2], "big") for place in range(0, len(pseudo + said), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return head + said[:2] + pack("!H", ~total & 0xFFFF) + said[4:]
