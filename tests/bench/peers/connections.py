"""New connections a second through one switch: packets from ever new source ports, at most `WINDOW` in flight."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.bench.peers.traffic import Guests
from tests.lab.frames import ethernet, ipv4, tcp_syn, udp
from tests.lab.netns import socket_in

COUNT, WINDOW = 40_000, 200
TO = 9_000  # the first turn's destination port
_NUMBERS = range(10_000, 10_000 + COUNT)  # source ports
WAIT = 5.0  # seconds without a packet that say that some were lost
IPV4, TCP, UDP = 0x0800, 6, 17
SOL_PACKET, IGNORE_OUTGOING = 263, 23  # packet(7)


class Kind(NamedTuple):
    """`payload`: what opens a connection, by both addresses and both ports."""

    name: str
    is_: str
    protocol: int
    payload: Callable[[str, str, int, int], bytes]


def _datagram(_source: str, _to: str, source_port: int, to_port: int) -> bytes:
    return udp(source_port, to_port, b"new")


KINDS = (
    Kind("tcp", "SYN segments, which the VM refuses (RST)", TCP, tcp_syn),
    Kind("udp", "UDP packets", UDP, _datagram),
)


def once(guests: Guests, kind: Kind, turn: int) -> float:
    """From the first VM to the second; a `turn` of its own has connections that none had before."""
    one, other, _ = guests.each
    place = one.address, other.address
    packets = (ipv4(*place, kind.protocol, kind.payload(*place, port, TO + turn)) for port in _NUMBERS)
    frames = [ethernet(other.vm.mac, one.vm.mac, IPV4, packet) for packet in packets]
    with _socket(one.vm.namespace) as source, _socket(other.vm.namespace) as sink:
        began = time.perf_counter()
        under_way = 0
        for frame in frames:
            source.send(frame)
            under_way += 1
            while under_way >= WINDOW:
                sink.recv(2048)
                under_way -= 1
        for _ in range(under_way):
            sink.recv(2048)
        return COUNT / (time.perf_counter() - began)


def _socket(namespace: str) -> socket.socket:
    made = socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(IPV4))
    made.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    made.bind(("eth0", IPV4))
    made.settimeout(WAIT)
    return made
