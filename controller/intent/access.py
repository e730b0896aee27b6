"""Who sees what: owners see their own, and what others share with them.  Of all else it is as if it did not exist."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from controller.intent.env import Means
from controller.model.kinds import (
    AddressScope,
    Network,
    Port,
    RbacPolicy,
    Row,
    Subnet,
    SubnetPool,
)
from controller.runtime.errors import Forbidden, NotFound
from controller.store.transaction import Transaction

R = TypeVar("R", bound=Row)
SHARED, EXTERNAL = "access_as_shared", "access_as_external"
EVERYBODY = "*"


class Reads(Protocol):
    """A model, or a transaction on one: what is read of the latter the commit relies on."""

    def get(self, kind: type[R], row_id: str) -> R | None: ...

    def find(self, kind: type[R], index: str, value: object) -> list[R]: ...


def granted(reads: Reads, object_id: str, project_id: str, *actions: str) -> bool:
    """Does any policy let the project at the object, by one of these actions?  However many others there are."""
    return any(
        reads.find(RbacPolicy, "grant", f"{object_id}/{action}/{target}")
        for action in actions
        for target in (EVERYBODY, project_id)
    )


def shared(reads: Reads, object_id: str, project_id: str) -> bool:
    """What the API shows as `shared`."""
    return granted(reads, object_id, project_id, SHARED)


def _network(reads: Reads, project_id: str, network: Network) -> bool:
    return network.project_id == project_id or granted(reads, network.id, project_id, SHARED, EXTERNAL)


def _subnet(reads: Reads, project_id: str, subnet: Subnet) -> bool:
    if subnet.project_id == project_id or shared(reads, subnet.network_id, project_id):
        return True
    network = reads.get(Network, subnet.network_id)
    return network is not None and network.project_id == project_id


def _port(reads: Reads, project_id: str, port: Port) -> bool:
    """A network's owner sees all that is on it."""
    if port.project_id == project_id:
        return True
    network = reads.get(Network, port.network_id)
    return network is not None and network.project_id == project_id


def _shareable(reads: Reads, project_id: str, row: SubnetPool | AddressScope) -> bool:
    return row.project_id == project_id or shared(reads, row.id, project_id)


_SEES: dict[type[Row], Callable[[Reads, str, Any], bool]] = {
    Network: _network,
    Subnet: _subnet,
    Port: _port,
    SubnetPool: _shareable,
    AddressScope: _shareable,
    RbacPolicy: lambda reads, project_id, row: row.project_id == project_id,
}


def sees(reads: Reads, project_id: str, row: Row) -> bool:
    """May a project that is not the operator's know of this row?"""
    see = _SEES.get(type(row))
    return see is not None and see(reads, project_id, row)


def knows(reads: Reads, project_id: str, kind: type[Row], row: Row | None) -> bool:
    """Is there a row, and for this project to know of?  As much is done when there is none: time does not tell."""
    seen = sees(reads, project_id, row if row is not None else _stranger(kind))
    return row is not None and seen


@functools.cache
def _stranger(kind: type[Row]) -> Row:
    """A row of this kind that is nobody's, without anything in it."""
    needed = (field for field in msgspec.structs.fields(kind) if field.required)
    return kind(**{field.name: field.type() if field.type in (str, int) else () for field in needed})


def required(tx: Transaction, kind: type[R], row_id: str, means: Means, missing: NotFound) -> R:
    """A row that a request refers to; raises `missing` where it is not, or is not for the asker to see."""
    row = tx.get(kind, row_id)
    known = knows(tx, means.project_id, kind, row)
    if row is None or not (means.operator or known):
        raise missing
    return row


def joinable(tx: Transaction, network: Network, means: Means) -> None:
    """Raises Forbidden on a network that the asker sees because it is external, and that is nobody's to plug into."""
    if means.operator or network.project_id == means.project_id or shared(tx, network.id, means.project_id):
        return
    raise Forbidden(f"Project {means.project_id} is not allowed to create port on this network.")


def owned(tx: Transaction, network_id: str, means: Means) -> None:
    """Raises Forbidden to whoever neither owns the network nor is the operator: what a guest sees is not a guest's."""
    network = tx.get(Network, network_id)
    if means.operator or (network is not None and network.project_id == means.project_id):
        return
    raise Forbidden(f"Only the owner of network {network_id} may make, change or delete subnets on it.")


def candidates(model: Reads, kind: type[R], project_id: str) -> list[R]:
    """Rows among which are all of this kind that a project sees, in no order, some perhaps twice."""
    found: list[Any] = list(model.find(kind, "project_id", project_id))
    if kind in (Network, SubnetPool, AddressScope):
        for target in (project_id, EVERYBODY):
            policies = model.find(RbacPolicy, "target", target)
            found += [row for policy in policies if (row := model.get(kind, policy.object_id)) is not None]
    elif kind in (Subnet, Port):
        for network in candidates(model, Network, project_id):
            if kind is Subnet or network.project_id == project_id:
                found += model.find(kind, "network_id", network.id)
    return found
