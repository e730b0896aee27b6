"""Port bindings for live migration: one is active, those to other hosts are inactive."""

from __future__ import annotations

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import Binding, Port
from controller.runtime.errors import Conflict, NotFound
from controller.store.transaction import Transaction

from . import ports, standard

MOST = 16  # inactive bindings of a port


def of(port: Port) -> list[tuple[Binding, bool]]:
    """All bindings of a port, each with whether it is active."""
    active = [(Binding(port.host, port.profile), True)] if port.host else []
    return active + [(each, False) for each in port.bindings]


def find(port: Port, host: str) -> tuple[Binding, bool]:
    for each, active in of(port):
        if each.host == host:
            return each, active
    raise NotFound(f"Binding for port {port.id} for host {host[:64]} could not be found.", "PortBindingNotFound")


def create(tx: Transaction, port_id: str, request: Binding, means: Means) -> Port:
    """Add an inactive binding.  Raises Conflict for a host that the port is bound to already."""
    port = ports.required(tx, port_id)
    if any(each.host == request.host for each, _ in of(port)):
        raise Conflict(f"Binding for port {port_id} on host {request.host} already exists.", "PortBindingAlreadyExists")
    if len(port.bindings) >= MOST:
        raise Conflict(f"Port {port_id} has {MOST} inactive bindings already.", "PortBindingError")
    bindings = tuple(sorted((*port.bindings, request), key=lambda each: each.host))
    return standard.change(tx, port, {"bindings": bindings}, means)


def update(tx: Transaction, port_id: str, host: str, profile: str, means: Means) -> Port:
    port = ports.required(tx, port_id)
    if find(port, host)[1]:
        return standard.change(tx, port, {"profile": profile}, means)
    bindings = tuple(replace(each, profile=profile) if each.host == host else each for each in port.bindings)
    return standard.change(tx, port, {"bindings": bindings}, means)


def delete(tx: Transaction, port_id: str, host: str, means: Means) -> Port:
    """Delete a binding.  A port without an active binding is wherever its interface is."""
    port = ports.required(tx, port_id)
    if find(port, host)[1]:
        return standard.change(tx, port, {"host": "", "profile": ""}, means)
    return standard.change(tx, port, {"bindings": _without(port, host)}, means)


def activate(tx: Transaction, port_id: str, host: str, means: Means) -> Port:
    """Make a binding the active one; the one that was active becomes inactive."""
    port = ports.required(tx, port_id)
    chosen, active = find(port, host)
    if active:
        raise Conflict(f"Binding for port {port_id} on host {host} is already active.", "PortBindingAlreadyActive")
    before = (Binding(port.host, port.profile),) if port.host else ()
    bindings = tuple(sorted((*_without(port, host), *before), key=lambda each: each.host))
    return standard.change(tx, port, {"host": host, "profile": chosen.profile, "bindings": bindings}, means)


def _without(port: Port, host: str) -> tuple[Binding, ...]:
    return tuple(each for each in port.bindings if each.host != host)
