"""Packets that a router cannot forward, and ICMP errors about them: handed over at a limited rate, and sent back.

The TTL is used up, the packet is larger than the next network's MTU, or there is no way (no route; the router itself is
meant and answers no such packet).  The logical ports of a switch share eight meters, so that one that sends such
packets without end leaves most others their share.  Nothing else depends on an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Action, Flow, Rates, Table, field, in_order, masked, put, resubmit, to_service
from controller.flow.fields import FEW
from controller.flow.meter import SHARES, of_service
from controller.model.reader import Reader
from controller.model.rows import Switch

from ..matches import IPV4, IPV6
from ..packets.icmp_error import QUOTED
from ..pipeline import ANSWERED, ERRORS, FAULT, FITS, HOP, IN_KEY, LARGER, ROUTE, ROUTER, TOO_BIG, TTL_EXCEEDED, USUAL

SERVICE = "router-errors"


def switch(_: Switch, see: Reader, rates: Rates) -> Iterator[Flow]:
    yield from FLOWS
    yield from handed_over(SERVICE, ERRORS, rates.router, QUOTED)


def _faults() -> Iterator[Flow]:
    for family in (IPV4, IPV6):
        for ttl in (0, 1):
            dead = in_order(family, field("ip_ttl", ttl))
            yield Flow(HOP, USUAL, dead, (FAULT.put(TTL_EXCEEDED),), goto=ERRORS)
    yield Flow(FITS, USUAL, (TOO_BIG.match(1),), (FAULT.put(LARGER),), goto=ERRORS)


@lru_cache(FEW)
def handed_over(service: str, table: Table, rate: int, size: int) -> tuple[Flow, ...]:
    """The first `size` bytes of packets (0: all), by one meter for all ports with the same remainder."""
    return tuple(
        Flow(
            table,
            USUAL,
            (masked(IN_KEY.place, share, SHARES - 1),),
            (to_service(service, of_service(service, share, rate), size),),
        )
        for share in range(SHARES)
    )


def from_router(segment: int) -> tuple[Action, ...]:
    """What a router sends into a network of its own, to the MAC that the frame is for: another router's, maybe."""
    return put("metadata", segment), resubmit(ANSWERED.number)


def by_route(number: int) -> tuple[Action, ...]:
    """What router `number` sends to wherever its routes lead."""
    return ROUTER.put(number), resubmit(ROUTE.number)


FLOWS = tuple(_faults())
ON_SWITCH = {"switch": switch}
