"""Which interface is plugged into which port: an interface into one port only, a port takes one interface.

A port without `interface_id` that was made through v2.0 takes the interface that carries its own id.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.model import Model
from controller.model.rows import Interface, Link, Port
from controller.runtime.errors import Conflict, Forbidden, Invalid
from controller.store.transaction import Taken, Transaction

_UUID = re.compile("[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


def attached(model: Model, port: Port) -> str:
    """The interface in the port: the one asked for, or the one that carries the port's id and is there; else ""."""
    if port.interface_id:
        return port.interface_id
    return port.vif if port.id in model.placement.bindings else ""


def permit(tx: Transaction, interface_id: str, means: Means) -> None:
    """Whether the asker may attach this interface, to whichever port.

    A VIF is named by the id that its host gave it (iface-id), an UUID.  Everything else may be the name of an interface
    (Linux: 15 characters at most), and so of one that is nobody's VIF: an uplink, a host's own, the end of a wire.
    Names are for operators, for services, and for everybody where the operator offers them.  Raises Forbidden.

    An interface that is the end of a wire is attached by its name by nobody: Conflict (AlreadyAttached).  An operator
    who means it gives it an iface-id.
    """
    named = means.by_name or _UUID.fullmatch(interface_id)
    if not named and not any(fnmatchcase(interface_id, pattern) for pattern in means.offered):
        raise Forbidden(
            f"{interface_id[:64]} is not a UUID: interfaces are attached by their names by operators, or where "
            f"[network] offered_interfaces has them."
        )
    for interface in tx.model.find(Interface, "vif", interface_id):
        if interface.name == interface_id and _is_wired(tx.model, interface):
            raise Conflict(
                f"Interface {interface_id} is attached already: it is the end of a wire between switches.",
                "AlreadyAttached",
            )


def _is_wired(model: Model, interface: Interface) -> bool:
    """Whether a wire that is up, or that flaps, begins or ends here."""
    beyond = model.find(Link, "far_switch_id", interface.switch_id)
    return bool(model.find(Link, "place", interface.place)) or any(
        link.far_ofport == interface.ofport for link in beyond
    )


def plug(tx: Transaction, port: Port, interface_id: str, means: Means) -> Port:
    """Raises Conflict: PortInUse when the port has an interface, AlreadyAttached when the interface has a port.

    Forbidden and Conflict as `permit`.
    """
    permit(tx, interface_id, means)
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
