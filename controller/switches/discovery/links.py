"""Wires between switches, found and kept an eye on: LLDP out of every port that may be an end of one, rows for what is
heard.

One green thread sends for all switches, one writes rows, one watches for silence; what comes in is looked at where it
is read.  A wire between switches of which one has lost its controller stays as it was seen, at a higher cost: that
nobody can probe it says nothing of it.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from controller.flow import CONTROLLER, output
from controller.model.model import Dependency
from controller.model.rows import Interface, Link, Secret, Switch
from controller.openflow.session import PacketIn, Session
from controller.runtime import hub
from controller.runtime.errors import Refused, Unavailable
from controller.runtime.logpace import LogPace, times
from controller.runtime.periodic import Schedule
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact
from controller.switches.discovery.probed import probed
from controller.switches.discovery.station import FIRST, Station
from topology import discovery
from topology.cost import by_hops
from topology.discovery import ProbePort
from topology.neighbors import DirectedWire, Fall, Neighbors, ProbeVerdict

log = logging.getLogger("tenet.links")

INTERVAL = 1.0  # seconds between two frames out of a port
TICK = 0.2  # seconds between two looks for silence
AWAY = 2.5  # seconds after which a switch without a connection counts as away
AWAY_COST = 1000  # of a wire that nobody can probe: taken when there is no other way
TOGETHER = 256  # rows a transaction
REVIEW = 10.0  # seconds between two looks at which ports are probed, when nothing is known to have changed
TURN = 0.005  # seconds of sending after which others have their turn
SHARE = 1000  # of the time, one part in so many at most goes into a switch's looks when rows have changed


class Links:
    """Counts in `seen`: frames by what became of them (`ProbeVerdict` names, `sent`, `forged`, `misplaced`,
    `failed`)."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        is_mastered: Callable[[str], bool],
        cost: Callable[[int], int] = by_hops,
    ) -> None:
        """`is_mastered`: whether some member of the cluster is a switch's master.  `cost`: of a wire, by its port's
        speed in kbit/s.
        """
        self.seen: Counter[str] = Counter()
        self._store = store
        self._replica = replica
        self._is_mastered = is_mastered
        self._cost = cost
        self._speeds: dict[ProbePort, int] = {}  # as last reported
        self._key = b""
        self._stations: dict[int, Station] = {}
        self._away: dict[int, float] = {}  # datapath id -> since when it has no connection
        self._neighbors = Neighbors()
        self._damped: set[ProbePort] = set()
        self._now = 0.0  # seconds of a clock that stands still while this process does
        self._stamp = 0
        self._changed: dict[ProbePort, None] = {}  # near ends whose rows may be others now
        self._work = hub.Signal()
        self._beats: Schedule[int] = Schedule()  # when the datapath's ports are probed next
        self._wake = hub.Signal()  # one is to be probed sooner
        self._pace = LogPace()
        self._threads: list[hub.GreenThread] = []
        replica.listen(self._model_changed)

    def start(self) -> None:
        self._key = bytes.fromhex(transact(self._store, self._replica, _shared_key).value)
        self._threads = [hub.keep(self._write), hub.keep(self._watch), hub.keep(self._probe)]

    def stop(self) -> None:
        """Stop probing and writing."""
        self._stations.clear()
        for thread in self._threads:
            hub.kill(thread)

    # --- switches come and go -----------------------------------------------------------------------------------------

    def attend(self, switch_id: str, session: Session) -> None:
        """A switch has connected: find its wires until it is `lost`, or attended under another id."""
        dpid = session.dpid
        station = Station(switch_id, session)
        self._stations[dpid] = station
        self._away.pop(dpid, None)
        self._review(station)
        model = self._replica.model
        for row in model.find(Link, "switch_id", switch_id):
            self._adopt(station, row)
        for near, far in list(self._neighbors.far.items()):
            if dpid in (near.dpid, far.dpid):
                self._neighbors.adopt(DirectedWire(near, far), self._now)  # it could not be heard before
                self._mark(near)
        self._probe_now(dpid)

    def lost(self, session: Session) -> None:
        station = self._stations.get(session.dpid)
        if station is not None and station.session is session:
            del self._stations[session.dpid]
            self._away[session.dpid] = self._now
            self._beats.drop(session.dpid)

    def ports_changed(self, session: Session) -> None:
        """Note changed ports; never waits.  Many at once are reviewed together."""
        station = self._stations.get(session.dpid)
        if station is not None and station.session is session and not station.reviewing:
            station.reviewing = True
            hub.spawn(self._review_changed, station)

    def _review_changed(self, station: Station) -> None:
        station.reviewing = False
        if self._stations.get(station.session.dpid) is station:
            self._review(station)

    def _adopt(self, station: Station, row: Link) -> None:
        """Take over the stored wires of a switch; they count until they are silent."""
        near = ProbePort(station.session.dpid, row.ofport)
        far = self._replica.model.get(Switch, row.far_switch_id)
        if far is not None and row.state == "up" and row.ofport in station.ports and near not in self._neighbors.far:
            self._neighbors.adopt(DirectedWire(near, ProbePort(far.dpid, row.far_ofport)), self._now)
        self._mark(near)

    def _review(self, station: Station) -> None:
        """Review which ports of a switch are probed; wires at other ports are down."""
        began = time.monotonic()
        switch = self._replica.model.get(Switch, station.switch_id)
        session = station.session
        found = probed(self._replica.model, switch, session.ports.values()) if switch else []
        before, station.ports = station.ports, {port.number: _mac(port.mac) for port in found}
        for end, speed in [(ProbePort(session.dpid, port.number), port.speed) for port in found]:
            if self._speeds.get(end) != speed:
                self._speeds[end] = speed
                self._mark(end)
        gone = [ProbePort(session.dpid, number) for number in before.keys() - station.ports.keys()]
        for port in gone:
            self._speeds.pop(port, None)
            self._fall(port, "the port is down, or a tenant's")
        if station.ports.keys() - before.keys():
            station.pauses = list(FIRST)
            self._probe_now(session.dpid)
        station.review_at = self._now + REVIEW
        station.rested_at = self._now + SHARE * (time.monotonic() - began)

    def _model_changed(self, touched: set[Dependency]) -> None:
        """A port that becomes a tenant's is not the end of a wire any more; other changes are seen at a later probe."""
        model = self._replica.model
        for dependency in touched:
            if dependency[0] == "binding" and (at := model.placement.bindings.get(str(dependency[1]))) is not None:
                station = self._station(at.switch_id)
                if station is not None and station.ports.pop(at.ofport, None) is not None:
                    self._fall(ProbePort(station.session.dpid, at.ofport), "it is a tenant's")
            elif dependency[0] == "members" or (dependency[0] is Interface and dependency[1] == "switch_id"):
                station = self._station(str(dependency[1] if dependency[0] == "members" else dependency[2]))
                if station is not None:
                    station.review_at = min(station.review_at, station.rested_at)

    def _station(self, switch_id: str) -> Station | None:
        switch = self._replica.model.get(Switch, switch_id)
        return self._stations.get(switch.dpid) if switch else None

    # --- frames out ---------------------------------------------------------------------------------------------------

    def _probe_now(self, dpid: int) -> None:
        self._beats.put(dpid, time.monotonic())
        self._wake.set()

    def _probe(self) -> None:
        while True:
            self._wake.clear()
            turns = hub.Turns(TURN)
            while due := self._beats.due(time.monotonic(), 1):
                self._probe_one(due[0][0])
                turns.give()
            upcoming = self._beats.next()
            self._wake.wait(None if upcoming is None else max(0.0, upcoming - time.monotonic()))

    def _probe_one(self, dpid: int) -> None:
        """Probe the ports of a switch; its next turn is set before anything can fail."""
        station = self._stations.get(dpid)
        if station is None:
            return
        pause = station.pauses.pop(0) if station.pauses else _until_beat()
        self._beats.put(dpid, time.monotonic() + pause)
        try:
            if self._now >= station.review_at:
                self._review(station)
            self._send(station, station.ports)
        except Exception:
            self.seen["failed"] += 1
            if count := self._pace.due("probe"):
                log.exception("the ports of switch %016x could not be probed%s", dpid, times(count))

    def _send(self, station: Station, numbers: Iterable[int]) -> None:
        dpid, ports, stamp = station.session.dpid, station.ports, self._tell_time()
        key = self._key
        packets = [
            (CONTROLLER, output(number).wire, discovery.frame(key, ProbePort(dpid, number), stamp, ports[number]))
            for number in numbers
        ]
        if packets:
            station.session.packet_outs(packets)
            self.seen["sent"] += len(packets)

    def _time(self) -> int:
        """Time that a frame sent now carries."""
        return max(self._stamp, time.time_ns() // 1000)

    def _tell_time(self) -> int:
        """Microseconds of Unix time, more at every call: a frame counts only when it is newer than the one before."""
        self._stamp = max(self._stamp + 1, time.time_ns() // 1000)
        return self._stamp

    # --- frames in ----------------------------------------------------------------------------------------------------

    def packet_in(self, session: Session, packet: PacketIn) -> None:
        """An LLDP frame came in; never waits."""
        station = self._stations.get(session.dpid)
        if station is None or packet.in_port not in station.ports:
            self.seen["misplaced"] += 1
            return
        heard = discovery.read(self._key, packet.data)
        if heard is None:
            self.seen["forged"] += 1
            return
        near = ProbePort(session.dpid, packet.in_port)
        verdict = self._neighbors.heard(near, heard, self._now, self._time())
        self.seen[verdict.name] += 1
        while self._neighbors.moved:
            self._fell(self._neighbors.moved.pop(), "its cable is elsewhere")
        if verdict is ProbeVerdict.NEW:
            log.info("%s hears %s", _text(near), _text(heard.port))
            self._mark(near)
        elif verdict is not ProbeVerdict.SAME:
            self._odd(verdict, near, heard.port)
            return
        if self._neighbors.far.get(heard.port) != near:
            self._send(station, [near.number])  # the other end does not hear this one yet: it need not wait for a beat

    def _odd(self, verdict: ProbeVerdict, near: ProbePort, far: ProbePort) -> None:
        self._mark(near)
        count = self.seen[verdict.name]
        if count & (count - 1) == 0:  # the first, second, fourth, ...: what comes often says so less and less
            log.warning("%s hears %s: %s (%d)", _text(near), _text(far), verdict.value, count)

    # --- silence ------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while True:
            began = time.monotonic()
            hub.sleep(TICK)
            self._now += min(time.monotonic() - began, 2 * TICK)
            self._look()

    def _look(self) -> None:
        """Take down silent wires, those of switches that are away, and end damping that is over."""
        for near in self._neighbors.silent(self._now):
            far = self._neighbors.far[near]
            if near.dpid in self._stations and far.dpid in self._stations:
                self._fall(near, "silence")
        for dpid, since in list(self._away.items()):
            if since + AWAY < self._now:
                self._leave(dpid)
            elif since == float("inf") and not self._replica.model.find(Switch, "dpid", dpid):
                self._forget(dpid)
        self._neighbors.forget_old(self._now, self._time())
        for near in [near for near in self._damped if not self._neighbors.is_held(near, self._now)]:
            self._damped.discard(near)
            self._mark(near)

    def _leave(self, dpid: int) -> None:
        """Mark the wires of a switch that has been away for long; those of another member's switch are that member's
        to judge.
        """
        if any(self._is_mastered(switch.id) for switch in self._replica.model.find(Switch, "dpid", dpid)):
            del self._away[dpid]
            return
        self._away[dpid] = float("inf")
        for near in self._neighbors.far:
            if near.dpid == dpid:
                self._mark(near)

    def _forget(self, dpid: int) -> None:
        """Drop the state of a removed switch: a new one with its datapath id starts afresh."""
        del self._away[dpid]
        for port in [port for port in self._speeds if port.dpid == dpid]:
            del self._speeds[port]

    def _fall(self, near: ProbePort, why: str) -> None:
        fall = self._neighbors.fall(near, self._now)
        if fall is not None:
            self._fell(fall, why)

    def _fell(self, fall: Fall, why: str) -> None:
        if fall.up:
            log.warning("%s no longer hears %s: %s", _text(fall.near), _text(fall.far), why)
        if fall.held:
            self._damped.add(fall.near)
            log.warning("%s: its wire flaps and is held down until it has been quiet", _text(fall.near))
        self._mark(fall.near)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _mark(self, near: ProbePort) -> None:
        self._changed[near] = None
        self._work.set()

    def _write(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            while self._changed:
                some = list(islice(self._changed, TOGETHER))
                for near in some:
                    del self._changed[near]
                self._commit(some)

    def _commit(self, some: list[ProbePort]) -> None:
        try:
            transact(self._store, self._replica, partial(self._rows, nears=some))
        except (Refused, Unavailable) as error:
            log.warning("writing links: %s", error)
            hub.sleep(1.0)
            self._changed.update(dict.fromkeys(some))
            self._work.set()

    def _rows(self, tx: Transaction, nears: list[ProbePort]) -> None:
        for near in nears:
            here = tx.model.find(Switch, "dpid", near.dpid)
            if not here:
                continue
            held = tx.get(Link, f"{here[0].id}/{near.number}")
            wanted = self._row(tx, here[0], near)
            if wanted is None and held is not None:
                tx.delete(held)
            elif wanted is not None and wanted != held:
                tx.put(wanted)

    def _row(self, tx: Transaction, here: Switch, near: ProbePort) -> Link | None:
        """Row to write for a port's wire; None when it is unchanged."""
        far = self._neighbors.far.get(near)
        away = self._away.get(near.dpid) == float("inf")
        state, cost = "up", AWAY_COST if away else self._cost(self._speeds.get(near, 0))
        if far is None and self._neighbors.is_held(near, self._now):
            far, state = self._neighbors.lately(near), "damped"
        there = tx.model.find(Switch, "dpid", far.dpid) if far else []
        if far is None or not there:
            return None
        return Link(
            switch_id=here.id, ofport=near.number, far_switch_id=there[0].id, far_ofport=far.number, cost=cost,
            state=state,
        )  # fmt: skip


def _until_beat() -> float:
    """Seconds to the next multiple of INTERVAL.

    All switches send at once, so that what comes in at one of them is read in one go: a read costs more than a frame.
    """
    left = INTERVAL - time.monotonic() % INTERVAL
    return left if left > INTERVAL / 10 else left + INTERVAL


def _shared_key(tx: Transaction) -> str:
    """Key of the deployment for probes; the first member creates it."""
    found = tx.get(Secret, "discovery")
    if found is None:
        found = Secret(id="discovery", value=secrets.token_hex(discovery.KEY_SIZE))
        tx.put(found)
    return found.value


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _text(port: ProbePort) -> str:
    return f"{port.dpid:016x} port {port.number}"
