"""Rules of floating IPs: their addresses, and the router that leads from them to a port.

The address is that of a port of the external network, of no project, which is made and deleted with the floating IP.
"""

from __future__ import annotations

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import FixedIp, FloatingIp, Network, Port, PortForwarding, Router, RouterInterface, Subnet
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Taken, Transaction

from . import networks, port_uses, ports, router_ports, slots, standard, visibility
from .addresses import AddressRequest
from .ports import PortRequest
from .standard import StandardRequest

DHCP = "network:dhcp"  # ports that no floating IP leads to
LONGEST_NAME = 254  # characters of a domain name with its dots (RFC 1035, 2.3.4: 255 octets)
OTHER = ("port_id", "fixed_ip_address")  # a request with neither, and with others, leaves the association


class FloatingIpRequest(StandardRequest, total=False):
    """Requested attributes of a floating IP; missing keys were not given, "" is null."""

    floating_network_id: str
    subnet_id: str
    floating_ip_address: str
    port_id: str
    fixed_ip_address: str
    dns_name: str
    dns_domain: str


def missing(floating_id: str) -> NotFound:
    return NotFound(f"Floating IP {floating_id[:64]} could not be found.", "FloatingIPNotFound")


def required(tx: Transaction, floating_id: str) -> FloatingIp:
    floating = tx.get(FloatingIp, floating_id)
    if floating is None:
        raise missing(floating_id)
    return floating


def bad(said: str) -> Invalid:
    return Invalid(f"Bad floatingip request: {said}.", "BadRequest")


def create(tx: Transaction, project_id: str, request: FloatingIpRequest, means: Means) -> FloatingIp:
    """Take an address of an external network and associate it, where a port is named.

    Raises Invalid for a network that is not external or has no IPv4 subnet, and for half a DNS name, Conflict
    (DuplicateRecordSet) where another floating IP has the name, and as `update`.
    """
    dns_name, dns_domain = _own_name(request)
    network = _external(tx, request["floating_network_id"], means)
    common = standard.fields(project_id, request, means)
    port = _floating_port(tx, network, common["id"], request, means)
    address = next((fixed.ip_address for fixed in port.fixed_ips if ":" not in fixed.ip_address), "")
    if not address:
        raise Invalid(
            f"Unable to find any IP address on external network {network.id}.", "ExternalIpAddressExhausted"
        )  # fmt: skip
    floating = FloatingIp(
        **common, floating_network_id=network.id, floating_port_id=port.id, floating_ip_address=address,
        dns_name=dns_name, dns_domain=dns_domain,
    )  # fmt: skip
    _take_name(tx, floating)
    floating = _associated(tx, floating, request, means)
    tx.put(floating)
    return floating


def update(tx: Transaction, floating_id: str, request: FloatingIpRequest, means: Means) -> FloatingIp:
    """Change the description or the association; an empty request ends the association, as upstream has it.

    Raises Invalid for a port that cannot have a floating IP or whose address is not clear, NotFound where no router
    leads from the external network to it, Conflict where the fixed address has one of this network.
    """
    floating = required(tx, floating_id)
    changed = floating
    if not request or any(name in request for name in OTHER):
        changed = _associated(tx, floating, request, means)
    described = {name: value for name, value in request.items() if name in ("description", "tags")}
    changed = replace(changed, **described)
    if changed == floating:
        return floating
    changed = replace(changed, updated_at=means.now())
    tx.put(changed)
    return changed


def delete(tx: Transaction, floating_id: str, means: Means) -> None:
    """Delete a floating IP and its port.  Raises Conflict (FipInUseByPortForwarding) while it has port forwardings."""
    remove(tx, required(tx, floating_id), means)


def remove(tx: Transaction, floating: FloatingIp, means: Means) -> None:
    _check_no_forwardings(tx, floating)
    port_uses.release(tx, floating)
    if floating.dns_name:
        tx.release(_named(floating))
    tx.delete(floating)
    port = tx.get(Port, floating.floating_port_id)
    if port is not None:
        ports.remove(tx, port, means)


def _external(tx: Transaction, network_id: str, means: Means) -> Network:
    network = visibility.required(tx, Network, network_id, means, networks.missing(network_id))
    if not network.external:
        raise bad(f"Network {network_id} is not a valid external network")
    if not any(subnet.ip_version == 4 for subnet in tx.find(Subnet, "network_id", network.id)):
        raise bad(f"Network {network_id} does not contain any IPv4 subnet")
    return network


def _floating_port(
    tx: Transaction, network: Network, floating_id: str, request: FloatingIpRequest, means: Means
) -> Port:  # fmt: skip
    """A port of no project: tenants take addresses of external networks so, and make no ports on them."""
    wanted = PortRequest(network_id=network.id, device_id=floating_id, device_owner=router_ports.FLOATING)
    given = AddressRequest(request.get("subnet_id", ""), request.get("floating_ip_address", ""))
    if any(given):
        wanted["fixed_ips"] = (given,)
    port = ports.create(tx, "", wanted, means._replace(operator=True))
    slots.exempt(tx, port)
    return port


# --- its own name in external DNS -------------------------------------------------------------------------------------


def _own_name(request: FloatingIpRequest) -> tuple[str, str]:
    name, domain = request.get("dns_name", ""), request.get("dns_domain", "")
    if domain and not name:
        raise bad("dns_domain cannot be specified without a dns_name")
    if name and not domain:
        raise bad("dns_name cannot be specified without a dns_domain")
    if len(name) + 1 + len(domain) > LONGEST_NAME:
        raise bad(f"dns_name and dns_domain together have more than {LONGEST_NAME} characters")
    return name, domain


