"""What a session has asked and not been answered yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from controller import hub
from controller.openflow import wire
from controller.openflow.dump import Held


class Answer:
    """The reply (of type `kind`, or an error) to one request; `message` stays empty when the connection ended first."""

    def __init__(self, xid: int, kind: int) -> None:
        self.xid = xid
        self.kind = kind
        self.message = b""
        self.ready = hub.Signal()

    def give(self, message: bytes) -> None:
        self.message = self.message or message
        self.ready.set()

    @property
    def error(self) -> wire.Error | None:
        return wire.error(self.message) if self.message and self.message[1] == wire.ERROR else None


class Dump:
    """A dump of flows, or of groups, under way; `read` takes in one part."""

    def __init__(self, xid: int, kind: int, read: Callable[[bytes, Held], None]) -> None:
        self.xid = xid
        self.kind = kind
        self.read = read
        self.held = Held(set(), set())
        self.parts = 0
        self.ready = hub.Signal()
        self.error: wire.Error | None = None
        self.complete = False


class Bundle(NamedTuple):
    put: Sequence[bytes]
    gone: set[int]
    groups: Sequence[bytes]
    groups_gone: Sequence[bytes]
    meters: Sequence[bytes]
