"""Pending requests of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

from controller.openflow import wire
from controller.openflow.dump import Holdings
from controller.runtime import hub


class MessageMaker(Protocol):
    """Maker of a message from its xid and one argument."""

    def __call__(self, xid: int, argument: int, /) -> bytes: ...


class PendingReply:
    """Reply (of type `kind`, or an error) to one request; `message` stays empty if the connection ended first."""

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
    """Dump of flows, groups or meters in progress; `read` takes in one part."""

    def __init__(self, xid: int, kind: int, read: Callable[[bytes, Holdings], None]) -> None:
        self.xid = xid
        self.kind = kind
        self.read = read
        self.held = Holdings(set(), set())
        self.parts = 0
        self.ready = hub.Signal()
        self.error: wire.Error | None = None
        self.complete = False


_AT_ONCE = 40  # messages that Open vSwitch reads in one turn of its loop; it reads 50


class Bundle(NamedTuple):
    """`put`, `groups` and `groups_gone` are bundle-add messages, `gone` the cookies of flows to delete.

    Before it go `meters` and `flushes`, whole messages, which Open vSwitch does not take in a bundle.
    """

    put: Sequence[bytes]
    gone: set[int]
    groups: Sequence[bytes]
    groups_gone: Sequence[bytes]
    meters: Sequence[bytes]
    flushes: Sequence[bytes]

    @property
    def is_short(self) -> bool:
        """Whether it may be committed without a look at what was refused: it has flows, each for itself, and what goes
        before them.
        """
        few = len(self.meters) + len(self.flushes) + len(self.put) + len(self.gone) <= _AT_ONCE
        return few and not (self.groups or self.groups_gone)

    def messages(self, xids: Iterator[int]) -> Iterator[bytes]:
        """Messages in order: groups, flows to add, flows to delete, groups that no flow uses any more."""
        gone = self.gone
        # a bundle-add's cookie: 24 bytes of its own, 8 of the flow-mod's header
        again = {cookie for add in self.put if (cookie := int.from_bytes(add[32:40], "big")) in gone} if gone else set()
        return chain(
            self.groups, _deletes(again, xids), self.put, _deletes(gone - again, xids), self.groups_gone
        )  # fmt: skip


def _deletes(cookies: set[int], xids: Iterator[int]) -> Iterator[bytes]:
    for cookie in sorted(cookies):
        yield wire.bundle_add(wire.delete_by_cookie(next(xids), cookie))
