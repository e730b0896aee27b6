"""Who asks a metadata server, in the address that the request comes to.

The switch of the one who asks writes its number and the logical port's key into the destination address; source address
and port stay the sender's.  So requests of tenants whose addresses overlap differ, and nothing that the sender writes
has a say.  IPv4: 240.0.0.0/4 (RFC 1112, section 4: reserved, so nobody's) with twelve bits of the number and the key;
four more bits of the number are in the TCP port.  IPv6: both in the low bits of PREFIX (RFC 4193).
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

KEY_BITS, LOW_BITS, HIGH_BITS = 16, 12, 4  # of a port's key; of a switch's number, in the address and in the TCP port
NUMBER_BITS = 20  # of a switch's number in IPv6
MOST_NUMBER = (1 << LOW_BITS + HIGH_BITS) - 1  # of switches whose ports are served over IPv4
FIRST4 = 240 << 24
RANGE4 = "240.0.0.0/4"
PREFIX = "fd00:a9fe:a9fe::"  # /64
# Link-local senders, whose prefix the server could not answer by routing, have this one on the way.
LINK_LOCAL = "fd00:a9fe:a9fe:1::"  # /64

METADATA, DNS = 80, 53  # TCP ports of the services
BASES = {METADATA: 0x5000, DNS: 0x5010}  # at the server: with the high bits of the switch's number
SERVICE_OF = {base: service for service, base in BASES.items()}


class Asker(NamedTuple):
    """A logical port: the number of its switch, and its key there."""

    number: int
    key: int


def address4(asker: Asker) -> str:
    """IPv4 address at the server.  The TCP port has the rest: `tcp_port`."""
    low = asker.number & (1 << LOW_BITS) - 1
    return str(ipaddress.IPv4Address(FIRST4 | low << KEY_BITS | asker.key))


def address6(asker: Asker) -> str:
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(PREFIX)) | asker.number << KEY_BITS | asker.key))


def own_address(address: str) -> str:
    """The address that a sender has on its own network, by the one that it has at the server."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if found.version == 4 or int(found) >> 64 != _ON_THE_WAY:
        return address
    return str(ipaddress.IPv6Address(_FE80 | int(found) & (1 << 64) - 1))


def tcp_port(service: int, number: int, version: int) -> int:
    """TCP port at the server for a service (METADATA or DNS)."""
    return BASES[service] | (number >> LOW_BITS if version == 4 else 0)


def who(address: str, port: int) -> tuple[Asker, int] | None:
    """The one who asks, and the service, by the address and TCP port that a connection came to; None: nobody does."""
    service = SERVICE_OF.get(port & ~((1 << HIGH_BITS) - 1))
    found = ipaddress.ip_address(address.partition("%")[0])
    value, high = int(found), port & (1 << HIGH_BITS) - 1
    if service is None:
        return None
    if found.version == 4:
        number, inside = high << LOW_BITS | value >> KEY_BITS & (1 << LOW_BITS) - 1, value >> 28 == 0xF
    else:
        number, inside = value >> KEY_BITS & (1 << NUMBER_BITS) - 1, value >> KEY_BITS + NUMBER_BITS == _UPPER
    return (Asker(number, value & (1 << KEY_BITS) - 1), service) if inside else None


_UPPER = int(ipaddress.IPv6Address(PREFIX)) >> KEY_BITS + NUMBER_BITS
_ON_THE_WAY, _FE80 = int(ipaddress.IPv6Address(LINK_LOCAL)) >> 64, int(ipaddress.IPv6Address("fe80::"))
