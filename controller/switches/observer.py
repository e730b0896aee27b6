"""Observer: writes what the OVSDB and OpenFlow sides report into the store, in green threads of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import partial
from itertools import count, islice
from typing import TypeVar

from apps.pipeline import IN_KEY
from controller.model.model import Dependency
from controller.model.rows import Bridge, Interface, Learned, Switch
from controller.openflow.session import PacketIn, Session
from controller.ovsdb.seen import SeenHypervisor
from controller.runtime import hub
from controller.runtime.errors import Refused, Unavailable
from controller.runtime.logpace import LogPace, times
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact
from controller.switches import reported
from controller.switches.learning import HeardAddress, learn, source
from topology.damping import Damping

T = TypeVar("T")

log = logging.getLogger("tenet.observe")

QUEUE = 1024  # queued packet-ins; more are dropped, and the next frame brings them again
WARNED = 1000  # addresses with a warning, before any is warned of again
TOGETHER = 64  # addresses a transaction
MOVE = 1.0  # seconds that an address stays where it was learned, which bounds the cost of two ports that claim it
STEP = 128  # interfaces a transaction where a switch has more of them
TURN = 0.005  # seconds of work before other green threads get a turn
_LOCAL = 0xFFFFFFFE  # OFPP_LOCAL, which has the bridge's name
_NO_PORT = 0xFFFFFF00  # OFPP_MAX: above it are the reserved port numbers


class Observer:
    def __init__(
        self,
        store: Store,
        replica: Replica,
        underlay_ip_version: int = 4,
        bound: bool = False,
        owns: Callable[[str], bool] = lambda system_id: True,
    ) -> None:
        """`bound`: databases prove their system-ids.  `owns`: whether a hypervisor's database is this process's to
        report.
        """
        self._bound = bound
        self._owns = owns
        self._claiming: dict[str, SeenHypervisor] = {}  # last reports of hypervisors with refused claims
        self._vacated = hub.Signal()
        self._pace = LogPace()
        self._underlay_ip_version = underlay_ip_version
        self._warned: set[str] = set()
        self._store = store
        self._replica = replica
        self._heard: hub.Queue = hub.Queue(QUEUE)
        self._moves: Damping[str] = Damping()  # of addresses, by the ids of their rows
        self._moved: dict[tuple[str, str, int], float] = {}
        self._unplugged: set[str] = set()
        self._sweep = hub.Signal()
        self._adopting: set[Session] = set()  # switches whose ports are about to be written
        self.learned = 0
        self.dropped = 0
        replica.listen(self._changed)

    def start(self) -> None:
        self._unplugged = {learned.port_id for learned in self._replica.model.rows(Learned).values()}
        self._sweep.set()
        hub.keep(self._learn)
        hub.keep(self._forget)
        hub.keep(self._claim_again)

    # --- switches ---

    def hypervisor(self, seen: SeenHypervisor) -> None:
        """Take in the present report of a hypervisor's database (OVSDB)."""
        if ":" in seen.encap_ip and self._underlay_ip_version == 4 and seen.encap_ip not in self._warned:
            if len(self._warned) >= WARNED:
                self._warned.clear()
            self._warned.add(seen.encap_ip)
            log.warning("%s has an IPv6 tenant-encap-ip, but [network] underlay_ip_version is 4: the MTU that "
                        "tenants are told is 20 bytes too large", seen.system_id)  # fmt: skip
        before = self._replica.model.get(Switch, seen.system_id)
        rows = reported.seen_interfaces(seen)
        large = self._is_large(seen.system_id, rows)
        transact(self._store, self._replica, lambda tx: reported.hypervisor(tx, seen, interfaces=not large))
        if large:
            self._stage(seen.system_id, rows)
        after = self._replica.model.get(Switch, seen.system_id)
        for why in sorted(set(after.refused if after else ()) - set(before.refused if before else ())):
            self._warn(seen.system_id, f"it does not get the {why}")
        if after is not None and after.refused:
            self._claiming[seen.system_id] = seen
        else:
            self._claiming.pop(seen.system_id, None)

    def bridges(self, system_id: str, seen: tuple[Bridge, ...]) -> None:
        """Take in the bridges of a database that others made and pointed at a controller (OVSDB)."""
        outcome = transact(self._store, self._replica, lambda tx: reported.bridges(tx, system_id, seen, self._bound))
        for bridge_id in outcome.value:
            self._warn(system_id, f"it says that bridge {bridge_id} is its own, of which another database has told")

    def _claim_again(self) -> None:
        """Report hypervisors with refused claims again when another switch may have released one."""
        while True:
            self._vacated.wait()
            self._vacated.clear()
            for system_id, seen in list(self._claiming.items()):
                if not self._owns(system_id):
                    del self._claiming[system_id]
                    continue
                try:
                    self.hypervisor(seen)
                except (Refused, Unavailable) as error:
                    log.warning("%s: %s", system_id, error)

    def _warn(self, system_id: str, why: str) -> None:
        if count := self._pace.due(f"{system_id} {why}"):
            log.warning("%s: %s%s", system_id, why, times(count))

    def adopt(self, session: Session) -> None:
        """Adopt a bridge that no connected database reports (OpenFlow)."""
        ports = {port.name: port.number for port in session.ports.values() if port.number < _NO_PORT}
        name = session.ports[_LOCAL].name if _LOCAL in session.ports else ""
        tries = count()
        switch_id = reported.adopted_id(session.dpid)
        large = self._is_large(switch_id, ports)
        transact(
            self._store, self._replica,
            lambda tx: reported.adopted(
                tx, session.dpid, ports, name, crowded=next(tries) > 0, interfaces=not large
            ),
        )  # fmt: skip
        if large:
            bridge = self._replica.model.get(Bridge, switch_id)
            self._stage(switch_id, reported.told_interfaces(bridge, switch_id, ports))

    def _is_large(self, switch_id: str, wanted: Sized) -> bool:
        """Whether a switch has so many interfaces that they are written in batches."""
        return max(len(wanted), self._replica.model.count(Interface, "switch_id", switch_id)) > STEP

    def _stage(self, switch_id: str, wanted: Mapping[str, Interface]) -> None:
        """Write the interfaces that differ, in batches."""
        model = self._replica.model
        differ: dict[str, Interface | None] = {}
        for interface in hub.taking_turns(model.find(Interface, "switch_id", switch_id), TURN):
            if interface.name not in wanted:
                differ[interface.name] = None
        for name, row in hub.taking_turns(wanted.items(), TURN):
            known = model.get(Interface, row.row_id)
            if known is None or (known.vif, known.mac, known.ofport) != (row.vif, row.mac, row.ofport):
                differ[name] = row
        for some in batched(differ.items(), STEP):
            transact(self._store, self._replica, partial(reported.stage, switch_id=switch_id, some=dict(some)))
            hub.sleep(0)

    def ports_changed(self, session: Session) -> None:
        """Note that ports of an adopted bridge changed (OpenFlow); never waits."""
        if session not in self._adopting:
            self._adopting.add(session)
            hub.keep(self._adopt_anew, session)

    def _adopt_anew(self, session: Session) -> None:
        while not session.closed:
            self._adopting.discard(session)  # changes during this write are left to the next
            try:
                return self.adopt(session)
            except (Refused, Unavailable) as error:
                log.warning("ports of datapath %016x: %s", session.dpid, error)
                self._adopting.add(session)
                hub.sleep(1.0)
        self._adopting.discard(session)
        return None

    def forget(self, switch_id: str) -> None:
        """Remove a switch on an operator's request.  Raises `NotFound`."""
        if self._is_large(switch_id, ()):
            self._stage(switch_id, {})
        transact(self._store, self._replica, lambda tx: reported.forget(tx, reported.required(tx, switch_id)))
        log.info("switch %s removed", switch_id)

    # --- addresses ---

    def packet_in(self, session: Session, packet: PacketIn) -> None:
        """Queue a frame's source address for learning (OpenFlow); never waits."""
        mac = source(packet.data)
        switch = self._replica.model.find(Switch, "dpid", session.dpid)
        if not mac or not switch:
            return
        if self._heard.qsize() >= QUEUE:
            self.dropped += 1
            return
        self._heard.put(HeardAddress(switch[0].id, IN_KEY.of(packet.registers), mac))

    def _learn(self) -> None:
        while True:
            heard = {self._heard.get(): None}
            while len(heard) < TOGETHER and not self._heard.empty():
                heard[self._heard.get()] = None
            now = time.monotonic()
            self._moved = {one: when for one, when in self._moved.items() if now - when < MOVE}
            fresh = [one for one in heard if one not in self._moved]
            self._moved.update(dict.fromkeys(fresh, now))
            if fresh:
                self._learn_all(fresh)

    def _learn_all(self, heard: list[HeardAddress]) -> None:
        learned: list[HeardAddress] = []
        moving: list[str] = []
        now = time.monotonic()

        def may_move(row_id: str) -> bool:
            moving.append(row_id)
            return not self._moves.holds(row_id, now)

        def rules(tx: Transaction) -> None:  # may run several times (retries)
            moving.clear()
            learned[:] = [one for one in heard if learn(tx, one, may_move)]

        if self._commit("learning", rules):
            self.learned += len(learned)
            self._count_moves(moving, now)
            for one in learned:
                log.info("%s learned at %s port %d", one.mac, one.switch_id, one.port_key)

    def _count_moves(self, moving: list[str], now: float) -> None:
        """What goes from port to port stays where it is until it has been quiet: behind two ports there may be a loop.

        Attempts count as moves do, so that it stays for as long as they go on.
        """
        self._moves.forget_old(now)
        for row_id in moving:
            if self._moves.fell(row_id, now):
                network_id, _, mac = row_id.partition("/")
                log.warning("%s goes from port to port of network %s: it stays where it is until that ends (a loop?)",
                            mac, network_id)  # fmt: skip

    def _changed(self, touched: set[Dependency]) -> None:
        for dependency in touched:
            if dependency[0] is Switch and self._claiming and dependency[1] not in self._claiming:
                self._vacated.set()
            if dependency[0] == "binding":
                port_id = str(dependency[1])
                if self._replica.model.count(Learned, "port_id", port_id):
                    self._unplugged.add(port_id)
                    self._sweep.set()

    def _forget(self) -> None:
        while True:
            self._sweep.wait()
            self._sweep.clear()
            ports, self._unplugged = sorted(self._unplugged), set()
            for port_id in ports:
                if not self._commit("forgetting", partial(reported.stale, port_id=port_id)):
                    self._unplugged.add(port_id)
                    self._sweep.set()

    def _commit(self, what: str, rules: Callable[[Transaction], None]) -> bool:
        """Whether it was done; if not, after a while in which the store may come to itself."""
        try:
            transact(self._store, self._replica, rules)
        except (Refused, Unavailable) as error:
            log.warning("%s addresses: %s", what, error)
            hub.sleep(1.0)
            return False
        return True


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items; the last may be shorter."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
