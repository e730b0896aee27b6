"""A model and rules run on it, as `transact` would with a store: what they wrote is applied, one revision a run."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import TypeVar

from controller.intent import networks, ports, security_groups, subnets
from controller.intent.env import Means
from controller.intent.ports import PortRequest
from controller.intent.subnets import SubnetRequest
from controller.model.model import Model
from controller.model.rows import Network, Port, SecurityGroup, Subnet
from controller.store.replica import applied
from controller.store.transaction import Transaction

T = TypeVar("T")


class World:
    def __init__(self, underlay_mtu: int = 1500) -> None:
        self.model = Model()
        numbers = itertools.count(1)
        self.means = Means(
            underlay_mtu,
            random.Random(1).randrange,
            lambda: "2026-01-01T00:00:00Z",
            lambda: f"00000000-0000-4000-8000-{next(numbers):012x}",
        )

    def run(self, rules: Callable[[Transaction], T]) -> T:
        transaction = Transaction(self.model)
        value = rules(transaction)
        revision = self.model.revision + 1
        self.model.apply([applied(revision, key, row) for key, row in transaction.write.items()])
        return value

    def default_group(self, project: str = "red") -> SecurityGroup:
        """The project's default group, which its first port would make."""
        return self.run(lambda tx: security_groups.default(tx, project, self.means))

    def network(self, project: str = "red", **request: object) -> Network:
        return self.run(lambda tx: networks.create(tx, project, request, self.means))  # type: ignore[arg-type]

    def subnet(self, network: Network, cidr: str, **request: object) -> Subnet:
        whole = {"network_id": network.id, "cidr": cidr, "ip_version": 6 if ":" in cidr else 4} | request
        return self.run(lambda tx: subnets.create(tx, "red", SubnetRequest(**whole), self.means))  # type: ignore[typeddict-item]

    def port(self, network: Network, project: str = "red", **request: object) -> Port:
        whole = PortRequest(network_id=network.id, **request)  # type: ignore[typeddict-item]
        return self.run(lambda tx: ports.create(tx, project, whole, self.means))

    def update_port(self, port: Port, **request: object) -> Port:
        return self.run(lambda tx: ports.update(tx, port.id, PortRequest(**request), self.means))  # type: ignore[typeddict-item]

    def update_subnet(self, subnet: Subnet, **request: object) -> Subnet:
        return self.run(lambda tx: subnets.update(tx, subnet.id, SubnetRequest(**request), self.means))  # type: ignore[typeddict-item]

    def learning(self, network: Network, up: bool = False) -> Port:
        return self.run(lambda tx: ports.create_learning(tx, network.project_id, network, up, self.means))

    def delete(self, row: Network | Subnet | Port) -> None:
        module = {Network: networks, Subnet: subnets, Port: ports}[type(row)]
        self.run(lambda tx: module.delete(tx, row.id, self.means))
