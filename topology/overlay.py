"""Overlay: a frame for another switch goes into a tunnel to its address.

The tunnel key is the network's segment (VNI of VXLAN, RFC 7348; of Geneve, RFC 8926; key of GRE, RFC 2890).  Two
switches use the first encapsulation that both have, in the order of the one with the smaller number, so that both use
the same.  A frame is taken from a tunnel only when its outer source is a switch that shares a network with this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from apps.pipeline import ARRIVE, CLASSIFY, FABRIC, SEGMENT, TO_SWITCH, USUAL
from controller.flow import Flow, field, output, put
from controller.flow.fields import MEMO
from controller.model.reader import Reader
from controller.model.rows import Switch

KEY = SEGMENT.copy_to("tun_id")


def peer(other: Switch, see: Reader) -> Iterator[Flow]:
    """Encapsulation of frames to the switch `other`, and acceptance of those from it."""
    me = see.switch()
    if me is None or not (me.encap_ip and other.encap_ip):
        return
    six = ":" in other.encap_ip
    if six != (":" in me.encap_ip):
        return  # their underlays do not meet
    yield from _over(tuple([ofport for _, ofport in common(me, other)]), other.encap_ip, other.number)


@lru_cache(MEMO)
def _over(ofports: tuple[int, ...], address: str, number: int) -> tuple[Flow, ...]:
    """The flows for a peer with this address and number, over tunnel ports with these numbers, the one to use first:
    one value for all switches, whose tunnel ports mostly have the same numbers.
    """
    six = ":" in address
    source = field("tun_ipv6_src" if six else "tun_src", address)
    flows = [Flow(CLASSIFY, USUAL, (field("in_port", ofport), source), goto=ARRIVE) for ofport in ofports]
    if ofports:
        target = put("tun_ipv6_dst" if six else "tun_dst", address)
        flows.append(Flow(FABRIC, USUAL, (TO_SWITCH.match(number),), (KEY, target, output(ofports[0]))))
    return tuple(flows)


def common(me: Switch, other: Switch) -> list[tuple[str, int]]:
    """The encapsulations that both switches have, the one to use first, with the number of my tunnel port."""
    mine = {tunnel.type: tunnel.ofport for tunnel in me.tunnels}
    theirs = [tunnel.type for tunnel in other.tunnels]
    order = [tunnel.type for tunnel in me.tunnels] if me.number < other.number else theirs
    return [(kind, mine[kind]) for kind in order if kind in mine and kind in theirs]


ON_SWITCH = {"peer": peer}
