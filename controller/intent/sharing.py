"""Rules of RBAC policies: the owner of an object shares it with one project or with all."""

from __future__ import annotations

from typing import TypedDict
from urllib.parse import quote

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import (
    AddressScope,
    FloatingIp,
    Network,
    RbacPolicy,
    Router,
    Row,
    Standard,
    SubnetPool,
)
from controller.model.rows.base import DECLARED, REFERRERS, SHAREABLE
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Taken, Transaction

from . import standard, visibility
from .visibility import EVERYBODY, EXTERNAL, SHARED, granted


class SharingRequest(TypedDict, total=False):
    object_type: str
    object_id: str
    action: str
    target: str


def required(tx: Transaction, policy_id: str) -> RbacPolicy:
    policy = tx.get(RbacPolicy, policy_id)
    if policy is None:
        raise NotFound(f"RBAC policy of type {policy_id} not found.", "RbacPolicyNotFound")
    return policy


def create(tx: Transaction, project_id: str, request: SharingRequest, means: Means) -> RbacPolicy:
    """Share an object.  For its owner and operators; a pool only with projects that see its address scope."""
    kind = SHAREABLE[request["object_type"]]
    seen = DECLARED[kind].seen
    actions = seen.shared if seen is not None else ()
    name = kind.__name__
    missing = NotFound(f"{name} {request['object_id'][:64]} could not be found.", f"{name}NotFound")
    shared = visibility.required(tx, kind, request["object_id"], means, missing)
    _check_owner(shared, request["object_type"], means)
    if request["action"] not in actions:
        raise Invalid(
            f"Invalid action '{request['action']}' for object type '{request['object_type']}'. Valid actions: "
            f"{', '.join(actions)}.",
            "InvalidRbacPolicyAction",
        )
    policy = RbacPolicy(id=means.new_id(), project_id=project_id, **request)
    _check_scope(tx, shared, policy.target)
    _take(tx, policy)
    tx.put(policy)
    _mark_external(tx, policy)
    _touch(tx, policy, means)
    return policy


def update(tx: Transaction, policy_id: str, request: SharingRequest, means: Means) -> RbacPolicy:
    """Change the target project of a policy, the only attribute that may change."""
    policy = _own(tx, policy_id, means)
    changed = replace(policy, **request)
    if changed == policy:
        return policy
    _check_default(tx, policy)
    _check_scope(tx, tx.get(SHAREABLE[policy.object_type], policy.object_id), changed.target)
    _end(tx, policy)
    _take(tx, changed)
    tx.put(changed)
    _mark_external(tx, changed)
    _check_use(tx, policy)
    _touch(tx, changed, means)
    return changed


def delete(tx: Transaction, policy_id: str, means: Means) -> None:
    """Delete a policy.  Raises Conflict (RbacPolicyInUse) while a project depends on it."""
    policy = _own(tx, policy_id, means)
    _check_default(tx, policy)
    _end(tx, policy)
    _check_use(tx, policy)
    network = tx.get(Network, policy.object_id) if policy.action == EXTERNAL else None
    if network is not None and not network.external:
        check_no_way_out(tx, network)
    _touch(tx, policy, means)


def everybody(tx: Transaction, kind: str, row: Standard, action: str, wanted: bool, means: Means) -> bool:
    """Share an object with every project, or stop sharing it; True when that changed anything."""
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
    """Delete all policies of an object that is deleted."""
    for policy in tx.find(RbacPolicy, "object_id", object_id):
        tx.release(_place(policy))
        tx.delete(policy)


def _own(tx: Transaction, policy_id: str, means: Means) -> RbacPolicy:
    """A policy of an object that the caller owns, though an operator may have created it in another project."""
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
    """Raise the shared object's revision number: its `shared` attribute may have changed."""
    row = tx.get(SHAREABLE[policy.object_type], policy.object_id)
    if row is not None:
        standard.touch(tx, row, means)


