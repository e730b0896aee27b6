"""Neighbours that are asked for: next hops whose MAC no port declares (docs/decisions/0121-neighbours.md).

A packet whose next hop is not known goes to the controller, at a limited rate, which asks for it by the switch's own
MAC.  So the answer comes back to this switch, from whichever switch or physical network, and from here to the
controller.  What it writes down is a row, from which each switch has the flow that the next packets take.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Action, Field, Flow, Rates, field, in_order, masked, move, put, resubmit, to_service
from controller.flow.fields import FEW
from controller.flow.meter import SHARES, of_service
from controller.model.reader import Reader
from controller.model.rows import Neighbor, Network, Switch

from ..host_mac import TO_NUMBER, to_any_host, to_host
from ..matches import ARP, ICMPV6, IPV6, MULTICAST, from_here, of_network
from ..pipeline import (
    ANSWER,
    ANSWERED,
    HEARD,
    HIGH,
    LEARNED,
    LOCAL,
    OUTBOUND,
    REMOTE,
    RESOLVE,
    ROUTED,
    SEGMENT,
    TO_SWITCH,
    UNRESOLVED,
    USUAL,
)
from ..source import NEIGHBOR_ADVERTISEMENT
from .errors import handed_over
from .next_hop import bound_for

# Services: packets that wait for a neighbour, answers, and what known neighbours tell unasked.
WANTED, ANSWERS, ANNOUNCED = "neighbors", "neighbor-answers", "neighbor-announcements"
_LONGEST = 128  # bytes of an answer


def switch(switch: Switch, see: Reader, rates: Rates) -> Iterator[Flow]:
    yield from handed_over(WANTED, UNRESOLVED, rates.router, 0)
    yield Flow(LOCAL, HIGH, (to_host(switch.number),), goto=HEARD)
    yield from _heard(rates.router)


@lru_cache(FEW)
def _heard(rate: int) -> tuple[Flow, ...]:
    """The same on every switch."""
    return tuple(
        Flow(
            HEARD,
            USUAL,
            in_order(*match, masked(SEGMENT.place, share, SHARES - 1)),
            (to_service(ANSWERS, of_service(ANSWERS, share, rate), _LONGEST),),
        )
        for match in ((ARP, field("arp_op", 2)), (IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT))
        for share in range(SHARES)
    )


def network(network: Network, see: Reader) -> Iterator[Flow]:
    """Answers go to the switch that asked."""
    if see.routed(network.id) and not network.physical_network:
        number = move(TO_NUMBER, TO_SWITCH.subfield)
        yield Flow(REMOTE, HIGH, in_order(to_any_host(), from_here(network.segment)), (number,), goto=OUTBOUND)


def neighbor(neighbor: Neighbor, see: Reader, rates: Rates) -> Iterator[Flow]:
    """Below the flows of declared addresses, which nobody's answer overrides.  What a station tells of the address
    unasked goes its way, and to the controller, which asks.
    """
    network, address = see.view(Network, neighbor.network_id), neighbor.ip_address
    if network is None or not see.routed(network.id):
        return
    match = in_order(*bound_for(address), of_network(network.segment))
    yield Flow(RESOLVE, LEARNED, match, (put("eth_dst", neighbor.mac),), goto=ROUTED)
    told: tuple[Field, ...]
    if ":" in address:
        told = (
            MULTICAST,
            IPV6,
            ICMPV6,
            NEIGHBOR_ADVERTISEMENT,
            field("nd_target", address),
            of_network(network.segment),
        )
    else:
        told = (ARP, field("arp_spa", address), field("arp_tpa", address), of_network(network.segment))
    meter = of_service(ANNOUNCED, network.segment, rates.router)
    yield Flow(ANSWER, LEARNED, in_order(*told), (to_service(ANNOUNCED, meter, _LONGEST),), goto=ANSWERED)


def into_network(segment: int) -> tuple[Action, ...]:
    """What a switch sends into a network on its own behalf."""
    return put("metadata", segment), resubmit(ROUTED.number)


ON_SWITCH = {"switch": switch}
IN_NETWORK = {"network": network, "neighbor": neighbor}
