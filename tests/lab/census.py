"""Every frame counted: what hosts send as raw frames, and how often which host gets each.

Tenants have the same MAC and IP addresses, so who a frame is from is written in it.  Frames are such that no host's
kernel answers them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count, permutations
from types import TracebackType
from typing import NamedTuple

from tests.lab.capture import Capture
from tests.lab.frames import BROADCAST, IPV4, IPV6, ethernet, ipv4, ipv6, tagged
from tests.lab.netns import socket_in

IGMP = 2  # RFC 3376, 4: what is of an unknown type is ignored
NO_NEXT_HEADER = 59  # RFC 8200, section 4.7: what follows is ignored
MARK = b"census "
ETHERNET = 14
RATE = 500  # frames a second
QUIET = 0.5  # seconds in which a second copy of a frame would come
Got = tuple[str, bytes]  # the host's name, and the frame


class Host(NamedTuple):
    """A station on a tenant's network, `nth` of its tenant (from 1): its addresses follow from that.

    `namespace`: the name or the path of its network namespace.  `vlan`: of the tag that its frames have on its own
    wire, 0: none.
    """

    tenant: str
    nth: int
    name: str
    namespace: str
    interface: str = "eth0"
    vlan: int = 0


Tenants = Mapping[str, Sequence[Host]]


class Sent(NamedTuple):
    """A frame that a host sends; `to` are the hosts that are to get it, once each."""

    sender: Host
    frame: bytes
    to: tuple[str, ...]


def mac(nth: int) -> str:
    return f"02:00:00:00:{nth >> 8:02x}:{nth & 255:02x}"


def address(nth: int, six: bool = False) -> str:
    return f"2001:db8::{nth:x}" if six else f"10.0.0.{nth}"


def every_pair(tenants: Tenants, mtu: int) -> list[Sent]:
    """From each host to each of its network: frames of the full MTU in both families, and one to all at once.

    And to each MAC address that other tenants have and its own has not, which nobody is to get.
    """
    everybody = {host.nth for hosts in tenants.values() for host in hosts}
    sent = []
    for hosts in tenants.values():
        mine = {host.nth: host for host in hosts}
        for host in mine.values():
            others = tuple(other.name for other in mine.values() if other is not host)
            for nth in sorted(everybody - {host.nth}):
                to = (mine[nth].name,) if nth in mine else ()
                sent += [Sent(host, numbered(host, mac(nth), nth, len(sent), mtu, six), to) for six in (False, True)]
            sent.append(Sent(host, numbered(host, BROADCAST, 255, len(sent), mtu), others))
    return sent


def on_and_on(tenants: Tenants) -> Iterator[Sent]:
    """Small frames of IPv4, each another: from every host to each of its network in turn, and now and then to all."""
    number = count()
    while True:
        for hosts in tenants.values():
            for one, other in permutations(hosts, 2):
                yield Sent(one, numbered(one, mac(other.nth), other.nth, next(number), 0), (other.name,))
            one = hosts[next(number) % len(hosts)]
            others = tuple(other.name for other in hosts if other is not one)
            yield Sent(one, numbered(one, BROADCAST, 255, next(number), 0), others)


def numbered(host: Host, to: str, nth: int, number: int, size: int, six: bool = False) -> bytes:
    """The frame; `size` bytes of IP (0: as few as there may be).  A host's kernel answers neither kind."""
    mark = MARK + f"{host.name} {number} {'6' if six else '4'};".encode()
    source, target = address(host.nth, six), address(nth, six)
    if six:
        payload = mark.ljust(max(size - 40, 0), b".")
        return ethernet(to, mac(host.nth), IPV6, ipv6(source, target, NO_NEXT_HEADER, payload))
    # of no type that there is; an answer that nobody has asked for would be invalid to filters
    return ethernet(to, mac(host.nth), IPV4, ipv4(source, target, IGMP, bytes(8) + mark.ljust(max(size - 28, 0), b".")))


