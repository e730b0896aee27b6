"""Networks with subnets, ports and routers, in few words.

Network number n has the subnets 10.0.n.0/24 and fd00:n::/64; the host part of an address is the number of its station.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.model.rows import (
    ExtraRoute,
    FixedIp,
    Interface,
    Network,
    Port,
    Router,
    RouterInterface,
    Row,
    Subnet,
    Switch,
    Tunnel,
)

GATEWAY = 254  # host part of the address of a router's interface, where nothing else is said


def four(network: int, station: int) -> str:
    return f"10.0.{network}.{station}"


def six(network: int, station: int) -> str:
    return f"fd00:{network:x}::{station:x}"


def mac(network: int, station: int) -> str:
    return f"fa:16:3e:00:{network:02x}:{station:02x}"


def switch(number: int) -> Switch:
    return Switch(id=f"h{number}", number=number, dpid=number, host=f"h{number}", encap_ip=f"192.0.2.{number}",
                  tunnels=(Tunnel("vxlan", 900),))  # fmt: skip


def network(number: int, mtu: int = 1450) -> list[Row]:
    """A network and its subnets of both families."""
    return [
        Network(id=f"n{number}", project_id="t", mtu=mtu, network_type="vxlan", segment=0x100 + number),
        Subnet(id=f"n{number}v4", project_id="t", network_id=f"n{number}", ip_version=4, cidr=f"{four(number, 0)}/24"),
        Subnet(id=f"n{number}v6", project_id="t", network_id=f"n{number}", ip_version=6, cidr=f"{six(number, 0)}/64"),
    ]


def fixed(number: int, station: int) -> tuple[FixedIp, ...]:
    return FixedIp(f"n{number}v4", four(number, station)), FixedIp(f"n{number}v6", six(number, station))


def station(name: str, number: int, host: int, at: int, ofport: int, *, learning: bool = False) -> list[Row]:
    """A port of a network, plugged in at a switch.  `host`: the host part of its addresses."""
    port = Port(id=name, project_id="t", network_id=f"n{number}", mac_address=mac(number, host), learning=learning,
                fixed_ips=() if learning else fixed(number, host), interface_id=name)  # fmt: skip
    return [port, Interface(switch_id=f"h{at}", name=f"tap-{name}", vif=name, ofport=ofport)]


def router(name: str, number: int, *routes: tuple[str, str]) -> Router:
    return Router(id=name, project_id="t", number=number, segment=0x900 + number,
                  routes=tuple(ExtraRoute(*route) for route in routes))  # fmt: skip


def attached(router_id: str, number: int, host: int = GATEWAY) -> list[Row]:
    """An interface of a router in a network."""
    name = f"{router_id}-n{number}"
    port = Port(id=name, project_id="t", network_id=f"n{number}", mac_address=mac(number, host),
                fixed_ips=fixed(number, host), device_owner="network:router_interface")  # fmt: skip
    return [port, RouterInterface(id=name, router_id=router_id, network_id=f"n{number}")]


def all_of(*rows: Row | Sequence[Row]) -> list[Row]:
    return [each for row in rows for each in ([row] if isinstance(row, Row) else row)]
