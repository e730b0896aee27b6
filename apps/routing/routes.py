"""Routes of a router: the longest prefix decides (RFC 1812, 5.2.4.3).  A flow's priority is its prefix's length.

A route says which network is next and by which MAC the router is known there; the next hop is the destination itself,
or of an extra route the address that it names in a connected network.  Where several are given for one prefix, they
share its flows by a hash of the two addresses (ECMP), so that the fragments of a datagram stay together.  Those of
ports whose machine is gone get none.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from controller.flow import Action, Field, Flow, dec_ttl, load, multipath, put
from controller.flow.fields import masked
from controller.model.reader import Reader
from controller.model.rows import Router, RouterInterface

from ..matches import IPV4, IPV6, bits, routed_into
from ..pipeline import FIT, PATH, PATHS, ROUTE, ROUTER
from .interface import LiveInterface, Prefix, live
from .next_hop import IS_DESTINATION, is_address

MOST_PATHS = 1 << PATH.width
_SHORTEST = 20  # priority of the default route
_FAMILY = {4: IPV4, 6: IPV6}
Address = IPv4Address | IPv6Address


def router_interface(interface: RouterInterface, see: Reader) -> Iterator[Flow]:
    """Routes to the interface's own prefixes."""
    here = live(interface, see)
    if here is None:
        return
    for prefix in here.prefixes(see):
        if prefix.version == 4 and prefix.prefixlen < 31:  # its broadcast address is nobody's (RFC 2644)
            everybody = ip_network(prefix.broadcast_address)
            yield Flow(ROUTE, priority(everybody), (*to(everybody), ROUTER.match(here.router)))
        match = (*to(prefix), ROUTER.match(here.router))
        yield Flow(ROUTE, priority(prefix), match, _leave(here, IS_DESTINATION[prefix.version]),
                   metadata=routed_into(here.segment), goto=FIT)  # fmt: skip


def router(router: Router, see: Reader) -> Iterator[Flow]:
    """Extra routes whose next hops are in connected networks."""
    if not router.routes or not router.admin_state_up:
        return
    connected = _connected(router, see)
    for prefix, hops in _by_prefix(router).items():
        if prefix in connected:
            continue
        reached = [(hop, via) for hop in sorted(hops) if (via := _via(hop, connected)) is not None]
        if len(reached) > 1:
            reached = [each for each in reached if _is_there(*each, see)] or reached
        reached = reached[:MOST_PATHS]
        if len(reached) > 1:
            choose = multipath(PATH.subfield, len(reached), "symmetric_l3", choice="hrw")
            yield Flow(ROUTE, priority(prefix), (*to(prefix), ROUTER.match(router.number)), (choose,), goto=PATHS)
        for path, (hop, via) in enumerate(reached):
            table, at = (PATHS, bits((ROUTER, router.number), (PATH, path))) if len(reached) > 1 else (
                ROUTE, ROUTER.match(router.number))  # fmt: skip
            yield Flow(table, priority(prefix), (*to(prefix), at), _leave(via, *is_address(hop)),
                       metadata=routed_into(via.segment), goto=FIT)  # fmt: skip


def priority(prefix: Prefix) -> int:
    return _SHORTEST + prefix.prefixlen


def to(prefix: Prefix) -> tuple[Field, ...]:
    """Match of packets to a prefix."""
    family = _FAMILY[prefix.version]
    if not prefix.prefixlen:
        return (family,)
    return family, masked(f"ipv{prefix.version}_dst", str(prefix.network_address), int(prefix.netmask))


def _leave(by: LiveInterface, *next_hop: Action) -> tuple[Action, ...]:
    """Without an in-port, since a packet may go back to where it came from."""
    return dec_ttl(), put("eth_src", by.mac), *next_hop, load("in_port", 0)


def _connected(router: Router, see: Reader) -> dict[Prefix, LiveInterface]:
    found = [live(interface, see) for interface in see.find(RouterInterface, "router_id", router.id)]
    return {prefix: here for here in found if here is not None for prefix in here.prefixes(see)}


def _by_prefix(router: Router) -> dict[Prefix, set[Address]]:
    found: dict[Prefix, set[Address]] = {}
    for route in router.routes:
        found.setdefault(ip_network(route.destination, strict=False), set()).add(ip_address(route.nexthop))
    return found


def _via(hop: Address, connected: dict[Prefix, LiveInterface]) -> LiveInterface | None:
    """The interface in whose network a next hop is."""
    found = [prefix for prefix in connected if prefix.version == hop.version and hop in prefix]
    return connected[max(found, key=lambda prefix: prefix.prefixlen)] if found else None


def _is_there(hop: Address, via: LiveInterface, see: Reader) -> bool:
    """False of the address of a port that is bound nowhere.  A router, and what no port has, counts as there.

    A tenant that claims so of a port of its own (`device_owner`) has its own packets lost.
    """
    port = see.addressed(via.network_id, str(hop))
    if port is None or port.device_owner.startswith("network:router"):
        return True
    return port.admin_state_up and see.binding(port) is not None


IN_ROUTER = {"router": router, "router_interface": router_interface}
