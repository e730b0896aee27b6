"""Many DHCP clients that boot at once, in one process: a packet socket each, one event loop."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence

from tests.lab.dhcp import ACK, OFFER, Client, discover, read, request

AGAIN = 1.0  # seconds without an answer after which a client asks once more; real ones wait longer


class Boot:
    """One client on its way to a lease.  `asked`: how often it has sent each of its messages; `leased`: when it had
    its acknowledgement (`time.perf_counter`), 0.0 before.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.address = ""
        self.asked = [0, 0]  # DISCOVER, REQUEST
        self.leased = 0.0
        self.due = 0.0
        self._xid = client.new_xid()
        self._frame = discover(client.mac, self._xid)
        self._stage = 0

    def send(self) -> None:
        self.client.socket.send(self._frame)
        self.asked[self._stage] += 1
        self.due = time.perf_counter() + AGAIN

    def received(self) -> None:
        """Read one frame, and go on where it is what was waited for."""
        told = read(self.client.socket.recv(2048))
        if told is None or told.xid != self._xid or told.mac != self.client.mac or self.leased:
            return
        if told.kind == OFFER and not self._stage:
            self.address, self._stage = told.address, 1
            self._frame = request(self.client.mac, self._xid, told)
            self.send()
        elif told.kind == ACK and self._stage:
            if told.address != self.address:
                raise RuntimeError(f"{self.client.mac}: {self.address} offered, {told.address} acknowledged")
            self.leased = time.perf_counter()
        elif self._stage:
            raise RuntimeError(f"{self.client.mac}: {told}")


def boot(clients: Sequence[Client], within: float) -> tuple[float, list[Boot]]:
    """Boot them all at once: when the first one asked, and what became of each until all had leases, or time was up."""
    boots = [Boot(client) for client in clients]
    waiting = {each.client.socket.fileno(): each for each in boots}
    poll = select.epoll()
    for number in waiting:
        poll.register(number, select.EPOLLIN)
    began = look = time.perf_counter()
    for each in boots:
        each.send()
    try:
        while waiting and (now := time.perf_counter()) < began + within:
            for number, _ in poll.poll(0.05):
                waiting[number].received()
                if waiting[number].leased:
                    poll.unregister(number)
                    del waiting[number]
            if now > look + 0.05:
                look = now
                for each in [each for each in waiting.values() if each.due < now]:
                    each.send()
    finally:
        poll.close()
    return began, boots
