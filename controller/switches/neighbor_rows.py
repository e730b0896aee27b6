"""Rows of neighbours: what is written down of an answer, within bounds, and what is removed."""

from __future__ import annotations

from ipaddress import ip_network
from typing import NamedTuple

from msgspec.structs import replace

from apps.packets.neighbor_query import Address
from controller.model.model import Model
from controller.model.rows import Neighbor, Network, Port, Subnet
from controller.store.transaction import Transaction

OF_NETWORK, OF_ROUTER = 4096, 1024  # most rows


FOUND, GONE, MOVED = "found", "gone", "moved"


class Finding(NamedTuple):
    """What became of a question.  FOUND: `row` is as the neighbour answered; GONE: it answers no more; MOVED: another
    switch asks from now on.
    """

    row: Neighbor
    what: str


def why_not(model: Model, network: Network, address: Address) -> str:
    """Reason not to ask for an address in a network; "" where somebody may have it whom Tenet does not know."""
    if not (address.version == 6 and address.is_link_local):
        subnets = model.find(Subnet, "network_id", network.id)
        if not any(_has(subnet, address) for subnet in subnets):
            return "it is of no subnet of the network"
    declared = owner(model, network.id, str(address))
    if declared is None:
        return ""
    if model.placement.location(declared.id) is not None:
        return "a port has it"
    return "" if pairs(model, network.id, str(address)) else "its port is not plugged in"


def _has(subnet: Subnet, address: Address) -> bool:
    """Whether an address of a subnet can be a station's."""
    network = ip_network(subnet.cidr)
    if address not in network:
        return False
    whole = network.num_addresses > 2
    return not (whole and (address == network.network_address or (address == network.broadcast_address and
                           address.version == 4)))  # fmt: skip


def owner(model: Model, network_id: str, address: str) -> Port | None:
    """The port that declares an address in a network."""
    return next((port for port in model.find(Port, "addresses", address) if port.network_id == network_id), None)


def pairs(model: Model, network_id: str, address: str) -> list[Port]:
    """The ports that may use an address beside their own (a VIP, whose own port is plugged in nowhere)."""
    return [port for port in model.find(Port, "paired", address) if port.network_id == network_id]


def believed(model: Model, network_id: str, address: str, mac: str) -> bool:
    """Whether an answer for an address may be true: one that a port declares is only of ports that may use it."""
    if owner(model, network_id, address) is None:
        return True
    return any(
        pair.ip_address == address and pair.mac_address == mac
        for port in pairs(model, network_id, address)
        for pair in port.address_pairs
    )


def settle(tx: Transaction, finding: Finding) -> str:
    """Write or remove a row: "written", "moved", "removed", "full" where there are too many, or "" where nothing
    changes.
    """
    row = finding.row
    known = tx.get(Neighbor, row.row_id)
    if known is not None and finding.what == GONE and known.mac == row.mac:
        tx.delete(known)
        return "removed"
    if known is not None and finding.what == MOVED:
        tx.put(replace(known, switch_id=row.switch_id))
        return "moved"
    if finding.what != FOUND or tx.get(Network, row.network_id) is None:
        return ""
    if known is not None:
        if known.mac == row.mac:
            return ""
        tx.put(replace(known, mac=row.mac))
        return "written"
    model = tx.model
    if model.count(Neighbor, "network_id", row.network_id) >= OF_NETWORK:
        return "full"
    if model.count(Neighbor, "router_id", row.router_id) >= OF_ROUTER:
        return "full"
    tx.put(row)
    return "written"
