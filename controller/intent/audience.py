"""Whom a commit tells of what: who saw an object before it and who sees it after, beside what is now shown otherwise.

An object is also told of where it stays as it is: when other projects see it, and when what it shows of others changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from controller.model.model import Model
from controller.model.overlay import Overlay
from controller.model.rows import (
    AddressScope,
    AgentNote,
    Network,
    Port,
    RbacPolicy,
    Row,
    Standard,
    Subnet,
    SubnetPool,
    Switch,
)
from controller.model.rows.base import SHAREABLE

from .access import EVERYBODY, EXTERNAL, SHARED, Reads

Audience = frozenset[str]  # projects, or EVERYBODY; the operator sees everything and is not among them
NOBODY: Audience = frozenset()
Changes = Sequence[tuple[Row | None, Row | None]]


class Told(NamedTuple):
    """One object in a commit.  `whom`: of those who saw it and see it, only these are told; None: all of them."""

    before: Row | None
    after: Row | None
    saw: Audience
    sees: Audience
    whom: Audience | None = None


def among(project_id: str, audience: Audience) -> bool:
    return project_id in audience or EVERYBODY in audience


def audience(reads: Reads, row: Row) -> Audience:
    """Every project that `access.sees` lets see the row."""
    if isinstance(row, Network):
        return frozenset({row.project_id, *_targets(reads, row.id, SHARED, EXTERNAL)})
    if isinstance(row, Subnet):
        return frozenset({row.project_id, *_owner(reads, row.network_id), *_targets(reads, row.network_id, SHARED)})
    if isinstance(row, Port):
        return frozenset({row.project_id, *_owner(reads, row.network_id)})
    if isinstance(row, SubnetPool | AddressScope):
        return frozenset({row.project_id, *_targets(reads, row.id, SHARED)})
    return frozenset({row.project_id}) if isinstance(row, RbacPolicy) else NOBODY


def _owner(reads: Reads, network_id: str) -> Iterator[str]:
    network = reads.get(Network, network_id)
    if network is not None:
        yield network.project_id


def _targets(reads: Reads, object_id: str, *actions: str) -> Iterator[str]:
    policies = reads.find(RbacPolicy, "object_id", object_id)
    return (policy.target for policy in policies if policy.action in actions)


def told(model: Model, rows: Changes) -> tuple[Told, ...]:
    """Of a commit, in a model that is as after it."""
    past = model
    if any(before is not None or isinstance(after, RbacPolicy) for before, after in rows):
        past = cast("Model", Overlay(model, [(after, before) for before, after in rows]))
    found: dict[str, Told] = {}
    for before, after in rows:
        row = after or before
        if row is not None and (before != after or isinstance(row, Standard)):  # which tells its revision, too
            saw = NOBODY if before is None else audience(past, before)
            found[row.key] = Told(before, after, saw, NOBODY if after is None else audience(model, after))
    for row, whom in _others(model, rows):
        if row.key not in found:
            found[row.key] = Told(row, row, audience(past, row), audience(model, row), whom)
    return tuple(found.values())


def _others(model: Model, rows: Changes) -> Iterator[tuple[Row, Audience | None]]:
    """Objects that are shown otherwise, or to others, though they are as they were."""
    for before, after in rows:
        row: Any = after or before
        if isinstance(row, RbacPolicy):
            whom = frozenset(each.target for each in (before, after) if isinstance(each, RbacPolicy))
            shared = model.get(SHAREABLE[row.object_type], row.object_id)
            yield from ((each, whom) for each in _with_subnets(model, shared))
        elif isinstance(row, Subnet):
            yield from _network(model, row)
        elif isinstance(row, SubnetPool) and getattr(before, "address_scope_id", "") != row.address_scope_id:
            for subnet in model.find(Subnet, "subnetpool_id", row.id):
                yield from _network(model, subnet)
        elif isinstance(row, AgentNote):
            yield from ((each, None) for each in _there(model.get(Switch, row.id)))


def _with_subnets(model: Model, row: Row | None) -> Iterator[Row]:
    yield from _there(row)
    if isinstance(row, Network):
        yield from model.find(Subnet, "network_id", row.id)


def _network(model: Model, subnet: Subnet) -> Iterator[tuple[Row, None]]:
    """It shows its subnets, and their address scopes."""
    yield from ((each, None) for each in _there(model.get(Network, subnet.network_id)))


def _there(row: Row | None) -> Iterable[Row]:
    return () if row is None else (row,)
