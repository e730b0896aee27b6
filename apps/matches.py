"""Matches that many apps share, and actions on what travels with a packet (apps/pipeline.py)."""

from __future__ import annotations

from functools import lru_cache

from controller.flow import Action, Field, field, load, masked, resubmit
from controller.flow.bits import Bits, together
from controller.flow.fields import MEMO

from .pipeline import (
    ANNOUNCED,
    ENTER,
    FROM_FABRIC,
    IN_KEY,
    OUT_KEY,
    RECEIVER_FILTER,
    SEGMENT,
    SENDER_FILTER,
    UNFILTERED,
)

MULTICAST = masked("eth_dst", "01:00:00:00:00:00", "01:00:00:00:00:00")
MULTICAST_SOURCE = masked("eth_src", "01:00:00:00:00:00", "01:00:00:00:00:00")
BROADCAST = field("eth_dst", "ff:ff:ff:ff:ff:ff")
UNTAGGED = field("vlan_vid", 0)
IPV4, ARP, IPV6 = field("eth_type", 0x0800), field("eth_type", 0x0806), field("eth_type", 0x86DD)
ICMP, UDP, ICMPV6 = field("ip_proto", 1), field("ip_proto", 17), field("ip_proto", 58)

# A reply goes to the port that asked, and is from no port itself: else neither `deliver` nor the switch would send it.
TURN_BACK: tuple[Action, ...] = (IN_KEY.copy_to(OUT_KEY.subfield), IN_KEY.put(0), load("in_port", 0))
# A router's own packet, addressed already, enters its network: for the MAC of a port, or of another router there.
RETURN: tuple[Action, ...] = (IN_KEY.put(0), load("in_port", 0), resubmit(ENTER.number))
ANNOUNCING = together((ANNOUNCED, 1))


def bits(*values: tuple[Bits, int]) -> Field:
    """Several ranges of one field in one match."""
    return masked(values[0][0].place, *together(*values))


@lru_cache(MEMO)
def came_in(key: int, kind: int) -> tuple[Action]:
    """Note the logical port that a frame came in by, and its filter."""
    return (_with_filter(IN_KEY, SENDER_FILTER, key, kind),)


@lru_cache(MEMO)
def goes_out(key: int, kind: int) -> tuple[Action]:
    """Note the logical port that a frame is to leave by, and its filter."""
    return (_with_filter(OUT_KEY, RECEIVER_FILTER, key, kind),)


def _with_filter(port: Bits, kinds: Bits, key: int, kind: int) -> Action:
    if kind == UNFILTERED:
        return port.put(key)
    return load(f"{port.place}[{port.low}..{kinds.low + kinds.width - 1}]", key | kind << kinds.low - port.low)


def of_network(segment: int) -> Field:
    """A frame of the network, from a port of this switch or from the fabric."""
    return SEGMENT.match(segment)


@lru_cache(MEMO)
def from_here(segment: int) -> Field:
    """A frame of the network that came from a port of this switch."""
    return masked("metadata", *entering(segment))


def from_fabric(segment: int) -> Field:
    return masked("metadata", *entering(segment, fabric=True))


def routed_into(segment: int) -> tuple[int, int]:
    """The metadata of a frame that a router of this switch sends into a network, as value and mask."""
    return together((SEGMENT, segment), (FROM_FABRIC, 0), (ANNOUNCED, 0))


@lru_cache(MEMO)
def not_announced(segment: int) -> Field:
    """A frame of the network whose sender does not speak of its own address."""
    return masked("metadata", *together((SEGMENT, segment), (ANNOUNCED, 0)))


@lru_cache(MEMO)
def entering(segment: int, *, fabric: bool = False) -> tuple[int, int]:
    """The metadata of a frame from its first table on, as value and mask."""
    return together((SEGMENT, segment), (FROM_FABRIC, int(fabric)))
