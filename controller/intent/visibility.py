"""Visibility of rows to projects, as the rows declare it (`controller.model.rows.base.Seen`).

A project sees its own rows and those shared with it.  All other rows are not found.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from controller.intent.env import Means
from controller.model.rows import KINDS, Network, RbacPolicy, Row
from controller.model.rows.base import DECLARED, EXTERNAL, SHARED, Reads
from controller.runtime.errors import Forbidden, NotFound
from controller.store.transaction import Transaction

__all__ = ["EVERYBODY", "EXTERNAL", "NOBODY", "SHARED", "Audience", "Reads", "among", "audience", "candidates",
           "granted", "joinable", "knows", "owned", "required", "sees", "shared"]  # fmt: skip

R = TypeVar("R", bound=Row)
EVERYBODY = "*"
Audience = frozenset[str]  # projects, or EVERYBODY; the operator sees everything and is not among them
NOBODY: Audience = frozenset()
_owner: Callable[[Row], str] = attrgetter("project_id")  # every row that projects see has an owner


# --- one project ------------------------------------------------------------------------------------------------------


def granted(reads: Reads, object_id: str, project_id: str, *actions: str) -> bool:
    """Whether a policy gives the project one of these actions on the object.  Constant time in policies."""
    return any(
        reads.find(RbacPolicy, "grant", f"{object_id}/{action}/{target}")
        for action in actions
        for target in (EVERYBODY, project_id)
    )


def shared(reads: Reads, object_id: str, project_id: str) -> bool:
    """Value of the API's attribute `shared`."""
    return granted(reads, object_id, project_id, SHARED)


def sees(reads: Reads, project_id: str, row: Row) -> bool:
    """Whether a project, other than an operator's, sees this row."""
    declared = DECLARED[type(row)]
    seen, parent = declared.seen, declared.parent
    if seen is None:
        return False
    own = project_id != "" and _owner(row) == project_id  # a gateway's port is of no project
    if seen.public or own or granted(reads, row.row_id, project_id, *seen.shared):
        return True
    if parent is None:
        return False
    if granted(reads, getattr(row, parent.field), project_id, *seen.parent_shared):
        return True
    above = parent.of(reads, row) if seen.parent_owner else None
    return above is not None and _owner(above) == project_id


def knows(reads: Reads, project_id: str, kind: type[Row], row: Row | None) -> bool:
    """Whether the row exists and the project sees it.  Takes the same time in both cases, so timing reveals nothing."""
    seen = sees(reads, project_id, row if row is not None else _stranger(kind))
    return row is not None and seen


@functools.cache
def _stranger(kind: type[Row]) -> Row:
    """An empty row of this kind without an owner."""
    needed = (field for field in msgspec.structs.fields(kind) if field.required)
    return kind(**{field.name: field.type() if field.type in (str, int) else () for field in needed})


def required(tx: Transaction, kind: type[R], row_id: str, means: Means, missing: NotFound) -> R:
    """A row that a request refers to.  Raises `missing` when it does not exist or the caller does not see it."""
    row = tx.get(kind, row_id)
    known = knows(tx, means.project_id, kind, row)
    if row is None or not (means.operator or known):
        raise missing
    return row


def joinable(tx: Transaction, network: Network, means: Means) -> None:
    """Raises Forbidden when the caller sees the network only because it is external: no ports can be made on it."""
    if means.operator or network.project_id == means.project_id or shared(tx, network.id, means.project_id):
        return
    raise Forbidden(f"Project {means.project_id} is not allowed to create port on this network.")


def owned(tx: Transaction, network_id: str, means: Means) -> None:
    """Raises Forbidden unless the caller owns the network or is the operator."""
    network = tx.get(Network, network_id)
    if means.operator or (network is not None and network.project_id == means.project_id):
        return
    raise Forbidden(f"Only the owner of network {network_id} may make, change or delete subnets on it.")


def candidates(
    reads: Reads, kind: type[R], project_id: str, wanted: Mapping[str, Sequence[str]] | None = None
) -> list[R]:
    """Superset of the rows of this kind that a project sees, unordered, possibly with duplicates.

    `wanted`: requested values of fields.  Only the parent's id narrows the search, where the project sees all children.
    """
    declared = DECLARED[kind]
    seen, parent = declared.seen, declared.parent
    if seen is None:
        return []
    if seen.public:
        return reads.find(kind, "public", True)
    if parent is not None and seen.parent_owner and wanted and parent.field in wanted:
        above_ids = wanted[parent.field]
        parents = [reads.get(KINDS[parent.to], above_id) for above_id in above_ids]
        if all(above is not None and _owner(above) == project_id for above in parents):
            return [row for above_id in above_ids for row in reads.find(kind, parent.field, above_id)]
    found: list[Any] = list(reads.find(kind, "project_id", project_id))
    if seen.shared:
        for target in (project_id, EVERYBODY):
            policies = reads.find(RbacPolicy, "target", target)
            found += [row for policy in policies if (row := reads.get(kind, policy.object_id)) is not None]
    if parent is not None and (seen.parent_owner or seen.parent_shared):
        for above in candidates(reads, KINDS[parent.to], project_id):
            if seen.parent_shared or _owner(above) == project_id:
                found += reads.find(kind, parent.field, above.row_id)
    return found


# --- all projects -----------------------------------------------------------------------------------------------------


def among(project_id: str, audience: Audience) -> bool:
    return project_id in audience or EVERYBODY in audience


def audience(reads: Reads, row: Row) -> Audience:
    """All projects that see the row, in agreement with `sees`."""
    declared = DECLARED[type(row)]
    seen, parent = declared.seen, declared.parent
    if seen is None:
        return NOBODY
    if seen.public:
        return frozenset((EVERYBODY,))
    found = {_owner(row), *_targets(reads, row.row_id, seen.shared)}
    if parent is not None:
        found.update(_targets(reads, getattr(row, parent.field), seen.parent_shared))
        above = parent.of(reads, row) if seen.parent_owner else None
        if above is not None:
            found.add(_owner(above))
    return frozenset(found - {""})


def _targets(reads: Reads, object_id: str, actions: tuple[str, ...]) -> Iterable[str]:
    if not actions:
        return ()
    return [policy.target for policy in reads.find(RbacPolicy, "object_id", object_id) if policy.action in actions]
