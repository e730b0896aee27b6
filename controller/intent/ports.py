"""Rules of ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict

from msgspec.structs import replace

from controller.errors import Exhausted, Invalid, NotFound
from controller.model.kinds import FixedIp, Network, Port, Subnet
from controller.store.transaction import Transaction

from . import allocate, attachments, networks, ranges, subnets
from .means import Means


class AddressWish(NamedTuple):
    """An address that a port shall have: of this subnet, this address, or both ("" is not said)."""

    subnet_id: str = ""
    ip_address: str = ""


class PortWish(TypedDict, total=False):
    """What was asked for; a key that is missing was not said.  MAC and IP addresses in canonical form."""

    network_id: str
    name: str
    admin_state_up: bool
    mac_address: str
    fixed_ips: Sequence[AddressWish]
    interface_id: str
    host: str
    device_id: str
    device_owner: str


def required(tx: Transaction, port_id: str) -> Port:
    port = tx.get(Port, port_id)
    if port is None:
        raise NotFound(f"Port {port_id} could not be found.", "PortNotFound")
    return port


def create(tx: Transaction, project_id: str, wish: PortWish, means: Means) -> Port:
    """A port with declared addresses: those asked for, else one of an IPv4 and one of an IPv6 subnet."""
    network = networks.required(tx, wish["network_id"])
    port = Port(
        id=means.new_id(),
        project_id=project_id,
        network_id=network.id,
        name=wish.get("name", ""),
        admin_state_up=wish.get("admin_state_up", True),
        mac_address=wish.get("mac_address") or allocate.free_mac(tx, network.id, means),
        interface_id=wish.get("interface_id", ""),
        host=wish.get("host", ""),
        device_id=wish.get("device_id", ""),
        device_owner=wish.get("device_owner", ""),
        created_at=means.now(),
    )
    _enter(tx, network, port)
    fixed_ips = _addresses(tx, network, port, wish.get("fixed_ips"), means)
    if fixed_ips:
        port = replace(port, fixed_ips=fixed_ips)
    tx.put(port)
    return port


def create_learning(tx: Transaction, project_id: str, network: Network, admin_state_up: bool, means: Means) -> Port:
    """A port whose addresses are learned (Quantum v1.1); its own MAC address is for the record."""
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


def update(tx: Transaction, port_id: str, wish: PortWish, means: Means) -> Port:
    port = required(tx, port_id)
    network = networks.required(tx, port.network_id)
    changes: dict[str, Any] = {name: value for name, value in wish.items() if name != "fixed_ips"}
    if "interface_id" in wish:
        attachments.move(tx, port, wish["interface_id"])
    mac = wish.get("mac_address", port.mac_address)
    if mac != port.mac_address:
        allocate.take_mac(tx, network, mac, port)
        tx.release(f"mac/{network.id}/{port.mac_address}")
    if "fixed_ips" in wish:
        changes["fixed_ips"] = _readdress(tx, network, port, wish["fixed_ips"], means)
    changed = replace(port, **changes)
    tx.put(changed)
    return changed


def delete(tx: Transaction, port_id: str, means: Means) -> None:
    remove(tx, required(tx, port_id))


def remove(tx: Transaction, port: Port) -> None:
    """A port and all that it holds."""
    for fixed in port.fixed_ips:
        tx.release(f"ip/{fixed.subnet_id}/{fixed.ip_address}")
    tx.release(f"mac/{port.network_id}/{port.mac_address}")
    tx.release(f"member/{port.network_id}/port/{port.id}")
    attachments.release(tx, port)
    tx.delete(port)


def _enter(tx: Transaction, network: Network, port: Port) -> None:
    """What a new port holds beside its addresses."""
    tx.reserve(f"member/{network.id}/port/{port.id}", port)
    allocate.take_mac(tx, network, port.mac_address, port)
    if port.interface_id:
        attachments.take(tx, port, port.interface_id)


# --- addresses --------------------------------------------------------------------------------------------------------


def _addresses(
    tx: Transaction, network: Network, port: Port, wishes: Sequence[AddressWish] | None, means: Means
) -> tuple[FixedIp, ...]:
    if wishes is None:
        return _default_addresses(tx, network, port, means)
    return _given(tx, network, port, wishes, {}, means)


def _given(
    tx: Transaction,
    network: Network,
    port: Port,
    wishes: Sequence[AddressWish],
    kept: dict[int, FixedIp],
    means: Means,
) -> tuple[FixedIp, ...]:
    """An address for each wish, in their order, but those of `kept` which the port has already (by place).

    Addresses that are named are taken before any is drawn, so that none of them is drawn.
    """
    found = dict(kept)
    for place, wish in sorted(enumerate(wishes), key=lambda item: not item[1].ip_address):
        if place not in found:
            found[place] = _address(tx, network, port, wish, means)
    return tuple(found[place] for place in range(len(wishes)))


def _default_addresses(tx: Transaction, network: Network, port: Port, means: Means) -> tuple[FixedIp, ...]:
    """One address of one IPv4 subnet and one of one IPv6 subnet, where the network has such; oldest subnets first."""
    found: list[FixedIp] = []
    all_subnets = tx.find(Subnet, "network_id", network.id)
    for version in (4, 6):
        candidates = [subnet for subnet in all_subnets if subnet.ip_version == version]
        if candidates:
            found.append(_draw(tx, network, port, sorted(candidates, key=_age), means))
    return tuple(found)


def _age(subnet: Subnet) -> tuple[str, str]:
    return subnet.created_at, subnet.id


def _draw(tx: Transaction, network: Network, port: Port, candidates: Sequence[Subnet], means: Means) -> FixedIp:
    for subnet in candidates:
        address = allocate.free_address(tx, subnet, means)
        if address is not None:
            allocate.take_address(tx, subnet, address, port)
            return FixedIp(subnet.id, address)
    raise Exhausted(f"No more IP addresses available on network {network.id}.")


def _address(tx: Transaction, network: Network, port: Port, wish: AddressWish, means: Means) -> FixedIp:
    if not wish.ip_address:
        return _draw(tx, network, port, [_subnet(tx, network, wish.subnet_id)], means)
    if wish.subnet_id:
        subnet = _subnet(tx, network, wish.subnet_id)
        if not usable(subnet, wish.ip_address):
            raise Invalid(
                f"IP address {wish.ip_address} is not a valid IP for the specified subnet {subnet.id} ({subnet.cidr}).",
                "InvalidIpForSubnet",
            )
    else:
        subnet = _subnet_of(tx, network, wish.ip_address)
    allocate.take_address(tx, subnet, wish.ip_address, port)
    return FixedIp(subnet.id, wish.ip_address)


def _subnet(tx: Transaction, network: Network, subnet_id: str) -> Subnet:
    subnet = subnets.required(tx, subnet_id)
    if subnet.network_id != network.id:
        raise Invalid(
            f"Invalid input for operation: Failed to create or update port on network {network.id}, because fixed_ips "
            f"included invalid subnet {subnet_id}."
        )
    return subnet


def _subnet_of(tx: Transaction, network: Network, address: str) -> Subnet:
    for subnet in tx.find(Subnet, "network_id", network.id):
        if usable(subnet, address):
            return subnet
    raise Invalid(
        f"IP address {address} is not a valid IP for any of the subnets on the specified network {network.id}.",
        "InvalidIpForNetwork",
    )


def usable(subnet: Subnet, address: str) -> bool:
    """May a port have this address: a host address of the subnet?  The gateway's is for whoever asks for it by name."""
    span = ranges.span(subnet)
    if (6 if ":" in address else 4) != span.version:
        return False
    wanted = ranges.number(address)
    return span.hosts[0] <= wanted <= span.hosts[1]


def _readdress(
    tx: Transaction, network: Network, port: Port, wishes: Sequence[AddressWish], means: Means
) -> tuple[FixedIp, ...]:
    """Keeps what the port has and is asked for again; gives back the rest."""
    if port.learning and wishes:
        raise Invalid(
            f"Invalid input for operation: port {port.id} was made through Quantum v1.1, its addresses are learned."
        )
    spare = list(port.fixed_ips)
    kept = {place: fixed for place, wish in enumerate(wishes) if wish.ip_address and (fixed := _pick(spare, wish))}
    kept |= {place: fixed for place, wish in enumerate(wishes) if not wish.ip_address and (fixed := _pick(spare, wish))}
    for fixed in spare:
        tx.release(f"ip/{fixed.subnet_id}/{fixed.ip_address}")
    return _given(tx, network, port, wishes, kept, means)


def _pick(spare: list[FixedIp], wish: AddressWish) -> FixedIp | None:
    """Take out of `spare` what satisfies the wish."""
    for place, fixed in enumerate(spare):
        if wish.subnet_id in ("", fixed.subnet_id) and wish.ip_address in ("", fixed.ip_address):
            return spare.pop(place)
    return None
