"""Flows written by hand with struct, and a listener that remembers, for the tests beside this file."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from controller.flow import Flow
from controller.flow.digest import cookie as digest
from controller.openflow import wire
from controller.openflow.session import PacketIn, Session
from controller.runtime import hub


class Encoded(NamedTuple):
    cookie: int
    add: bytes  # a bundle-add message


def flow(number: int, port: int = 1, priority: int = 100, table: int = 3, flags: int = 0) -> Encoded:
    """Match on the MAC address 02:00 and `number`, and output to `port`: valid on Open vSwitch."""
    match = struct.pack("!HHI", 1, 14, 0x80000606) + (0x020000000000 + number).to_bytes(6, "big") + bytes(2)
    action = struct.pack("!HHIH6x", 0, 16, port, 0)
    instructions = struct.pack("!HH4x", 4, 24) + action
    return encoded(digest(table, priority, match, instructions), table, priority, match, instructions, flags)


def encoded(cookie: int, table: int, priority: int, match: bytes, instructions: bytes, flags: int = 0) -> Encoded:
    any_ = 0xFFFFFFFF
    fixed = struct.pack("!QQBBHHHIIIH2x", cookie, 0, table, 0, 0, 0, priority, any_, any_, any_, flags)
    body = fixed + match + instructions
    inner = struct.pack("!BBHI", 4, 14, 8 + len(body), 7) + body
    outer = struct.pack("!BBHIIIIHH", 4, 4, 24 + len(inner), 7, 0x4F4E4600, 2301, 1, 0, 3)
    return Encoded(cookie, outer + inner)


def meters(flows: Iterable[Flow]) -> list[bytes]:
    """Meter-mods that add the meters which compiled flows use."""
    return [wire.meter_mod(one.number, one, False) for one in sorted({one for flow in flows for one in flow.meters})]


class Heard:
    """Remembers what happened, in order."""

    def __init__(self) -> None:
        self.refusals: list[tuple[str, str, bool]] = []
        self.sessions: dict[int, Session] = {}
        self.log: list[tuple[str, int]] = []
        self.packets: list[PacketIn] = []
        self.permitted: Callable[[], bool] = lambda: True
        self.on_connect: Callable[[Session], None] = lambda session: None

    def connected(self, session: Session) -> None:
        self.log.append(("connected", session.dpid))
        self.sessions[session.dpid] = session
        self.on_connect(session)

    def disconnected(self, session: Session) -> None:
        self.log.append(("disconnected", session.dpid))

    def packet_in(self, session: Session, packet: PacketIn) -> None:
        self.packets.append(packet)

    def permits(self, session: Session) -> bool:
        return self.permitted()

    def refused(self, address: str, why: str, duplicate: bool) -> None:
        self.refusals.append((address, why, duplicate))

    def ports_changed(self, session: Session) -> None:
        self.log.append(("ports", session.dpid))


def until(so: Callable[[], object], timeout: float = 60.0) -> None:
    """Let green threads run until `so()`; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not so():
        assert time.monotonic() < deadline, "it did not come to pass"
        hub.sleep(0.002)
