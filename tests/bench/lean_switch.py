"""Simulated switches for a thousand at once: flows are kept as the bytes that a dump shows.

`python -m tests.bench.lean_switch ADDRESS PORT COUNT`; they connect again and again.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator

from controller.openflow import wire
from controller.runtime import hub
from tests.bench.simulated import keep_connected
from tests.simswitch import SimSwitch

_MOD = struct.Struct(
    "!QQBBHHH"
)  # of an inner flow-mod after its header: cookie, mask, table, command, timeouts, priority
_ENTRY = struct.Struct("!HBxIIHHHH4xQQQ")  # of a flow's statistics
_AGE = 3_600  # seconds that every flow is said to have been there: a switch that began anew would be helped
_ROOM = 60_000  # bytes of flows in one part of a dump


class LeanSwitch(SimSwitch):
    """As SimSwitch, for adds in bundles, deletes by cookie, and dumps of everything; `flows` stays empty."""

    def __init__(self, dpid: int, controller: tuple[str, int]) -> None:
        super().__init__(dpid, controller)
        self._entries: dict[int, bytes] = {}  # cookie -> its entry in a dump
        self._places: dict[bytes, int] = {}  # table, priority and match -> cookie
        self._keys: dict[int, bytes] = {}

    def _add(self, xid: int, message: bytes) -> None:
        self.bundle_adds += 1
        if self._bundle is not None:
            self._bundle.append(message[24:])

    def _flow_mod(self, inner: bytes) -> None:
        if inner[1] != wire.FLOW_MOD:
            return  # a group-mod
        cookie, _, table, command, _, hard, priority = _MOD.unpack_from(inner, 8)
        if command == 3:
            self._remove(cookie)
            return
        size = int.from_bytes(inner[50:52], "big")
        content = inner[48:]
        key = inner[24:25] + inner[30:32] + inner[48 : 48 + size]
        before = self._places.get(key)
        if before is not None and before != cookie:
            del self._entries[before], self._keys[before]
        fixed = _ENTRY.pack(48 + len(content), table, _AGE, 2, priority, 0, hard, 0, cookie, 3, 4)
        self._entries[cookie], self._places[key], self._keys[cookie] = fixed + content, cookie, key
        if hard:
            hub.spawn_after(hard, self._remove, cookie)

    def _remove(self, cookie: int) -> None:
        if self._entries.pop(cookie, None) is not None:
            del self._places[self._keys.pop(cookie)]

    def _count(self) -> int:
        return len(self._entries)

    def _dump(self) -> list[bytes]:
        return list(_gathered(self._entries)) or [b""]


def _gathered(entries: dict[int, bytes]) -> Iterator[bytes]:
    part, size = [], 0
    for entry in entries.values():
        part.append(entry)
        size += len(entry)
        if size > _ROOM:
            yield b"".join(part)
            part, size = [], 0
    if part:
        yield b"".join(part)


def main() -> None:
    address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    keep_connected([LeanSwitch(number + 1, (address, port)) for number in range(count)], 0.05)


if __name__ == "__main__":
    main()
