"""Label switching between wired switches: frames for another switch carry two MPLS labels (docs/decisions/0030).

The payload is a whole Ethernet frame: below the outer Ethernet header the outer label names the destination switch, the
inner one the network; 22 bytes.  The outer label's TTL carries a rank, which only falls; its traffic class the ECMP
bucket, which chooses one of several shortest paths.  Switches on the way know the destination's label and nothing of
networks.  A label has 20 bits: a network with a larger segment is not carried.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.pipeline import (
    ARRIVE,
    ARRIVED_TTL,
    BUCKET,
    CLASSIFY,
    FABRIC,
    FORWARD,
    HIGH,
    IMPOSE,
    LABELLED,
    LOW,
    SEGMENT,
    TO_SWITCH,
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
from controller.model.routes import NextHop, Route
from controller.model.rows import Switch

from .overlay import common

BUCKETS = 4
REROUTED = 7  # the traffic class of a frame that a non-decreasing backup has taken, which it may only once
FROM_LINK = HIGH + 5
MPLS, MPLS_MULTICAST = field("eth_type", 0x8847), field("eth_type", 0x8848)
_LABEL_BITS = 20
MOST_SEGMENT = (1 << _LABEL_BITS) - 1
_FITS = masked(SEGMENT.place, 0, SEGMENT.mask & ~MOST_SEGMENT)  # the segment fits a label
_RELAYED = field("tun_id", 0)  # the key of tunnels that carry labelled frames
_HIGHEST_TTL = 255

_IMPOSED = clone(
    encap("mpls"),
    move(SEGMENT.place, "mpls_label", _LABEL_BITS),
    encap("ethernet"),
    push_label(),
    TO_SWITCH.copy_to("mpls_label"),
    BUCKET.copy_to("mpls_tc"),
    put("eth_src", "02:00:00:00:00:01"),
    put("eth_dst", "02:00:00:00:00:02"),
    ARRIVED_TTL.put(_HIGHEST_TTL),
    resubmit(FORWARD.number),
)
_DISPOSED = (pop_label(), move("mpls_label", "tun_id", _LABEL_BITS), decap("ethernet"), decap("mpls"))
_ANY_BUCKET = Group(
    "select", tuple(Bucket((BUCKET.put(number), resubmit(IMPOSE.number))) for number in range(BUCKETS))
)  # fmt: skip
_TTL = ARRIVED_TTL.copy_from("mpls_ttl")


def switch(me: Switch, see: Reader) -> Iterator[Flow]:
    """Labelled frames are accepted from links and relays only; the labels that name this switch come off here."""
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
    """Label imposition: how a frame of a network begins its way to a switch that no tunnel leads to."""
    me = see.switch()
    if me is None or tunnelled(me, other):
        return
    route = see.route(other.id)
    if route is None:
        return
    towards_it = (TO_SWITCH.match(other.number),)
    if route.choice:
        yield Flow(FABRIC, USUAL, towards_it, (to_group(_ANY_BUCKET),))
    else:
        yield Flow(FABRIC, USUAL, towards_it, (BUCKET.put(0),), goto=IMPOSE)
    if not see.link_ports():
        yield from towards(other, see)


def towards(other: Switch, see: Reader) -> Iterator[Flow]:
    """Label forwarding: the next hop of a labelled frame for `other`."""
    me = see.view(Switch, see.switch_id)
    route = see.route(other.id) if see.receives(other.id) else None
    if me is None or route is None:
        return
    label = field("mpls_label", other.number)
    for low in _below(route.rank):
        yield Flow(FORWARD, HIGH, (MPLS, label, low))
    sent = label_ttl(route.rank - 1)
    if len(route.next_hops) > 1:
        turn = route.rank + other.number + me.number
        hops = [_of_bucket(route, number, turn) for number in range(BUCKETS)]
        yield Flow(FORWARD, LOW, (MPLS, label), (sent, *_send(*hops[0], see)))
        for number in range(1, BUCKETS):
            if hops[number] != hops[0]:
                match = (MPLS, field("mpls_tc", number), label)
                yield Flow(FORWARD, USUAL, match, (sent, *_send(*hops[number], see)))
        return
    (hop,) = route.next_hops
    yield Flow(FORWARD, LOW, (MPLS, label), (sent, *_send(hop, route.backup, see, route.non_decreasing)))
    if route.non_decreasing:
        match = (MPLS, field("mpls_tc", REROUTED), label)
        yield Flow(FORWARD, USUAL, match, (sent, *_send(hop, None, see)))


def _of_bucket(route: Route, number: int, turn: int) -> tuple[NextHop, NextHop]:
    """The next hop of an ECMP bucket, and its backup.

    Even and odd ranks look at different bits of the bucket, so that two choices one after the other are independent.
    """
    nth = (number >> 1 if route.rank % 2 else number) + turn
    hops = route.next_hops
    return hops[nth % len(hops)], hops[(nth + 1) % len(hops)]


def _send(hop: NextHop, backup: NextHop | None, see: Reader, non_decreasing: bool = False) -> tuple[Action, ...]:
    """Output by the next hop's port, or while that is down by the backup's (a fast-failover group)."""
    if not hop.port:
        return _through_tunnel(hop, see)
    if backup is None or not backup.port:
        return (output(hop.port),)
    marked = (put("mpls_tc", REROUTED), label_ttl(_HIGHEST_TTL)) if non_decreasing else ()
    buckets = (Bucket((output(hop.port),), hop.port), Bucket((*marked, output(backup.port)), backup.port))
    return (to_group(Group("fast_failover", buckets)),)


def _through_tunnel(hop: NextHop, see: Reader) -> tuple[Action, ...]:
    me, other = see.switch(), see.get(Switch, hop.switch_id)
    if me is None or other is None:
        return ()
    ofport = {tunnel.type: tunnel.ofport for tunnel in me.tunnels}[hop.tunnel]
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
            yield masked(ARRIVED_TTL.place, rank >> bit + 1 << bit + 1, 0xFF >> bit << bit)


ON_SWITCH = {"switch": switch, "peer": peer, "towards": towards}
