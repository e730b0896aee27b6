"""What the switches themselves need: a bundle of a few flows in each at once, by the barest OpenFlow client there is.

It goes the way that the controller goes with few flows (open, add, close and commit in one write) over each bridge's
management socket.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Sequence

from apps.pipeline import CLASSIFY, USUAL
from controller.flow import Flow, field
from controller.openflow import wire
from tests.bench.figure import percentiles
from tests.lab import Hypervisor

PAUSE = 0.15  # seconds between two measurements: Open vSwitch goes on for a while after it has confirmed
SAMPLES = 50

_HELLO = wire.HEADER.pack(wire.VERSION, wire.HELLO, 8, 1)
_OPEN, _CLOSE, _COMMIT = 11, 12, 13  # transaction ids


class Bare:
    """One switch's management socket."""

    def __init__(self, hypervisor: Hypervisor) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(f"{hypervisor.directory}/br-int.mgmt")
        self.sock.sendall(_HELLO)
        self._pending = b""
        self._seen: set[int] = set()
        while not self._seen:
            self.read()

    def read(self) -> None:
        """Read once, and note the transaction ids of what came."""
        self._pending += self.sock.recv(65536)
        while len(self._pending) >= 8:
            length = int.from_bytes(self._pending[2:4], "big")
            if len(self._pending) < length:
                return
            self._seen.add(int.from_bytes(self._pending[4:8], "big"))
            if self._pending[1] == wire.ERROR:
                raise RuntimeError(f"the switch refused it: {self._pending[:length]!r}")
            self._pending = self._pending[length:]

    def answered(self, xid: int) -> bool:
        return xid in self._seen

    def forget(self) -> None:
        self._seen.clear()


def flows(count: int) -> list[bytes]:
    """Bundle messages of flows that no packet matches."""
    nowhere = field("in_port", 60_000)
    return [Flow(CLASSIFY, USUAL, (nowhere, field("eth_src", _mac(number)))).wire for number in range(count)]


def install(switches: Sequence[Bare], adds: Sequence[Sequence[bytes]]) -> float:
    """Seconds until every switch has committed its share of `adds`."""
    began = time.perf_counter()
    for switch, add in zip(switches, adds, strict=True):
        control = wire.bundle_control
        switch.forget()
        switch.sock.sendall(
            control(_OPEN, wire.OPEN_REQUEST) + b"".join(add)
            + control(_CLOSE, wire.CLOSE_REQUEST) + control(_COMMIT, wire.COMMIT_REQUEST)
        )  # fmt: skip
    _await(switches)
    return time.perf_counter() - began


def remove(switches: Sequence[Bare], adds: Sequence[Sequence[bytes]]) -> None:
    deletes = [[wire.bundle_add(wire.delete_by_cookie(9, _cookie(add))) for add in share] for share in adds]
    install(switches, deletes)


def alone(switches: Sequence[Bare], there: int, elsewhere: int) -> tuple[float, float]:
    """p50 and p95, in ms, of bundles of as many flows on the first switch, and on each other one, all at once."""
    share = [flows(there), *([flows(elsewhere)] * (len(switches) - 1))]
    took = []
    for _ in range(SAMPLES):
        took.append(install(switches, share))
        time.sleep(PAUSE)
        remove(switches, share)
        time.sleep(PAUSE)
    p50, p95 = percentiles(took)
    return p50 * 1e3, p95 * 1e3


def _cookie(add: bytes) -> int:
    found: int = struct.unpack_from("!Q", add, 32)[0]
    return found


def _await(switches: Sequence[Bare]) -> None:
    """Until every switch has committed."""
    with selectors.DefaultSelector() as selector:
        for switch in switches:
            selector.register(switch.sock, selectors.EVENT_READ, switch)
        while selector.get_map():
            for key, _ in selector.select(30.0):
                switch = key.data
                switch.read()
                if switch.answered(_COMMIT):
                    selector.unregister(switch.sock)


def _mac(number: int) -> str:
    return (0x02BE0000_0000 + number).to_bytes(6, "big").hex(":")
