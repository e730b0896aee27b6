"""Questions to upstream resolvers: over UDP, and over TCP where the answer is too large (RFC 1035, 4.2; RFC 7766).

Each question has a socket of its own, so a source port that the system draws, and an id of its own (RFC 5452).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from controller.runtime import hub
from controller.runtime.logpace import LogPace, times
from controller.runtime.randomness import below

Server = tuple[str, int]  # address and port
log = logging.getLogger("tenet.dns")

PATIENCE = 1.5  # seconds for the answer of one server
DEADLINE = 6.0  # seconds for all of them
SHUNNED = 10.0  # seconds for which a server that did not answer is asked after the others
LARGEST = 65_535  # bytes of a message
_HEADER = 12


class Upstream:
    """Upstream resolvers, asked in their order.  `count` is told what becomes of each attempt."""

    def __init__(
        self, servers: Sequence[Server], count: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._servers = tuple(servers)
        self._count = count
        self._clock = clock
        self._shunned: dict[Server, float] = {}  # server that did not answer -> until when others come first
        self._pace = LogPace()

    def ask(self, wire: bytes, *, whole: bool = False) -> bytes | None:
        """The answer to a question, whose id is replaced; None where no server has one in time.  Waits.

        `whole`: over TCP where an answer over UDP is truncated.
        """
        end = self._clock() + DEADLINE
        for _ in range(2):
            for server in self._in_order():
                left = end - self._clock()
                if left <= 0:
                    return None
                found = self._asked(server, wire, min(left, PATIENCE), whole)
                if found is not None:
                    self._shunned.pop(server, None)
                    return found
                self._shunned[server] = self._clock() + SHUNNED
        return None

    def _in_order(self) -> list[Server]:
        now = self._clock()
        return sorted(self._servers, key=lambda server: self._shunned.get(server, 0.0) > now)

    def _asked(self, server: Server, wire: bytes, patience: float, whole: bool) -> bytes | None:
        asked = below(1 << 16).to_bytes(2, "big") + wire[2:]
        try:
            found = self._over_udp(server, asked, patience)
            if found is not None and whole and found[2] & 0x02:  # TC
                found = _over_tcp(server, asked, patience)
        except OSError as error:  # a time that is up, too
            self._count("timeout" if isinstance(error, TimeoutError) else "unreachable")
            if count := self._pace.due(f"{server[0]} {server[1]}"):
                log.warning("resolver %s port %d does not answer: %s%s", *server, error, times(count))
            return None
        self._count("answered" if found is not None else "unfit")
        return found

    def _over_udp(self, server: Server, asked: bytes, patience: float) -> bytes | None:
        """Raises OSError."""
        end = self._clock() + patience
        with hub.datagrams(server) as sock:
            sock.send(asked)
            while True:
                sock.settimeout(max(0.001, end - self._clock()))
                found: bytes = sock.recv(LARGEST)
                if answers(asked, found):
                    return found
                self._count("unasked")


def _over_tcp(server: Server, asked: bytes, patience: float) -> bytes | None:
    """Raises OSError."""
    with hub.Timeout(patience, TimeoutError("timed out")), hub.stream(server) as sock:
        sock.sendall(len(asked).to_bytes(2, "big") + asked)
        length = int.from_bytes(hub.read_whole(sock, 2), "big")
        found = hub.read_whole(sock, length)
    return found if answers(asked, found) else None


def answers(asked: bytes, found: bytes) -> bool:
    """Whether a message is an answer to this question: its id, and its one question, in whatever case."""
    end = after_question(asked)
    name = slice(_HEADER, end - 4)
    return (
        len(found) >= end and found[:2] == asked[:2] and found[2] & 0xF8 == 0x80 and found[4:6] == b"\0\1" and
        found[name].lower() == asked[name].lower() and found[end - 4 : end] == asked[end - 4 : end]
    )  # fmt: skip


def after_question(wire: bytes) -> int:
    """Where the one question of a well-formed message ends."""
    place = _HEADER
    while wire[place]:
        place += wire[place] + 1
    return place + 5


def failed(asked: bytes, question: bytes) -> bytes:
    """The answer that nobody has one (SERVFAIL); `question`: the one that was asked, as a message.

    With the question in it: clients wait on otherwise.
    """
    flags = bytes((0x80 | asked[2] & 0x01, 0x82))
    return asked[:2] + flags + b"\0\1" + bytes(6) + question[_HEADER : after_question(question)]


def passed_on(asked: bytes, found: bytes, limit: int) -> bytes:
    """An upstream resolver's answer as it goes to who asked: with his id; truncated where it is too large for him."""
    if len(found) <= limit:
        return asked[:2] + found[2:]
    end = after_question(found)
    return asked[:2] + bytes((found[2] | 0x02, found[3])) + b"\0\1" + bytes(6) + found[_HEADER:end]
