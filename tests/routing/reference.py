"""Reference of routing: what becomes of a packet, from a plan alone, as plain Linux does it (RFC 1812, 5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from tests.routing.plan import Plan, PlannedHost, PlannedNetwork, PlannedRouter, Prefix

ARRIVED, ANSWERED, EXPIRED, NO_ROUTE, NO_HOST = "arrived", "a router's own", "expired", "no route", "no host"
_FORWARDED = "forwarded"


class Fate(NamedTuple):
    """What becomes of a packet: `what`, at the host or the router called `at`.

    `ttl`: what is left of it there.  `by`: the last router that forwarded it, "" if none has; `network`: that which it
    was sent on.  `hops`: routers that it has passed.
    """

    what: str
    at: str
    ttl: int
    by: str = ""
    network: str = ""
    hops: int = 0


class RouteChoice(NamedTuple):
    prefix: Prefix
    network: str
    nexthop: str  # "" for a destination on the network itself


def fates(plan: Plan, router: PlannedRouter, target: str, ttl: int) -> set[Fate]:
    """Of a packet that has come to a router: several where routes of equal cost lead on."""
    found: set[Fate] = set()
    at, hops = {Fate(_FORWARDED, router.name, ttl)}, 0
    while at:
        hops += 1
        there = {fate for one in at for fate in _one_hop(plan, one, target, hops)}
        at = {fate for fate in there if fate.what == _FORWARDED}
        found |= there - at
    return found


def _one_hop(plan: Plan, at: Fate, target: str, hops: int) -> Iterator[Fate]:
    """What one router does, for each of its routes; what is forwarded is at the next router."""
    router, ttl = plan.routers[at.at], at.ttl
    if any(target in _own(plan, router, name) for name in router.networks):
        yield at._replace(what=ANSWERED)
    elif ttl <= 1:
        yield at._replace(what=EXPIRED)
    elif found := best(plan, router, target):
        for choice in found:
            network, nexthop = plan.networks[choice.network], choice.nexthop or target
            owner = next(plan.owners(network.name, nexthop), None)
            if isinstance(owner, PlannedRouter):
                yield Fate(_FORWARDED, owner.name, ttl - 1, router.name, network.name, hops)
            else:
                yield _received(plan, network, nexthop, ttl - 1, router.name, hops)
    else:
        yield at._replace(what=NO_ROUTE)


def answers(plan: Plan, asker: PlannedHost, family: int, asked: Fate) -> set[Fate]:
    """Of a router's answer to an echo request: it goes back to who sent it the request, the asker or a router."""
    if not asked.by:
        return {Fate(ARRIVED, asker.name, 64)}
    source = plan.networks[asker.network].address(asker.nth, family)
    return fates(plan, plan.routers[asked.by], source, 64)


def best(plan: Plan, router: PlannedRouter, target: str) -> list[RouteChoice]:
    """The routes of the longest prefix that has the target; those that are directly connected before others."""
    address = ip_address(target)
    matching = [one for one in _table(plan, router) if address in one.prefix]
    if not matching:
        return []
    longest = max(one.prefix.prefixlen for one in matching)
    chosen = [one for one in matching if one.prefix.prefixlen == longest]
    return [one for one in chosen if not one.nexthop] or chosen


def sent_by(plan: Plan, host: PlannedHost, target: str, ttl: int = 64) -> set[Fate]:
    """Of a packet that a host sends with its own routing table: its subnet, and its gateway."""
    network, family = plan.networks[host.network], ip_address(target).version
    if family not in network.families:
        return {Fate(NO_ROUTE, host.name, ttl)}
    if ip_address(target) in network.prefix(family):
        return {_received(plan, network, target, ttl, "", 0)}
    if not host.gateway:
        return {Fate(NO_ROUTE, host.name, ttl)}
    return fates(plan, plan.routers[host.gateway], target, ttl)


def pings(plan: Plan, one: PlannedHost, other: PlannedHost, family: int) -> set[int]:
    """The TTLs that answers to an echo request can come with; 0: there is none."""
    source, target = plan.address(one, family), plan.address(other, family)
    if source is None or target is None:
        return {0}
    ways = sent_by(plan, one, target)
    back = sent_by(plan, other, source)
    there = {way.what == ARRIVED and way.at == other.name for way in ways}
    ttls = {way.ttl if way.what == ARRIVED and way.at == one.name else 0 for way in back}
    return (ttls if True in there else set()) | ({0} if False in there else set())


def _received(
    plan: Plan, network: PlannedNetwork, nexthop: str, ttl: int, by: str, hops: int
) -> Fate:  # fmt: skip
    """On the last network."""
    owner = next(plan.owners(network.name, nexthop), None)
    if owner is None:
        return Fate(NO_HOST, by, ttl, by, network.name, hops)
    return Fate(ARRIVED, owner.name, ttl, by, network.name, hops)


def _table(plan: Plan, router: PlannedRouter) -> Iterator[RouteChoice]:
    for name in router.networks:
        network = plan.networks[name]
        for family in network.families:
            yield RouteChoice(network.prefix(family), name, "")
    for route in router.routes:
        for name in router.networks:
            network = plan.networks[name]
            if route.family in network.families and ip_address(route.nexthop) in network.prefix(route.family):
                yield RouteChoice(ip_network(route.destination), name, route.nexthop)


def _own(plan: Plan, router: PlannedRouter, name: str) -> Iterator[str]:
    network = plan.networks[name]
    for family in network.families:
        yield network.address(router.nth, family)
