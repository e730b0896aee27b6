"""MAC learning: source addresses of ports that do not declare theirs.

A frame from an unknown address goes on, and its head goes to the controller, at a limited rate.  The ports of a switch
share eight meters for that: a port that sends from ever new addresses leaves most others their share.  The controller
stores the address as an observation, from which the flows here follow.  A port with LIMIT addresses may use no other.
An address that a port of the same network declares is never learned: frames that claim it are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, Rates, field, to_service
from controller.flow.meter import of_service
from controller.model.reader import Reader
from controller.model.rows import Interface, Learned, Network, Port, Switch

from .l2 import to_port, to_switch
from .matches import ARP, ICMPV6, IPV4, IPV6, from_here, goes_out
from .pipeline import ADMITTED, DECLARED, IN_KEY, LEARN, LEARNED, LOW, USUAL
from .security.kinds import filter_of
from .source import NEIGHBOR_ADVERTISEMENT, link_local

LIMIT = 64  # addresses a port
SERVICE = "learning"
HEAD = 64  # bytes of a frame that the controller is shown: enough for its addresses


def port_here(port: Port, see: Reader, rates: Rates) -> Iterator[Flow]:
    at, network = see.binding(port), see.view(Network, port.network_id)
    if at is None or network is None or not (port.learns or port.extra_macs):
        return
    came_by = IN_KEY.match(at.port_key)
    addresses = _addresses(port, at, see)
    out = goes_out(at.port_key, filter_of(port, see))
    if not port.learning:
        yield Flow(LEARN, USUAL, (field("eth_src", port.mac_address), came_by), goto=ADMITTED)
    for mac in addresses:
        yield Flow(LEARN, USUAL, (field("eth_src", mac), came_by), goto=ADMITTED)
        yield to_port(network.segment, mac, out, LEARNED)
    if len(addresses) < LIMIT:
        meter = of_service(SERVICE, at.port_key, rates.packet_in)
        yield Flow(LEARN, LOW, (came_by,), (to_service(SERVICE, meter, HEAD),), goto=ADMITTED)


def port_everywhere(port: Port, see: Reader) -> Iterator[Flow]:
    at, network = see.binding(port), see.view(Network, port.network_id)
    if at is None or network is None:
        return
    segment = network.segment
    switch = see.view(Switch, at.switch_id) if port.learns or port.extra_macs else None
    if switch is not None:
        for mac in _addresses(port, at, see):
            yield to_switch(segment, mac, switch.number, LEARNED)
    if not port.learning and see.learners(port.network_id):
        yield from _declared(port, segment)


def _declared(port: Port, segment: int) -> Iterator[Flow]:
    """Anti-spoofing for learning ports: they may claim neither the port's MAC nor its addresses."""
    network = from_here(segment)
    yield Flow(DECLARED, USUAL, (field("eth_src", port.mac_address), network))
    for address in dict.fromkeys((link_local(port.mac_address), *(fixed.ip_address for fixed in port.fixed_ips))):
        if ":" in address:
            yield Flow(DECLARED, USUAL, (IPV6, field("ipv6_src", address), network))
            advertised = (IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT, field("nd_target", address), network)
            yield Flow(DECLARED, USUAL, advertised)
        else:
            yield Flow(DECLARED, USUAL, (IPV4, field("ipv4_src", address), network))
            yield Flow(DECLARED, USUAL, (ARP, field("arp_spa", address), network))


def _addresses(port: Port, at: Interface, see: Reader) -> list[str]:
    """The attached-mac, and what was learned since the port was plugged in where it is now; at most LIMIT.

    Not what has an owner: an address may have been learned before a port declared it.
    """
    addresses = {at.mac: None} if at.mac and port.learns else {}
    for learned in see.find(Learned, "port_id", port.id):
        here = learned.at == at.row_id and learned.ofport == at.ofport
        if here and (port.learns or learned.mac in port.extra_macs):
            addresses[learned.mac] = None
    free = [mac for mac in addresses if not see.find(Port, "declared_mac", (port.network_id, mac))]
    return free[:LIMIT]


ON_SWITCH = {"port": port_here}
IN_NETWORK = {"port": port_everywhere}
