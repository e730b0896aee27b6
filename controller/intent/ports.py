"""Rules of ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import AddressPair, DhcpOption, Network, Port
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import (
    addresses,
    allocate,
    attachments,
    logs,
    memberships,
    networks,
    port_names,
    port_uses,
    router_ports,
    standard,
    visibility,
)
from .addresses import AddressRequest
from .standard import StandardRequest

__all__ = ["AddressRequest", "PortRequest", "create", "create_learning", "delete", "remove", "required", "update"]


class PortRequest(StandardRequest, total=False):
    """Requested attributes of a port; missing keys were not given.  MAC and IP addresses in canonical form.

    `mac_address` "": any; an address pair's MAC "": the port's own; `dhcp_options` with the value None are removed.
    """

    network_id: str
    admin_state_up: bool
    mac_address: str
    fixed_ips: Sequence[AddressRequest]
    interface_id: str
    host: str
    device_id: str
    device_owner: str
    port_security: bool
    address_pairs: Sequence[AddressPair]
    dhcp_options: Sequence[tuple[str, str | None, int]]
    data_plane_status: str
    profile: str
    metadata: str
    dns_name: str
    dns_domain: str
    security_groups: Sequence[str] | None  # None: the default group of a new port, none of an old one


def missing(port_id: str) -> NotFound:
    return NotFound(f"Port {port_id[:64]} could not be found.", "PortNotFound")


def required(tx: Transaction, port_id: str) -> Port:
    port = tx.get(Port, port_id)
    if port is None:
        raise missing(port_id)
    return port


def create(tx: Transaction, project_id: str, request: PortRequest, means: Means) -> Port:
    """Create a v2.0 port with the requested addresses, by default one of an IPv4 and one of an IPv6 subnet."""
    network_id = request["network_id"]
    network = visibility.required(tx, Network, network_id, means, networks.missing(network_id))
    visibility.joinable(tx, network, means)
    port = Port(
        **standard.fields(project_id, request, means),
        network_id=network.id,
        admin_state_up=request.get("admin_state_up", True),
        mac_address=request.get("mac_address") or allocate.free_mac(tx, network.id, means),
        interface_id=request.get("interface_id", ""),
        host=request.get("host", ""),
        device_id=request.get("device_id", ""),
        device_owner=request.get("device_owner", ""),
        port_security=request.get("port_security", network.port_security),
        dhcp_options=_options((), request.get("dhcp_options", ())),
        profile=request.get("profile", ""),
        metadata=request.get("metadata", ""),
        **port_names.asked(request, means),
    )
    if "address_pairs" in request:
        port = replace(port, address_pairs=_pairs(port, request["address_pairs"]))
    if port.interface_id:
        attachments.permit(tx, port.interface_id, means)
    router_ports.check_device(tx, port.device_owner, port.device_id, means)
    _enter(tx, network, port)
    fixed_ips = addresses.of_new_port(tx, network, port, request.get("fixed_ips"), means)
    port = replace(port, fixed_ips=fixed_ips, security_groups=memberships.of_new_port(tx, port, request, means))
    tx.put(port)
    return port


def create_learning(tx: Transaction, project_id: str, network: Network, admin_state_up: bool, means: Means) -> Port:
    """Create a Quantum v1.1 port, whose addresses are learned; its own MAC address is only shown."""
    port = Port(
        id=means.new_id(),
        project_id=project_id,
        network_id=network.id,
        admin_state_up=admin_state_up,
        mac_address=allocate.free_mac(tx, network.id, means),
        learning=True,
        created_at=means.now(),
    )
    _enter(tx, network, port)
    tx.put(port)
    return port


def update(tx: Transaction, port_id: str, request: PortRequest, means: Means) -> Port:
    port = required(tx, port_id)
    network = networks.required(tx, port.network_id)
    router_ports.refuse_change(tx, port, request)
    if not {"device_id", "device_owner"}.isdisjoint(request):
        owner, device = request.get("device_owner", port.device_owner), request.get("device_id", port.device_id)
        router_ports.check_device(tx, owner, device, means)
    changes: dict[str, Any] = {**request, **port_names.asked(request, means)}
    if "interface_id" in request:
        if request["interface_id"] not in ("", port.interface_id):
            attachments.permit(tx, request["interface_id"], means)
        attachments.move(tx, port, request["interface_id"])
    mac = request.get("mac_address", port.mac_address) or allocate.free_mac(tx, network.id, means)
    changes["mac_address"] = mac
    now = port
    if mac != port.mac_address:
        allocate.take_mac(tx, network, mac, port)
        tx.release(f"mac/{network.id}/{port.mac_address}")
        now = replace(port, mac_address=mac, fixed_ips=addresses.of_new_mac(tx, port, mac))
        changes["fixed_ips"] = now.fixed_ips
    if "fixed_ips" in request:
        changes["fixed_ips"] = addresses.of_port(tx, network, now, request["fixed_ips"], means)
    if "fixed_ips" in changes:
        router_ports.readdress(tx, port, changes["fixed_ips"], means)
        port_uses.move(tx, port, {fixed.ip_address for fixed in changes["fixed_ips"]}, means)
    if "dhcp_options" in request:
        changes["dhcp_options"] = _options(port.dhcp_options, request["dhcp_options"])
    if "host" in request:
        changes["bindings"] = tuple(each for each in port.bindings if each.host != request["host"])
    changed = replace(port, mac_address=mac, port_security=request.get("port_security", port.port_security))
    if "address_pairs" in request:
        changes["address_pairs"] = _pairs(changed, request["address_pairs"])
    elif port.address_pairs:
        changes["address_pairs"] = _pairs(changed, _follow(port, mac))
    owner = request.get("device_owner", port.device_owner)
    changes["security_groups"] = memberships.of_port(tx, replace(changed, device_owner=owner), request, means)
    return standard.change(tx, port, changes, means)


def delete(tx: Transaction, port_id: str, means: Means) -> None:
    """Delete a port.  Raises Conflict for one that floating IPs of others lead to, or that something else needs."""
    port = required(tx, port_id)
    router_ports.refuse_deletion(tx, port)
    port_uses.check_deletable(tx, port)
    remove(tx, port, means)


def remove(tx: Transaction, port: Port, means: Means) -> None:
    """Delete a port, and release its reservations and what leads to it."""
    port_uses.leave(tx, port, means)
    for fixed in port.fixed_ips:
        tx.release(f"ip/{fixed.subnet_id}/{fixed.ip_address}")
    tx.release(f"mac/{port.network_id}/{port.mac_address}")
    tx.release(f"member/{port.network_id}/port/{port.id}")
    attachments.release(tx, port)
    memberships.leave(tx, port)
    logs.remove_all(tx, port.id)
    tx.delete(port)


def _enter(tx: Transaction, network: Network, port: Port) -> None:
    """Make a new port's reservations other than its addresses."""
    tx.reserve(f"member/{network.id}/port/{port.id}", port)
    allocate.take_mac(tx, network, port.mac_address, port)
    if port.interface_id:
        attachments.take(tx, port, port.interface_id)


