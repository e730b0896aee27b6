"""Egress and ingress filters: the states of connections and what always passes; the same flows on every switch.

Ports only say whether they have a filter, in two bits that `classify` and `local` load.  A packet of a known
connection, and an ICMP error about one, is judged by the tuple of the connection's first packet, in the direction of
whoever opened it: that is bit OPENER of the connection's mark in the port's zone.  So what no rule allows any more ends
with the flows that allowed it, in both directions.  Whatever takes part in tracking leaves a stage with the registers
of the judgement cleared: fragments of one datagram must have equal registers when they are tracked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from controller.flow import Action, Field, Flow, Table, ct, field, in_order, load, masked, resubmit
from controller.flow.bits import Bits
from controller.model.reader import Reader
from controller.model.rows import Switch

from ..matches import ARP, ICMPV6, IPV4, IPV6, MULTICAST, UDP
from ..pipeline import (
    ALLOWED,
    DECIDED,
    EGRESS,
    EGRESS_JUDGED,
    EGRESS_TRACKED,
    FORBIDDEN,
    HIGH,
    HIGHEST,
    IN_KEY,
    INGRESS_JUDGED,
    INGRESS_TRACKED,
    INVALID,
    INWARD,
    JUDGED_GROUP,
    JUDGED_PORT,
    LOW,
    NO_PROTOCOL,
    NO_RULE,
    OPENER,
    OUT_KEY,
    OUTCOME,
    OUTWARD,
    PASSED,
    PERMIT,
    PERMITTED,
    RECEIVER_FILTER,
    REMOTE_SET,
    SENDABLE,
    SENDER_FILTER,
    STATEFUL,
    STATELESS,
    TO_JUDGE,
    USUAL,
)

Match = tuple[Field, ...]
_DIRECTION_AND_ALLOWED = "reg14[16..17]"
_JUDGEMENT = "reg14[0..17]"
CLEARED: tuple[Action, ...] = (JUDGED_GROUP.put(0), REMOTE_SET.put(0), load(_JUDGEMENT, 0))
_OUTCOME_AND_PLACE = "reg15[0..3]"
_DHCP_REQUEST: Match = (UDP, field("udp_src", 68), field("udp_dst", 67))  # RFC 2131
_DHCP_ANSWER: Match = (UDP, field("udp_src", 67), field("udp_dst", 68))
_DHCP6_REQUEST: Match = (UDP, field("udp_src", 546), field("udp_dst", 547))  # RFC 8415
_DHCP6_ANSWER: Match = (UDP, field("udp_src", 547), field("udp_dst", 546))
LATER = field("ip_frag", "later")
TRACKED = field("ct_state", "+trk")
NEW = field("ct_state", "+new-inv+trk")
KNOWN = field("ct_state", "-new-inv+trk")
VALID = field("ct_state", "-inv+trk")
BROKEN = field("ct_state", "+inv+trk")


def _icmp6(*types: int) -> tuple[Match, ...]:
    return tuple((IPV6, ICMPV6, field("icmpv6_type", number)) for number in types)


# Solicitations, and neighbour discovery as checked on admission (RFC 4861); listeners' reports (RFC 2710, RFC 3810).
SENT_ALWAYS = (
    (ARP,),
    *_icmp6(131, 132, 133, 135, 136, 143),
    (IPV4, *_DHCP_REQUEST),
    (IPV6, *_DHCP6_REQUEST),
)
# To be a router or a DHCP server.
SENT_NEVER = (*_icmp6(134), (IPV4, *_DHCP_ANSWER), (IPV6, *_DHCP6_ANSWER))
RECEIVED_ALWAYS = (
    (ARP,),
    *_icmp6(130, 131, 132, 133, 134, 135, 136, 143),
    (IPV4, *_DHCP_ANSWER),
    (IPV6, *_DHCP6_ANSWER),
)


class Stage(NamedTuple):
    """One of the two: its tables, whose port's filter it is, and where what passes goes on."""

    enter: Table
    tracked: Table
    judged: Table
    key: Bits
    filter: Bits
    direction: int
    always: tuple[Match, ...]
    never: tuple[Match, ...]
    goto: Table

    @property
    def zone(self) -> str:
        return self.key.subfield

    def judge(self, direction: int) -> tuple[Action, ...]:
        asked = load(_DIRECTION_AND_ALLOWED, direction)
        return self.key.copy_to(JUDGED_PORT.subfield), asked, resubmit(TO_JUDGE.number)

    def decided(self, outcome: int) -> tuple[Action, ...]:
        """Note what was decided of a packet that has been judged."""
        return (load(_OUTCOME_AND_PLACE, outcome | self.direction << OUTCOME.width),)

    def dropped(self, outcome: int) -> tuple[Action, ...]:
        """The same of one that was not."""
        return self.key.copy_to(JUDGED_PORT.subfield), *self.decided(outcome)

    @property
    def passed(self) -> tuple[Action, ...]:
        """Count it, and go on as if nothing had been noted."""
        return *self.decided(PASSED), resubmit(DECIDED.number), load(_OUTCOME_AND_PLACE, 0)

    @property
    def commit(self) -> Action:
        return ct(self.zone, commit=True, marks=(load(OPENER, self.direction),))


