"""First hop of a packet: the receiver itself in the sender's own network, else the sender's gateway."""

from __future__ import annotations

from typing import NamedTuple

from controller.model.model import Model
from controller.model.rows import Port, RouterInterface, Subnet


class FirstHop(NamedTuple):
    """`mac`: that the sender's frame is for, "" where only traffic tells; `address`: that it asks the network for.
    `router_id`: "" where no router is.
    """

    mac: str
    address: str
    router_id: str = ""


def first_hop(model: Model, sender: Port, receiver: Port, six: bool = False) -> FirstHop | None:
    """Of a packet from one port to the other; None where no router is on the sender's network.

    The gateway is the one of the sender's subnet, or the first router on its network where that has none.
    """
    address = address_of(receiver, six)
    if sender.network_id == receiver.network_id:
        return FirstHop("" if receiver.learning else receiver.mac_address, address)
    return gateway(model, sender, six)


def gateway(model: Model, sender: Port, six: bool) -> FirstHop | None:
    """The interface of a router that a port sends to what is for other networks."""
    subnets = [model.get(Subnet, subnet_id) for subnet_id in sender.subnets]
    named = {subnet.gateway_ip for subnet in subnets if subnet is not None}
    found = []
    for interface in sorted(model.find(RouterInterface, "network_id", sender.network_id), key=lambda one: one.id):
        port = model.get(Port, interface.id)
        if port is not None and (address := address_of(port, six)):
            found.append(FirstHop(port.mac_address, address, interface.router_id))
    return next((hop for hop in found if hop.address in named), found[0] if found else None)


def address_of(port: Port, six: bool) -> str:
    """The first address of a port in a family, "" if none."""
    return next((text for text in port.addresses if (":" in text) == six), "")
