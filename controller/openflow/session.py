"""One connected switch: what it holds, change it, hear from it.  Nothing else of the controller speaks OpenFlow."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from controller import hub
from controller.errors import Rejected, Unreachable
from controller.openflow import dump, wire
from controller.openflow.dump import Held
from controller.openflow.errornames import reason
from controller.openflow.wire import PacketIn

__all__ = ["Held", "Link", "PacketIn", "PortDesc", "Session", "SwitchEvents"]

log = logging.getLogger("tenet.openflow")

_TIMEOUT = 30.0  # seconds without an answer after which a switch counts as unreachable
_BATCH = 512  # messages a write: about 100 KB of flows
_LOGGED_ERRORS = 20  # a connection; what a hostile peer sends beyond that is only counted


class PortDesc(NamedTuple):
    """An OpenFlow port: `mac` as text, `state` the OFPPS bits (1: link down)."""

    number: int
    name: str
    mac: str
    state: int


class SwitchEvents(Protocol):
    """Who hears about switches.

    `connected` runs in a green thread of its own and may wait; when it raises, its connection is closed.  The others
    are called from the connection's reader and must not wait.  `disconnected` comes exactly once for each session that
    `connected` was called with, possibly while `connected` still runs: its waits then raise `Unreachable`.
    """

    def connected(self, session: Session) -> None: ...

    def disconnected(self, session: Session) -> None: ...

    def packet_in(self, session: Session, packet: PacketIn) -> None: ...

    def ports_changed(self, session: Session) -> None: ...

    def refused(self, address: str, why: str, duplicate: bool) -> None:
        """A connection ended before its handshake did; `duplicate`: a live switch has its datapath id."""


class Link(Protocol):
    """The connection under a session."""

    address: str

    def write(self, data: bytes) -> None:
        """Queue bytes to be sent, in order; never waits, does nothing on a closed connection."""
        ...

    def drain(self, timeout: float) -> None:
        """Wait until little is queued; raises `Unreachable`."""
        ...

    def close(self, why: str) -> None: ...


class _Answer:
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


class _Dump:
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


class _Bundle(NamedTuple):
    put: Sequence[bytes]
    gone: set[int]
    groups: Sequence[bytes]
    groups_gone: Sequence[bytes]


class Session:
    """One connected switch, from the end of its handshake until the connection ends.

    Calls that wait raise `Unreachable` when the connection ends or the switch stays silent (then it is closed, too).
    """

    def __init__(self, dpid: int, link: Link, events: SwitchEvents) -> None:
        self.dpid = dpid
        self.address = link.address
        self.connected_since = time.time()
        self.ports: dict[int, PortDesc] = {}
        self.flow_messages_sent = 0
        self.bundles = 0
        self.packet_ins = 0
        self.errors = 0
        self.closed = False
        self._link = link
        self._events = events
        self._xids = itertools.cycle(range(1, 2**31))
        self._waiting: dict[int, _Answer] = {}
        self._dump: _Dump | None = None
        self._refusals: dict[int | None, str] | None = None  # of the bundle under way; None: no cookie was shown
        self._refused_groups: dict[int, str] = {}  # of the same bundle
        self._bundling = hub.Semaphore(1)
        self._dumping = hub.Semaphore(1)
        self._metering = hub.Semaphore(1)

    # --- what the controller asks -------------------------------------------------------------------------------------

    def held(self) -> Held:
        """The cookies of all flows on the switch, checked against what the flows are."""
        under_way = self._dumped(wire.FLOW_STATS, wire.flow_dump, dump.read)
        if under_way.error:
            raise Rejected({}, f"flow dump: {reason(under_way.error)}")
        return dump.settled(under_way.held)

    def held_groups(self) -> Held:
        """The numbers of all groups on the switch, checked against what the groups are; none where it has no groups."""
        return self._dumped(wire.GROUP_DESC, wire.group_dump, dump.read_groups).held

    def _dumped(self, kind: int, request: Callable[[int], bytes], read: Callable[[bytes, Held], None]) -> _Dump:
        with self._dumping:
            under_way = self._dump = _Dump(next(self._xids), kind, read)
            try:
                self._write(request(under_way.xid))
                self._await_dump(under_way)
            finally:
                self._dump = None
        return under_way

    def apply(
        self,
        put: Sequence[bytes],
        drop: Iterable[int],
        groups: Sequence[bytes] = (),
        groups_gone: Sequence[bytes] = (),
    ) -> None:
        """Add the flows of `put` and delete those with a cookie in `drop`: all or nothing, and no message for nothing.

        `put` are bundle-add messages of bundle 1; so are `groups`, which go before them, and `groups_gone`, which go
        last.  Deletes follow the puts (make before break), but the delete of a cookie that is put as well goes first:
        it is meant for tampered copies.  Raises `Rejected`, with nothing changed.
        """
        gone = set(drop)
        if not (put or gone or groups or groups_gone):
            return
        with self._bundling:
            self._refusals, self._refused_groups = {}, {}
            try:
                self._bundle(_Bundle(put, gone, groups, groups_gone))
            finally:
                self._refusals = None

    def limit_packet_ins(self, rate: int, burst: int, number: int = wire.CONTROLLER_METER) -> None:
        """See that the switch hands over at most `rate` packets a second, `burst` at once: its `controller` meter, or
        the one that certain flows name.
        """
        wanted = wire.Meter(number, wire.METER_FLAGS, rate, burst)
        with self._metering:
            answer = self._ask(wire.MULTIPART_REPLY, wire.meter_request, number)
            present = [] if answer.error else wire.meters(wire.multipart(answer.message)[2])
            if wanted in present:
                return
            exists = any(meter.number == wanted.number for meter in present)
            changing, done = self._expect(wire.ERROR), self._expect(wire.BARRIER_REPLY)
            try:
                self._write(wire.meter_mod(changing.xid, wanted, exists) + wire.barrier(done.xid))
                self._await(done)
            finally:
                self._forget(changing, done)
        if changing.error:
            log.warning("switch %016x does not limit packet-ins: %s", self.dpid, reason(changing.error))

    def packet_out(self, in_port: int, actions: bytes, data: bytes) -> None:
        """Have the switch do `actions` on the frame `data`, as if it had come from `in_port`; never waits."""
        self._link.write(wire.packet_out(next(self._xids), in_port, actions, data))

    def packet_outs(self, packets: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Many packet-outs (in_port, actions, data) in one write; never waits."""
        xid = next(self._xids)
        self._link.write(b"".join([wire.packet_out(xid, *packet) for packet in packets]))

    def close(self, why: str) -> None:
        self._link.close(why)

    # --- what the connection brings -----------------------------------------------------------------------------------

    def received(self, message: bytes) -> None:
        """A whole message that is not the framework's; raises `wire.Malformed`.  What nobody waits for is ignored."""
        kind = message[1]
        if kind == wire.PACKET_IN:
            self.packet_ins += 1
            self._events.packet_in(self, wire.packet_in(message))
        elif kind == wire.MULTIPART_REPLY:
            self._multipart(message)
        elif kind == wire.ERROR:
            self._error(message)
        elif kind == wire.BARRIER_REPLY or (kind == wire.EXPERIMENTER and wire.is_bundle_reply(message)):
            self._give(message)

    def lost(self) -> None:
        """The connection has ended: wake everybody who waits on it."""
        self.closed = True
        for answer in list(self._waiting.values()):
            answer.ready.set()
        if self._dump:
            self._dump.ready.set()

    def _multipart(self, message: bytes) -> None:
        kind, more, body = wire.multipart(message)
        under_way = self._dump
        if under_way and kind == under_way.kind and under_way.xid == wire.xid_of(message):
            under_way.read(body, under_way.held)
            under_way.parts += 1
            if not more:
                under_way.complete = True
                under_way.ready.set()
        elif kind == wire.METER_CONFIG:
            wire.meters(body)  # so that a malformed one raises here, on its own connection
            self._give(message)

    def _error(self, message: bytes) -> None:
        error, xid = wire.error(message), wire.xid_of(message)
        cookie, group = wire.refused_cookie(error.data), wire.refused_group(error.data)
        if self._refusals is not None and group is not None:
            self._refused_groups.setdefault(group, reason(error))
        elif self._refusals is not None and (cookie is not None or wire.is_bundle_add(error.data)):
            self._refusals.setdefault(cookie, reason(error))
        elif self._dump and self._dump.xid == xid:
            self._dump.error = error
            self._dump.ready.set()
        elif not self._give(message):
            self._unexpected(error)

    def _unexpected(self, error: wire.Error) -> None:
        self.errors += 1
        if self._refusals is not None and len(error.data) < 16 and self._could_be_ours(error.data):
            self._refusals.setdefault(None, reason(error))
        if self.errors <= _LOGGED_ERRORS:
            log.warning("switch %016x answers with error %s", self.dpid, reason(error))

    @staticmethod
    def _could_be_ours(data: bytes) -> bool:
        """Whether data too short to tell may come from a message of a bundle."""
        return len(data) < 2 or data[1] in (wire.EXPERIMENTER, wire.FLOW_MOD)

    def _give(self, message: bytes) -> bool:
        answer = self._waiting.get(wire.xid_of(message))
        if answer is None or message[1] not in (answer.kind, wire.ERROR):
            return False
        answer.give(message)
        return True

    # --- bundles ------------------------------------------------------------------------------------------------------

    def _bundle(self, bundle: _Bundle) -> None:
        opened, closed = self._expect(wire.EXPERIMENTER), self._expect(wire.EXPERIMENTER)
        try:
            self._send_bundle(opened.xid, closed.xid, bundle)
            self._await(closed)
        finally:
            self._forget(opened, closed)
        failed = opened.error or closed.error
        if failed or self._refusals or self._refused_groups:
            self._ask(wire.EXPERIMENTER, wire.bundle_control, wire.DISCARD_REQUEST)
            raise self._rejected(failed)
        # only now: Open vSwitch leaves out what it refused and would commit the rest
        committed = self._ask(wire.EXPERIMENTER, wire.bundle_control, wire.COMMIT_REQUEST)
        if committed.error or self._refusals or self._refused_groups:
            raise self._rejected(committed.error)
        self.bundles += 1

    def _send_bundle(self, opening: int, closing: int, bundle: _Bundle) -> None:
        put, gone = bundle.put, bundle.gone
        # a bundle-add's cookie: 24 bytes of its own, 8 of the flow-mod's header
        again = {cookie for add in put if (cookie := int.from_bytes(add[32:40], "big")) in gone} if gone else set()
        messages = itertools.chain(
            [wire.bundle_control(opening, wire.OPEN_REQUEST)],
            bundle.groups,
            self._deletes(again),
            put,
            self._deletes(gone - again),
            bundle.groups_gone,
            [wire.bundle_control(closing, wire.CLOSE_REQUEST)],
        )
        while batch := list(itertools.islice(messages, _BATCH)):
            self._write(b"".join(batch))
            self._link.drain(_TIMEOUT)
        self.flow_messages_sent += len(put) + len(gone)

    def _deletes(self, cookies: set[int]) -> Iterator[bytes]:
        for cookie in sorted(cookies):
            yield wire.bundle_add(wire.delete_by_cookie(next(self._xids), cookie))

    def _rejected(self, failed: wire.Error | None) -> Rejected:
        refusals = self._refusals or {}
        named = {cookie: why for cookie, why in refusals.items() if cookie is not None}
        if named or self._refused_groups:
            return Rejected(named, groups=self._refused_groups)
        return Rejected({}, refusals.get(None) or (reason(failed) if failed else "bundle refused"))

    # --- asking and waiting -------------------------------------------------------------------------------------------

    def _ask(self, kind: int, request: _Request, argument: int) -> _Answer:
        answer = self._expect(kind)
        try:
            self._write(request(answer.xid, argument))
            self._await(answer)
        finally:
            self._forget(answer)
        return answer

    def _expect(self, kind: int) -> _Answer:
        answer = _Answer(next(self._xids), kind)
        self._waiting[answer.xid] = answer
        return answer

    def _forget(self, *answers: _Answer) -> None:
        for answer in answers:
            self._waiting.pop(answer.xid, None)

    def _write(self, data: bytes) -> None:
        if self.closed:
            raise Unreachable(f"switch {self.dpid:016x} has disconnected")
        self._link.write(data)

    def _await(self, answer: _Answer) -> None:
        if not answer.ready.wait(_TIMEOUT):
            self._silent()
        if not answer.message:
            raise Unreachable(f"switch {self.dpid:016x} has disconnected")

    def _await_dump(self, under_way: _Dump) -> None:
        parts = -1
        while not under_way.ready.wait(_TIMEOUT):
            if under_way.parts == parts:
                self._silent()
            parts = under_way.parts
        if not (under_way.complete or under_way.error):
            raise Unreachable(f"switch {self.dpid:016x} has disconnected")

    def _silent(self) -> None:
        # what it makes of a late answer is unknown, so the next talk starts with a new connection
        why = f"no answer in {_TIMEOUT:.0f} s"
        self.close(why)
        raise Unreachable(f"switch {self.dpid:016x}: {why}")


class _Request(Protocol):
    def __call__(self, xid: int, argument: int, /) -> bytes: ...
