"""Address of the next hop, as it travels from `route` to `resolve`: reg4 of IPv4, reg0 to reg3 of IPv6."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from controller.flow import Action, Field, load, move

from ..matches import IPV4, IPV6
from ..pipeline import NEXT_HOP4, NEXT_HOP6

_32_BITS, _64_BITS = (1 << 32) - 1, (1 << 64) - 1
IS_DESTINATION = {4: move("ipv4_dst", NEXT_HOP4.place), 6: move("ipv6_dst", "xxreg0")}  # by version of IP


def is_address(address: IPv4Address | IPv6Address) -> tuple[Action, ...]:
    """Note a next hop."""
    if address.version == 4:
        return (NEXT_HOP4.put(int(address)),)
    return load("xreg0", int(address) >> 64), load("xreg1", int(address) & _64_BITS)


def bound_for(address: str) -> tuple[Field, ...]:
    """Match of packets whose next hop this is."""
    hop = ip_address(address)
    if hop.version == 4:
        return IPV4, NEXT_HOP4.match(int(hop))
    parts = (int(hop) >> shift & _32_BITS for shift in (96, 64, 32, 0))
    return IPV6, *(bits.match(part) for bits, part in zip(NEXT_HOP6, parts, strict=True))
