"""Rules of local IPs, and of the ports that serve them on their hosts."""

from __future__ import annotations

from controller.intent.env import Means
from controller.model.rows import LocalIp, LocalIpAssociation, Network, Port, Subnet
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import networks, port_uses, ports, standard, visibility
from .addresses import AddressRequest
from .ports import PortRequest
from .standard import StandardRequest

OWNER = "network:local_ip"  # device owner of the port that is made with a local IP
MODES = ("translate", "passthrough")


class LocalIpRequest(StandardRequest, total=False):
    """Requested attributes of a local IP; missing keys were not given, "" is null."""

    local_port_id: str
    network_id: str
    local_ip_address: str
    ip_mode: str


class AssociationRequest(StandardRequest, total=False):
    local_ip_id: str
    fixed_port_id: str
    fixed_ip: str


def missing(local_id: str) -> NotFound:
    return NotFound(f"Local IP {local_id[:64]} could not be found.", "LocalIPNotFound")


def required(tx: Transaction, local_id: str) -> LocalIp:
    local = tx.get(LocalIp, local_id)
    if local is None:
        raise missing(local_id)
    return local


def create(tx: Transaction, project_id: str, request: LocalIpRequest, means: Means) -> LocalIp:
    """An address that leads to a port of the sender's host: that of a port, or of one that is made in a network.

    Raises Invalid for neither, and for an address that the port does not have.
    """
    common = standard.fields(project_id, request, means)
    wanted = request.get("local_ip_address", "")
    if request.get("local_port_id"):
        port = _port(tx, project_id, request["local_port_id"], means)
        address = _of_port(port, wanted)
    elif request.get("network_id"):
        port = _made(tx, project_id, common["id"], request["network_id"], wanted, means)
        address = port.fixed_ips[0].ip_address
    else:
        raise Invalid(
            "Either Port ID or Network ID must be specified for Local IP create.", "LocalIPPortOrNetworkRequired"
        )
    local = LocalIp(
        **common, local_port_id=port.id, network_id=port.network_id, local_ip_address=address,
        ip_mode=request.get("ip_mode", MODES[0]),
    )  # fmt: skip
    tx.reserve(f"local-ip/{port.id}/{local.id}", local)
    tx.put(local)
    return local


def update(tx: Transaction, local_id: str, request: LocalIpRequest, means: Means) -> LocalIp:
    return standard.change(tx, required(tx, local_id), request, means)


def delete(tx: Transaction, local_id: str, means: Means) -> None:
    """Delete a local IP, and its port where that was made with it.  Raises Conflict (LocalIPInUse)."""
    local = required(tx, local_id)
    tx.guard(f"local-ip-association/{local_id}")
    if tx.find(LocalIpAssociation, "local_ip_id", local_id):
        raise Conflict(f"Local IP {local_id} is still associated with one or more ports.", "LocalIPInUse")
    tx.release(f"local-ip/{local.local_port_id}/{local.id}")
    tx.delete(local)
    port = tx.get(Port, local.local_port_id)
    if port is not None and (port.device_owner, port.device_id) == (OWNER, local.id):
        ports.remove(tx, port, means)


def _made(
    tx: Transaction, project_id: str, local_id: str, network_id: str, address: str, means: Means
) -> Port:  # fmt: skip
    network = visibility.required(tx, Network, network_id, means, networks.missing(network_id))
    if not any(subnet.ip_version == 4 for subnet in tx.find(Subnet, "network_id", network.id)):
        raise Invalid(
            f"Bad local_ip request: Network {network_id} does not contain any IPv4 subnet.", "BadRequest"
        )  # fmt: skip
    wanted = PortRequest(network_id=network_id, device_id=local_id, device_owner=OWNER)
    if address:
        wanted["fixed_ips"] = (AddressRequest("", address),)
    return ports.create(tx, project_id, wanted, means)


def _port(tx: Transaction, project_id: str, port_id: str, means: Means) -> Port:
    """A port of the local IP's project.  To others, what is of another project is not there."""
    port = visibility.required(tx, Port, port_id, means, ports.missing(port_id))
    if not (means.operator or port.project_id == project_id):
        raise ports.missing(port_id)
    return port


def _of_port(port: Port, wanted: str) -> str:
    """The address that is asked for, else the port's only one.  Raises Invalid."""
    if not port.addresses:
        raise Invalid(f"Specified Port {port.id} has no fixed IPs configured.", "LocalIPNoIP")
    if wanted and wanted not in port.addresses:
        raise Invalid(
            f"Specified Port {port.id} does not have requested IP address: {wanted}.", "LocalIPRequestedIPNotFound"
        )  # fmt: skip
    if not wanted and len(port.addresses) > 1:
        raise Invalid(
            f"Specified Port {port.id} has several IPs, should specify exact IP address to use for Local IP.",
            "LocalIPNoRequestedIP",
        )
    return wanted or port.addresses[0]


# --- associations -----------------------------------------------------------------------------------------------------


def associate(tx: Transaction, project_id: str, request: AssociationRequest, means: Means) -> LocalIpAssociation:
    """Have a port serve a local IP on its host.  Raises Conflict where it does so already."""
    local = required(tx, request["local_ip_id"])
    port = _port(tx, local.project_id, request["fixed_port_id"], means)
    association = LocalIpAssociation(
        **standard.fields(local.project_id, request, means),
        local_ip_id=local.id,
        fixed_port_id=port.id,
        fixed_ip=_of_port(port, request.get("fixed_ip", "")),
    )
    for place in port_uses.association_places(association):
        if tx.holder(place) is not None:
            raise Conflict(f"Local IP {local.id} is associated with port {port.id} already.", "Conflict")
        tx.reserve(place, association)
    tx.put(association)
    return association


def dissociate(tx: Transaction, association_id: str, means: Means) -> None:
    association = tx.get(LocalIpAssociation, association_id)
    if association is None:
        raise NotFound(
            f"Local IP association {association_id[:64]} could not be found.", "LocalIPAssociationNotFound"
        )  # fmt: skip
    port_uses.end_association(tx, association)
