"""Probes of a switch's connection tracker: a connection of nobody's, which is handed back when it is not remembered.

Open vSwitch's userspace datapath lets the first packet of a connection for which its table has no room pass as "new",
without the mark that its commit would have set.  So a frame that is committed with a mark, and has none when it is
looked up again, found no room.  Probes are of one address to another of TEST-NET-1 (RFC 5737) in a zone of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from struct import pack

from controller.flow import CONTROLLER, Action, Flow, ct, field, put, to_service
from controller.flow.meter import limit
from controller.model.reader import Reader
from controller.model.rows import Switch

from .matches import IPV4
from .pipeline import PROBE, USUAL

SERVICE = "tracker-probe"
ZONE = 65_534  # no port's, router's or load balancer's
PROBES = 6  # of different ports: Open vSwitch forgets a connection of one UDP packet after 60 s
EVERY = 15.0  # seconds between two
_PORT = 49_152
_RATE = 8  # a second
_KEPT = 64  # bytes of a probe that are handed back
_UNMARKED = (IPV4, field("ct_mark", 0))
_HANDED_BACK = Flow(PROBE, USUAL, _UNMARKED, (to_service(SERVICE, limit(SERVICE, _RATE), _KEPT),))


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    yield _HANDED_BACK


def probes(see: Reader) -> Iterator[int]:
    """Numbers of the probes that a switch is sent, one after the other: none where no port has a security group."""
    if see.groups():
        yield from range(PROBES)


@lru_cache(PROBES)
def probe(number: int) -> tuple[int, tuple[Action, ...], bytes]:
    """In-port, actions and frame of a packet-out."""
    track = ct(ZONE, PROBE.number, commit=True, marks=(put("ct_mark", 1),))
    addresses = bytes((192, 0, 2, 1, 192, 0, 2, 2))
    udp = pack("!HHHH", _PORT + number, 9, 8, 0)  # no checksum (RFC 768)
    head = pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + addresses
    total = sum(int.from_bytes(head[at : at + 2], "big") for at in range(0, 20, 2))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + pack("!H", ~total & 0xFFFF) + head[12:]
    ethernet = bytes.fromhex("020000000002" + "020000000001" + "0800")
    return CONTROLLER, (track,), ethernet + head + udp + bytes(18)


ON_SWITCH = {"switch": switch}
