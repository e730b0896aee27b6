"""Translation of addresses by the connection tracker, in the zone of the router, on the switch that does it.

Twice in either direction: the first look translates what belongs to a known connection, the second begins one.  Only
what has been translated goes on, since Open vSwitch lets a packet pass as it is where no port is free; and only as the
flows say now: the address that a packet is to be translated to is noted before the first look (NEXT_HOP4, which has no
other use until then) and compared with what has come of it.  So connections over a floating IP end with its
association, and others go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from ipaddress import IPv4Address

from controller.flow import Action, Field, Flow, Nat, ct, field, in_order, note, put
from controller.model.reader import Reader
from controller.model.rows import Router, Switch

from ..matches import IPV4
from ..pipeline import (
    DNAT,
    DNAT_JUDGED,
    DNAT_TRACKED,
    HOP,
    LOW,
    NEXT_HOP4,
    OUTSIDE,
    ROUTER,
    SEGMENT,
    SNAT_JUDGED,
    SNAT_TRACKED,
    USUAL,
    ZONES,
)
from . import helpers
from .gateways import zone_of
from .metering import crossing

NEW_OUT = field("ct_state", "+new-rel-inv+trk-snat")
NEW_IN = field("ct_state", "+new-rel-inv+trk-dnat")
TRANSLATED_OUT = field("ct_state", "-inv+trk+snat")
TRANSLATED_IN = field("ct_state", "-inv+trk+dnat")
_NOTED = 14  # bytes of an owner's digest: as long as a note may be without padding


def out(router: Router, address: str, segment: int, see: Reader) -> tuple[Action, ...]:
    """Look for the connection of a packet that is to leave from `address` into the external network."""
    return (
        *crossing(router, see), SEGMENT.put(segment), NEXT_HOP4.put(int(IPv4Address(address))),
        ct(zone_of(router.number), SNAT_TRACKED.number, nat=Nat()),
    )  # fmt: skip


def leaving(router: Router, address: str, mac: str, see: Reader, *, anybody: bool = False) -> Iterator[Flow]:
    """New connections leave from `address`, by their own port where it is free; the source MAC is that of its port.

    `anybody`: known ones from `address` go on, though those who have begun them have another one by now.
    """
    at = (IPV4, ROUTER.match(router.number))
    nat = Nat("src", (address,))
    begun = ct(zone_of(router.number), SNAT_JUDGED.number, commit=True, nat=nat)
    yield Flow(SNAT_TRACKED, USUAL, in_order(*at, _noted(address), NEW_OUT), (begun,))
    yield from helpers.read((*at, _noted(address)), NEW_OUT, router, nat, see)
    of = () if anybody else (_noted(address),)
    match = in_order(*at, *of, field("ipv4_src", address), TRANSLATED_OUT)
    yield Flow(SNAT_JUDGED, USUAL, match, (put("eth_src", mac),), goto=OUTSIDE)


def coming(router: Router, address: str) -> Flow:
    """Look for the connection of a packet from outside to `address`."""
    match = in_order(IPV4, field("ipv4_dst", address), ROUTER.match(router.number))
    known = ct(zone_of(router.number), DNAT_TRACKED.number, nat=Nat())
    return Flow(DNAT, USUAL, match, (NEXT_HOP4.put(int(IPv4Address(address))), known))


def entering_at(router: Router, address: str, fixed: str, see: Reader) -> Iterator[Flow]:
    """New connections to `address` go to the fixed address, and so does what is said in known ones."""
    at = (IPV4, ROUTER.match(router.number), _noted(address))
    nat = Nat("dst", (fixed,))
    begun = ct(zone_of(router.number), DNAT_JUDGED.number, commit=True, nat=nat)
    yield Flow(DNAT_TRACKED, USUAL, in_order(*at, NEW_IN), (begun,))
    yield from helpers.read(at, NEW_IN, router, nat, see)
    yield Flow(DNAT_JUDGED, USUAL, in_order(*at, field("ipv4_dst", fixed), TRANSLATED_IN), crossing(router, see),
               goto=HOP)  # fmt: skip


def known_only(router: Router, address: str, see: Reader) -> Flow:
    """Only answers to connections from inside come in."""
    match = in_order(IPV4, ROUTER.match(router.number), _noted(address), TRANSLATED_IN)
    return Flow(DNAT_JUDGED, USUAL, match, crossing(router, see), goto=HOP)


def owner(router: Router) -> Flow:
    """Whose the zone is: it begins empty where it was another router's."""
    return Flow(ZONES, USUAL, (field("ct_zone", zone_of(router.number)),), (_name(router.id),))


def user(router: Router, address: str, of: str) -> Flow:
    """Who has an address in it, `of`: its connections are forgotten when that is another one."""
    return Flow(ZONES, USUAL, in_order(field("ct_zone", zone_of(router.number)), _noted(address)), (_name(of),))


def _name(of: str) -> Action:
    return note(blake2b(of.encode(), digest_size=_NOTED).digest())


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    """What the first look has translated is not looked for again."""
    yield Flow(SNAT_TRACKED, LOW, (TRANSLATED_OUT,), goto=SNAT_JUDGED)
    yield Flow(DNAT_TRACKED, LOW, (TRANSLATED_IN,), goto=DNAT_JUDGED)


def _noted(address: str) -> Field:
    return NEXT_HOP4.match(int(IPv4Address(address)))


ON_SWITCH = {"switch": switch}
