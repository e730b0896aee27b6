"""Simulated switches whose ports ask for names: as `asking_switches`, with the question to ask beside each address.

`{"leases": {NAME: [MAC, ADDRESS, DOMAIN NAME, OTHERS]}}`: each port asks for this name; with OTHERS, for so many names
that are not there instead, no two of which are the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import dns.message

from apps.packets.udp import Datagram, write
from controller.openflow import wire
from tests.lab import frames

from .asking_switches import SERVICES, AskingSwitch, main, punted

NAMES = 4 << 21  # in register 5: SERVICE (apps/pipeline.py)


class NamingSwitch(AskingSwitch):
    """`answers`: how many have come with another error than that there is no such name, and how many others."""

    def prepare(self, leases: Mapping[str, Sequence[Any]]) -> int:
        cookies = self.served()
        self._asks = []
        able = 0
        for number, (name, _) in self.ports.items():
            if name not in leases or number not in cookies:
                continue
            able += 1
            mac, address, asked, others = leases[name]
            for each in [f"{other}-{asked}" for other in range(others)] or [asked]:
                query = dns.message.make_query(each, "A", use_edns=0, payload=1232)
                datagram = Datagram(
                    frames.mac(mac), bytes(6), frames.address(address), frames.address(SERVICES), 40_000, 53,
                    query.to_wire(),
                )  # fmt: skip
                self._asks.append(punted(cookies[number], number, write(datagram), NAMES))
        return able

    def _handle(self, message: bytes) -> None:
        if message[1] != wire.PACKET_OUT:
            super()._handle(message)
            return
        actions = int.from_bytes(message[16:18], "big")  # their length: OpenFlow 1.3.5, 7.3.7
        frame = message[24 + actions :]
        if frame[34:36] != b"\0\x35":  # a probe of a wire
            return
        payload = frame[14 + 20 + 8 :]
        self.answers[payload[3] & 15 in (0, 3)] += 1
        if self._asked:
            self.waits.append(time.perf_counter() - self._asked.popleft())


if __name__ == "__main__":
    main(NamingSwitch)
