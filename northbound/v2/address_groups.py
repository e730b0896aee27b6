"""Address groups of v2.0, as declared, with the calls that add and remove addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controller.intent import address_groups
from controller.intent.env import Means
from controller.model.rows import AddressGroup
from controller.store.transaction import Transaction

from ..resource import Extension, May, MemberAction, Resource
from ..rules import MEMBER, READER, Access, any_of
from ..structures import group_prefixes, member_prefixes
from .common import IDENTITY, OWNED, STANDARD, listed, shared


def _add(tx: Transaction, group_id: str, request: Mapping[str, Any], means: Means) -> AddressGroup:
    return address_groups.add(tx, group_id, request["addresses"], means)


def _remove(tx: Transaction, group_id: str, request: Mapping[str, Any], means: Means) -> AddressGroup:
    return address_groups.remove(tx, group_id, request["addresses"], means)


def _operation(name: str, summary: str, run: Callable[..., AddressGroup]) -> MemberAction:
    return MemberAction(name, summary, MEMBER, {"addresses": member_prefixes}, run)


ADDRESS_GROUPS = Resource(
    name="address_group",
    plural="address_groups",
    path="address-groups",
    kind=AddressGroup,
    not_found="AddressGroupNotFound",
    attributes=(*IDENTITY, listed("addresses", group_prefixes, May.CREATE), shared(May.NOTHING, None), *STANDARD),
    access=Access(get=any_of(READER, "role:reader and rule:shared_address_groups")),
    create=address_groups.create,
    update=address_groups.update,
    delete=address_groups.delete,
    index={**OWNED, "name": "name"},
    missing_to_guests=True,
    actions=(
        _operation("add_addresses", "Add addresses to an address group", _add),
        _operation("remove_addresses", "Remove addresses from an address group", _remove),
    ),
    extensions=(
        Extension("address-group", "Address group", "2020-07-15T10:00:00-00:00", "Support address group"),
        Extension("rbac-address-group", "Add address_group type to RBAC", "2021-01-20T00:00:00-00:00",
                  "Add address_group type to network RBAC"),
    ),
)  # fmt: skip
