"""Routers, their interfaces and gateways on a `World`, as the API would make them."""

from __future__ import annotations

from typing import Any

from controller.intent import (
    router_interfaces,
    routers,
    sharing,
)
from controller.intent.env import Means
from controller.intent.router_interfaces import InterfaceChange
from controller.model.rows import (
    FloatingIp,
    Network,
    Port,
    Router,
    Subnet,
)
from controller.store.transaction import Transaction

from .world import World


def router(world: World, project: str = "red", **request: Any) -> Router:
    return world.run(lambda tx: routers.create(tx, project, request, world.means))  # type: ignore[arg-type]


def tenant(world: World, project: str = "red") -> Means:
    return world.means._replace(project_id=project, operator=False)


def add(world: World, router: Router, subnet: Subnet, means: Means | None = None) -> InterfaceChange:
    def rules(tx: Transaction) -> InterfaceChange:
        now = routers.required(tx, router.id)
        return router_interfaces.add_by_subnet(tx, now, subnet.id, means or world.means)

    return world.run(rules)


def add_port(world: World, router: Router, port: Port, means: Means | None = None) -> InterfaceChange:
    def rules(tx: Transaction) -> InterfaceChange:
        now = routers.required(tx, router.id)
        return router_interfaces.add_by_port(tx, now, port.id, means or world.means)

    return world.run(rules)


def remove(world: World, router: Router, subnet: Subnet) -> InterfaceChange:
    def rules(tx: Transaction) -> InterfaceChange:
        now = routers.required(tx, router.id)
        return router_interfaces.remove_by_subnet(tx, now, subnet.id, world.means)

    return world.run(rules)


def remove_port(world: World, router: Router, port_id: str, subnet_id: str = "") -> InterfaceChange:
    def rules(tx: Transaction) -> InterfaceChange:
        now = routers.required(tx, router.id)
        return router_interfaces.remove_by_port(tx, now, port_id, subnet_id, world.means)

    return world.run(rules)


def update(world: World, router: Router, means: Means | None = None, **request: Any) -> Router:
    return world.run(lambda tx: routers.update(tx, router.id, request, means or world.means))  # type: ignore[arg-type]


def external(world: World, cidr: str = "198.51.100.0/24") -> tuple[Network, Subnet]:
    network = world.network("ops", external=True)
    return network, world.subnet(network, cidr)


def inside(world: World, cidr: str, **more: Any) -> Subnet:
    return world.subnet(world.network(), cidr, **more)


def floating(world: World, of: Router, network: Network, port: Port) -> FloatingIp:
    row = FloatingIp(id="f", project_id="red", floating_network_id=network.id, floating_port_id="p",
                     floating_ip_address="198.51.100.9", port_id=port.id, fixed_ip_address=port.addresses[0],
                     router_id=of.id)  # fmt: skip
    world.run(lambda tx: tx.put(row))
    return row


def rows(world: World) -> set[str]:
    return set(world.model.revisions)


def share(world: World, network: Network, target: str, action: str = "access_as_shared") -> str:
    request = sharing.SharingRequest(object_type="network", object_id=network.id, action=action, target=target)
    return world.run(lambda tx: sharing.create(tx, network.project_id, request, world.means)).id
