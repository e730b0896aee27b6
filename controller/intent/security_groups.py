"""Rules of security groups, and of the default group that every project has."""

from __future__ import annotations

from urllib.parse import quote

from controller.intent.env import Means
from controller.model.model import Model
from controller.model.rows import Port, SecurityGroup, SecurityGroupRule
from controller.runtime.errors import Conflict
from controller.store.transaction import Transaction

from . import allocate, default_rules, logs, security_rules, sharing, slots, standard
from .standard import StandardRequest

DEFAULT = "default"


class GroupRequest(StandardRequest, total=False):
    stateful: bool


def required(tx: Transaction, group_id: str) -> SecurityGroup:
    group = tx.get(SecurityGroup, group_id)
    if group is None:
        raise security_rules.missing_group(group_id)
    return group


def create(tx: Transaction, project_id: str, request: GroupRequest, means: Means) -> SecurityGroup:
    """Create a group with the rules of the templates.  Raises Conflict for the name of the default group."""
    _check_name(request)
    default(tx, project_id, means)
    return _made(tx, project_id, request, means, is_default=False)


def update(tx: Transaction, group_id: str, request: GroupRequest, means: Means) -> SecurityGroup:
    """Change a group.  Raises Conflict for the name of the default group, and for `stateful` while ports are in it."""
    group = required(tx, group_id)
    _check_name(request)
    if group.default and "name" in request:
        raise Conflict("The default security group cannot be renamed.", "SecurityGroupCannotUpdateDefault")
    if request.get("stateful", group.stateful) != group.stateful:
        _check_use(tx, group)
    return standard.change(tx, group, request, means)


def delete(tx: Transaction, group_id: str, means: Means) -> None:
    """Delete a group, its rules, and the rules that name it.  Raises Conflict while ports are in it.

    Only an operator deletes a default group; the project has a new one when it is next needed.
    """
    group = required(tx, group_id)
    _check_use(tx, group)
    if group.default and not means.operator:
        raise Conflict("The default security group cannot be deleted.", "SecurityGroupCannotRemoveDefault")
    tx.guard(f"rule/{group_id}")
    security_rules.remove_naming(tx, group, means)
    for row in tx.find(SecurityGroupRule, "security_group_id", group_id):
        security_rules.remove(tx, row)
    sharing.remove_all(tx, group_id)
    logs.remove_all(tx, group_id)
    tx.release(f"group-number/{group.number}")
    if group.default:
        tx.release(_place(group.project_id))
    tx.delete(group)


def _check_name(request: GroupRequest) -> None:
    if request.get("name", "").lower() == DEFAULT:
        raise Conflict("Default security group already exists.", "SecurityGroupDefaultAlreadyExists")


def _check_use(tx: Transaction, group: SecurityGroup) -> None:
    tx.guard(f"group-port/{group.id}")
    if tx.model.count(Port, "security_groups", group.id):
        raise Conflict(f"Security Group {group.id} in use.", "SecurityGroupInUse")


# --- default groups ---------------------------------------------------------------------------------------------------


def has_default(model: Model, project_id: str) -> bool:
    return f"taken/{_place(project_id)}" in model.taken


def default(tx: Transaction, project_id: str, means: Means) -> SecurityGroup:
    """The project's default group, made when it is first needed.  Two who make it at once make one."""
    holder = tx.holder(_place(project_id))
    if holder is not None:
        group = tx.get(SecurityGroup, holder.partition("/")[2])
        if group is not None:
            return group
    request = GroupRequest(name=DEFAULT, description="Default security group")
    return _made(tx, project_id, request, means, is_default=True)


def _place(project_id: str) -> str:
    return f"default-group/{quote(project_id, safe='')}"


def _made(tx: Transaction, project_id: str, request: GroupRequest, means: Means, *, is_default: bool) -> SecurityGroup:
    group = SecurityGroup(
        **standard.fields(project_id, request, means),
        number=allocate.free_group_number(tx, means),
        stateful=request.get("stateful", True),
        default=is_default,
    )
    tx.reserve(f"group-number/{group.number}", group)
    if is_default:
        tx.reserve(_place(project_id), group)
    tx.put(group)
    for fields in default_rules.rules_for(tx, group, means):
        common = standard.fields(project_id, {}, means)
        rule = SecurityGroupRule(**common, security_group_id=group.id, **fields)
        security_rules.put(tx, rule)
        if is_default:
            slots.exempt(tx, rule)
    if is_default:
        slots.exempt(tx, group)
    return group
