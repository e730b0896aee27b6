"""What a rule of a security group allows, as flows of the group: one a rule, or one a masked part of its port range.

A stateful group's rules match the tuple of a connection's first packet, whatever packet of it is judged; a stateless
group's match the packet itself.  A range of ports takes at most 30 flows, shared by all ports of the group.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Field, Flow, field, in_order, masked
from controller.flow.ranges import covering
from controller.model.protocols import ICMP, ICMPV6, protocol_number
from controller.model.reader import Reader
from controller.model.rows import SecurityGroup, SecurityGroupRule

from ..matches import IPV4, IPV6
from ..pipeline import ALLOWED, DIRECTION, INWARD, JUDGED_GROUP, OUTWARD, REMOTE_SET, RULES, USUAL
from .remotes import ORIGINAL, REPLY, VALID, among, number_of

_PORTS = {6: "tcp_dst", 17: "udp_dst", 132: "sctp_dst"}
_ICMP = {ICMP: "icmpv4", ICMPV6: "icmpv6"}
SCTP = 132  # its connections have no ports in the tracker of Open vSwitch 3.1's userspace datapath: packets' own count
Match = tuple[Field, ...]


def rule(rule: SecurityGroupRule, see: Reader) -> Iterator[Flow]:
    group, remote = see.view(SecurityGroup, rule.security_group_id), number_of(rule, see)
    if group is None or remote is None:
        return
    inward = rule.direction == "ingress"
    of = (JUDGED_GROUP.match(group.number), REMOTE_SET.match(remote), DIRECTION.match(INWARD if inward else OUTWARD))
    family = IPV4 if rule.ethertype == "IPv4" else IPV6
    other_side = among(rule.normalized_cidr, rule.ethertype, inward, group.stateful)
    for what in _protocol(rule, group.stateful):
        yield Flow(RULES, USUAL, in_order(*of, family, *other_side, *what), (ALLOWED.put(1),))


def _protocol(rule: SecurityGroupRule, stateful: bool) -> Iterator[Match]:
    """Matches of state, protocol and ports; none at all where Open vSwitch cannot see the ports that the rule names."""
    state = (VALID,) if stateful else ()
    number = protocol_number(rule)
    if number is None:
        yield state
        return
    if rule.ethertype == "IPv6" and number == ICMP:
        number = ICMPV6  # as upstream: a client's "icmp" is the family's own
    protocol = field("ct_nw_proto" if stateful else "ip_proto", number)
    first, last = rule.port_range_min, rule.port_range_max
    if number in _ICMP:
        yield *state, protocol, *_type_and_code(_ICMP[number], first, last, stateful)
    elif first is None and last is None:
        yield *state, protocol
    elif number in _PORTS:
        for value, mask in covering(first or 0, _MOST if last is None else last):
            if not stateful:
                yield protocol, *_port(_PORTS[number], value, mask)
            elif number == SCTP:
                yield ORIGINAL, field("ip_proto", SCTP), *_port("sctp_dst", value, mask)
                yield REPLY, field("ip_proto", SCTP), *_port("sctp_src", value, mask)
            else:
                yield VALID, protocol, *_port("ct_tp_dst", value, mask)


def _port(name: str, value: int, mask: int) -> Match:
    return (masked(name, value, mask),) if mask else ()


def _type_and_code(name: str, kind: int | None, code: int | None, stateful: bool) -> Match:
    """The tracker keeps the type of a connection's first packet as its source port, the code as its destination's."""
    if kind is None:
        return ()
    names = ("ct_tp_src", "ct_tp_dst") if stateful else (f"{name}_type", f"{name}_code")
    return (field(names[0], kind), *(() if code is None else (field(names[1], code),)))


_MOST = (1 << 16) - 1
IN_GROUP = {"security_group_rule": rule}
