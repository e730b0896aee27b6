"""Requests to one switch, and the replies that are waited for."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from controller.openflow import wire
from controller.openflow.dump import Holdings
from controller.openflow.errornames import reason
from controller.openflow.events import SwitchLink
from controller.openflow.pending import Dump, MessageMaker, PendingReply
from controller.runtime import hub
from controller.runtime.errors import Rejected, Unreachable

TIMEOUT = 30.0  # seconds without an answer after which a switch counts as unreachable


class Requests:
    """What a session asks of its switch: each request has a transaction id of its own, and the reply names it.

    Whoever waits gets `Unreachable` when the connection ends or the switch stays silent (then it is closed, too).
    """

    def __init__(self, dpid: int, link: SwitchLink) -> None:
        self.dpid = dpid
        self.closed = False
        self._link = link
        self._xids = itertools.cycle(range(1, 2**31))
        self._waiting: dict[int, PendingReply] = {}
        self._dump: Dump | None = None
        self._dumping = hub.Semaphore(1)

    def close(self, why: str) -> None:
        self._link.close(why)

    def lost(self) -> None:
        """The connection has ended: wake everybody who waits on it."""
        self.closed = True
        for answer in list(self._waiting.values()):
            answer.ready.set()
        if self._dump:
            self._dump.ready.set()

    def _dumped(
        self, kind: int, request: Callable[[int], bytes], read: Callable[[bytes, Holdings], None], what: str = ""
    ) -> Dump:
        """Ask, and wait until all of the answer is read.  An error raises `Rejected`; "" for `what`: it is ignored."""
        with self._dumping:
            under_way = self._dump = Dump(next(self._xids), kind, read)
            try:
                self._write(request(under_way.xid))
                self._await_dump(under_way)
            finally:
                self._dump = None
        if under_way.error and what:
            raise Rejected({}, f"{what}: {reason(under_way.error)}")
        return under_way

    def _ask(self, kind: int, request: MessageMaker, argument: int) -> PendingReply:
        answer = self._expect(kind)
        try:
            self._write(request(answer.xid, argument))
            self._await(answer)
        finally:
            self._forget(answer)
        return answer

    def _expect(self, kind: int) -> PendingReply:
        answer = PendingReply(next(self._xids), kind)
        self._waiting[answer.xid] = answer
        return answer

    def _forget(self, *answers: PendingReply) -> None:
        for answer in answers:
            self._waiting.pop(answer.xid, None)

    def _write(self, data: bytes) -> None:
        if self.closed:
            raise Unreachable(f"switch {self.dpid:016x} has disconnected")
        self._link.write(data)

    def _await(self, answer: PendingReply) -> None:
        if not answer.ready.wait(TIMEOUT):
            self._silent()
        if not answer.message:
            raise Unreachable(f"switch {self.dpid:016x} has disconnected")

    def _await_dump(self, under_way: Dump) -> None:
        parts = -1
        while not under_way.ready.wait(TIMEOUT):
            if under_way.parts == parts:
                self._silent()
            parts = under_way.parts
        if not (under_way.complete or under_way.error):
            raise Unreachable(f"switch {self.dpid:016x} has disconnected")

    def _silent(self) -> None:
        # what it makes of a late answer is unknown, so the next talk starts with a new connection
        why = f"no answer in {TIMEOUT:.0f} s"
        self.close(why)
        raise Unreachable(f"switch {self.dpid:016x}: {why}")

    def _give(self, message: bytes) -> bool:
        answer = self._waiting.get(wire.xid_of(message))
        if answer is None or message[1] not in (answer.kind, wire.ERROR):
            return False
        answer.give(message)
        return True
