"""Attachments of interfaces to ports: at most one port an interface, and one interface a port.

A v2.0 port without `interface_id` takes the interface whose iface-id is the port's id.
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

from . import router_ports

_UUID = re.compile("[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


def attached(model: Model, port: Port) -> str:
    """The port's interface: the requested one, or an existing one whose iface-id is the port's id; else ""."""
    if port.interface_id:
        return port.interface_id
    return port.vif if port.id in model.placement.bindings else ""


def permit(tx: Transaction, interface_id: str, means: Means) -> None:
    """Permission of the caller to attach this interface to a port.  Raises Forbidden.

    A VIF is identified by its iface-id, a UUID.  Any other id may be the name of an interface (Linux: 15 characters at
    most), and so of one that is no VIF: an uplink, a host's own interface, the end of a wire.  Only operators and
    services attach by name, and everybody where the operator offers the name.

    The end of a wire cannot be attached by name: Conflict (AlreadyAttached).  To attach it all the same, an operator
    gives it an iface-id.
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
    """Whether the interface is an end of a wire that is up or flapping."""
    beyond = model.find(Link, "far_switch_id", interface.switch_id)
    return bool(model.find(Link, "place", interface.place)) or any(
        link.far_ofport == interface.ofport for link in beyond
    )


def plug(tx: Transaction, port: Port, interface_id: str, means: Means) -> Port:
    """Attach an interface.  Raises Conflict: PortInUse (the port has one), AlreadyAttached (the interface has a port).

    Forbidden and Conflict as `permit`.
    """
    router_ports.refuse_attachment(tx, port)
    permit(tx, interface_id, means)
    there = attached(tx.model, port)
    if there:
        raise Conflict(f"Port {port.id} has interface {there} plugged in.", "PortInUse")
    take(tx, port, interface_id)
    changed = replace(port, interface_id=interface_id)
    tx.put(changed)
    return changed


def unplug(tx: Transaction, port: Port) -> Port:
    """Detach the interface.  Raises Conflict (PortInUse) if its iface-id is the port's: only its host can unplug it."""
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
    """Reserve another interface ("" for none) instead of the port's.  The caller writes the port's row."""
    if interface_id == port.interface_id:
        return
    release(tx, port)
    if interface_id or not port.learning:
        take(tx, port, interface_id or port.id)


def take(tx: Transaction, port: Port, vif: str) -> None:
    """Reserve an interface.  Raises Conflict (AlreadyAttached) when another port has reserved it."""
    if vif.endswith("/"):  # the store's keys do not end in "/"
        raise Invalid(f"Invalid input for operation: '{vif}' cannot name an interface.")
    holder = tx.get(Port, vif) if vif != port.id else None
    if holder is not None and holder.vif == vif:
        raise Conflict(f"Interface {vif} is already attached to another port.", "AlreadyAttached")
    try:
        tx.reserve(f"vif/{vif}", port)
    except Taken:  # the message must not tell whose port has it
        raise Conflict(f"Interface {vif} is already attached to another port.", "AlreadyAttached") from None


def release(tx: Transaction, port: Port) -> None:
    """Release the port's interface, if it has one."""
    if port.vif and tx.holder(f"vif/{port.vif}") == port.key:
        tx.release(f"vif/{port.vif}")
