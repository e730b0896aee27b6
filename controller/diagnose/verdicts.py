"""Verdicts of security groups on a packet, in words: the rule that allows it, or why none does and which nearly would.

Pure functions of the model: the rules mean here what they mean in flows (apps/security/rules.py), and the tests hold
the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from controller.diagnose.headers import Headers
from controller.model.model import Model
from controller.model.protocols import ICMP, ICMPV6, NUMBERS, protocol_number
from controller.model.rows import AddressGroup, Port, SecurityGroup, SecurityGroupRule

Includes = Callable[[str, str], bool]
_WITH_PORTS = (6, 17, 132)  # of which the switch sees the ports
_NAMES = {number: name for name, number in sorted(NUMBERS.items(), reverse=True) if name not in ("ip", "ipv6-icmp")}


class Judged(NamedTuple):
    """`rule`: the one that allows it; without one `reason` says why not, and `nearest` is the rule that differs least.

    `differs`: in what, of "protocol", "ports" and "remote".
    """

    rule: SecurityGroupRule | None
    reason: str = ""
    nearest: SecurityGroupRule | None = None
    differs: tuple[str, ...] = ()


def judge(model: Model, port: Port, direction: str, packet: Headers) -> Judged:
    """What the port's groups say of the first packet of a connection: `egress` it sends it, `ingress` it is to get it.

    Of several rules that allow it, the one with the lowest id is named; of several that differ as little, too.
    """
    best: tuple[int, int, str] | None = None
    nearest: SecurityGroupRule | None = None
    includes = cache(model.group_members.includes)  # many rules may name one group
    lacks: tuple[str, ...] = ()
    for rule in sorted(_rules(model, port, direction), key=lambda one: one.id):
        differs = tuple(_differences(model, rule, packet, includes))
        if not differs:
            return Judged(rule)
        # of one difference each, a port is nearer than an address, and an address nearer than a protocol
        rank = (len(differs), max(("ports", "remote", "protocol").index(one) for one in differs), rule.id)
        if rule.ethertype == packet.ethertype and (best is None or rank < best):
            best, nearest, lacks = rank, rule, differs
    return Judged(None, f"no rule allows {told(packet)} {_way(direction, packet)}", nearest, lacks)


def told(packet: Headers) -> str:
    """What kind of packet it is, as rules speak of it: tcp/22, icmp type 8 code 0, protocol 99."""
    if packet.protocol is None:
        return packet.ethertype
    name = _NAMES.get(packet.protocol, f"protocol {packet.protocol}")
    if packet.is_icmp:
        return name if packet.first is None else f"{name} type {packet.first} code {packet.second}"
    return name if packet.second is None else f"{name}/{packet.second}"


def rule_text(rule: SecurityGroupRule) -> str:
    """A rule in words: "tcp/80-90 in from 10.0.0.0/8"."""
    number = protocol_number(rule)
    what = rule.protocol or f"any {rule.ethertype}"
    first, last = rule.port_range_min, rule.port_range_max
    if number in (ICMP, ICMPV6):
        what += "" if first is None else f" type {first}" + ("" if last is None else f" code {last}")
    elif first is not None or last is not None:
        what += f"/{first}" if first == last else f"/{first}-{last}"
    remote = rule.normalized_cidr or (
        f"security group {rule.remote_group_id}" if rule.remote_group_id
        else f"address group {rule.remote_address_group_id}" if rule.remote_address_group_id else "anywhere"
    )  # fmt: skip
    return f"{what} in from {remote}" if rule.direction == "ingress" else f"{what} out to {remote}"


def _way(direction: str, packet: Headers) -> str:
    return f"in from {packet.source}" if direction == "ingress" else f"out to {packet.target}"


def _rules(model: Model, port: Port, direction: str) -> Iterator[SecurityGroupRule]:
    """Of groups of both kinds, which no port should have, the stateful ones count."""
    found = [group for each in port.security_groups or () if (group := model.get(SecurityGroup, each)) is not None]
    stateful = not found or any(group.stateful for group in found)
    for group in found:
        if group.stateful == stateful:
            for rule in model.find(SecurityGroupRule, "security_group_id", group.id):
                if rule.direction == direction:
                    yield rule


def _differences(model: Model, rule: SecurityGroupRule, packet: Headers, includes: Includes) -> Iterator[str]:
    number = protocol_number(rule)
    if number == ICMP and rule.ethertype == "IPv6":
        number = ICMPV6
    if rule.ethertype != packet.ethertype or (number is not None and number != packet.protocol):
        yield "protocol"
    elif number is not None and not _has_ports(rule, number, packet):
        yield "ports"
    other = packet.source if rule.direction == "ingress" else packet.target
    if rule.ethertype == packet.ethertype and not _is_remote(model, rule, other, includes):
        yield "remote"


def _has_ports(rule: SecurityGroupRule, number: int, packet: Headers) -> bool:
    first, last = rule.port_range_min, rule.port_range_max
    if number in (ICMP, ICMPV6):
        return first in (None, packet.first) and (first is None or last in (None, packet.second))
    if first is None and last is None:
        return True
    port = packet.second
    return number in _WITH_PORTS and port is not None and (first or 0) <= port <= (65_535 if last is None else last)


def _is_remote(model: Model, rule: SecurityGroupRule, address: str, includes: Includes) -> bool:
    """Whether an address is one that the rule names."""
    if rule.remote_group_id:
        return includes(rule.remote_group_id, address)
    if rule.remote_address_group_id:
        group = model.get(AddressGroup, rule.remote_address_group_id)
        return group is not None and any(_within(address, prefix) for prefix in group.addresses)
    return not rule.normalized_cidr or _within(address, rule.normalized_cidr)


def _within(address: str, prefix: str) -> bool:
    network, one = ip_network(prefix, strict=False), ip_address(address)
    return one.version == network.version and one in network