# --- address pairs and DHCP options -----------------------------------------------------------------------------------

MOST_PAIRS = 10  # Neutron's default
WIDEST_PAIR = 8  # shortest prefix of a pair: ten pairs then cover at most 4 % of all addresses
MOST_OPTIONS = 64


def _pairs(port: Port, requests: Sequence[AddressPair]) -> tuple[AddressPair, ...]:
    """Allowed address pairs without those that the port has anyway.

    Raises Conflict when port security is off, and Invalid for prefixes so wide that hardly any address would be
    checked: that needs port_security_enabled = false, which states it openly.
    """
    if requests and not port.port_security:
        raise Conflict(
            "Port Security must be enabled in order to have allowed address pairs on a port.",
            "AddressPairAndPortSecurityRequired",
        )
    if len(requests) > MOST_PAIRS:
        raise Invalid(
            f"The number of allowed address pair exceeds the maximum {MOST_PAIRS}.", "AllowedAddressPairExhausted"
        )
    found: dict[AddressPair, None] = {}
    there = {pair.ip_address for pair in port.address_pairs}  # earlier versions allowed wider ones
    for request in requests:
        length = request.ip_address.partition("/")[2]
        if length and int(length) < WIDEST_PAIR and request.ip_address not in there:
            raise Invalid(
                f"Invalid input for allowed_address_pairs. Reason: {request.ip_address} is wider than a "
                f"/{WIDEST_PAIR}: use port_security_enabled for that.",
                "HTTPBadRequest",
            )
        pair = AddressPair(request.ip_address, request.mac_address or port.mac_address)
        if pair in found:
            raise Invalid(
                f"Request contains duplicate address pair: mac_address {pair.mac_address} ip_address "
                f"{pair.ip_address}.",
                "DuplicateAddressPairInRequest",
            )
        found[pair] = None
    return tuple(found)


def _follow(port: Port, mac: str) -> list[AddressPair]:
    """Address pairs after a change of the port's MAC: those with the old MAC get the new one."""
    return [AddressPair(pair.ip_address, "" if pair.mac_address == port.mac_address else pair.mac_address)
            for pair in port.address_pairs]  # fmt: skip


def _options(
    there: Sequence[DhcpOption], requests: Sequence[tuple[str, str | None, int]]
) -> tuple[DhcpOption, ...]:  # fmt: skip
    """DHCP options with the requested ones changed, added, or (None) removed.  Raises Invalid for too many."""
    if not there and not requests:
        return ()
    found = {(option.name, option.ip_version): option for option in there}
    for name, value, version in requests:
        if value is None:
            found.pop((name, version), None)
        else:
            found[name, version] = DhcpOption(name, value, version)
    if len(found) > max(MOST_OPTIONS, len(there)):  # ports of earlier versions may have more
        raise Invalid(
            f"Invalid input for extra_dhcp_opts. Reason: {len(found)} options are more than {MOST_OPTIONS}.",
            "HTTPBadRequest",
        )
    return tuple(found[key] for key in sorted(found))
