"""OpenFlow session with one switch; nothing else of the controller speaks OpenFlow."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address

from controller.flow import OwnedConnections
from controller.flow.meter import Meter, is_ours
from controller.openflow import dump, wire
from controller.openflow.dump import Holdings
from controller.openflow.errornames import reason
from controller.openflow.events import PortDesc, SwitchEvents, SwitchLink
from controller.openflow.flow_monitor import FlowMonitor
from controller.openflow.pending import Bundle, PendingReply
from controller.openflow.requests import TIMEOUT, Requests
from controller.openflow.wire import PacketIn
from controller.runtime import hub
from controller.runtime.certificates import Names
from controller.runtime.errors import NotMaster, Rejected

__all__ = ["Holdings", "PacketIn", "PortDesc", "Session", "SwitchEvents", "SwitchLink"]

log = logging.getLogger("tenet.openflow")

_BATCH = 512  # messages a write: about 100 KB of flows
_STALE = (11, 0)  # OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE
_IS_SLAVE = (1, 10)  # OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE
_LOGGED_ERRORS = 20  # a connection; what a hostile peer sends beyond that is only counted


class Session(Requests):
    """One connected switch, from the end of its handshake until the connection ends.

    Calls that wait raise `Unreachable` when the connection ends or the switch stays silent (then it is closed, too).
    """

    def __init__(self, dpid: int, link: SwitchLink, events: SwitchEvents, names: Names = None) -> None:
        """`names`: of the certificate that the peer has shown, None over plain text."""
        super().__init__(dpid, link)
        self.names = names
        self.address = link.address
        self.connected_since = time.time()
        self.ports: dict[int, PortDesc] = {}
        self.flow_messages_sent = 0
        self.bundles = 0
        self.packet_ins = 0
        self.errors = 0
        self.flows_age = 0  # seconds since the oldest flow of the last dump that was right came to the switch
        self._demoted = False  # the switch has said that another is its master
        self._events = events
        self.flow_monitor = FlowMonitor(dpid, link, self._xids)
        self._refusals: dict[int | None, str] | None = None  # of the bundle under way; None: no cookie was shown
        self._refused_groups: dict[int, str] = {}  # of the same bundle
        self._refused_meters: dict[int, str] = {}  # sent before it
        self._bundling = hub.Semaphore(1)
        self._metering = hub.Semaphore(1)

    # --- what the controller asks -------------------------------------------------------------------------------------

    def permitted(self) -> bool:
        return self._events.permits(self)

    def held(self) -> Holdings:
        """The cookies of all flows on the switch, checked against what the flows are."""
        ages = [0]

        def read(body: bytes, held: Holdings) -> None:
            ages.append(max(ages.pop(), dump.read(body, held)))

        found = dump.settled(self._dumped(wire.FLOW_STATS, wire.flow_dump, read, "flow dump").held)
        self.flows_age = ages[0]
        return found

    def flow_count(self) -> int:
        """How many flows the switch holds; raises `Rejected` where it does not say."""
        counts: deque[int] = deque(maxlen=1)
        self._dumped(
            wire.AGGREGATE, wire.flow_count_request, lambda body, _: counts.append(wire.flow_count(body)), "flow count"
        )
        return counts[-1]

    def packets(self, cookie: int) -> int:
        """How many packets the flows with this cookie have counted; raises `Rejected` where it does not say."""
        return self.counted(cookie)[0]

    def counted(self, cookie: int) -> tuple[int, int]:
        """How many packets and bytes they have; raises `Rejected` likewise."""
        counts: deque[tuple[int, int]] = deque(maxlen=1)
        self._dumped(
            wire.AGGREGATE,
            lambda xid: wire.flow_count_request(xid, cookie),
            lambda body, _: counts.append(wire.counted(body)),
            "packet count",
        )
        return counts[-1]

    def held_groups(self) -> Holdings:
        """The numbers of all groups on the switch, checked against what the groups are; none where it has no groups."""
        return self._dumped(wire.GROUP_DESC, wire.group_dump, dump.read_groups).held

    def held_meters(self) -> list[Meter]:
        """All meters on the switch; raises `Rejected` where it has no such thing."""
        found: list[Meter] = []

        def read(body: bytes, _: Holdings) -> None:
            found.extend(wire.meters(body))
            if len(found) > dump.MOST:
                raise wire.Malformed(f"more than {dump.MOST} meters")

        self._dumped(wire.METER_CONFIG, wire.meter_request, read, "meter dump")
        return found

    def apply(
        self,
        put: Sequence[bytes],
        drop: Iterable[int],
        groups: Sequence[bytes] = (),
        groups_gone: Sequence[bytes] = (),
        meters: Sequence[bytes] = (),
        zones: Sequence[OwnedConnections] = (),
    ) -> None:
        """Add the flows of `put` and delete those with a cookie in `drop`: at once, and no message for nothing.

        `put` are bundle-add messages of bundle 1; so are `groups`, which go before them, and `groups_gone`, which go
        last.  `meters` are meter-mods, which go before the bundle and stay when it is refused; the conntrack zones of
        `zones` are emptied before it.  Deletes follow the puts (make before break), but the delete of a cookie that is
        put as well goes first: it is meant for tampered copies.
        Raises `NotMaster`, with nothing changed, or `Rejected`, which says whether the rest is in force.
        """
        gone = set(drop)
        if not (put or gone or groups or groups_gone or meters or zones):
            return
        flushes = [self._flush(zone) for zone in zones]
        bundle = Bundle(put, gone, groups, groups_gone, meters, flushes)
        with self._bundling:
            self._refusals, self._refused_groups, self._refused_meters = {}, {}, {}
            try:
                if bundle.is_short:
                    self._short_bundle(bundle)
                else:
                    self._bundle(bundle)
            finally:
                self._refusals = None

    def remove_meters(self, numbers: Iterable[int]) -> None:
        """Once no flow needs them any more; never waits."""
        gone = b"".join([wire.meter_removal(next(self._xids), number) for number in numbers])
        if gone and self.permitted():
            self._link.write(gone)

    def flush_zones(self, zones: Iterable[OwnedConnections]) -> None:
        """Forget all connections of conntrack zones, or those of addresses in them; never waits.  The switch would let
        a slave do it, so who is not permitted does not ask.
        """
        flushes = b"".join(map(self._flush, zones))
        if flushes and self.permitted() and not self._demoted:
            self._link.write(flushes)

    def _flush(self, what: OwnedConnections) -> bytes:
        if what.address:
            return wire.flush_connections(self._xids, what.zone, IPv4Address(what.address).packed)
        return wire.flush_zone(next(self._xids), what.zone)

    def match_fragments(self) -> None:
        """Have flows see which packets are fragments; never waits.  The bridge keeps it until ovs-vswitchd ends."""
        self._check_permitted()
        self._link.write(wire.match_fragments(next(self._xids)))

    def role(self, role: int, generation: int) -> bool:
        """Ask to be `wire.MASTER` or `wire.SLAVE`; False when the switch has seen a later generation already.

        Whoever becomes master makes a slave of who was (OpenFlow 1.3.5, 6.3.5).
        """

        def request(xid: int, argument: int) -> bytes:
            return wire.role_request(xid, role, argument)

        self._demoted = False
        answer = self._ask(wire.ROLE_REPLY, request, generation)
        if answer.error and (answer.error.type, answer.error.code) == _STALE:
            return False
        if answer.error:
            raise Rejected({}, f"role request: {reason(answer.error)}")
        return True

    def limit_packet_ins(self, *wanted: Meter) -> None:
        """See that the switch has these meters, as they are: its `controller` meter, or one that certain flows name."""
        with self._metering:
            held = self._meters_among([one.number for one in wanted])
            differing = [one for one in wanted if held.get(one.number) != one]
            if not differing:
                return
            self._check_permitted()
            changing = [self._expect(wire.ERROR) for _ in differing]
            done = self._expect(wire.BARRIER_REPLY)
            try:
                mods = [
                    wire.meter_mod(answer.xid, one, one.number in held)
                    for answer, one in zip(changing, differing, strict=True)
                ]
                self._write(b"".join(mods) + wire.barrier(done.xid))
                self._await(done)
            finally:
                self._forget(*changing, done)
        if refused := next((answer.error for answer in changing if answer.error), None):
            log.warning("switch %016x does not limit packet-ins: %s", self.dpid, reason(refused))

    def _meters_among(self, numbers: Sequence[int]) -> dict[int, Meter]:
        """Those of the meters that the switch has."""
        answers = [self._expect(wire.MULTIPART_REPLY) for _ in numbers]
        try:
            asked = zip(answers, numbers, strict=True)
            self._write(b"".join([wire.meter_request(answer.xid, number) for answer, number in asked]))
            for answer in answers:
                self._await(answer)
        finally:
            self._forget(*answers)
        found = [wire.meters(wire.multipart(answer.message)[2]) for answer in answers if not answer.error]
        return {one.number: one for meters in found for one in meters}

    def packet_out(self, in_port: int, actions: bytes, data: bytes) -> None:
        """Have the switch do `actions` on the frame `data`, as if it had come from `in_port`; never waits."""
        self._check_permitted()
        self._link.write(wire.packet_out(next(self._xids), in_port, actions, data))

    def packet_outs(self, packets: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Many packet-outs (in_port, actions, data) in one write; never waits."""
        if self.permitted():
            xid = next(self._xids)
            self._link.write(b"".join([wire.packet_out(xid, *packet) for packet in packets]))

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
        elif kind in wire.REPLIES or (kind == wire.EXPERIMENTER and wire.is_bundle_reply(message)):
            self._give(message)
        elif kind == wire.EXPERIMENTER:
            self.flow_monitor.notified(message)

    def _multipart(self, message: bytes) -> None:
        kind, more, body = wire.multipart(message)
        under_way = self._dump
        if under_way and kind == under_way.kind and under_way.xid == wire.xid_of(message):
            under_way.read(body, under_way.held)
            under_way.parts += 1
            if not more:
                under_way.complete = True
                under_way.ready.set()
        elif kind == wire.EXPERIMENTER_MULTIPART:
            self.flow_monitor.updated(body)
        elif kind == wire.METER_CONFIG:
            wire.meters(body)  # so that a malformed one raises here, on its own connection
            self._give(message)

    def _error(self, message: bytes) -> None:
        error, xid = wire.error(message), wire.xid_of(message)
        self._demoted |= (error.type, error.code) == _IS_SLAVE and not error.experimenter
        cookie, group = wire.refused_cookie(error.data), wire.refused_group(error.data)
        meter = wire.refused_meter(error.data)
        if self._refusals is not None and group is not None:
            self._refused_groups.setdefault(group, reason(error))
        elif self._refusals is not None and meter is not None and is_ours(meter):
            self._refused_meters.setdefault(meter, reason(error))
        elif self._refusals is not None and (cookie is not None or wire.is_bundle_add(error.data)):
            self._refusals.setdefault(cookie, reason(error))
        elif self._dump and self._dump.xid == xid:
            self._dump.error = error
            self._dump.ready.set()
        elif not (self.flow_monitor.refused(xid, error) or self._give(message)):
            self._unexpected(error)

    def _unexpected(self, error: wire.Error) -> None:
        self.errors += 1
        if self._refusals is not None and len(error.data) < 16 and wire.may_be_of_bundle(error.data):
            self._refusals.setdefault(None, reason(error))
        if self.errors <= _LOGGED_ERRORS:
            log.warning("switch %016x answers with error %s", self.dpid, reason(error))

    # --- bundles ------------------------------------------------------------------------------------------------------

    def _bundle(self, bundle: Bundle) -> None:
        """In two steps: Open vSwitch leaves out what it refuses and would commit the rest."""
        self._check_permitted()
        opened, closed = self._expect(wire.EXPERIMENTER), self._expect(wire.EXPERIMENTER)
        try:
            self._send_bundle(bundle, opened, closed)
            self._await(closed)
        finally:
            self._forget(opened, closed)
        failed = opened.error or closed.error
        if failed or self._refused:
            self._ask(wire.EXPERIMENTER, wire.bundle_control, wire.DISCARD_REQUEST)
            raise self._rejected(failed)
        if not self.permitted():  # it may have taken long
            self._ask(wire.EXPERIMENTER, wire.bundle_control, wire.DISCARD_REQUEST)
        self._check_permitted()
        committed = self._ask(wire.EXPERIMENTER, wire.bundle_control, wire.COMMIT_REQUEST)
        if committed.error or self._refused:
            raise self._rejected(committed.error)
        self.bundles += 1

    def _short_bundle(self, bundle: Bundle) -> None:
        """In one step: the switch answers in one turn of its loop, in which it looks at every port that it has."""
        self._check_permitted()
        opened, closed, committed = (self._expect(wire.EXPERIMENTER) for _ in range(3))
        try:
            self._send_bundle(bundle, opened, closed, committed)
            self._await(committed)
        finally:
            self._forget(opened, closed, committed)
        self.bundles += committed.error is None
        failed = opened.error or closed.error or committed.error
        if failed or self._refused:
            raise self._rejected(failed, rest=failed is None)

    def _send_bundle(
        self, bundle: Bundle, opened: PendingReply, closed: PendingReply, committed: PendingReply | None = None
    ) -> None:
        control = wire.bundle_control
        last = [] if committed is None else [control(committed.xid, wire.COMMIT_REQUEST)]
        messages = itertools.chain(
            [*bundle.meters, *bundle.flushes, control(opened.xid, wire.OPEN_REQUEST)],
            bundle.messages(self._xids),
            [control(closed.xid, wire.CLOSE_REQUEST), *last],
        )
        while batch := list(itertools.islice(messages, _BATCH)):
            self._write(b"".join(batch))
            self._link.drain(TIMEOUT)
        self.flow_messages_sent += len(bundle.put) + len(bundle.gone)

    @property
    def _refused(self) -> bool:
        """Whether any message of the bundle under way was refused, or any meter before it."""
        return bool(self._refusals or self._refused_groups or self._refused_meters)

    def _check_permitted(self) -> None:
        if self._demoted or not self.permitted():
            raise NotMaster(f"switch {self.dpid:016x} is another's")

    def _rejected(self, failed: wire.Error | None, *, rest: bool = False) -> Rejected | NotMaster:
        if self._demoted:
            return NotMaster(f"switch {self.dpid:016x} has another master")
        refusals = self._refusals or {}
        named = {cookie: why for cookie, why in refusals.items() if cookie is not None}
        if named or self._refused_groups or self._refused_meters:
            return Rejected(named, groups=self._refused_groups, meters=self._refused_meters, rest=rest)
        return Rejected({}, refusals.get(None) or (reason(failed) if failed else "bundle refused"))
