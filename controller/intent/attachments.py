"""Which interface is plugged into which port: an interface into one port only, a port takes one interface.

A port without `interface_id` that was made through v2.0 takes the interface that carries its own id.
"""

from __future__ import annotations

from msgspec.structs import replace

from controller.model.model import Model
from controller.model.rows import Port
from controller.runtime.errors import Conflict, Invalid
from controller.store.transaction import Taken, Transaction


def attached(model: Model, port: Port) -> str:
    """The interface in the port: the one asked for, or the one that carries the port's id and is there; else ""."""
    if port.interface_id:
        return port.interface_id
    return port.vif if port.id in model.placement.bindings else ""


def plug(tx: Transaction, port: Port, interface_id: str) -> Port:
    """Raises Conflict: PortInUse when the port has an interface, AlreadyAttached when the interface has a port."""
    there = attached(tx.model, port)
    if there:
        raise Conflict(f"Port {port.id} has interface {there} plugged in.", "PortInUse")
    take(tx, port, interface_id)
    changed = replace(port, interface_id=interface_id)
    tx.put(changed)
    return changed


def unplug(tx: Transaction, port: Port) -> Port:
    """Raises Conflict (PortInUse) for an interface that carries the port's own id: only its host can unplug it."""
    if not port.interface_id:
        there = attached(tx.model, port)
        if there:
            raise Conflict(f"Interface {there} carries the port's own id; unplug it on its host.", "PortInUse")
        return port
    move(tx, port, "")
    changed = replace(port, interface_id="")
    tx.put(changed)
    return changed


def move(tx: Transaction, port: Port, interface_id: str) -> None:
    """Reserve another interface ("" for none) in the place of the port's; the row is the caller's to write."""
    if interface_id == port.interface_id:
        return
    release(tx, port)
    if interface_id or not port.learning:
        take(tx, port, interface_id or port.id)


def take(tx: Transaction, port: Port, vif: str) -> None:
    """Raises Conflict (AlreadyAttached) when another port looks for this interface."""
    if vif.endswith("/"):  # would be a prefix of keys, not a key
        raise Invalid(f"Invalid input for operation: '{vif}' cannot name an interface.")
    holder = tx.get(Port, vif) if vif != port.id else None
    if holder is not None and holder.vif == vif:
        raise Conflict(f"Interface {vif} is already attached to another port.", "AlreadyAttached")
    try:
        tx.reserve(f"vif/{vif}", port)
    except Taken:  # whose port has it is not for everybody to know
        raise Conflict(f"Interface {vif} is already attached to another port.", "AlreadyAttached") from None


def release(tx: Transaction, port: Port) -> None:
    """Give back the interface, if the port holds one."""
    if port.vif and tx.holder(f"vif/{port.vif}") == port.key:
        tx.release(f"vif/{port.vif}")
