"""IP protocols of security group rules: names, numbers, and what the port fields of a rule mean for each."""

from __future__ import annotations

from typing import Protocol

# Names that OpenStack Networking knows, with their numbers (IANA, Assigned Internet Protocol Numbers).
NUMBERS = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "icmpv6": 58, "igmp": 2, "ip": 0,
    "ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136,
    "vrrp": 112,
}  # fmt: skip
ICMP, ICMPV6 = NUMBERS["icmp"], NUMBERS["icmpv6"]
WITH_PORTS = ("dccp", "sctp", "tcp", "udp", "udplite")
PORT_NUMBERS = frozenset(NUMBERS[name] for name in WITH_PORTS)
ICMP_NUMBERS = frozenset((ICMP, ICMPV6))
IPV6_ONLY = frozenset(number for name, number in NUMBERS.items() if name.startswith("ipv6-"))


class _Rule(Protocol):
    @property
    def protocol(self) -> str: ...


def number(protocol: str) -> int | None:
    """Number of a protocol given by name or decimal number; None for "": any protocol.

    0 is the number itself (IPv6 hop-by-hop options), though "ip" is one of its names.
    """
    if not protocol:
        return None
    return NUMBERS[protocol] if protocol in NUMBERS else int(protocol)


def protocol_number(rule: _Rule) -> int | None:
    """IP protocol number that a rule matches, or None when it matches every protocol.

    What `port_range_min` and `port_range_max` of the rule mean depends on it.  A number in PORT_NUMBERS: first and last
    destination port.  In ICMP_NUMBERS: type and code, of which the code may be None.  Any other: both are None.
    """
    return number(rule.protocol)