def _named(floating: FloatingIp) -> str:
    """Reservation of its name."""
    return f"fip-name/{floating.dns_name}.{floating.dns_domain}"


def _take_name(tx: Transaction, floating: FloatingIp) -> None:
    if not floating.dns_name:
        return
    try:
        tx.reserve(_named(floating), floating)
    except Taken as error:
        raise Conflict(
            f"Name {floating.dns_name} is duplicated in the external DNS service.", "DuplicateRecordSet"
        ) from error


# --- association ------------------------------------------------------------------------------------------------------


def _associated(tx: Transaction, floating: FloatingIp, request: FloatingIpRequest, means: Means) -> FloatingIp:
    """The floating IP with the requested association, which is reserved; the caller writes the row."""
    port_id = request.get("port_id", "")
    if not port_id:
        if request.get("fixed_ip_address"):
            raise bad("fixed_ip_address cannot be specified without a port_id")
        if not floating.port_id:
            return floating  # port forwardings may use its router
        return port_uses.associate(tx, floating, "", "", "")
    port = visibility.required(tx, Port, port_id, means, ports.missing(port_id))
    fixed = _fixed(floating, port, request.get("fixed_ip_address", ""), means)
    router_id = router_between(tx, port, fixed.subnet_id, floating.floating_network_id)
    if not router_id:
        raise NotFound(
            f"External network {floating.floating_network_id} is not reachable from subnet {fixed.subnet_id}.  "
            f"Therefore, cannot associate Port {port.id} with a Floating IP.",
            "ExternalGatewayForFloatingIPNotFound",
        )
    _check_no_forwardings(tx, floating)
    tx.guard(f"forwarded/{port.id}")
    if tx.find(PortForwarding, "internal_port_id", port.id):
        raise Invalid(
            f"Cannot associate floating IP to port {port.id} because it already has a Port Forwarding binding.",
            "PortHasPortForwarding",
        )
    return port_uses.associate(tx, floating, port.id, fixed.ip_address, router_id)


def _fixed(floating: FloatingIp, port: Port, address: str, means: Means) -> FixedIp:
    """The port's IPv4 address that is asked for, else its only one.  Raises Invalid."""
    if port.project_id != floating.project_id and not means.operator:
        raise bad(
            f"Cannot process floating IP association with Port {port.id}, since that port is owned by a different "
            f"project"
        )
    if port.device_owner == DHCP:
        raise bad(f"Port {port.id} is unable to be assigned a floating IP")
    if ":" in address:
        raise bad(f"Cannot process floating IP association with {address}, since that is not an IPv4 address")
    candidates = [fixed for fixed in port.fixed_ips if ":" not in fixed.ip_address]
    if address:
        candidates = [fixed for fixed in candidates if fixed.ip_address == address]
        if not candidates:
            raise bad(f"Port {port.id} does not have fixed ip {address}")
    elif not candidates:
        raise bad(f"Cannot add floating IP to port {port.id} that has no fixed IPv4 addresses")
    elif len(candidates) > 1:
        raise bad(
            f"Port {port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning "
            f"a floating IP"
        )
    return candidates[0]


def router_between(tx: Transaction, port: Port, subnet_id: str, external_id: str) -> str:
    """A router with an interface on the subnet and a way into the external network; "" where there is none.

    Of several the one that is the subnet's gateway.  An interface is a way as good as a gateway (the extension
    router-interface-fip).  What was found is read, and so is there when the transaction commits.
    """
    subnet = tx.get(Subnet, subnet_id)
    found: list[str] = []
    for interface in sorted(tx.find(RouterInterface, "network_id", port.network_id), key=lambda each: each.id):
        on_subnet = _addresses(tx, interface.id, subnet_id)
        if not on_subnet or not _leads(tx, interface.router_id, external_id):
            continue
        if subnet is not None and subnet.gateway_ip in on_subnet:
            return interface.router_id
        found.append(interface.router_id)
    return found[0] if found else ""


def _addresses(tx: Transaction, port_id: str, subnet_id: str) -> list[str]:
    port = tx.get(Port, port_id)
    return [fixed.ip_address for fixed in port.fixed_ips if fixed.subnet_id == subnet_id] if port is not None else []


def _leads(tx: Transaction, router_id: str, network_id: str) -> bool:
    router = tx.get(Router, router_id)
    if router is None:
        return False
    interfaces = tx.find(RouterInterface, "router_id", router_id)
    return network_id in router.external_networks or any(each.network_id == network_id for each in interfaces)


def _check_no_forwardings(tx: Transaction, floating: FloatingIp) -> None:
    tx.guard(f"forwarding/{floating.id}")
    if tx.find(PortForwarding, "floatingip_id", floating.id):
        raise Conflict(f"Floating IP {floating.id} in use by Port Forwarding resources.", "FipInUseByPortForwarding")


# --- what networks ask ------------------------------------------------------------------------------------------------


def delete_network(tx: Transaction, network_id: str, means: Means) -> None:
    """Delete a network, and its floating IPs that no router uses.  Raises Conflict as `networks.delete`."""
    for floating in tx.find(FloatingIp, "floating_network_id", network_id):
        if not floating.router_id:
            remove(tx, floating, means)
    networks.delete(tx, network_id, means)
