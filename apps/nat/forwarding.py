"""Port forwardings: connections to ports of a floating IP go to ports of fixed addresses, at the router's gateway.

A connection's mark says by which forwarding it has come, so that it ends when that is gone or leads elsewhere; what
these stations begin themselves leaves as all else of their router.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from ipaddress import IPv4Address

from controller.flow import Action, Field, Flow, Nat, ct, field, in_order, masked, put
from controller.flow.ranges import covering
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, Network, Port, PortForwarding, Router

from ..gateways import takes
from ..matches import IPV4
from ..pipeline import DNAT_JUDGED, DNAT_TRACKED, HOP, NEXT_HOP4, OUTSIDE, ROUTER, SNAT_JUDGED, USUAL
from .answers import answers, to_mac
from .gateways import zone_of
from .metering import crossing
from .places import acting, serves, turn_of
from .translation import NEW_IN, TRANSLATED_IN, coming

PROTOCOLS = {"tcp": 6, "udp": 17}  # those whose ports Open vSwitch translates
_ANSWERED = field("ct_state", "+rpl-inv+trk+snat")


def floatingip(floating: FloatingIp, see: Reader) -> Iterator[Flow]:
    """The address itself, on the gateway."""
    router, network = acting(floating.router_id, see), see.view(Network, floating.floating_network_id)
    outside = see.get(Port, floating.floating_port_id)
    if floating.port_id or router is None or network is None or outside is None:
        return
    if serves(router.id, see):
        turn, mac = turn_of(router.id, see), outside.mac_address
        yield from to_mac(router.number, network.segment, mac, turn, takes=takes(router.id, see))
        yield from answers(network.segment, mac, floating.floating_ip_address, turn)
        yield coming(router, floating.floating_ip_address)


def port_forwarding(forwarding: PortForwarding, see: Reader) -> Iterator[Flow]:
    floating = see.get(FloatingIp, forwarding.floatingip_id)
    if floating is None or floating.port_id or forwarding.protocol not in PROTOCOLS:
        return
    router, outside = acting(floating.router_id, see), see.get(Port, floating.floating_port_id)
    if router is None or outside is None or not serves(router.id, see):
        return
    of = _mark(forwarding)
    here = (IPV4, ROUTER.match(router.number))
    noted = NEXT_HOP4.match(int(IPv4Address(floating.floating_ip_address)))
    yield from _begun(forwarding, router, (*here, noted))
    entered = in_order(*here, noted, TRANSLATED_IN, field("ct_mark", of))
    yield Flow(DNAT_JUDGED, USUAL, entered, crossing(router, see), goto=HOP)
    answered = in_order(*here, field("ipv4_src", floating.floating_ip_address), _ANSWERED, field("ct_mark", of))
    yield Flow(SNAT_JUDGED, USUAL, answered, (put("eth_src", outside.mac_address),), goto=OUTSIDE)


def _begun(forwarding: PortForwarding, router: Router, at: tuple[Field, ...]) -> Iterator[Flow]:
    """New connections.  Open vSwitch chooses from a range of ports as it likes, so others are translated one by one."""
    (first, last), (inner, inner_last) = forwarding.external_ports, forwarding.internal_ports
    protocol, name = field("ip_proto", PROTOCOLS[forwarding.protocol]), f"{forwarding.protocol}_dst"
    marked = (put("ct_mark", _mark(forwarding)),)

    def to(*ports: int) -> tuple[Action, ...]:
        nat = Nat("dst", (forwarding.internal_ip_address,), ports)
        return (ct(zone_of(router.number), DNAT_JUDGED.number, commit=True, nat=nat, marks=marked),)

    if (inner, inner_last) == (first, last) or inner == inner_last:
        actions = to() if inner == first and inner_last == last else to(inner)
        pairs = [(masked(name, value, mask), actions) for value, mask in covering(first, last)]
    else:
        pairs = [(field(name, first + each), to(inner + each)) for each in range(last - first + 1)]
    for port, actions in pairs:
        yield Flow(DNAT_TRACKED, USUAL, in_order(*at, protocol, port, NEW_IN), actions)


def _mark(forwarding: PortForwarding) -> int:
    """Its number in marks: 32 bits of a digest, so that another target is another one."""
    said = f"{forwarding.id} {forwarding.internal_ip_address} {forwarding.internal_ports} {forwarding.external_ports}"
    return int.from_bytes(blake2b(said.encode(), digest_size=4).digest()) | 1


ON_SWITCH = {"floatingip": floatingip, "port_forwarding": port_forwarding}
