"""Gateway of a router: the switch where its packets leave for external networks, and come in from there.

Every switch sends them to the first one of the ranking that is alive, in the router's own segment.  IPv4 is translated
to the gateway's address unless the gateway says otherwise; IPv6 never is.  Nothing but answers comes in to a translated
address; echo requests to the gateway's own addresses are answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Action, Flow, field, in_order, load, move, multipath, pop, push, put, resubmit
from controller.model.reader import Reader
from controller.model.rows import Router

from ..gateways import takes, to_gateway
from ..matches import ICMP, ICMPV6, IPV4, IPV6, bits, of_network, routed_into
from ..pipeline import (
    ARRIVE_ROUTER,
    AT_GATEWAY,
    DNAT,
    EXITS,
    FROM_OUTSIDE,
    GATEWAY,
    HIGH,
    HOP,
    LOW,
    OUTSIDE,
    PATH,
    ROUTED,
    ROUTER,
    SEGMENT,
    SNAT,
    USUAL,
)
from ..routing.routes import priority, to
from .answers import SAID_HERE, answers, to_mac
from .gateways import ExternalRoute, LiveGateway, exits, external_routes, live_gateways
from .helpers import announced
from .metering import crossing
from .places import serves, turn_of
from .translation import coming, known_only, leaving, out, owner

_SWAPPED: tuple[Action, ...] = (push("eth_dst"), move("eth_src", "eth_dst"), pop("eth_src"))


def router(router: Router, see: Reader) -> Iterator[Flow]:
    """To the gateway; on it, from there on."""
    gateways = live_gateways(router, see)
    if not gateways:
        return
    onward = to_gateway(router.id, see, (resubmit(AT_GATEWAY.number),))
    yield Flow(GATEWAY, USUAL, (of_network(router.segment),), onward)
    if not serves(router.id, see):
        return
    at = (ROUTER.put(router.number), load("in_port", 0))  # it may go back into the tunnel that it has come by
    yield Flow(ARRIVE_ROUTER, USUAL, (field("tun_id", router.segment),), at, metadata=routed_into(router.segment),
               goto=AT_GATEWAY)  # fmt: skip
    yield from _outward(router, see)
    for gateway in gateways:
        yield from _inward(router, gateway, see)
    yield owner(router)
    yield from announced(router, see)


def _outward(router: Router, see: Reader) -> Iterator[Flow]:
    for route in external_routes(router, see):
        match = (*to(route.prefix), ROUTER.match(router.number))
        ways = exits(route, router, see)
        if len(ways) > 1:
            choose = multipath(PATH.subfield, len(ways), "symmetric_l3", choice="hrw")
            yield Flow(SNAT, priority(route.prefix), match, (choose,), goto=EXITS)
            for path, way in enumerate(ways):
                at = in_order(*to(way.prefix), bits((ROUTER, router.number), (PATH, path)))
                yield Flow(EXITS, USUAL, at, (*_by(way, router, see), *_onward(way)))
        elif route.leads:
            goto = OUTSIDE if _onward(route) else None
            yield Flow(SNAT, priority(route.prefix), match, _by(route, router, see), goto=goto)


def _by(route: ExternalRoute, router: Router, see: Reader) -> tuple[Action, ...]:
    """Leave by a route's gateway; what is translated goes on from the connection tracker."""
    via = route.via
    if not _onward(route):
        return out(router, via.translated, via.segment, see)
    return (*crossing(router, see), SEGMENT.put(via.segment), put("eth_src", via.mac))


def _onward(route: ExternalRoute) -> tuple[Action, ...]:
    return () if route.prefix.version == 4 and route.via.snat else (resubmit(OUTSIDE.number),)


def _inward(router: Router, gateway: LiveGateway, see: Reader) -> Iterator[Flow]:
    at, answering = ROUTER.match(router.number), turn_of(router.id, see)
    yield from to_mac(router.number, gateway.segment, gateway.mac, answering, takes=takes(router.id, see))
    for address in gateway.addresses:
        yield from answers(gateway.segment, gateway.mac, address, answering)
        yield _echo(router, address)
    if gateway.translated:
        yield from leaving(router, gateway.translated, gateway.mac, see, anybody=True)
        yield coming(router, gateway.translated)
        yield known_only(router, gateway.translated, see)
    for family, version in ((IPV4, 4), (IPV6, 6)):
        if gateway.routes(version) and (version == 6 or not gateway.snat):
            yield Flow(DNAT, LOW, in_order(family, at), crossing(router, see), goto=HOP)


def _echo(router: Router, address: str) -> Flow:
    """The echo reply of a gateway's own address (RFC 792; RFC 4443, 4.2)."""
    if ":" in address:
        asked = (IPV6, field("ipv6_dst", address), ICMPV6, field("icmpv6_type", 128), field("icmpv6_code", 0))
        said = (move("ipv6_src", "ipv6_dst"), put("ipv6_src", address), put("icmpv6_type", 129))
    else:
        asked = (IPV4, field("ipv4_dst", address), ICMP, field("icmpv4_type", 8), field("icmpv4_code", 0))
        said = (move("ipv4_src", "ipv4_dst"), put("ipv4_src", address), put("icmpv4_type", 0))
    back = (*_SWAPPED, *said, load("ip_ttl", 64), ROUTER.put(0), FROM_OUTSIDE.put(0), *SAID_HERE)
    return Flow(DNAT, HIGH, in_order(*asked, ROUTER.match(router.number)), back, goto=ROUTED)


ON_SWITCH = {"router": router}
