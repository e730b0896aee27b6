"""Ports that routers and floating IPs made: which they are, and what the port API may not do to them.

Rows decide, never a port's `device_id` or `device_owner`, which a tenant may write: a port is an interface because a
`RouterInterface` has its id, a gateway because a `Router` names it, of a floating IP because a `FloatingIp` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from controller.intent.env import Means
from controller.model.routing import is_served, router_of
from controller.model.rows import FixedIp, FloatingIp, Port, Router, Subnet
from controller.runtime.errors import Conflict
from controller.store.transaction import Transaction

from . import router_checks, standard
from .addresses import ROUTERS

INTERFACE, GATEWAY, FLOATING = "network:router_interface", "network:router_gateway", "network:floatingip"
_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIXED = ("device_id", "device_owner", "interface_id")  # attributes that say what the port is for


def refuse_deletion(tx: Transaction, port: Port) -> None:
    """Raises Conflict (ServicePortInUse): such ports go with what they are of."""
    if is_served(tx, port):
        raise Conflict(
            f"Port {port.id} cannot be deleted directly via the port API: has device owner {port.device_owner}.",
            "ServicePortInUse",
        )


def refuse_change(tx: Transaction, port: Port, request: Mapping[str, Any]) -> None:
    """Raises Conflict (ServicePortInUse) for a change of what the port is for; of a floating IP's, of its address."""
    named = [name for name in FIXED if name in request and request[name] != getattr(port, name)]
    if "fixed_ips" in request and tx.find(FloatingIp, "floating_port_id", port.id):
        named.append("fixed_ips")
    if named and is_served(tx, port):
        raise Conflict(
            f"Attributes {', '.join(sorted(named))} of port {port.id} cannot be changed via the port API: has device "
            f"owner {port.device_owner}.",
            "ServicePortInUse",
        )


def check_device(tx: Transaction, device_owner: str, device_id: str, means: Means) -> None:
    """Raises Conflict for a tenant's port that says it is an interface of a router which is not the tenant's.

    The same for a router of others and for none: the answer tells nothing of others' routers.
    """
    if means.operator or not device_id or device_owner not in ROUTERS:
        return
    router = tx.get(Router, device_id) if _ID.fullmatch(device_id) else None  # any text may be given
    if router is None or router.project_id != means.project_id:
        raise Conflict(
            f"The following device_id {device_id[:64]} is not owned by your project or matches another project router.",
            "DeviceIDNotOwnedByTenant",
        )


def refuse_attachment(tx: Transaction, port: Port) -> None:
    """Raises Conflict (PortInUse): nothing is plugged into such a port."""
    if is_served(tx, port):
        raise Conflict(f"Port {port.id} is in use: has device owner {port.device_owner}.", "PortInUse")


def readdress(tx: Transaction, port: Port, fixed_ips: tuple[FixedIp, ...], means: Means) -> None:
    """Check new addresses of a router's port, and raise the revision of the router that shows them.

    Raises Invalid and Conflict as adding and removing an interface do.
    """
    router = router_of(tx, port)
    if router is None or fixed_ips == port.fixed_ips:
        return
    if port.id not in router.gateway_ports:
        before, after = subnets_of(tx, port.fixed_ips), subnets_of(tx, fixed_ips)
        lost = [subnet for subnet in before if subnet not in after]
        router_checks.check_unused(tx, router, lost)
        check_interface(tx, router, port.id, fixed_ips)
    standard.touch(tx, router, means)


def subnets_of(tx: Transaction, fixed_ips: tuple[FixedIp, ...]) -> list[Subnet]:
    return [subnet for fixed in fixed_ips if (subnet := tx.get(Subnet, fixed.subnet_id)) is not None]


def check_interface(tx: Transaction, router: Router, port_id: str, fixed_ips: tuple[FixedIp, ...]) -> list[Subnet]:
    """The subnets of an interface with these addresses.  Raises Invalid for what an interface cannot have."""
    if not fixed_ips:
        raise router_checks.bad_request("Router port must have at least one fixed IP")
    found = subnets_of(tx, fixed_ips)
    for subnet in found:
        router_checks.check_mode(subnet)
    router_checks.check_apart(tx, router, found, gateway=False, but=port_id)
    if sum(subnet.ip_version == 4 for subnet in found) > 1:
        raise router_checks.bad_request("Cannot have multiple IPv4 subnets on router port")
    return found
