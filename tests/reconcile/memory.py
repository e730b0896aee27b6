"""A switch in memory behind the calls of `Session` that the reconciler makes, and a replica that is fed by hand."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, cast

from controller.flow import OwnedConnections
from controller.flow.meter import Meter
from controller.model.model import Applied
from controller.model.rows import Row
from controller.openflow.session import Holdings
from controller.runtime import hub
from controller.runtime.errors import Rejected, Unreachable
from controller.store.replica import Replica
from controller.store.store import Store


class Entry(NamedTuple):
    cookie: int
    right: bool


class MemoryMonitor:
    """Tells what it is told to; `changed` is None while nobody listens."""

    def __init__(self) -> None:
        self.changed: Callable[[int], None] | None = None

    def begin(self, changed: Callable[[int], None]) -> None:
        self.changed = changed

    def end(self) -> None:
        self.changed = None

    def tell(self, count: int) -> None:
        assert self.changed is not None
        self.changed(count)


class MemorySession:
    """Flows by what the switch calls the same flow; every call waits a moment, as a real one does."""

    def __init__(self, dpid: int = 1) -> None:
        self.dpid = dpid
        self.address = "memory"
        self.connected_since = 0.0
        self.flow_messages_sent = 0
        self.flow_monitor = MemoryMonitor()
        self.closed = False
        self.table: dict[bytes, Entry] = {}
        self.groups: dict[int, bool] = {}  # number -> whether it is what its number says
        self.meters: dict[int, Meter] = {}
        self.most_meters = 1000  # 0: it has no such thing
        self.refuse: set[int] = set()
        self.refuse_all = ""
        self.takes_rest = False  # what is not refused of a bundle
        self.room: int | None = None  # for so many flows there is room
        self.applied = 0  # bundles that were tried
        self.dumps = 0
        self.counts = 0
        self.counts_flows = True
        self.flows_age = 0
        self.zones: list[tuple[int, int]] = []  # emptied: zone, and how many flows there were then
        self.addresses: list[tuple[int, int, int]] = []  # likewise, of addresses in zones
        self.on_dump: Callable[[], None] = lambda: None
        self.on_apply: Callable[[], None] = lambda: None

    def held(self) -> Holdings:
        self._wait()
        self.dumps += 1
        self.on_dump()
        wrong = {entry.cookie for entry in self.table.values() if not entry.right}
        return Holdings({entry.cookie for entry in self.table.values()} - wrong, wrong)

    def flow_count(self) -> int:
        self._wait()
        self.counts += 1
        if not self.counts_flows:
            raise Rejected({}, "no such question")
        return len(self.table)

    def held_groups(self) -> Holdings:
        self._wait()
        right = {number for number, is_right in self.groups.items() if is_right}
        return Holdings(right, self.groups.keys() - right)

    def held_meters(self) -> list[Meter]:
        self._wait()
        if not self.most_meters:
            raise Rejected({}, "no meters")
        return list(self.meters.values())

    def remove_meters(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.meters.pop(number, None)  # one that is not there is no error (tests/openflow/test_meters.py)

    def flush_zones(self, zones: Iterable[OwnedConnections]) -> None:
        for each in zones:
            if each.address:
                self.addresses.append((each.zone, each.address, len(self.table)))
            else:
                self.zones.append((each.zone, len(self.table)))

    def apply(
        self,
        put: Sequence[bytes],
        drop: Iterable[int],
        groups: Sequence[bytes] = (),
        groups_gone: Sequence[bytes] = (),
        meters: Sequence[bytes] = (),
        zones: Sequence[OwnedConnections] = (),
    ) -> None:
        gone = set(drop)
        if not (put or gone or groups or groups_gone or meters or zones):
            return
        self._wait()
        self.flush_zones(zones)
        refused_meters = {one.number: "full" for wire in meters if not self._take_meter(one := _meter(wire))}
        self.applied += 1
        self.on_apply()
        if self.refuse_all:
            raise Rejected({}, self.refuse_all)
        new = {key(wire): _cookie(wire) for wire in put}
        if self.room is not None and len(self.table) + len(new) > self.room:
            raise Rejected({[*new.values()][self.room - len(self.table)]: "OFPFMFC_TABLE_FULL (type 5, code 1)"})
        refusals = {cookie: "no" for cookie in new.values() if cookie in self.refuse}
        refusals |= {_cookie(wire): "no meter" for wire in put if _needs(wire) not in (0, *self.meters)}
        if (refusals or refused_meters) and not self.takes_rest:
            raise Rejected(refusals, meters=refused_meters)
        new = {one: cookie for one, cookie in new.items() if cookie not in refusals}
        self.groups.update(dict.fromkeys((_group(wire) for wire in groups), True))
        self._delete(gone.intersection(new.values()))
        self.table.update({one: Entry(cookie, True) for one, cookie in new.items()})
        self._delete(gone.difference(new.values()))
        for wire in groups_gone:
            del self.groups[_group(wire)]
        self.flow_messages_sent += len(new) + len(gone)
        if refusals or refused_meters:
            raise Rejected(refusals, meters=refused_meters, rest=True)

    def close(self, why: str) -> None:
        self.closed = True

    @property
    def cookies(self) -> set[int]:
        return {entry.cookie for entry in self.table.values() if entry.right}

    def _take_meter(self, meter: Meter) -> bool:
        if meter.number not in self.meters and len(self.meters) >= self.most_meters:
            return False
        self.meters[meter.number] = meter
        return True

    def _delete(self, cookies: set[int]) -> None:
        self.table = {one: entry for one, entry in self.table.items() if entry.cookie not in cookies}

    def _wait(self) -> None:
        hub.sleep(0)
        if self.closed:
            raise Unreachable("gone")


def _cookie(wire: bytes) -> int:
    return int.from_bytes(wire[32:40], "big")


def _meter(message: bytes) -> Meter:
    """Of a meter-mod with one band (OpenFlow 1.3.5, 7.3.4.4)."""
    flags, number, _, _, rate, burst = struct.unpack_from("!HIHHII", message, 10)
    return Meter(number, flags, rate, burst)


def _needs(wire: bytes) -> int:
    """The number of the meter that a flow-mod's first instruction names, or 0."""
    length = int.from_bytes(wire[74:76], "big")
    instruction = wire[72 + (length + 7) // 8 * 8 :]
    return int.from_bytes(instruction[4:8], "big") if instruction[:2] == bytes((0, 6)) else 0


def key(wire: bytes) -> bytes:
    """Table, priority and match of the flow-mod in a bundle-add message (OpenFlow 1.3.5, 7.3.4.2)."""
    length = int.from_bytes(wire[74:76], "big")
    return wire[48:49] + wire[54:56] + wire[72 : 72 + length]


class Feed:
    """The change feed, by hand."""

    def __init__(self) -> None:
        self.replica = Replica(cast(Store, None))

    def put(self, *rows: Row | str) -> None:
        """Rows appear or change, and for text the row with that key goes, in one commit."""
        revision = self.replica.model.revision + 1
        self.replica._take(
            [Applied(revision, row, None) if isinstance(row, str) else Applied(revision, row.key, row) for row in rows]
        )


def until(so: Callable[[], object], timeout: float = 60.0) -> None:
    """Let green threads run until `so()`."""
    deadline = time.monotonic() + timeout
    while not so():
        assert time.monotonic() < deadline, "it did not come to pass"
        hub.sleep(0.002)


def _group(wire: bytes) -> int:
    return int.from_bytes(wire[36:40], "big")
