"""Reference evaluator of security groups: what passes, from groups, rules, members and the packets so far alone."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from controller.flow.interpret import Frame
from controller.model.model import Model
from controller.model.rows import AddressGroup, Port, SecurityGroup, SecurityGroupRule

NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "icmpv6": 58}
PORTS = {6: "tcp", 17: "udp", 132: "sctp"}
ICMP = {1: "icmpv4", 58: "icmpv6"}
ANSWERS = {8: 0, 0: 8, 128: 129, 129: 128}


class Ends(NamedTuple):
    """Of ICMP: identifier and type in place of the ports."""

    family: int
    source: str
    target: str
    protocol: int
    here: int
    there: int

    @property
    def reverse(self) -> Ends:
        if self.protocol in ICMP:
            kind = ANSWERS.get(self.there, self.there)
            return self._replace(source=self.target, target=self.source, there=kind)
        return Ends(self.family, self.target, self.source, self.protocol, self.there, self.here)


def ends(frame: Frame, prefix: str = "") -> Ends:
    family = 4 if frame["eth_type"] == 0x0800 else 6
    protocol = frame[f"{prefix}ip_proto"]
    if protocol in ICMP:
        numbers = frame.get(f"{prefix}icmp_id", 0), frame.get(f"{prefix}{ICMP[protocol]}_type", 0)
    else:
        name = PORTS.get(protocol, "no")
        numbers = frame.get(f"{prefix}{name}_src", 0), frame.get(f"{prefix}{name}_dst", 0)
    kind = ip_address(bytes(4 if family == 4 else 16)).__class__
    source, target = (str(kind(frame[f"{prefix}ipv{family}_{side}"])) for side in ("src", "dst"))
    return Ends(family, source, target, protocol, *numbers)


class Reference:
    """Filters of the ports of a switch.  `known`: port -> first packet of a connection -> the direction it went in."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.known: dict[str, dict[Ends, str]] = defaultdict(dict)

    def passes(self, frame: Frame, sender: Port, receiver: Port) -> bool:
        """One packet to one port."""
        return self._stage(frame, sender, "egress") and self._stage(frame, receiver, "ingress")

    def reached(self, frame: Frame, sender: Port, receivers: list[Port]) -> list[str]:
        """The ports that one group frame gets to."""
        if not self._stage(frame, sender, "egress", remember=False):
            return []
        return sorted(one.id for one in receivers if self._stage(frame, one, "ingress", remember=False))

    def _stage(self, frame: Frame, port: Port, direction: str, *, remember: bool = True) -> bool:
        if not port.filtered:
            return True
        error = "inner.ip_proto" in frame
        if self._stateless(port):
            return self._allowed(port, direction, ends(frame))
        what = ends(frame, "inner." if error else "")
        known = self.known[port.id] if remember else {}
        for first in (what, what.reverse):
            if first in known:
                return self._allowed(port, known[first], first)
        if error or not _opens(frame) or not self._allowed(port, direction, what):
            return False
        known[what] = direction
        return True

    def _stateless(self, port: Port) -> bool:
        groups = [self.model.get(SecurityGroup, group_id) for group_id in port.security_groups or ()]
        return bool(groups) and not any(group is None or group.stateful for group in groups)

    def _allowed(self, port: Port, direction: str, what: Ends) -> bool:
        return any(
            rule.direction == direction and rule.ethertype == f"IPv{what.family}"
            and _protocol(rule, what) and self._remote(rule, what.source if direction == "ingress" else what.target)
            for group_id in port.security_groups or ()
            for rule in self.model.find(SecurityGroupRule, "security_group_id", group_id)
        )  # fmt: skip

    def _remote(self, rule: SecurityGroupRule, address: str) -> bool:
        prefixes = [rule.normalized_cidr] if rule.normalized_cidr else []
        if rule.remote_group_id:
            for port in self.model.find(Port, "security_groups", rule.remote_group_id):
                prefixes += [*port.addresses, *(pair.ip_address for pair in port.address_pairs)]
        elif rule.remote_address_group_id:
            group = self.model.get(AddressGroup, rule.remote_address_group_id)
            prefixes += group.addresses if group is not None else ()
        elif not prefixes:
            return True
        return any(ip_address(address) in ip_network(prefix) for prefix in prefixes)


def _protocol(rule: SecurityGroupRule, what: Ends) -> bool:
    if not rule.protocol:
        return True
    number = NUMBERS[rule.protocol] if rule.protocol in NUMBERS else int(rule.protocol)
    if (58 if number == 1 and what.family == 6 else number) != what.protocol:
        return False
    first, last = rule.port_range_min, rule.port_range_max
    if what.protocol in ICMP:  # the packets of these tests have code 0
        return first in (None, what.there) and last in (None, 0)
    return first is None or last is None or first <= what.there <= last


def _opens(frame: Frame) -> bool:
    """Whether a packet may begin a connection: an answer does not."""
    if frame["ip_proto"] == 6:
        return frame.get("tcp_flags", 0) & 18 != 18
    kind = frame.get("icmpv4_type" if frame["ip_proto"] == 1 else "icmpv6_type", 0)
    return frame["ip_proto"] not in ICMP or kind in (8, 128)
