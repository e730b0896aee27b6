"""Simulated switches whose ports ask for addresses: `python -m tests.bench.asking_switches ADDRESS PORT COUNT PORTS`.

Ports are named v0, v1 ... over all switches.  Orders come by standard input, a JSON object a line; each is answered by
one on standard output.  `{"leases": {NAME: [MAC, ADDRESS]}}` says who may ask, and for what; `{"seconds": S}` has them
ask for so long, with `"rate"` that many messages a second over all, without it each as soon as it is answered.
"""

from __future__ import annotations

import json
import select
import struct
import sys
import time
from collections import deque
from typing import Any, NamedTuple

from controller.openflow import wire
from controller.runtime import hub
from tests.bench.figure import percentiles
from tests.lab import frames
from tests.lab.dhcp import ACK, NOBODY, OFFER, SERVER, Message, discover, request
from tests.simswitch import SimSwitch

SERVED = 82  # the table whose flows hand frames over, one a logical port (apps/pipeline.py)
DHCP4 = 1 << 21  # in register 5: SERVICE (apps/pipeline.py)
SERVICES = "169.254.169.254"  # apps/services/address.py
WINDOW = 16  # messages of a switch that are not answered yet, where no rate is given
TICK = 0.005  # seconds
_OFFERED, _LEASED = (bytes((53, 1, kind)) for kind in (OFFER, ACK))
_REG5, _REG6, _REG6_MASKED, _IN_PORT = 0x00010A04, 0x00010C04, 0x00010D08, 0x80000004
_MATCH = struct.Struct("!HHIIIIII")
_HEAD = struct.Struct("!BBHIIHBBQ")


class AskingSwitch(SimSwitch):
    """`answers`: how many offers and acknowledgements have come; `waits`: how long each one took, in seconds."""

    def __init__(self, dpid: int, controller: tuple[str, int], ports: tuple[str, ...]) -> None:
        super().__init__(dpid, controller, ports)
        self.answers = [0, 0]
        self.waits: list[float] = []
        self._asks: list[bytes] = []
        self._next = 0
        self._asked: deque[float] = deque()

    def prepare(self, leases: dict[str, tuple[str, str]]) -> int:
        """Make the messages of all ports, DISCOVER and REQUEST in turn; how many ports may ask."""
        cookies = self.served()
        self._asks = []
        for number, (name, _) in self.ports.items():
            if name in leases and number in cookies:
                mac, address = leases[name]
                told = Message(OFFER, 7, mac, address, NOBODY, "", {SERVER: frames.address(SERVICES)})
                for frame in (discover(mac, 7), request(mac, 7, told)):
                    self._asks.append(punted(cookies[number], number, frame))
        return len(self._asks) // 2

    def served(self) -> dict[int, int]:
        """The logical ports whose frames are handed over, and the cookies of their flows."""
        return {
            struct.unpack_from("!I", match, 8)[0]: flow.cookie
            for (table, _, match), flow in self.flows.items()
            if table == SERVED and int.from_bytes(match[4:8], "big") in (_REG6, _REG6_MASKED)
        }

    def ask(self, count: int) -> None:
        """Send the next messages in one write."""
        if count <= 0:
            return
        total = len(self._asks)
        chosen = [self._asks[(self._next + turn) % total] for turn in range(count)]
        self._next = (self._next + count) % total
        self._asked.extend([time.perf_counter()] * count)
        self.send_raw(b"".join(chosen))

    @property
    def unanswered(self) -> int:
        return len(self._asked)

    def forget(self) -> None:
        """Begin to count anew."""
        self.answers, self.waits = [0, 0], []
        self._asked.clear()

    def _handle(self, message: bytes) -> None:
        if message[1] != wire.PACKET_OUT:
            super()._handle(message)
        elif (found := _OFFERED in message) or _LEASED in message:
            self.answers[0 if found else 1] += 1
            if self._asked:
                self.waits.append(time.perf_counter() - self._asked.popleft())


def punted(cookie: int, key: int, frame: bytes, service: int = DHCP4) -> bytes:
    """A packet-in (OpenFlow 1.3.5, 7.4.1) as the pipeline has it: the logical port, the service, the OpenFlow port."""
    match = _MATCH.pack(1, 28, _IN_PORT, key, _REG5, service, _REG6, key) + bytes(4)
    size = 24 + len(match) + 2 + len(frame)
    head = _HEAD.pack(4, wire.PACKET_IN, size, 0, wire.ANY, len(frame), 1, SERVED, cookie)
    return head + match + bytes(2) + frame


class Asked(NamedTuple):
    """What became of the messages of a while.  `waited`: p50 and p95, in ms."""

    seconds: float
    offers: int
    leases: int
    waited: tuple[float, float]
    unanswered: int


def storm(switches: list[AskingSwitch], seconds: float, rate: float) -> Asked:
    for switch in switches:
        switch.forget()
    began = now = time.perf_counter()
    sent = 0
    while (now := time.perf_counter()) < began + seconds:
        if rate:
            due = int((now - began) * rate) - sent
            for turn, switch in enumerate(switches):
                switch.ask(due // len(switches) + (turn < due % len(switches)))
            sent += max(due, 0)
        else:
            for switch in switches:
                switch.ask(WINDOW - switch.unanswered)
        hub.sleep(TICK if rate else 0)
    took = now - began
    offers, leases = (sum(each.answers[which] for each in switches) for which in (0, 1))
    waits = [1e3 * each for switch in switches for each in switch.waits]
    left = sum(each.unanswered for each in switches)
    hub.sleep(1.0)  # for what is still under way
    return Asked(took, offers, leases, percentiles(waits) if len(waits) > 1 else (0.0, 0.0), left)


def obey(switches: list[AskingSwitch], order: dict[str, Any]) -> dict[str, Any]:
    if leases := order.get("leases"):
        return {"ports": sum(switch.prepare(leases) for switch in switches)}
    return storm([each for each in switches if each.connected], order["seconds"], order.get("rate", 0.0))._asdict()


def main(kind: type[AskingSwitch] = AskingSwitch) -> None:
    address, port, count, ports = sys.argv[1], *map(int, sys.argv[2:])
    switches = [
        kind(number + 1, (address, port), tuple(f"v{number * ports + n}" for n in range(ports)))
        for number in range(count)
    ]
    hub.spawn(keep, switches)
    while True:
        if select.select([sys.stdin], [], [], 0)[0]:
            if not (line := sys.stdin.readline()):
                break
            print(json.dumps(obey(switches, json.loads(line))), flush=True)
        hub.sleep(0.02)


def keep(switches: list[AskingSwitch]) -> None:
    while True:
        for switch in switches:
            if not switch.connected:
                try:
                    switch.connect()
                except OSError:
                    break
        hub.sleep(0.5)


if __name__ == "__main__":
    main()
