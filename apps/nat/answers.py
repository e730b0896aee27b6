"""ARP and neighbour discovery outside, for addresses of gateways and floating IPs, and frames to their MACs.

Only the switch that has an address answers for it, whoever asks: requests come from the physical network, or from ports
of the external network here.  Of a gateway's addresses that is the first of its switches that is alive (`Turn`, after
apps/gateways.py).  Frames to other MACs are not routed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from controller.flow import Action, Field, Flow, ct_clear, field, in_order, load, move, put, resubmit
from controller.model.reader import Reader
from controller.model.rows import Switch

from ..arp import REQUEST, turned
from ..matches import ARP, ICMPV6, IPV6, from_fabric, from_here, not_announced, of_network
from ..pipeline import (
    ADVERTISE_OUTSIDE,
    ANSWER_OUTSIDE,
    ASKED_OUTSIDE,
    FROM_EXTERNAL,
    FROM_FABRIC,
    FROM_OUTSIDE,
    HIGH,
    IN_KEY,
    LOCAL,
    ROUTED,
    ROUTER,
    USUAL,
)
from ..source import NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION

# What is said is of this switch, from no port, and goes where any frame of the network goes.
SAID_HERE: tuple[Action, ...] = (FROM_FABRIC.put(0), IN_KEY.put(0), load("in_port", 0))
Turn = Callable[[tuple[Action, ...]], tuple[Action, ...]]  # what is done where it is this switch's turn
_TARGET_ADDRESS, _ROUTER_SOLICITED_OVERRIDE = 2, 0xE0000000


def at_once(own: tuple[Action, ...]) -> tuple[Action, ...]:
    """It is this switch's and no other's."""
    return own


def to_mac(number: int, segment: int, mac: str, turn: Turn = at_once, *, takes: bool = False) -> Iterator[Flow]:
    """Frames to the MAC are for the router with this number.  takes: those that do not come from ports here, always."""
    arrived = (ct_clear(), ROUTER.put(number), FROM_OUTSIDE.put(1), IN_KEY.put(0), load("in_port", 0))
    own, to = (resubmit(FROM_EXTERNAL.number),), field("eth_dst", mac)
    if takes:
        yield Flow(LOCAL, HIGH, in_order(to, from_fabric(segment)), (*arrived, *own))
    from_where = from_here(segment) if takes else of_network(segment)
    yield Flow(LOCAL, HIGH, in_order(to, from_where), (*arrived, *turn(own)))


def answers(segment: int, mac: str, address: str, turn: Turn = at_once) -> Iterator[Flow]:
    """Requests for the address, to everybody or to the MAC itself, are answered."""
    asked, said = _six(segment, mac, address) if ":" in address else _four(segment, mac, address)
    yield Flow(LOCAL, HIGH + 1, asked, turn((resubmit(ASKED_OUTSIDE.number),)))
    yield Flow(ANSWER_OUTSIDE, USUAL, asked, (*said, *SAID_HERE), goto=ADVERTISE_OUTSIDE)


def _four(segment: int, mac: str, address: str) -> tuple[tuple[Field, ...], tuple[Action, ...]]:
    """ARP (RFC 826); this switch's own announcements ask for the address that they are of."""
    asked = in_order(ARP, REQUEST, field("arp_tpa", address), not_announced(segment))
    return asked, turned(mac)


def _six(segment: int, mac: str, address: str) -> tuple[tuple[Field, ...], tuple[Action, ...]]:
    """Neighbour discovery (RFC 4861, 7.2.4); the MAC in the option is set by the flow of `switch`."""
    asked = in_order(IPV6, ICMPV6, NEIGHBOR_SOLICITATION, field("nd_target", address), of_network(segment))
    said = (move("eth_src", "eth_dst"), put("eth_src", mac), move("ipv6_src", "ipv6_dst"), put("ipv6_src", address),
            put("nd_options_type", _TARGET_ADDRESS), put("nd_reserved", _ROUTER_SOLICITED_OVERRIDE),
            put("icmpv6_type", 136))  # fmt: skip
    return asked, said


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    yield Flow(ADVERTISE_OUTSIDE, USUAL, (IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT), (move("eth_src", "nd_tll"),),
               goto=ROUTED)  # fmt: skip


ON_SWITCH = {"switch": switch}