class Census:
    """From `with` to its end every frame of ours that comes to one of the hosts is counted."""

    def __init__(self, tenants: Tenants) -> None:
        self._hosts = [host for hosts in tenants.values() for host in hosts]
        self._stack = ExitStack()
        self._captures: dict[str, Capture] = {}
        self._sockets: dict[str, socket.socket] = {}

    def __enter__(self) -> Census:
        for host in self._hosts:
            self._captures[host.name] = self._stack.enter_context(Capture(host.namespace, host.interface))
            out = self._stack.enter_context(socket_in(host.namespace, socket.AF_PACKET, socket.SOCK_RAW))
            out.bind((host.interface, 0))
            self._sockets[host.name] = out
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stack.close()

    def send(self, frames: Iterable[Sent]) -> None:
        """At RATE, whatever that takes."""
        began = time.monotonic()
        for nth, one in enumerate(frames):
            time.sleep(max(0.0, began + nth / RATE - time.monotonic()))
            self._put(one)

    def _put(self, one: Sent) -> None:
        vlan = one.sender.vlan
        self._sockets[one.sender.name].send(tagged(one.frame, vlan) if vlan else one.frame)

    @contextmanager
    def traffic(self, frames: Iterator[Sent]) -> Iterator[list[Sent]]:
        """Frames sent beside what the body does; what has been, once that is done."""
        sent: list[Sent] = []
        done = threading.Event()

        def go() -> None:
            began = time.monotonic()
            for one in frames:
                if done.wait(max(0.0, began + len(sent) / RATE - time.monotonic())):
                    return
                with suppress(OSError):  # a host whose link is down
                    self._put(one)
                sent.append(one)

        thread = threading.Thread(target=go)
        thread.start()
        try:
            yield sent
        finally:
            done.set()
            thread.join()

    def got(self, wanted: Counter[Got], within: float = 10.0) -> Counter[Got]:
        """How often each host got each frame, until all that is wanted has come, and QUIET longer."""
        deadline = time.monotonic() + within
        found = self._read()
        while wanted - found and time.monotonic() < deadline:
            time.sleep(0.05)
            found += self._read()
        time.sleep(QUIET)
        return found + self._read()

    def _read(self) -> Counter[Got]:
        """What has come since the last time."""
        found: Counter[Got] = Counter()
        for host in self._hosts:
            while frames := self._captures[host.name].frames(_ours, 0.002):
                found.update((host.name, bare) for frame in frames if (bare := _without(frame, host.vlan)) is not None)
        return found


def expected(frames: Iterable[Sent]) -> Counter[Got]:
    return Counter((name, one.frame) for one in frames for name in one.to)


def told(counted: Mapping[Got, int]) -> list[str]:
    """A few of what was counted, to be read."""
    return [f"{count} x {frame[frame.index(MARK) :].split(b';')[0].decode()} at {name}"
            for (name, frame), count in sorted(counted.items())[:20]]  # fmt: skip


def all_arrives(census: Census, tenants: Tenants, mtu: int) -> None:
    """Every pair of a network, no other, and each frame once."""
    frames = every_pair(tenants, mtu)
    census.send(frames)
    wanted = expected(frames)
    assert wanted, "somebody to send to"
    got = census.got(wanted)
    assert not told(wanted - got), "lost"
    assert not told(got - wanted), "too many"


def never_twice(census: Census, sent: list[Sent]) -> Counter[Got]:
    """What was lost, where that is all that happened."""
    wanted = expected(sent)
    got = census.got(Counter())
    assert sum(got.values()) > len(sent) / 4, "traffic there was"
    assert not told(got - wanted), "twice, or where it does not belong"
    return wanted - got


def _without(frame: bytes, vlan: int) -> bytes | None:
    """The frame without the tag that it has to have; None when it has not."""
    tag = frame[14:16] if frame[12:14] == b"\x81\x00" else b""
    if tag != (vlan.to_bytes(2, "big") if vlan else b""):
        return None
    return frame[:12] + frame[16:] if vlan else frame


def _ours(frame: bytes) -> bool:
    return MARK in frame[ETHERNET : ETHERNET + 60 + len(MARK)]
