"""Switches that reach each other over wires: frames for another switch carry two labels (docs/decisions/0030).

A whole Ethernet frame is carried: below the outer Ethernet header the outer label names the destination switch, the
inner one the network; 22 bytes.  The outer label's TTL carries a rank, which only falls; its traffic class the lane,
that is which of several shortest paths.  Switches on the way know the destination's label and nothing of networks.
A label has 20 bits: a network with a larger segment is not carried.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.pipeline import (
    ARRIVE,
    CLASSIFY,
    FABRIC,
    FORWARD,
    HIGH,
    IMPOSE,
    LABELLED,
    LOW,
    USUAL,
)
from controller.flow import (
    Action,
    Bucket,
    Field,
    Flow,
    Group,
    clone,
    decap,
    encap,
    field,
    label_ttl,
    masked,
    move,
    output,
    pop_label,
    push_label,
    put,
    resubmit,
    to_group,
)
from controller.model.reader import Reader
from controller.model.routes import Route, Way
from controller.model.rows import Switch

from .overlay import common

LANES = 4
DETOUR = 7  # the traffic class of a frame that has been sent to a neighbour of no lower rank: once is all it may
FROM_LINK = HIGH + 5
MPLS, MPLS_MULTICAST = field("eth_type", 0x8847), field("eth_type", 0x8848)
_LABEL_BITS = 20
MOST_SEGMENT = (1 << _LABEL_BITS) - 1
_FITS = masked("metadata", 0, 0x00F00000)  # the segment fits a label
_RELAYED = field("tun_id", 0)  # in a tunnel: not a network's frame but a labelled one on its way
_HIGHEST_TTL = 255

_IMPOSED = clone(
    encap("mpls"),
    move("metadata", "mpls_label", _LABEL_BITS),
    encap("ethernet"),
    push_label(),
    move("reg8", "mpls_label", _LABEL_BITS),
    move("reg9", "mpls_tc", 3),
    put("eth_src", "02:00:00:00:00:01"),
    put("eth_dst", "02:00:00:00:00:02"),
    put("reg9", _HIGHEST_TTL),
    resubmit(FORWARD.number),
)
_DISPOSED = (pop_label(), move("mpls_label", "tun_id", _LABEL_BITS), decap("ethernet"), decap("mpls"))
_ANY_LANE = Group(
    "select", tuple(Bucket((put("reg9", lane), resubmit(IMPOSE.number))) for lane in range(LANES))
)  # fmt: skip
_TTL = move("mpls_ttl", "reg9")


def switch(me: Switch, see: Reader) -> Iterator[Flow]:
    """Labels are taken from links (and relays) only; those that name this switch come off here."""
    for kind in (MPLS, MPLS_MULTICAST):
        yield Flow(CLASSIFY, HIGH, (kind,))
    ports, relays = see.link_ports(), see.relays()
    for port in ports:
        yield Flow(CLASSIFY, FROM_LINK, (field("in_port", port), MPLS), (_TTL,), goto=LABELLED)
    for switch_id in relays:
        other = see.get(Switch, switch_id)
        if other is not None:
            yield from _relayed(me, other)
    if ports or relays:
        yield Flow(LABELLED, USUAL, (MPLS, field("mpls_label", me.number)), _DISPOSED, goto=ARRIVE)
        yield Flow(IMPOSE, USUAL, (_FITS,), (_IMPOSED,))


def _relayed(me: Switch, other: Switch) -> Iterator[Flow]:
    source = field("tun_ipv6_src" if ":" in other.encap_ip else "tun_src", other.encap_ip)
    for _, ofport in common(me, other):
        yield Flow(CLASSIFY, FROM_LINK, (field("in_port", ofport), MPLS, _RELAYED, source), (_TTL,), goto=LABELLED)


def peer(other: Switch, see: Reader) -> Iterator[Flow]:
    """How a frame of a network begins its way to a switch that no tunnel leads to."""
    me = see.switch()
    if me is None or tunnelled(me, other):
        return
    route = see.route(other.id)
    if route is None:
        return
    towards_it = (field("reg8", other.number),)
    if route.choice:
        yield Flow(FABRIC, USUAL, towards_it, (to_group(_ANY_LANE),))
    else:
        yield Flow(FABRIC, USUAL, towards_it, (put("reg9", 0),), goto=IMPOSE)
    if not see.link_ports():
        yield from towards(other, see)


def towards(other: Switch, see: Reader) -> Iterator[Flow]:
    """How a labelled frame for `other` goes on from here."""
    route = see.route(other.id) if see.holds_ports(other.id) else None
    if route is None:
        return
    label = field("mpls_label", other.number)
    for low in _below(route.rank):
        yield Flow(FORWARD, HIGH, (MPLS, label, low))
    sent = label_ttl(route.rank - 1)
    if len(route.ways) > 1:
        turn = route.rank + other.number + see.attribute(Switch, see.switch_id, "number")
        lanes = [_lane(route, lane, turn) for lane in range(LANES)]
        yield Flow(FORWARD, LOW, (MPLS, label), (sent, *_send(*lanes[0], see)))
        for lane in range(1, LANES):
            if lanes[lane] != lanes[0]:
                match = (MPLS, field("mpls_tc", lane), label)
                yield Flow(FORWARD, USUAL, match, (sent, *_send(*lanes[lane], see)))
        return
    yield Flow(FORWARD, LOW, (MPLS, label), (sent, *_send(route.ways[0], route.spare, see, route.detour)))
    if route.detour:
        match = (MPLS, field("mpls_tc", DETOUR), label)
        yield Flow(FORWARD, USUAL, match, (sent, *_send(route.ways[0], None, see)))


def _lane(route: Route, lane: int, turn: int) -> tuple[Way, Way]:
    """The way of a lane, and the one to take when it is down.

    Even and odd ranks look at different bits of the lane, so that two choices one after the other are independent.
    """
    nth = (lane >> 1 if route.rank % 2 else lane) + turn
    ways = route.ways
    return ways[nth % len(ways)], ways[(nth + 1) % len(ways)]


def _send(way: Way, spare: Way | None, see: Reader, detour: bool = False) -> tuple[Action, ...]:
    if not way.port:
        return _through_tunnel(way, see)
    if spare is None or not spare.port:
        return (output(way.port),)
    around = (put("mpls_tc", DETOUR), label_ttl(_HIGHEST_TTL)) if detour else ()
    buckets = (Bucket((output(way.port),), way.port), Bucket((*around, output(spare.port)), spare.port))
    return (to_group(Group("fast_failover", buckets)),)


def _through_tunnel(way: Way, see: Reader) -> tuple[Action, ...]:
    me, other = see.switch(), see.get(Switch, way.switch_id)
    if me is None or other is None:
        return ()
    ofport = {tunnel.type: tunnel.ofport for tunnel in me.tunnels}[way.tunnel]
    target = put("tun_ipv6_dst" if ":" in other.encap_ip else "tun_dst", other.encap_ip)
    return put("tun_id", 0), target, output(ofport)


def tunnelled(me: Switch, other: Switch) -> bool:
    """Whether frames from one to the other go through a tunnel of their own."""
    same_family = (":" in me.encap_ip) == (":" in other.encap_ip)
    return bool(me.encap_ip and other.encap_ip and same_family and common(me, other))


def _below(rank: int) -> Iterator[Field]:
    """Matches of every TTL below `rank`, as it was on arrival: one for each bit of `rank`."""
    for bit in range(8):
        if rank >> bit & 1:
            yield masked("reg9", rank >> bit + 1 << bit + 1, 0xFF >> bit << bit)


HERE = {"switch": switch, "peer": peer, "towards": towards}