def _mark_external(tx: Transaction, policy: RbacPolicy) -> None:
    """Update `router:external` of a network: true while any policy shares it as external."""
    network = tx.get(Network, policy.object_id) if policy.action == EXTERNAL else None
    if network is None:
        return
    external = any(other.action == EXTERNAL for other in tx.find(RbacPolicy, "object_id", network.id))
    if network.external != external:
        tx.put(replace(network, external=external))


def _check_default(tx: Transaction, policy: RbacPolicy) -> None:
    """Raises Conflict when the policy shares the default external network with everybody, as it must be."""
    network = tx.get(Network, policy.object_id) if (policy.action, policy.target) == (EXTERNAL, EVERYBODY) else None
    if network is not None and network.is_default:
        raise Conflict(
            f"RBAC policy on object {policy.object_id} cannot be removed because other objects depend on it.\nDetails: "
            f"Default external networks must be shared to everyone.",
            "RbacPolicyInUse",
        )


def check_no_way_out(tx: Transaction, network: Network) -> None:
    """Raises Conflict while routers have gateways in the network, or floating IPs are of it."""
    if _ways_out(tx, network.id):
        raise Conflict(
            f"External network {network.id} cannot be updated to be made non-external, since it has existing gateway "
            f"ports.",
            "ExternalNetworkInUse",
        )


def _check_scope(tx: Transaction, shared: Row | None, target: str) -> None:
    """Raises Invalid when a pool is shared with a project that does not see the pool's address scope."""
    if not isinstance(shared, SubnetPool) or not shared.address_scope_id:
        return
    scope = tx.get(AddressScope, shared.address_scope_id)
    if scope is None or scope.project_id == target or visibility.shared(tx, scope.id, target):
        return
    raise Invalid(
        f"Invalid input for operation: project {target} has no access to address scope {scope.id} of the subnet pool."
    )


def _check_use(tx: Transaction, policy: RbacPolicy) -> None:
    """Raises Conflict when a project depends on the deleted policy."""
    if _user(tx, policy):  # the message must not tell which project
        raise Conflict(
            f"RBAC policy on object {policy.object_id} cannot be removed because other objects depend on it.",
            "RbacPolicyInUse",
        )


def _user(tx: Transaction, policy: RbacPolicy) -> str:
    """A project that uses the object, does not own it, and has no other policy for it; "" for none."""
    owner = tx.get(SHAREABLE[policy.object_type], policy.object_id)
    if owner is None:
        return ""
    needs: dict[str, tuple[str, ...]] = dict.fromkeys(_ways_out(tx, policy.object_id), (SHARED, EXTERNAL))
    if policy.action == SHARED:
        needs |= dict.fromkeys(_users(tx, policy.object_type, policy.object_id), (SHARED,))
    for project, actions in sorted(needs.items()):
        let_in = project not in ("", owner.project_id) and policy.target in (EVERYBODY, project)
        if let_in and not granted(tx, policy.object_id, project, *actions):
            return project
    return ""


def _ways_out(tx: Transaction, network_id: str) -> set[str]:
    """Projects whose routers have gateways in the network, or that have floating IPs of it.

    The ports of both are of no project, and no rows that refer to the network for its being shared.
    """
    tx.guard(f"member/{network_id}/port")
    routers = tx.model.find(Router, "external_networks", network_id)
    floating = tx.model.find(FloatingIp, "floating_network_id", network_id)
    return {router.project_id for router in routers} | {each.project_id for each in floating}


def _users(tx: Transaction, object_type: str, object_id: str) -> set[str]:
    """Projects of the rows that refer to the object.  A concurrent new reference makes the commit fail."""
    found: set[str] = set()
    for kind, reference in REFERRERS.get(object_type, ()):
        if not reference.uses:
            continue
        tx.guard(f"{reference.reserved}/{object_id}")
        found.update(row.project_id for row in tx.model.find(kind, reference.field, object_id))  # type: ignore[attr-defined]
    return found
