"""Networks: a tenant's layer-2 segments."""

from __future__ import annotations

from .base import EXTERNAL, SHARED, Seen, Standard, row


@row(
    "network",
    index=("project_id",),
    lookup=("name", "tags", "segment", "relayed"),
    attributes=("segment", "physical_network", "vlan", "mtu"),
    seen=Seen(shared=(SHARED, EXTERNAL)),
    quota=100,
)
class Network(Standard, frozen=True, kw_only=True):
    """A tenant's layer-2 segment.  `segment` is its data plane id, 1..2^24-1: metadata, and the VNI on tunnels.

    `physical_network`, of a network of type flat or vlan, is what carries its frames instead, tagged with `vlan` (0:
    untagged).  Neither changes.  `external`: routers may use it as their way out.  `port_security`: what its ports have
    when they do not say.  `is_default`: the external network that topologies are made with which nobody described; at
    most one, which holds the reservation `default-external`.  `dns_domain`: of its ports that say none of their own;
    with its last dot, may have keywords (see `controller.model.names`).  `dhcp_relay`: addresses of DHCP servers, IPv4
    and IPv6, that answer its ports instead of the controller.
    """

    admin_state_up: bool = True
    mtu: int
    network_type: str
    segment: int
    physical_network: str = ""
    vlan: int = 0
    external: bool = False
    port_security: bool = True
    zone_hints: tuple[str, ...] = ()
    is_default: bool = False
    dns_domain: str = ""
    dhcp_relay: tuple[str, ...] = ()

    @property
    def relayed(self) -> bool:
        return bool(self.dhcp_relay)
