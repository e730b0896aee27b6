"""A cloud with an outside, in few words: an external network on physical network "p1", gateways and floating IPs."""

from __future__ import annotations

from msgspec.structs import replace

from controller.model.rows import (
    AddressPair,
    FixedIp,
    FloatingIp,
    Gateway,
    GatewayRanking,
    Interface,
    Network,
    Physical,
    Port,
    Router,
    Row,
    Subnet,
    Switch,
)
from tests.apps.routing import rows

PATCH = 903  # OpenFlow port of the patch port to "p1", where a switch has it
OUT = "203.0.113."
OUT6 = "2001:db8:e::"
_EVERY = ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")
OUTSIDE = 1  # host part of the station outside, which is the external subnet's gateway, too


def switch(number: int, *, physical: bool = True) -> Switch:
    return replace(rows.switch(number), physical=(Physical("p1", PATCH),) if physical else ())


def mac(host: int) -> str:
    return f"fa:16:3e:0e:00:{host:02x}"


def addresses(host: int, *, four: bool = True, six: bool = False) -> tuple[FixedIp, ...]:
    return ((FixedIp("x4", f"{OUT}{host}"),) if four else ()) + ((FixedIp("x6", f"{OUT6}{host:x}"),) if six else ())


def external(vlan: int = 0, *, tunnelled: bool = False) -> list[Row]:
    """The external network "x" and its subnets."""
    where = {} if tunnelled else {"physical_network": "p1", "vlan": vlan}
    kind = "vxlan" if tunnelled else "vlan" if vlan else "flat"
    return [
        Network(id="x", project_id="admin", mtu=1500, network_type=kind, segment=0x500, external=True, **where),
        Subnet(id="x4", project_id="admin", network_id="x", ip_version=4, cidr=f"{OUT}0/24", gateway_ip=f"{OUT}1"),
        Subnet(id="x6", project_id="admin", network_id="x", ip_version=6, cidr=f"{OUT6}/64", gateway_ip=f"{OUT6}1"),
    ]  # fmt: skip


def outside(at: int, ofport: int = 1, host: int = OUTSIDE) -> list[Row]:
    """A station of the external network, as a port of a switch where no tenant is; it may send anything."""
    port = Port(id="out", project_id="admin", network_id="x", mac_address=mac(host),
                fixed_ips=addresses(host, six=True), interface_id="out",
                address_pairs=tuple(AddressPair(half, mac(host)) for half in _EVERY))  # fmt: skip
    return [port, Interface(switch_id=f"h{at}", name="tap-out", vif="out", ofport=ofport)]


def with_gateway(router: Router, host: int, *ranking: str, snat: bool = True, six: bool = True) -> list[Row]:
    """A router with a gateway in the external network; `ranking`: the switches that may be it, the active one first."""
    name = f"{router.id}-x"
    port = Port(id=name, project_id="", network_id="x", mac_address=mac(host), fixed_ips=addresses(host, six=six),
                device_owner="network:router_gateway", device_id=router.id)  # fmt: skip
    return [port, replace(router, gateways=(Gateway("x", name, snat),)),
            GatewayRanking(id=router.id, switches=ranking)]  # fmt: skip


def floating(host: int, port: str, fixed: str, router: str = "r") -> list[Row]:
    """A floating IP; the port that it is associated with is "" for none."""
    name = f"fip{host}"
    outer = Port(id=f"{name}-port", project_id="", network_id="x", mac_address=mac(host), fixed_ips=addresses(host),
                 device_owner="network:floatingip", device_id=name)  # fmt: skip
    row = FloatingIp(id=name, project_id="t", floating_network_id="x", floating_port_id=outer.id,
                     floating_ip_address=f"{OUT}{host}", port_id=port, fixed_ip_address=fixed if port else "",
                     router_id=router if port else "")  # fmt: skip
    return [outer, row]