STAGES = (
    Stage(EGRESS, EGRESS_TRACKED, EGRESS_JUDGED, IN_KEY, SENDER_FILTER, OUTWARD, SENT_ALWAYS, SENT_NEVER, SENDABLE),
    Stage(PERMIT, INGRESS_TRACKED, INGRESS_JUDGED, OUT_KEY, RECEIVER_FILTER, INWARD, RECEIVED_ALWAYS, (), PERMITTED),
)


def _enter(stage: Stage) -> Iterator[Flow]:
    """What passes always and never; all else that is IP is tracked, or judged as it is."""
    filters = stage.filter
    filtered = masked(filters.place, 1 << filters.low, 1 << filters.low)
    for match in stage.always:
        yield Flow(stage.enter, HIGHEST, (*match, filtered), goto=stage.goto)
    for match in stage.never:
        yield Flow(stage.enter, HIGHEST, (*match, filtered), stage.dropped(FORBIDDEN), goto=DECIDED)
    for family in (IPV4, IPV6):
        tracked = ct(stage.zone, stage.tracked.number)
        yield Flow(stage.enter, USUAL, (family, filters.match(STATEFUL)), (tracked,))
        judged = stage.judge(stage.direction)
        yield Flow(stage.enter, USUAL, (family, filters.match(STATELESS)), judged, goto=stage.judged)
    yield Flow(stage.enter, LOW, (filtered,), stage.dropped(NO_PROTOCOL), goto=DECIDED)


def _tracked(stage: Stage) -> Iterator[Flow]:
    """Which direction's rules judge.  Later fragments have no ports: they take the way of the first, or wait for it."""
    for family in (IPV4, IPV6):
        yield Flow(stage.tracked, HIGH, in_order(family, LATER, NEW), (stage.commit,), goto=stage.goto)
        yield Flow(stage.tracked, HIGH, in_order(family, LATER, KNOWN), goto=stage.goto)
    other = INWARD if stage.direction == OUTWARD else OUTWARD
    opened = masked("ct_mark", other, 1)
    yield Flow(stage.tracked, USUAL, (KNOWN, opened), stage.judge(other), goto=stage.judged)
    yield Flow(stage.tracked, LOW, (VALID,), stage.judge(stage.direction), goto=stage.judged)
    yield Flow(stage.tracked, LOW, (BROKEN,), stage.dropped(INVALID), goto=DECIDED)


def _judged(stage: Stage) -> Iterator[Flow]:
    """What a rule allows goes on; the first packet of a connection makes it known."""
    allowed = ALLOWED.match(1)
    for family in (IPV4, IPV6):
        new = in_order(family, NEW, allowed)
        yield Flow(stage.judged, USUAL, new, (*stage.passed, stage.commit, *CLEARED), goto=stage.goto)
    yield Flow(stage.judged, LOW, (allowed,), (*stage.passed, *CLEARED), goto=stage.goto)
    yield Flow(stage.judged, LOW, (ALLOWED.match(0),), stage.decided(NO_RULE), goto=DECIDED)


def _group_frames() -> Iterator[Flow]:
    """Frames to many are judged on their way out, and no connection is made of them.  Fragments keep together."""
    (stage, _) = STAGES
    together = ct(stage.zone)
    for family in (IPV4, IPV6):
        later = in_order(MULTICAST, family, LATER, VALID)
        yield Flow(stage.tracked, HIGHEST, later, (together,), goto=stage.goto)
        allowed = in_order(MULTICAST, family, VALID, ALLOWED.match(1))
        yield Flow(stage.judged, HIGH, allowed, (*stage.passed, together, *CLEARED), goto=stage.goto)


FLOWS = (*(flow for stage in STAGES for part in (_enter, _tracked, _judged) for flow in part(stage)), *_group_frames())


def switch(_: Switch, see: Reader, permitted: tuple[int, ...]) -> Iterator[Flow]:
    """`permitted`: ethertypes beside ARP and IP that ports with a filter may send and receive."""
    yield from FLOWS
    for stage in STAGES:
        filters = stage.filter
        filtered = masked(filters.place, 1 << filters.low, 1 << filters.low)
        for number in permitted:
            yield Flow(stage.enter, HIGH, (field("eth_type", number), filtered), goto=stage.goto)


ON_SWITCH = {"switch": switch}
