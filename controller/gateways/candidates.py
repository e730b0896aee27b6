"""Candidates for a router's gateway: the switches that have its external networks, and which of them are alive."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from controller.gateways.ranking import POOL, by_weight
from controller.intent.networks import ZONE
from controller.model.model import Model
from controller.model.rows import GatewayHost, Network, Router, Switch, WatchPort


class GatewayHosts(NamedTuple):
    """Switches as gateways, at one moment.  `of`: physical network -> switches that have it.  `pools`: those of them
    that are taken for a new router.
    """

    of: Mapping[str, frozenset[str]]
    pools: Mapping[str, frozenset[str]]
    designated: frozenset[str]
    draining: frozenset[str]
    alive: frozenset[str]
    severed: frozenset[tuple[str, str]]  # (one that does not hear, the other, which is alive)
    zones: Mapping[str, frozenset[str]]  # availability zone -> its switches
    cut_off: frozenset[tuple[str, str]]  # (switch, physical network to which it has no link)


def gateway_hosts(
    model: Model, is_away: Callable[[str], bool], cut_off: frozenset[tuple[str, str]] = frozenset()
) -> GatewayHosts:
    """`is_away`: a switch has been without a connection to any controller for long.  `cut_off`: see `GatewayHosts`."""
    zones: dict[str, set[str]] = {}
    of: dict[str, set[str]] = {}
    present = set()
    for switch in model.rows(Switch).values():
        for physical in switch.physical:
            of.setdefault(physical.network, set()).add(switch.id)
        zones.setdefault(switch.zone or ZONE, set()).add(switch.id)
        if not is_away(switch.id):
            present.add(switch.id)
    said = [host for host in model.rows(GatewayHost).values() if host.id in model.rows(Switch)]
    deaf = {(port.switch_id, port.far_switch_id) for port in model.rows(WatchPort).values() if not port.up}
    alive = frozenset(each for each in present if not unheard(model, each, present))
    designated = frozenset(host.id for host in said if host.designated)
    draining = frozenset(host.id for host in said if host.draining)
    return GatewayHosts(
        {name: frozenset(switch_ids) for name, switch_ids in of.items()},
        {name: _pool(name, switch_ids, designated, alive - draining) for name, switch_ids in of.items()},
        designated,
        draining,
        alive,
        frozenset((one, other) for one, other in deaf if other in alive),
        {zone: frozenset(switch_ids) for zone, switch_ids in zones.items()},
        cut_off,
    )


def usable(model: Model, router: Router, now: GatewayHosts) -> frozenset[str]:
    """Switches that are alive and have lost no link to the router's external networks."""
    if not now.cut_off:
        return now.alive
    rows = [model.get(Network, network_id) for network_id in router.external_networks]
    names = {network.physical_network for network in rows if network is not None}
    return now.alive - {switch_id for switch_id, name in now.cut_off if name in names}


def _pool(name: str, having: set[str], designated: frozenset[str], usable: frozenset[str]) -> frozenset[str]:
    """Of the switches that have a physical network the designated ones; where there are none, a few of the others."""
    return frozenset(having & designated or by_weight(name, having & usable)[:POOL])


def unheard(model: Model, switch_id: str, present: Collection[str]) -> bool:
    """Whether most of the switches that watch this one do not hear it by BFD."""
    watching = [port for port in model.find(WatchPort, "far_switch_id", switch_id) if port.switch_id in present]
    return 2 * sum(not port.up for port in watching) > len(watching)


def candidates(model: Model, router: Router, now: GatewayHosts, current: tuple[str, ...]) -> frozenset[str]:
    """Switches that may be the router's gateway: those that have all of its external networks, else the first one.

    Where hosts of the availability zones that it asks for are in order, it is these alone.
    """
    found = None
    within = frozenset().union(*(now.zones.get(zone, frozenset()) for zone in router.zone_hints))
    for network_id in router.external_networks:
        having = _having(model.get(Network, network_id), now, current, within)
        if found is None or found & having:
            found = having if found is None else found & having
    return found or frozenset()


def _having(
    network: Network | None, now: GatewayHosts, current: tuple[str, ...], within: frozenset[str]
) -> frozenset[str]:
    """Switches that may be gateways of an external network: the pool of its physical network, and of the others that
    have it those of the current ranking, unless the pool is designated.
    """
    if network is None:
        return frozenset()
    name = network.physical_network
    having = now.of.get(name, frozenset()) if name else now.designated
    pool = now.pools.get(name, frozenset()) if name else now.designated
    is_free = bool(name) and not pool & now.designated  # it is any that has the physical network
    if within:
        zoned = pool & within or (frozenset(by_weight(name, having & within)[:POOL]) if is_free else frozenset())
        if zoned & now.alive - now.draining:
            pool, having = zoned, having & within
    return pool.union(having.intersection(current)) if is_free else pool
