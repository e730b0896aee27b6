"""Rules of address groups: sets of prefixes that rules of security groups name together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controller.intent.env import Means
from controller.model.rows import AddressGroup, SecurityGroupRule
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import allocate, sharing, standard
from .standard import StandardRequest

MOST_ADDRESSES = 1_000  # of one group
MOST_ADDED = 256  # in one request
SHOWN = 10  # prefixes that an error message names


class AddressGroupRequest(StandardRequest, total=False):
    """Requested attributes of an address group.  `addresses`: canonical prefixes, each once."""

    addresses: tuple[str, ...]


def missing(group_id: str) -> NotFound:
    return NotFound(f"Address group {group_id[:64]} could not be found.", "AddressGroupNotFound")


def required(tx: Transaction, group_id: str) -> AddressGroup:
    group = tx.get(AddressGroup, group_id)
    if group is None:
        raise missing(group_id)
    return group


def create(tx: Transaction, project_id: str, request: AddressGroupRequest, means: Means) -> AddressGroup:
    group = AddressGroup(
        **standard.fields(project_id, request, means),
        number=allocate.free_group_number(tx, means),
        addresses=_checked(request.get("addresses", ())),
    )
    tx.reserve(f"group-number/{group.number}", group)
    tx.put(group)
    return group


def update(tx: Transaction, group_id: str, request: AddressGroupRequest, means: Means) -> AddressGroup:
    return standard.change(tx, required(tx, group_id), request, means)


def delete(tx: Transaction, group_id: str, means: Means) -> None:
    """Delete an address group.  Raises Conflict while a rule of any project names it."""
    group = required(tx, group_id)
    tx.guard(f"remote/{group_id}")
    if tx.find(SecurityGroupRule, "remote_address_group_id", group_id):
        raise Conflict(
            f"Address group {group_id} is in use on one or more security group rules.", "AddressGroupInUse"
        )  # fmt: skip
    sharing.remove_all(tx, group_id)
    tx.release(f"group-number/{group.number}")
    tx.delete(group)


def add(tx: Transaction, group_id: str, addresses: Sequence[str], means: Means) -> AddressGroup:
    """Add prefixes.  Raises Invalid when the group has one of them already: then none is added."""
    group = required(tx, group_id)
    already = set(group.addresses).intersection(addresses)
    if already:
        raise Invalid(
            f"Addresses {_listed(already)} already exist in the address group {group_id}.", "AddressesAlreadyExist"
        )
    return standard.change(tx, group, {"addresses": _checked((*group.addresses, *addresses))}, means)


def remove(tx: Transaction, group_id: str, addresses: Sequence[str], means: Means) -> AddressGroup:
    """Remove prefixes.  Raises NotFound when the group does not have one of them: then none is removed."""
    group = required(tx, group_id)
    absent = set(addresses).difference(group.addresses)
    if absent:
        raise NotFound(f"Addresses {_listed(absent)} not found in the address group {group_id}.", "AddressesNotFound")
    return standard.change(tx, group, {"addresses": _checked(set(group.addresses).difference(addresses))}, means)


def _checked(addresses: Iterable[str]) -> tuple[str, ...]:
    """The prefixes in order.  Raises Invalid for too many."""
    found = tuple(sorted(addresses))
    if len(found) > MOST_ADDRESSES:
        raise Invalid(
            f"Invalid input for operation: {len(found)} addresses are more than an address group can have "
            f"({MOST_ADDRESSES})."
        )
    return found


def _listed(addresses: set[str]) -> str:
    shown = ", ".join(sorted(addresses)[:SHOWN])
    return f"{shown}, ..." if len(addresses) > SHOWN else shown
