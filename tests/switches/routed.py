"""A router between two networks as rows, and packets that a switch hands over because of it."""

from __future__ import annotations

from msgspec.structs import replace

from controller.model.rows import (
    AddressPair,
    FixedIp,
    Gateway,
    Port,
    Router,
    RouterInterface,
    Row,
    Subnet,
)
from controller.openflow.session import PacketIn
from tests.apps.clouds import mac, network, plugged, port, switch

NUMBER, SEGMENT, OUTSIDE = 5, 900, 73
INTERFACES = {"red": mac(0xF1), "blue": mac(0xF2), "world": mac(0xF3)}


def rows() -> list[Row]:
    """Alice in red, on h1, and the router r: 10.0.0.254 in red, 10.0.1.254 in blue, and a gateway in the world."""
    made: list[Row] = [
        switch(1), switch(2), network("red"), replace(network("blue"), mtu=1400),
        replace(network("red"), id="world", segment=OUTSIDE, external=True),
        port("alice", "red", 1), plugged("alice", 1, 1), port("vip", "red", 50),
        replace(port("bob", "red", 2), address_pairs=(AddressPair("10.0.0.50", mac(2)),)), plugged("bob", 2, 1),
        Router(id="r", project_id="t", number=NUMBER, segment=SEGMENT, gateways=(Gateway("world", "gw"),)),
    ]  # fmt: skip
    for name, number, prefix in (("red", 0, "10.0.0."), ("blue", 1, "10.0.1."), ("world", 2, "203.0.113.")):
        six = f"2001:db8:{number}::"
        made += [
            Subnet(id=f"{name}4", project_id="t", network_id=name, ip_version=4, cidr=f"{prefix}0/24"),
            Subnet(id=f"{name}6", project_id="t", network_id=name, ip_version=6, cidr=f"{six}/64"),
        ]
        row_id = "gw" if name == "world" else f"if-{name}"
        fixed = (FixedIp(f"{name}4", f"{prefix}254"), FixedIp(f"{name}6", f"{six}fe"))
        made.append(Port(id=row_id, project_id="t", network_id=name, mac_address=INTERFACES[name], fixed_ips=fixed))
        if name != "world":
            made.append(RouterInterface(id=row_id, router_id="r", network_id=name))
    return made


def packet_in(data: bytes, **registers: int) -> PacketIn:
    return PacketIn(1, 0, 1, 0, data, {"reg5": NUMBER, **registers})
