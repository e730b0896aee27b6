"""Addresses of the sets that rules name: one flow an address or prefix, for one direction.

A set is the members of a security group or the prefixes of an address group.  Members are looked at by address alone,
of whatever network they are, as upstream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controller.flow import Flow, in_order, resubmit
from controller.model.address_sets import AddressBlock, AddressSet
from controller.model.reader import Reader
from controller.model.rows import AddressGroup, SecurityGroup

from ..matches import IPV4, IPV6, bits
from ..pipeline import ALLOWED, DIRECTION, INWARD, MEMBERS, OUTWARD, PLAIN_MEMBERS, REMOTE_SET, RULES, USUAL
from .remotes import VALID, among

_ASKED = (resubmit(RULES.number),)


def whole(found: AddressSet, see: Reader) -> Iterator[Flow]:
    """An address group's prefixes; a security group's addresses are in blocks."""
    group = see.view(AddressGroup, found.id) if found.kind == "address_group" else None
    if group is not None:
        yield from _flows(found, group.number, group.addresses)


def block(found: AddressBlock, see: Reader) -> Iterator[Flow]:
    group = see.view(SecurityGroup, found.of.id)
    if group is not None:
        yield from _flows(found.of, group.number, see.group_addresses(group.id, found.number))


def _flows(found: AddressSet, number: int, addresses: Iterable[str]) -> Iterator[Flow]:
    inward = found.direction == "ingress"
    table = MEMBERS if found.tracked else PLAIN_MEMBERS
    asked = (REMOTE_SET.match(number), bits((DIRECTION, INWARD if inward else OUTWARD), (ALLOWED, 0)))
    tracked = (VALID,) if found.tracked else ()
    for address in addresses:
        ethertype, family = ("IPv6", IPV6) if ":" in address else ("IPv4", IPV4)
        match = in_order(*asked, *tracked, family, *among(address, ethertype, inward, found.tracked))
        yield Flow(table, USUAL, match, _ASKED)


IN_ADDRESS_SET = {"address_set": whole, "address_block": block}
IN_PLAIN_ADDRESS_SET = {"plain_address_set": whole, "address_block": block}
