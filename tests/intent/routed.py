"""A router between a tenant's network and an external one, written as rows: rules of routers are tested elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent import floatingips
from controller.intent import forwardings as rules
from controller.intent.addresses import AddressRequest
from controller.model.rows import FloatingIp, Gateway, Network, Port, PortForwarding, Router, RouterInterface, Subnet
from controller.runtime.errors import Refused

from .world import World


class Routed(World):
    """`inside`: red's network, whose subnet's gateway the router is; `outside`: the external network."""

    def __init__(self) -> None:
        super().__init__()
        self.outside = self.network("ops", external=True)
        self.outside_subnet = self.subnet(self.outside, "203.0.113.0/24")
        self.inside = self.network()
        self.inside_subnet = self.subnet(self.inside, "10.0.0.0/24")
        self.router = self.routed(1)
        self.interface = self.interfaced(self.router, self.inside, self.inside_subnet, "10.0.0.1")

    def routed(self, number: int, outside: Network | None = None) -> Router:
        """A router with a gateway in the external network."""
        network = outside or self.outside
        owned = {"device_owner": "network:router_gateway", "device_id": f"r{number}"}
        port = self.port(network, "", **owned)
        gateways = (Gateway(network.id, port.id),)
        router = Router(id=f"r{number}", project_id="red", number=number, segment=number, gateways=gateways)
        self.run(lambda tx: tx.put(router))
        return router

    def interfaced(self, router: Router, network: Network, subnet: Subnet, address: str = "") -> Port:
        """The port of a new interface."""
        where = AddressRequest(subnet.id, address)
        port = self.port(network, device_owner="network:router_interface", device_id=router.id, fixed_ips=[where])
        interface = RouterInterface(id=port.id, router_id=router.id, network_id=network.id)
        self.run(lambda tx: tx.put(interface))
        return port

    def floating(self, project: str = "red", **request: Any) -> FloatingIp:
        whole = {"floating_network_id": self.outside.id} | request
        return self.run(lambda tx: floatingips.create(tx, project, whole, self.means))  # type: ignore[arg-type]

    def change(self, floating: FloatingIp, **request: Any) -> FloatingIp:
        return self.run(lambda tx: floatingips.update(tx, floating.id, request, self.means))  # type: ignore[arg-type]

    def drop(self, floating: FloatingIp) -> None:
        self.run(lambda tx: floatingips.delete(tx, floating.id, self.means))

    def forward(self, floating: FloatingIp, port: Port, external: int, internal: int, **request: Any) -> PortForwarding:
        whole = {"floatingip_id": floating.id, "internal_port_id": port.id, "protocol": "tcp",
                 "external_port": external, "internal_port": internal} | request  # fmt: skip
        return self.run(lambda tx: rules.create(tx, "red", whole, self.means))  # type: ignore[arg-type]

    def forward_otherwise(self, forwarding: PortForwarding, **request: Any) -> PortForwarding:
        return self.run(lambda tx: rules.update(tx, forwarding.id, request, self.means))  # type: ignore[arg-type]

    def now(self, floating: FloatingIp) -> FloatingIp:
        found = self.model.get(FloatingIp, floating.id)
        assert found is not None
        return found

    def reservations(self) -> set[str]:
        """Those of floating IPs and port forwardings."""
        kinds = ("fip-", "router-fip", "forward")
        return {key for key in self.model.taken if key.removeprefix("taken/").startswith(kinds)}


def refused(kind: str, said: str | None = None) -> Any:
    """A context that expects a refusal of this kind, which says so."""
    return pytest.raises(Refused, match=said, check=lambda error: error.kind == kind)
