"""Router advertisements (RFC 4861): which interfaces of routers advertise, and solicitations of ports here.

A solicitation is answered by the controller and goes on, for a port without port security may be a router, too.
Unsolicited ones are floods on each switch of its own: every switch that holds ports of the network sends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from controller.flow import Action, Flow, in_order, resubmit
from controller.model.reader import Reader
from controller.model.rows import RouterInterface, Subnet

from ..matches import ICMPV6, IPV6, UNTAGGED, of_network
from ..pipeline import ANSWER, ANSWERED, FROM_FABRIC, HIGH, ROUTED, SEGMENT, SERVED, SERVICE, SOLICITED
from ..routing.interface import LiveInterface, live
from ..source import ROUTER_SOLICITATION


class Advertising(NamedTuple):
    """An interface of a router and its subnets with an `ra_mode`: one at least."""

    interface: LiveInterface
    subnets: tuple[Subnet, ...]


def advertising(interface: RouterInterface, see: Reader) -> Advertising | None:
    """None for an interface that advertises nothing: it is not up, or none of its subnets has an `ra_mode`."""
    here = live(interface, see)
    if here is None:
        return None
    subnets = [see.get(Subnet, subnet_id) for subnet_id in dict.fromkeys(here.subnets)]
    found = tuple(
        [each for each in subnets if each is not None and each.ra_mode and each.network_id == here.network_id]
    )
    return Advertising(here, found) if found else None


def router_interface(interface: RouterInterface, see: Reader) -> Iterator[Flow]:
    found = advertising(interface, see)
    if found is not None:
        asked = in_order(IPV6, ICMPV6, ROUTER_SOLICITATION, UNTAGGED, of_network(found.interface.segment))
        handed_over = (SERVICE.put(SOLICITED), resubmit(SERVED.number), SERVICE.put(0))
        yield Flow(ANSWER, HIGH, asked, handed_over, goto=ANSWERED)


def to_everybody_here(segment: int) -> tuple[Action, ...]:
    """A group frame for the ports of a network on this switch alone, as if it had come from another."""
    return SEGMENT.put(segment), FROM_FABRIC.put(1), resubmit(ROUTED.number)


IN_NETWORK = {"router_interface": router_interface}
