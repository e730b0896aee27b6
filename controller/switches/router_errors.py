"""ICMP errors of routers: answers to packets that routers cannot forward (apps/routing/errors.py).

The error goes to the MAC that the packet came from, in the network that it came by, from the router's address there.
A packet that has left that network already is answered by route: from the address of the interface that leads to its
source, as RFC 1812, 4.3.2.4 asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from apps.packets.icmp_error import (
    NETWORK_UNREACHABLE,
    PORT_UNREACHABLE,
    PROTOCOL_UNREACHABLE,
    TIME_EXCEEDED,
    TOO_BIG,
    IcmpFault,
    MacPair,
    deserves_error,
    error,
)
from apps.packets.reader import IpPacket, read
from apps.pipeline import FAULT, LARGER, OWN_ADDRESS, ROUTER, SEGMENT, TTL_EXCEEDED
from apps.routing import errors
from apps.source import link_local
from controller.flow import OWN_PORT
from controller.model.reader import Reader
from controller.model.rows import FixedIp, Network, Port, Router, RouterInterface, Subnet
from controller.switches.packet_in import FrameOut, PuntedFrame

_WITH_PORTS = (6, 17, 33, 132, 136)  # TCP, UDP, DCCP, SCTP, UDP-Lite


def answer(frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
    """The error about a packet that was handed over; none where there may be none."""
    packet = read(frame.data)
    routers = see.find(Router, "number", ROUTER.of(frame.registers))
    if packet is None or not routers or not deserves_error(packet):
        return
    fault, segment = FAULT.of(frame.registers), SEGMENT.of(frame.registers)
    if fault == LARGER:  # it has left its sender's network
        yield from about(packet, TOO_BIG, routers[0], 0, see, _mtu(routers[0], segment, see))
    else:
        yield from about(packet, _told(fault, packet), routers[0], segment, see)


def about(
    packet: IpPacket, fault: IcmpFault, router: Router, came_by: int, see: Reader, mtu: int = 0
) -> Iterator[FrameOut]:
    """The error about a packet; `came_by`: segment of the network in which its sender's MAC is, 0 where it is gone."""
    ports = _interfaces(router, see)
    if any(ip_address(packet.source) == ip_address(own) for port, _ in ports for own in port.addresses):
        return  # it is the router's own, or pretends to be
    for port, segment in ports:
        source = _near(port, packet, see) if segment == came_by else b""
        if source:
            link = MacPair(_octets(port.mac_address), packet.eth_src)
            yield FrameOut(OWN_PORT, errors.from_router(segment), error(fault, packet, source, link, mtu))
            return
    for wanted in (packet.source, _next_hop(router, packet), b""):
        for port, _ in ports:
            source = _source(port, packet, see, wanted)
            if source:
                mac = _octets(port.mac_address)
                said = error(fault, packet, source, MacPair(mac, mac), mtu)
                yield FrameOut(OWN_PORT, errors.by_route(router.number), said)
                return


def _told(fault: int, packet: IpPacket) -> IcmpFault:
    if fault == OWN_ADDRESS:
        return PORT_UNREACHABLE if packet.protocol in _WITH_PORTS else PROTOCOL_UNREACHABLE
    return TIME_EXCEEDED if fault == TTL_EXCEEDED else NETWORK_UNREACHABLE


def _mtu(router: Router, segment: int, see: Reader) -> int:
    """Of the next network, into whose segment the packet was to go."""
    for port, of in _interfaces(router, see):
        network = see.view(Network, port.network_id)
        if of == segment and network is not None:
            return network.mtu
    return 0


def _interfaces(router: Router, see: Reader) -> list[tuple[Port, int]]:
    """The ports of a router, gateways first, and the segments of their networks."""
    ids = [gateway.port_id for gateway in router.gateways]
    ids += [interface.id for interface in see.find(RouterInterface, "router_id", router.id)]
    found = []
    for port in (see.get(Port, port_id) for port_id in ids):
        network = see.view(Network, port.network_id) if port is not None else None
        if port is not None and network is not None:
            found.append((port, network.segment))
    return found


def _next_hop(router: Router, packet: IpPacket) -> bytes:
    """Where an extra route leads on the way to the packet's source; b"" where none does."""
    asked = ip_address(packet.source)
    found = [(ip_network(route.destination, strict=False), route.nexthop) for route in router.routes]
    leading = [(prefix.prefixlen, hop) for prefix, hop in found if prefix.version == asked.version and asked in prefix]
    return ip_address(max(leading)[1]).packed if leading else b""


def _near(port: Port, packet: IpPacket, see: Reader) -> bytes:
    """The address of an interface on the sender's network that an error is from: of the same scope and subnet."""
    asked = ip_address(packet.source)
    if asked.version == 6 and asked.is_link_local:
        return ip_address(link_local(port.mac_address)).packed
    return _source(port, packet, see, packet.source) or _source(port, packet, see)


def _source(port: Port, packet: IpPacket, see: Reader, wanted: bytes = b"") -> bytes:
    """The interface's address that an error about the packet is from, of the subnet of `wanted` if there is one: b""
    where it has none; any of the packet's version, where nothing is wanted.
    """
    own = [fixed for fixed in port.fixed_ips if ip_address(fixed.ip_address).version == packet.version]
    if wanted:
        own = [fixed for fixed in own if _holds(fixed, ip_address(wanted), see)]
    return ip_address(own[0].ip_address).packed if own else b""


def _holds(fixed: FixedIp, address: object, see: Reader) -> bool:
    subnet = see.get(Subnet, fixed.subnet_id)
    return subnet is not None and address in ip_network(subnet.cidr)


def _octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
