"""Rules of sharing (RBAC policies): an object that its owner lets another project, or every one, use."""

from __future__ import annotations

from typing import TypedDict
from urllib.parse import quote

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import AddressScope, Network, RbacPolicy, Row, Standard, SubnetPool
from controller.model.rows.base import DECLARED, REFERRERS, SHAREABLE
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Taken, Transaction

from . import standard, visibility
from .visibility import EVERYBODY, EXTERNAL, SHARED, granted


class SharingWish(TypedDict, total=False):
    object_type: str
    object_id: str
    action: str
    target: str


def required(tx: Transaction, policy_id: str) -> RbacPolicy:
    policy = tx.get(RbacPolicy, policy_id)
    if policy is None:
        raise NotFound(f"RBAC policy of type {policy_id} not found.", "RbacPolicyNotFound")
    return policy


def create(tx: Transaction, project_id: str, wish: SharingWish, means: Means) -> RbacPolicy:
    """Only the object's owner, or the operator, may, and only to such as may also see the pool's address scope."""
    kind = SHAREABLE[wish["object_type"]]
    seen = DECLARED[kind].seen
    actions = seen.shared if seen is not None else ()
    name = kind.__name__
    missing = NotFound(f"{name} {wish['object_id'][:64]} could not be found.", f"{name}NotFound")
    shared = visibility.required(tx, kind, wish["object_id"], means, missing)
    _check_owner(shared, wish["object_type"], means)
    if wish["action"] not in actions:
        raise Invalid(
            f"Invalid action '{wish['action']}' for object type '{wish['object_type']}'. Valid actions: "
            f"{', '.join(actions)}.",
            "InvalidRbacPolicyAction",
        )
    policy = RbacPolicy(id=means.new_id(), project_id=project_id, **wish)
    _check_scope(tx, shared, policy.target)
    _take(tx, policy)
    tx.put(policy)
    _mark_external(tx, policy)
    _touch(tx, policy, means)
    return policy


def update(tx: Transaction, policy_id: str, wish: SharingWish, means: Means) -> RbacPolicy:
    """Only the target may change."""
    policy = _own(tx, policy_id, means)
    changed = replace(policy, **wish)
    if changed == policy:
        return policy
    _check_scope(tx, tx.get(SHAREABLE[policy.object_type], policy.object_id), changed.target)
    _end(tx, policy)
    _take(tx, changed)
    tx.put(changed)
    _mark_external(tx, changed)
    _check_use(tx, policy)
    _touch(tx, changed, means)
    return changed


def delete(tx: Transaction, policy_id: str, means: Means) -> None:
    """Raises Conflict (RbacPolicyInUse) while a project relies on it."""
    policy = _own(tx, policy_id, means)
    _end(tx, policy)
    _check_use(tx, policy)
    _touch(tx, policy, means)


def everybody(tx: Transaction, kind: str, row: Standard, action: str, wanted: bool, means: Means) -> bool:
    """Share with every project, or no longer; True when that is a change."""
    there = [
        policy
        for policy in tx.find(RbacPolicy, "object_id", row.id)
        if (policy.action, policy.target) == (action, EVERYBODY)
    ]
    if bool(there) == wanted:
        return False
    if wanted:
        policy = RbacPolicy(id=means.new_id(), project_id=row.project_id, object_type=kind, object_id=row.id,
                            action=action, target=EVERYBODY)  # fmt: skip
        _take(tx, policy)
        tx.put(policy)
        return True
    for policy in there:
        _end(tx, policy)
        user = _user(tx, policy)
        if user and action == SHARED:
            raise Conflict(
                f"Unable to reconfigure sharing settings for {kind} {row.id}. Multiple projects are using it.",
                "InvalidSharedSetting",
            )
    return True


def remove_all(tx: Transaction, object_id: str) -> None:
    """With the object that they were about."""
    for policy in tx.find(RbacPolicy, "object_id", object_id):
        tx.release(_place(policy))
        tx.delete(policy)


