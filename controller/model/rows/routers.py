"""Routers, their interfaces, and what they translate: floating IPs, port forwardings (Networking API v2.0, router)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .base import BY_OWNER, Node, Reference, Row, Seen, Standard, row


class ExtraRoute(msgspec.Struct, frozen=True, array_like=True):
    """A static route: packets to the prefix `destination` go to the address `nexthop`."""

    destination: str
    nexthop: str


class Gateway(msgspec.Struct, frozen=True, array_like=True):
    """An interface of a router in an external network, and whether addresses are translated there (source NAT)."""

    network_id: str
    port_id: str
    snat: bool = True


@row(
    "router",
    index=("number",),
    lookup=("project_id", "name", "tags", "flavor_id", "external_networks", "gateway_ports"),
    attributes=("number", "segment", "admin_state_up", "routes", "gateways", "ecmp", "project_id"),
    refers=(Reference("flavor_id", "flavor", "flavor-router"),),
    seen=BY_OWNER,
    quota=10,
)
class Router(Standard, frozen=True, kw_only=True):
    """A router of a tenant.

    `number`: the router in flows, 1..16,382, drawn as the reservation `router-number/NUMBER`.  `segment`: a data plane
    id drawn like a network's, in which its packets travel to the switch where its gateway is.  `gateways`: the first is
    the one of external_gateway_info; further ones may be in the same external network.  `ecmp`: default routes over all
    gateways are used at the same time, else that of the first.  `ha`, `distributed` and `bfd` are what the API shows;
    no flow depends on them.
    """

    number: int
    segment: int
    admin_state_up: bool = True
    routes: tuple[ExtraRoute, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    flavor_id: str = ""
    zone_hints: tuple[str, ...] = ()
    ha: bool = True
    distributed: bool = True
    ecmp: bool = False
    bfd: bool = False
    ndp_proxy: bool = False

    @property
    def external_networks(self) -> tuple[str, ...]:
        """Networks that it has a gateway in, each once."""
        return tuple(dict.fromkeys([gateway.network_id for gateway in self.gateways]))

    @property
    def gateway_ports(self) -> tuple[str, ...]:
        """Ports of its gateways."""
        return tuple([gateway.port_id for gateway in self.gateways])


@row("auto_topology", lookup=("network_id", "router_id"))
class AutoTopology(Row, frozen=True, kw_only=True):
    """A network with a router to the default external network that a project got by asking for one (`id`: of it)."""

    id: str
    network_id: str
    router_id: str


def _joined(interface: RouterInterface) -> Iterable[tuple[Node, Node]]:
    yield ("router", interface.router_id), ("network", interface.network_id)


@row(
    "router_interface",
    index=("router_id", "network_id"),
    parent=Reference("router_id", "router", "router-member", shown=True),
    joins=_joined,
)
class RouterInterface(Row, frozen=True, kw_only=True):
    """An interface of a router in a network of a tenant.

    `id`: of the port that has its addresses and its MAC (device owner network:router_interface).  The row, not the
    port's device_id, is what makes it one: a tenant may write any device_id.  The port keeps the network from deletion.
    """

    id: str
    router_id: str
    network_id: str


@row(
    "floatingip",
    index=("router_id", "floating_network_id", "port_id"),
    lookup=("project_id", "tags", "floating_port_id", "floating_ip_address"),
    attributes=("floating_network_id", "floating_port_id", "floating_ip_address", "port_id", "fixed_ip_address",
                "router_id"),
    refers=(Reference("port_id", "port", "fip-port"), Reference("router_id", "router", "router-fip")),
    seen=BY_OWNER,
    quota=50,
    plural="Floating IPs",
)  # fmt: skip
class FloatingIp(Standard, frozen=True, kw_only=True):
    """An address of an external network, translated to and from a fixed address of a port behind a router.

    `floating_port_id`: the port of the external network that has the address and its MAC.  `port_id` and
    `fixed_ip_address` are "" while it is not associated; `router_id` is "" too, unless port forwardings use it.
    `dns_name` and `dns_domain` ("example.org.", with its dot): the name of its own in external DNS, or both "".
    """

    floating_network_id: str
    floating_port_id: str
    floating_ip_address: str
    port_id: str = ""
    fixed_ip_address: str = ""
    router_id: str = ""
    dns_name: str = ""
    dns_domain: str = ""


@row(
    "port_forwarding",
    index=("floatingip_id", "internal_port_id"),
    lookup=("project_id",),
    parent=Reference("floatingip_id", "floatingip", "forwarding", shown=True),
    refers=(Reference("internal_port_id", "port", "forwarded"),),
    seen=Seen(parent_owner=True),
    quota=200,
)
class PortForwarding(Standard, frozen=True, kw_only=True):
    """Connections to ports of a floating IP go to ports of a fixed address.

    `external_ports` and `internal_ports`: first and last port, ranges of the same length or an internal range of one.
    `protocol`: tcp, udp, icmp, ...
    """

    floatingip_id: str
    protocol: str
    external_ports: tuple[int, int]
    internal_ports: tuple[int, int]
    internal_port_id: str
    internal_ip_address: str
