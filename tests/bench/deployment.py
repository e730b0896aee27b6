"""Deployments as rows: networks, ports with one IPv4 address each, and the interfaces that they are bound to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from controller.model.rows import FixedIp, Interface, Network, Port, Row, Switch, Tunnel

TUNNEL = 65_000  # a tunnel port's OpenFlow number, beyond those of the tenants


class Shape(NamedTuple):
    """`spread`: how many of the switches each network is on."""

    switches: int
    networks: int
    ports: int
    spread: int


def switch_id(number: int) -> str:
    return f"s{number}"


def vif(port: int) -> str:
    return f"vif-{port}"


def place(shape: Shape, port: int) -> int:
    """The number (from 0) of the switch that a port is on: a network's ports take turns over its switches.

    Neighbouring networks overlap, so that every switch is in some, and has about as many peers as it can.
    """
    network, turn = port % shape.networks, port // shape.networks
    step = 1 + network % max(1, shape.switches // shape.spread)
    return (network + step * (turn % shape.spread)) % shape.switches


def rows(shape: Shape) -> Iterator[Row]:
    yield from observations(shape)
    for number in range(shape.networks):
        yield Network(
            id=_network(number), project_id="bench", mtu=1450, network_type="vxlan", segment=number + 1
        )  # fmt: skip
    for number in range(shape.ports):
        mac = (0xFA163E000000 + number).to_bytes(6, "big").hex(":")
        address = FixedIp(f"subnet-{number % shape.networks}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        yield Port(
            id=f"port-{number}",
            project_id="bench",
            network_id=_network(number % shape.networks),
            mac_address=mac,
            fixed_ips=(address,),
            interface_id=vif(number),
        )


def observations(shape: Shape) -> Iterator[Row]:
    """The switches, and an interface for each port."""
    for number in range(shape.switches):
        yield Switch(
            id=switch_id(number),
            number=number + 1,
            dpid=number + 1,
            encap_ip=f"10.255.{number >> 8}.{number & 255}",
            tunnels=(Tunnel("vxlan", TUNNEL),),
        )
    plugged = [0] * shape.switches
    for number in range(shape.ports):
        at = place(shape, number)
        plugged[at] += 1
        yield Interface(switch_id=switch_id(at), name=f"v{number}", vif=vif(number), ofport=plugged[at])


def _network(number: int) -> str:
    return f"network-{number}"
