"""New connections a second through one switch: UDP packets from ever new source ports, at most `WINDOW` in flight."""

from __future__ import annotations

import socket
import time

from tests.bench.peers.traffic import Guests
from tests.lab.frames import ethernet, ipv4, udp
from tests.lab.netns import socket_in

COUNT, WINDOW = 40_000, 200
PORTS, TO = 10_000, 9_000  # the first source port, the first turn's destination port
WAIT = 5.0  # seconds without a packet that say that some were lost
IPV4, UDP = 0x0800, 17
SOL_PACKET, IGNORE_OUTGOING = 263, 23  # packet(7)


def once(guests: Guests, turn: int) -> float:
    """From the first VM to the second; a `turn` of its own has connections that none had before."""
    one, other, _ = guests.each
    frames = [
        ethernet(other.vm.mac, one.vm.mac, IPV4, ipv4(one.address, other.address, UDP, udp(port, TO + turn, b"new")))
        for port in range(PORTS, PORTS + COUNT)
    ]
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
