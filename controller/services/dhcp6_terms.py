"""What DHCPv6 tells a port: its own addresses of stateful subnets, and options of all its subnets with DHCPv6.

What the answers to a port have in common is made once, and kept while the rows that it was made of are the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv6Address, IPv6Network
from typing import NamedTuple

from apps.packets import dhcp6, dhcp6_names
from apps.packets.domain_names import encoded
from apps.services.dhcp6 import STATEFUL, served
from controller.model.reader import Reader
from controller.model.rows import Network, Port, Subnet
from controller.services.told import resolvers

_OF_NETWORKS = uuid.UUID("5a7cbd3e-4f0b-5d0e-9d0e-6c1c2a4b7f61")  # name space of servers' identifiers
_DUID_UUID = b"\0\4"  # RFC 6355
_HEADERS = 40 + 8 + 4  # bytes: IPv6, UDP, and those of a message before its options
_MOST_RT = (3600).to_bytes(4, "big")  # seconds (RFC 8415, 7.6): the default, told so that another server's ends


class Dhcp6Terms(NamedTuple):
    """`server`: identifier; `held`: addresses of the port that DHCPv6 gives it; `links`: prefixes of its network;
    `times`: of an address; `options`: encoded, by code; `room`: bytes of options that fit into a packet.
    """

    server: bytes
    held: tuple[bytes, ...]
    links: tuple[IPv6Network, ...]
    times: dhcp6.LeaseTimes
    options: Mapping[int, bytes]
    room: int

    def wanted(self, codes: Iterable[int] | None, room: int) -> Iterator[bytes]:
        """The options that a client asks for, all where it does not say (None): those that fit into `room` bytes."""
        for code in self.options if codes is None else sorted(codes):
            found = self.options.get(code, b"")
            if 0 < len(found) <= room:
                room -= len(found)
                yield found

    def on_link(self, address: bytes) -> bool:
        if address in self.held:
            return True
        at = IPv6Address(address)
        return any(at in prefix for prefix in self.links)


def server_id(network_id: str) -> bytes:
    """Identifier of the server of a network: the same whichever controller answers, and whatever switch the port is
    at.
    """
    return _DUID_UUID + uuid.uuid5(_OF_NETWORKS, network_id).bytes


class Dhcp6Rows(NamedTuple):
    """The rows that a port's terms are made of."""

    port: Port
    network: Network
    subnets: tuple[Subnet, ...]

    def same(self, other: Dhcp6Rows) -> bool:
        return (
            self.port is other.port
            and self.network is other.network
            and len(self.subnets) == len(other.subnets)
            and all(one is another for one, another in zip(self.subnets, other.subnets, strict=True))
        )


def rows_of(port: Port, see: Reader) -> Dhcp6Rows | None:
    """Of a port with an address of a subnet with DHCPv6; None of another."""
    network = see.get(Network, port.network_id)
    subnets = tuple([each for each in see.find(Subnet, "network_id", port.network_id) if each.ip_version == 6])
    told = {each.id for each in subnets if served(each)}
    if network is None or told.isdisjoint(port.subnets):
        return None
    return Dhcp6Rows(port, network, subnets)


def terms(rows: Dhcp6Rows, times: dhcp6.LeaseTimes, domain: str) -> Dhcp6Terms:
    """`domain` "": none is told."""
    by_id = {each.id: each for each in rows.subnets if served(each)}
    told = [by_id[subnet_id] for subnet_id in dict.fromkeys(rows.port.subnets) if subnet_id in by_id]
    stateful = {each.id for each in told if each.address_mode == STATEFUL}
    held = [IPv6Address(each.ip_address).packed for each in rows.port.fixed_ips if each.subnet_id in stateful]
    return Dhcp6Terms(
        server_id(rows.network.id),
        tuple(held),
        tuple([IPv6Network(each.cidr, strict=False) for each in rows.subnets]),
        times,
        dict(_options(rows.port, told, times.lifetime, domain)),
        rows.network.mtu - _HEADERS,
    )


def _options(port: Port, told: list[Subnet], lifetime: int, domain: str) -> Iterator[tuple[int, bytes]]:
    values: dict[int, bytes] = {
        dhcp6.SOLICIT_MAX_RT: _MOST_RT,
        dhcp6.INFORMATION_MAX_RT: _MOST_RT,
        dhcp6.REFRESH_TIME: lifetime.to_bytes(4, "big"),
    }
    servers = b"".join([address.packed for address in resolvers(told)])
    if servers:
        values[dhcp6.RESOLVERS] = servers
    if domain:
        values[dhcp6.SEARCH] = encoded(domain)
    for each in port.dhcp_options:
        if each.ip_version == 6:
            try:
                code, value = dhcp6_names.given(each.name, each.value)
            except ValueError:
                continue  # stored before it was checked: it is not told
            values[code] = value
    for code, value in values.items():
        yield code, dhcp6.option(code, value)
