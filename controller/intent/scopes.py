"""Rules of address scopes."""

from __future__ import annotations

from typing import Any

from controller.intent.env import Means
from controller.model.rows import AddressScope, SubnetPool
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import sharing, standard, visibility
from .standard import StandardRequest


class ScopeRequest(StandardRequest, total=False):
    ip_version: int
    shared: bool


def missing(scope_id: str) -> NotFound:
    return NotFound(f"Address scope {scope_id[:64]} could not be found.", "AddressScopeNotFound")


def required(tx: Transaction, scope_id: str) -> AddressScope:
    scope = tx.get(AddressScope, scope_id)
    if scope is None:
        raise missing(scope_id)
    return scope


def create(tx: Transaction, project_id: str, request: ScopeRequest, means: Means) -> AddressScope:
    scope = AddressScope(**standard.fields(project_id, request, means), ip_version=request["ip_version"])
    tx.put(scope)
    if request.get("shared"):
        sharing.everybody(tx, "address_scope", scope, visibility.SHARED, True, means)
    return scope


def update(tx: Transaction, scope_id: str, request: ScopeRequest, means: Means) -> AddressScope:
    """Change an address scope.  A shared one cannot be unshared: other projects may have pools in it."""
    scope = required(tx, scope_id)
    if "shared" in request:
        if not request["shared"] and visibility.shared(tx, scope_id, visibility.EVERYBODY):
            raise Invalid(
                f"Unable to update address scope {scope_id}: Shared address scope can't be unshared.",
                "AddressScopeUpdateError",
            )
        if sharing.everybody(tx, "address_scope", scope, visibility.SHARED, request["shared"], means):
            standard.touch(tx, scope, means)
    changes: dict[str, Any] = {name: value for name, value in request.items() if name != "shared"}
    return standard.change(tx, scope, changes, means)


def delete(tx: Transaction, scope_id: str, means: Means) -> None:
    scope = required(tx, scope_id)
    tx.guard(f"scope/{scope_id}")
    if tx.model.count(SubnetPool, "address_scope_id", scope_id):
        raise Conflict(
            f"Unable to complete operation on address scope {scope_id}. There are one or more subnet pools in use on "
            f"the address scope.",
            "AddressScopeInUse",
        )
    sharing.remove_all(tx, scope_id)
    tx.delete(scope)
