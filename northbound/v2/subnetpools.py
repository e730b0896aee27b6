"""Subnet pools and address scopes of v2.0, as declared, and the calls that change a pool's prefixes."""

from __future__ import annotations

from controller.intent import pools, scopes
from controller.model.rows import AddressScope, SubnetPool

from ..answer import Answer, as_json
from ..ask import Ask, Handler
from ..body import json_body
from ..checks import Fault, boolean, uuid
from ..errors import bad_request
from ..resource import Attribute, May, Resource, View, attribute
from ..structures import ip_version, nullable, number, prefixes
from .common import IDENTITY, OWNED, STANDARD, optional, shared, tagged
from .engine import found
from .visibility import target

QUOTA = 2**31 - 1


def _length(name: str) -> Attribute:
    """As text: that is how OpenStack shows it."""
    return Attribute(name, lambda view, row: str(getattr(row, name)), May.SET, number(0, 128), name)


def _quota(view: View, pool: SubnetPool) -> int | None:
    return pool.default_quota or None


SUBNETPOOLS = Resource(
    name="subnetpool",
    plural="subnetpools",
    kind=SubnetPool,
    not_found="SubnetPoolNotFound",
    attributes=(
        *IDENTITY,
        attribute("ip_version"),
        Attribute("prefixes", lambda view, row: list(row.prefixes), May.SET, prefixes, "prefixes", required=True),
        _length("default_prefixlen"),
        _length("min_prefixlen"),
        _length("max_prefixlen"),
        Attribute("default_quota", _quota, May.SET, nullable(number(0, QUOTA), 0), "default_quota"),
        attribute("is_default", boolean, May.SET),
        optional("address_scope_id", nullable(uuid, ""), May.SET),
        shared(May.CREATE, boolean),
        tagged(),
        *STANDARD,
    ),
    create=pools.create,
    update=pools.update,
    delete=pools.delete,
    index={**OWNED, "name": "name", "address_scope_id": "address_scope_id"},
    tagged=True,
)

ADDRESS_SCOPES = Resource(
    name="address_scope",
    plural="address_scopes",
    path="address-scopes",
    kind=AddressScope,
    not_found="AddressScopeNotFound",
    attributes=(
        *IDENTITY,
        attribute("ip_version", ip_version, May.CREATE, required=True),
        shared(May.SET, boolean),
        tagged(),
        *STANDARD,
    ),
    create=scopes.create,
    update=scopes.update,
    delete=scopes.delete,
    index={**OWNED, "name": "name"},
    tagged=True,
)


def prefix_operation(action: str) -> dict[str, Handler]:
    """PUT /v2.0/subnetpools/ID/add_prefixes and remove_prefixes, with {"prefixes": [...]}."""
    return {"PUT": lambda ask, pool_id: _change(ask, pool_id, action)}


def _change(ask: Ask, pool_id: str, action: str) -> Answer:
    row = found(SUBNETPOOLS, ask, pool_id)
    ask.context.policy.check(ask.caller, action, target(SUBNETPOOLS, ask, row))
    body = json_body(ask.request)
    if not isinstance(body, dict) or set(body) != {"prefixes"}:
        raise bad_request("Unable to find 'prefixes' in request body, or more than that is in it.")
    try:
        given = prefixes(body["prefixes"])
    except Fault as fault:
        raise bad_request(f"Invalid input for prefixes. Reason: {fault}.") from None
    add, drop = (given, ()) if action == "add_prefixes" else ((), given)
    pool, revision = ask.transact(lambda tx: pools.change_prefixes(tx, pool_id, add, drop, ask.means))
    return as_json(200, {"prefixes": list(pool.prefixes)}, revision)
