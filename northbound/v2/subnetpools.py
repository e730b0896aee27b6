"""Subnet pools of v2.0, as declared, with the calls that change a pool's prefixes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controller.intent import pools
from controller.intent.env import Means
from controller.model.rows import SubnetPool
from controller.store.transaction import Transaction

from ..checks import boolean, uuid
from ..resource import Attribute, Extension, May, MemberAction, Resource, ResourceView, attribute
from ..rules import ADMIN, CREATE, MEMBER, READER, WRITE, Access, any_of, of_attributes
from ..schema import SHOWN_TEXT, TEXTS, closed, either
from ..structures import nullable, number, prefixes
from .common import IDENTITY, OWNED, STANDARD, optional, shared, tagged

QUOTA = 2**31 - 1


def _length(name: str) -> Attribute:
    """As text: that is how OpenStack shows it."""
    return Attribute(name, lambda view, row: str(getattr(row, name)), May.SET, number(0, 128), name, shape=SHOWN_TEXT)


def _quota(view: ResourceView, pool: SubnetPool) -> int | None:
    return pool.default_quota or None


def _prefixes(view: ResourceView, pool: SubnetPool) -> dict[str, object]:
    return {"prefixes": list(pool.prefixes)}


def _add(tx: Transaction, pool_id: str, request: Mapping[str, Any], means: Means) -> SubnetPool:
    return pools.change_prefixes(tx, pool_id, request["prefixes"], (), means)


def _remove(tx: Transaction, pool_id: str, request: Mapping[str, Any], means: Means) -> SubnetPool:
    return pools.change_prefixes(tx, pool_id, (), request["prefixes"], means)


def _operation(name: str, summary: str, run: Callable[..., SubnetPool]) -> MemberAction:
    takes = {"prefixes": prefixes}
    return MemberAction(name, summary, MEMBER, takes, run, _prefixes, closed({"prefixes": TEXTS}, "prefixes"))


SUBNETPOOLS = Resource(
    name="subnetpool",
    plural="subnetpools",
    kind=SubnetPool,
    not_found="SubnetPoolNotFound",
    attributes=(
        *IDENTITY,
        attribute("ip_version", shape=either(4, 6)),
        Attribute("prefixes", lambda view, row: list(row.prefixes), May.SET, prefixes, "prefixes", required=True,
                  shape=TEXTS),
        _length("default_prefixlen"),
        _length("min_prefixlen"),
        _length("max_prefixlen"),
        Attribute("default_quota", _quota, May.SET, nullable(number(0, QUOTA), 0), "default_quota"),
        attribute("is_default", boolean, May.SET, usual=False),
        optional("address_scope_id", nullable(uuid, ""), May.SET),
        shared(May.CREATE, boolean),
        tagged(),
        *STANDARD,
    ),
    access=Access(
        get=any_of(READER, "role:reader and rule:shared_subnetpools"),
        attributes=of_attributes(((CREATE,), "shared", ADMIN), (WRITE, "is_default", ADMIN)),
    ),
    create=pools.create,
    update=pools.update,
    delete=pools.delete,
    index={**OWNED, "name": "name", "address_scope_id": "address_scope_id"},
    tagged=True,
    actions=(
        _operation("add_prefixes", "Add prefixes to a subnet pool", _add),
        _operation("remove_prefixes", "Take prefixes out of a subnet pool", _remove),
    ),
    extensions=(
        Extension("default-subnetpools", "Default Subnetpools", "2016-02-18T18:00:00-00:00",
                  "Provides ability to mark and use a subnetpool as the default."),
        Extension("rbac-subnetpool", "Add subnetpool type to RBAC", "2020-02-05T00:00:00-00:00",
                  "Add subnetpool type to RBAC"),
        Extension("subnetpool-prefix-ops", "Subnet Pool Prefix Operations", "2019-02-08T10:00:00-00:00",
                  "Provides support for adjusting the prefix list of subnet pools"),
    ),
)  # fmt: skip
