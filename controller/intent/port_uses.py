"""What a port's deletion or a change of its addresses means for what leads to it.

That is floating IPs, port forwardings, NDP proxies, and local IPs.

`ports` calls these.  They know rows only, so that the rules of floating IPs can make ports.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import FloatingIp, LocalIp, LocalIpAssociation, NdpProxy, Port, PortForwarding
from controller.runtime.errors import Conflict, Invalid
from controller.store.transaction import Transaction


def check_deletable(tx: Transaction, port: Port) -> None:
    """Raises Conflict (ServicePortInUse) for a port that has the address of a local IP."""
    tx.guard(f"local-ip/{port.id}")
    if tx.find(LocalIp, "local_port_id", port.id):
        raise Conflict(
            f"Port {port.id} cannot be deleted directly via the port API: still referenced by Local IPs.",
            "ServicePortInUse",
        )


def leave(tx: Transaction, port: Port, means: Means) -> None:
    """Disassociate the floating IPs of a port that is deleted, and delete what else leads to it.

    Raises Conflict (FipAssociated) where one is of another project than the caller's.
    """
    tx.guard(f"fip-port/{port.id}")
    for floating in tx.find(FloatingIp, "port_id", port.id):
        if not (means.operator or floating.project_id == means.project_id):
            raise Conflict(
                f"Unable to complete the operation on port {port.id} because the port still has an associated "
                f"floating IP.",
                "FipAssociated",
            )
        disassociate(tx, floating, means)
    _end_others(tx, port, (), means)


def move(tx: Transaction, port: Port, addresses: Collection[str], means: Means) -> None:
    """Check new addresses of a port.  What leads to those that it loses is deleted, but floating and local IPs.

    Raises Invalid (BadRequest) where it would lose one that a floating IP leads to, or that is a local IP.
    """
    tx.guard(f"fip-port/{port.id}")
    if any(each.fixed_ip_address not in addresses for each in tx.find(FloatingIp, "port_id", port.id)):
        raise Invalid(
            f"Bad port request: Cannot update the fixed_ips of the port {port.id}, because its original fixed_ip has "
            f"been associated to a floating ip.",
            "BadRequest",
        )
    tx.guard(f"local-ip/{port.id}")
    if any(each.local_ip_address not in addresses for each in tx.find(LocalIp, "local_port_id", port.id)):
        raise Invalid(f"Bad port request: an address of port {port.id} is a local IP.", "BadRequest")
    _end_others(tx, port, addresses, means)


def _end_others(tx: Transaction, port: Port, kept: Collection[str], means: Means) -> None:
    tx.guard(f"forwarded/{port.id}")
    for forwarding in tx.find(PortForwarding, "internal_port_id", port.id):
        if forwarding.internal_ip_address not in kept:
            end_forwarding(tx, forwarding, means)
    tx.guard(f"proxied/{port.id}")
    for proxy in tx.find(NdpProxy, "port_id", port.id):
        if proxy.ip_address not in kept:
            end_proxy(tx, proxy)
    tx.guard(f"local-ip-port/{port.id}")
    for association in tx.find(LocalIpAssociation, "fixed_port_id", port.id):
        if association.fixed_ip not in kept:
            end_association(tx, association)


# --- one association --------------------------------------------------------------------------------------------------


def associate(tx: Transaction, floating: FloatingIp, port_id: str, address: str, router_id: str) -> FloatingIp:
    """The floating IP with this association, which is reserved; the caller writes the row.

    Raises Conflict (FloatingIPPortAlreadyAssociated) where the fixed address has one of the same network.
    """
    changed = replace(floating, port_id=port_id, fixed_ip_address=address, router_id=router_id)
    if changed == floating:
        return floating
    release(tx, floating)
    holder = tx.holder(_place(changed)) if port_id else None
    if holder is not None:
        raise already_associated(changed, port_id, address)
    for place in _places(changed):
        tx.reserve(place, changed)
    return changed


def disassociate(tx: Transaction, floating: FloatingIp, means: Means) -> FloatingIp:
    changed = replace(associate(tx, floating, "", "", ""), updated_at=means.now())
    tx.put(changed)
    return changed


def release(tx: Transaction, floating: FloatingIp) -> None:
    """Release the reservations of an association."""
    for place in _places(floating):
        tx.release(place)


def already_associated(floating: FloatingIp, port_id: str, address: str) -> Conflict:
    return Conflict(
        f"Cannot associate floating IP {floating.floating_ip_address} ({floating.id}) with port {port_id} using fixed "
        f"IP {address}, as that fixed IP already has a floating IP on external network "
        f"{floating.floating_network_id}.",
        "FloatingIPPortAlreadyAssociated",
    )


def _place(floating: FloatingIp) -> str:
    """Held by one floating IP of a network for each fixed address of a port."""
    return f"fip-fixed/{floating.port_id}/{floating.floating_network_id}/{floating.fixed_ip_address}"


def _places(floating: FloatingIp) -> list[str]:
    found = []
    if floating.port_id:
        found += [_place(floating), f"fip-port/{floating.port_id}/{floating.id}"]
    if floating.router_id:
        found.append(f"router-fip/{floating.router_id}/{floating.id}")
    return found


# --- one port forwarding ----------------------------------------------------------------------------------------------


def end_forwarding(tx: Transaction, forwarding: PortForwarding, means: Means) -> None:
    """Delete a port forwarding.  With the last one, the floating IP leaves the router."""
    tx.guard(f"forwarding/{forwarding.floatingip_id}")
    for place in forwarding_places(forwarding):
        tx.release(place)
    tx.delete(forwarding)
    floating = tx.get(FloatingIp, forwarding.floatingip_id)
    if floating is not None and not tx.find(PortForwarding, "floatingip_id", floating.id):
        disassociate(tx, floating, means)


def forwarding_places(forwarding: PortForwarding) -> tuple[str, str]:
    """Reservations of a port forwarding: below its floating IP, and below the port that it leads to."""
    return (
        f"forwarding/{forwarding.floatingip_id}/{forwarding.id}",
        f"forwarded/{forwarding.internal_port_id}/{forwarding.id}",
    )


# --- one NDP proxy, one association of a local IP ---------------------------------------------------------------------


def end_proxy(tx: Transaction, proxy: NdpProxy) -> None:
    for place in proxy_places(proxy):
        tx.release(place)
    tx.delete(proxy)


def proxy_places(proxy: NdpProxy) -> tuple[str, str]:
    """Reservations of a proxy: an address has one at a router."""
    return f"router-proxy/{proxy.router_id}/{proxy.ip_address}", f"proxied/{proxy.port_id}/{proxy.id}"


def end_association(tx: Transaction, association: LocalIpAssociation) -> None:
    for place in association_places(association):
        tx.release(place)
    tx.delete(association)


def association_places(association: LocalIpAssociation) -> tuple[str, str]:
    """Reservations of an association: a port serves a local IP once."""
    return (
        f"local-ip-association/{association.local_ip_id}/{association.fixed_port_id}",
        f"local-ip-port/{association.fixed_port_id}/{association.local_ip_id}",
    )
