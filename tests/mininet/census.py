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
from typing import Any, NamedTuple

from tests.lab.capture import Capture
from tests.lab.frames import BROADCAST, ICMP, IPV4, IPV6, checksum, ethernet, ipv4, ipv6
from tests.lab.netns import socket_in

NO_NEXT_HEADER = 59  # RFC 8200, section 4.7: what follows is ignored
MARK = b"census "
ETHERNET = 14
RATE = 500  # frames a second
QUIET = 0.5  # seconds in which a second copy of a frame would come
Got = tuple[str, bytes]  # the host's name, and the frame


class Host(NamedTuple):
    """A Mininet host in a tenant's network; `nth` of its tenant, from 1."""

    tenant: str
    nth: int
    node: Any

    @property
    def name(self) -> str:
        return str(self.node.name)

    @property
    def mac(self) -> str:
        return mac(self.nth)

    @property
    def namespace(self) -> str:
        return f"/proc/{self.node.pid}/ns/net"

    @property
    def interface(self) -> str:
        return str(self.node.defaultIntf().name)


class Sent(NamedTuple):
    """A frame that a host sends; `to` are the hosts that are to get it, once each."""

    sender: Host
    frame: bytes
    to: tuple[str, ...]


def mac(nth: int) -> str:
    return f"02:00:00:00:{nth >> 8:02x}:{nth & 255:02x}"


def address(nth: int, six: bool = False) -> str:
    return f"2001:db8::{nth:x}" if six else f"10.0.0.{nth}"


def share(net: Any, tenants: Sequence[str] = ("red", "blue", "green")) -> dict[str, list[Host]]:
    """The hosts in turn to tenants, all with the same addresses."""
    nodes = sorted(net.hosts, key=lambda host: (len(host.name), host.name))
    shared: dict[str, list[Host]] = {name: [] for name in tenants}
    for number, node in enumerate(nodes):
        mine = shared[tenants[number % len(tenants)]]
        host = Host(tenants[number % len(tenants)], len(mine) + 1, node)
        node.setMAC(host.mac)
        node.setIP(address(host.nth), 24)
        node.params["ip6"] = f"{address(host.nth, six=True)}/64"
        mine.append(host)
    return shared


def every_pair(tenants: Mapping[str, Iterable[Host]], mtu: int) -> list[Sent]:
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


def on_and_on(tenants: Mapping[str, Sequence[Host]]) -> Iterator[Sent]:
    """Small frames of IPv4, each another: from every host to each of its network in turn, and now and then to all."""
    number = count()
    while True:
        for hosts in tenants.values():
            for one, other in permutations(hosts, 2):
                yield Sent(one, numbered(one, other.mac, other.nth, next(number), 0), (other.name,))
            one = hosts[next(number) % len(hosts)]
            others = tuple(other.name for other in hosts if other is not one)
            yield Sent(one, numbered(one, BROADCAST, 255, next(number), 0), others)


def numbered(host: Host, to: str, nth: int, number: int, size: int, six: bool = False) -> bytes:
    """The frame; `size` bytes of IP (0: as few as there may be).  A host's kernel answers neither kind."""
    mark = MARK + f"{host.name} {number} {'6' if six else '4'};".encode()
    source, target = address(host.nth, six), address(nth, six)
    if six:
        payload = mark.ljust(max(size - 40, 0), b".")
        return ethernet(to, host.mac, IPV6, ipv6(source, target, NO_NEXT_HEADER, payload))
    body = b"\0\0\0\0" + mark.ljust(max(size - 28, 0), b".")  # an echo reply that nobody has asked for
    reply = b"\0\0" + checksum(b"\0\0\0\0" + body).to_bytes(2, "big") + body
    return ethernet(to, host.mac, IPV4, ipv4(source, target, ICMP, reply))


class Census:
    """From `with` to its end every frame of ours that comes to one of the hosts is counted."""

    def __init__(self, tenants: Mapping[str, Iterable[Host]]) -> None:
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
            self._sockets[one.sender.name].send(one.frame)

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
                    self._sockets[one.sender.name].send(one.frame)
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
        for name, capture in self._captures.items():
            while frames := capture.frames(_ours, 0.002):
                found.update((name, frame) for frame in frames)
        return found


def expected(frames: Iterable[Sent]) -> Counter[Got]:
    return Counter((name, one.frame) for one in frames for name in one.to)


def told(counted: Mapping[Got, int]) -> list[str]:
    """A few of what was counted, to be read."""
    return [f"{count} x {frame[frame.index(MARK) :].split(b';')[0].decode()} at {name}"
            for (name, frame), count in sorted(counted.items())[:20]]  # fmt: skip


def _ours(frame: bytes) -> bool:
    return MARK in frame[ETHERNET : ETHERNET + 60 + len(MARK)]
