"""Security groups of ports: which a port may be in, and when it is in none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.intent.env import Means
from controller.model.rows import Port, SecurityGroup
from controller.runtime.errors import Conflict, Invalid
from controller.store.transaction import Transaction

from . import security_groups, security_rules, visibility


def of_new_port(tx: Transaction, port: Port, request: Mapping[str, Any], means: Means) -> tuple[str, ...]:
    """The groups of a new v2.0 port: as asked, else (null, too) its project's default group.  Reserves them for it.

    Raises NotFound, Conflict, and Invalid for groups of a port without port security.
    """
    if port.trusted:
        return ()
    wanted = request.get("security_groups")
    if wanted is not None:
        return _enter(tx, port, (), wanted, means)
    if not port.port_security:
        return ()
    group = security_groups.default(tx, port.project_id, means)
    tx.reserve(_place(group.id, port), port)
    return (group.id,)


def of_port(tx: Transaction, port: Port, request: Mapping[str, Any], means: Means) -> tuple[str, ...] | None:
    """The groups of a port, changed otherwise already, after an update; None: it is not filtered, as before."""
    there = port.security_groups
    if "security_groups" in request:
        if port.trusted:
            return there
        return _enter(tx, port, there or (), request["security_groups"] or (), means)
    if there and not port.port_security:
        raise Conflict(
            "Port security cannot be switched off while the port is in security groups.",
            "PortSecurityPortHasSecurityGroup",
        )
    return there


def leave(tx: Transaction, port: Port) -> None:
    """Release the reservations of a port that goes."""
    for group_id in port.security_groups or ():
        tx.release(_place(group_id, port))


def _place(group_id: str, port: Port) -> str:
    return f"group-port/{group_id}/{port.id}"


def _enter(
    tx: Transaction, port: Port, there: Sequence[str], wanted: Sequence[str], means: Means
) -> tuple[str, ...]:  # fmt: skip
    """A port leaves some groups and enters others, each of which the caller must see."""
    if wanted and not port.port_security:
        raise Invalid(
            "Port security must be enabled in order to use security groups.",
            "PortSecurityAndIPRequiredForSecurityGroups",
        )
    if set(wanted) == set(there):
        return tuple(there)
    groups = [
        visibility.required(tx, SecurityGroup, group_id, means, security_rules.missing_group(group_id))
        for group_id in wanted
    ]
    if len({group.stateful for group in groups}) > 1:
        raise Conflict(
            "A port cannot be in stateful and stateless security groups at the same time.", "SecurityGroupConflict"
        )
    for group_id in there:
        if group_id not in wanted:
            tx.release(_place(group_id, port))
    for group_id in wanted:
        tx.reserve(_place(group_id, port), port)
    return tuple(sorted(wanted))