def _own(tx: Transaction, policy_id: str, means: Means) -> RbacPolicy:
    """A policy for whoever owns the object that it is about: an operator may have made it in another's project."""
    policy = required(tx, policy_id)
    shared = tx.get(SHAREABLE[policy.object_type], policy.object_id)
    if shared is not None:
        _check_owner(shared, policy.object_type, means)
    return policy


def _check_owner(shared: Standard, kind: str, means: Means) -> None:
    if not (means.operator or shared.project_id == means.project_id):
        raise Invalid(
            f"Invalid input for operation: Only admins can manipulate policies on objects they do not own "
            f"({kind} {shared.id})."
        )


# --- one policy -------------------------------------------------------------------------------------------------------


def _place(policy: RbacPolicy) -> str:
    return f"rbac/{policy.object_id}/{policy.action}/{quote(policy.target, safe='')}"


def _take(tx: Transaction, policy: RbacPolicy) -> None:
    try:
        tx.reserve(_place(policy), policy)
    except Taken:
        raise Conflict(
            f"An RBAC policy already exists with those values: {policy.object_type} {policy.object_id}.",
            "DuplicateRbacPolicy",
        ) from None


def _end(tx: Transaction, policy: RbacPolicy) -> None:
    tx.release(_place(policy))
    tx.delete(policy)
    _mark_external(tx, policy)


def _touch(tx: Transaction, policy: RbacPolicy, means: Means) -> None:
    """An object is shown with whether it is shared."""
    row = tx.get(SHAREABLE[policy.object_type], policy.object_id)
    if row is not None:
        standard.touch(tx, row, means)


def _mark_external(tx: Transaction, policy: RbacPolicy) -> None:
    """A network is external while any policy gives it away as such."""
    network = tx.get(Network, policy.object_id) if policy.action == EXTERNAL else None
    if network is None:
        return
    external = any(other.action == EXTERNAL for other in tx.find(RbacPolicy, "object_id", network.id))
    if network.external != external:
        tx.put(replace(network, external=external))


def _check_scope(tx: Transaction, shared: Row | None, target: str) -> None:
    """Raises Invalid where a pool would be shared with a project that does not see the pool's address scope."""
    if not isinstance(shared, SubnetPool) or not shared.address_scope_id:
        return
    scope = tx.get(AddressScope, shared.address_scope_id)
    if scope is None or scope.project_id == target or visibility.shared(tx, scope.id, target):
        return
    raise Invalid(
        f"Invalid input for operation: project {target} has no access to address scope {scope.id} of the subnet pool."
    )


def _check_use(tx: Transaction, policy: RbacPolicy) -> None:
    """After the policy is gone: nobody may be left who needed it."""
    if _user(tx, policy):  # whose project that is, is not for the owner to know
        raise Conflict(
            f"RBAC policy on object {policy.object_id} cannot be removed because other objects depend on it.",
            "RbacPolicyInUse",
        )


def _user(tx: Transaction, policy: RbacPolicy) -> str:
    """A project that uses the object and that neither owns it nor is let at it by another policy; "" for none."""
    if policy.action != SHARED:
        return ""
    owner = tx.get(SHAREABLE[policy.object_type], policy.object_id)
    if owner is None:
        return ""
    for project in sorted(_users(tx, policy.object_type, policy.object_id)):
        let_in = project != owner.project_id and policy.target in (EVERYBODY, project)
        if let_in and not granted(tx, policy.object_id, project, SHARED):
            return project
    return ""


def _users(tx: Transaction, object_type: str, object_id: str) -> set[str]:
    """Projects of the rows that refer to the object; whoever refers to it meanwhile has the commit refused."""
    found: set[str] = set()
    for kind, reference in REFERRERS.get(object_type, ()):
        tx.guard(f"{reference.reserved}/{object_id}")
        found.update(row.project_id for row in tx.model.find(kind, reference.field, object_id))  # type: ignore[attr-defined]
    return found
