"""Failover between a router's gateways in the switch itself: groups that watch BFD ports (topology/watches.py).

A switch that uses a gateway turns to the next one of the ranking when it hears no more of the first.  A switch that may
be a gateway acts towards the outside when it hears none of those before it.  Neither needs a controller.

A port whose BFD session has never been up is not watched: the switch behind it counts as alive.  So a new standby does
not act before it has heard the active one.  Switches that no tunnel joins have no BFD; there a switch counts as dead
while no route over wires leads to it, which the controller follows.

A move of a gateway that is alive has steps (`GatewayRanking`), so that no packet meets a switch without its flows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controller.flow import Action, Bucket, Group, resubmit, to_group
from controller.model.reader import Reader
from controller.model.rows import GatewayRanking, Switch, WatchPort

from .pipeline import OUTBOUND, TO_SWITCH


def to_gateway(router_id: str, see: Reader, here: tuple[Action, ...]) -> tuple[Action, ...]:
    """Actions that take a packet to the router's gateway, the first one that is alive.

    `here`: what is done with it on this switch, where that is the one; for an action set, as of a group's bucket.
    Empty without a gateway.
    """
    return to_first_alive(see.gateways(router_id), see, here)


def to_first_alive(ranking: Sequence[str], see: Reader, here: tuple[Action, ...]) -> tuple[Action, ...]:
    """The same for any ranking of switches."""
    buckets: list[Bucket] = []
    for switch, watch in _standing(ranking, see):
        if switch.id == see.switch_id:
            buckets.append(Bucket(here))
            break
        buckets.append(Bucket((TO_SWITCH.put(switch.number), resubmit(OUTBOUND.number)), watch))
        if watch is None:
            break
    return _first_alive(buckets, see)


def takes(router_id: str, see: Reader) -> bool:
    """Whether this switch is one of the two between which the gateway moves: each takes what comes to it from the
    physical network or over the fabric.  What ports here send goes to the one that is used.
    """
    ranking = see.view(GatewayRanking, router_id)
    return bool(ranking and ranking.leaving and see.switch_id in (ranking.leaving, *ranking.switches[:1]))


def in_turn(
    router_id: str, see: Reader, own: tuple[Action, ...], others: tuple[Action, ...] = ()
) -> tuple[Action, ...] | None:
    """Actions for what comes from outside to the router; None where this switch may not be its gateway.

    own: while this switch is the gateway; others: while a switch before it is alive.  Both for an action set.
    """
    ranking = see.view(GatewayRanking, router_id)
    if ranking is None:
        return None
    buckets: list[Bucket] = []
    for switch, watch in _standing(see.gateways(router_id), see):
        if switch.id == see.switch_id:
            buckets.append(Bucket(own))
            return _first_alive(buckets, see)
        if watch is None:
            return others
        buckets.append(Bucket(others, watch))
    return None


def _standing(ranking: Sequence[str], see: Reader) -> Iterator[tuple[Switch, int | None]]:
    """The switches of a ranking that may be alive, and the ports to watch them by; None: not watched."""
    for switch_id in ranking:
        switch = see.view(Switch, switch_id)
        if switch is None:
            continue
        port = see.view(WatchPort, f"{see.switch_id}/{switch_id}") if switch_id != see.switch_id else None
        if switch_id == see.switch_id or port is not None or not _cut_off(switch_id, see):
            yield switch, port.ofport if port else None


def _cut_off(switch_id: str, see: Reader) -> bool:
    """Whether this switch has wires, and no way leads to the other one."""
    return bool(see.link_ports()) and see.route(switch_id) is None


def _first_alive(buckets: list[Bucket], see: Reader) -> tuple[Action, ...]:
    """The last one counts always: if all seem dead, it is tried.

    Open vSwitch takes no bucket of such a group without a watched port: it watches the tunnel port for all peers.
    """
    me = see.switch()
    if len(buckets) < 2 or me is None or not me.tunnels:
        return buckets[0].actions if buckets else ()
    last = Bucket(buckets[-1].actions, me.tunnels[0].ofport)
    return (to_group(Group("fast_failover", (*buckets[:-1], last))),)
