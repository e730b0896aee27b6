"""Clients that hold on to what they get: sockets that neither read nor send, and event streams that nobody reads."""

from __future__ import annotations

import socket
import threading
from collections import deque

from tests.soak.attack.target import REST, Attacker, Target

HELD = 1200  # sockets at a time, of which one member may have most: more than it grants one address
GET = b"GET /openapi.json HTTP/1.1\r\nHost: tenet\r\n\r\n"
POST = b"POST /v2.0/networks HTTP/1.1\r\nHost: tenet\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n"
SENT = (b"", GET[:20], GET * 25, POST, b"\x16\x03\x01\x02\x00" + bytes(50), b"A" * 20_000)
STREAMS = 25  # a project has 20


class SlowSockets(Attacker):
    """Nearly all at one member, some at each: of TCP alone, and of TLS."""

    name = "sockets"

    def __init__(self, target: Target, seed: int) -> None:
        super().__init__(target, seed)
        self._held: deque[socket.socket] = deque()

    def work(self, until: threading.Event) -> None:
        super().work(until)
        while self._held:
            self._held.popleft().close()

    def attack(self, until: threading.Event) -> None:
        member = self.target.members[0] if self.dice.random() < 0.9 else self.member()
        dial = self.target.secured if self.dice.random() < 0.1 else self.target.dial
        made = dial(member, REST, timeout=5.0)
        self._held.append(made)
        made.sendall(self.dice.choice(SENT))
        self.answers["held"] += 1
        if len(self._held) > HELD:
            self._held.popleft().close()
        until.wait(0.01)


class GreedyStreams(Attacker):
    """Event streams of one project, more than its share, of which nothing is read for a while."""

    name = "streams"

    def attack(self, until: threading.Event) -> None:
        held: list[socket.socket] = []
        member = self.member()
        try:
            for _ in range(STREAMS):
                held.append(self.target.secured(member, REST))
                head = f"GET /tenet/v1/events HTTP/1.1\r\nHost: [{member}]\r\nX-Auth-Token: {self.token}\r\n\r\n"
                held[-1].sendall(head.encode())
                self.answers[held[-1].recv(12)[-3:].decode(errors="replace")] += 1
            until.wait(5 + 20 * self.dice.random())
        finally:
            for each in held:
                each.close()
