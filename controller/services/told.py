"""What networks tell of themselves in more than one way: by DHCP and by router advertisements."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address

from apps.services.address import ADDRESS6
from controller.model.rows import Subnet

_NONE = "::"  # as a subnet's name server: it is to tell none


def resolvers(subnets: Iterable[Subnet]) -> list[IPv6Address]:
    """DNS servers that IPv6 subnets tell: those that they say, else the network's own."""
    found: dict[str, None] = {}
    for subnet in subnets:
        if _NONE not in subnet.dns_nameservers:
            found |= dict.fromkeys(subnet.dns_nameservers or (ADDRESS6,))
    return [IPv6Address(each) for each in found]
