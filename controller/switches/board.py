"""Switchboard: which OpenFlow connection is which switch, and who of the cluster is its master."""

from __future__ import annotations

import logging
import time
from collections import deque

from controller.cluster.mastery import Alone, Mastery
from controller.flow.meter import FLAGS, Meter
from controller.model.model import Dependency
from controller.model.rows import Bridge, Switch
from controller.openflow import wire
from controller.openflow.session import PacketIn, Session
from controller.reconcile.reconciler import Reconciler
from controller.runtime import hub
from controller.runtime.certificates import Names
from controller.runtime.errors import NotMaster, Refused, Unavailable, Withheld
from controller.runtime.logpace import LogPace, times
from controller.store.replica import Replica
from controller.switches.admission import Admission, is_adopted
from controller.switches.discovery.links import Links
from controller.switches.observer import Observer
from controller.switches.packet_in import PacketIns
from controller.switches.periodic import Periodic

log = logging.getLogger("tenet.switch")

LOOK = 5.0  # seconds until a member that is not the master checks again without being told
PAUSE = 0.1  # seconds until a refused role is requested again
PATIENCE = 3.0  # seconds that a datapath's database may take to appear


class Switchboard:
    """OpenFlow sessions by switch; receives the events of `openflow.framework.serve` (`SwitchEvents`)."""

    def __init__(
        self,
        replica: Replica,
        observer: Observer,
        links: Links,
        reconciler: Reconciler,
        services: PacketIns,
        periodic: Periodic,
        packet_in_rate: int,
        mastery: Mastery | None = None,
        admission: Admission | None = None,
    ) -> None:
        self.sessions: dict[int, Session] = {}
        self.flow_messages_ended = 0  # flow messages of ended sessions
        self.refusals: deque[tuple[float, str, str]] = deque(maxlen=32)  # Unix time, address, why
        self.refused_count = 0
        self.duplicates = 0
        self._replica = replica
        self._observer = observer
        self._links = links
        self._reconciler = reconciler
        self._services = services
        self._periodic = periodic
        self._packet_in_rate = packet_in_rate
        self._mastery: Mastery = mastery or Alone()
        self._admission = admission or Admission(replica.model)
        self._appeared = hub.Signal()
        self._pace = LogPace()
        self._shared: dict[Session, str] = {}  # identified sessions -> switch; other members may have one, too
        self._waiting: dict[Session, hub.Signal] = {}  # sessions of switches that another member masters
        replica.listen(self._changed)
        self._mastery.listen(self._moved)

    # --- SwitchEvents ---

    def connected(self, session: Session) -> None:
        self.sessions[session.dpid] = session
        while not session.closed:
            switch_id = self._identify(session)
            if session.closed:
                return
            # its database may have connected since
            if why := self.admit(session.dpid, session.names) or ("" if switch_id else self._unadopted(session)):
                self._refuse(session, why)
                return
            if switch_id and self._mastery.shared:
                self._share(switch_id, session)
            elif switch_id:
                self._attend(switch_id, session)

    def disconnected(self, session: Session) -> None:
        if self.sessions.get(session.dpid) is session:
            del self.sessions[session.dpid]
        self.flow_messages_ended += session.flow_messages_sent
        self._links.lost(session)
        self._periodic.lost(session)
        self._reconciler.lost(session)
        self._appeared.set()  # wakes those that wait to identify it
        if waiting := self._waiting.pop(session, None):
            waiting.set()

    def packet_in(self, session: Session, packet: PacketIn) -> None:
        """Dispatch a packet-in; never waits.  Those of switches that another member masters are ignored."""
        switch = self._switch(session.dpid) if session.permitted() else None
        programmer = self._reconciler.programmers.get(switch.id) if switch is not None else None
        if programmer is not None:
            self._services.take(programmer.target.services.get(packet.cookie, ""), session, packet)

    def ports_changed(self, session: Session) -> None:
        self._links.ports_changed(session)
        switch = self._switch(session.dpid)
        if switch is not None and is_adopted(switch) and self._mastery.holds(switch.id):
            self._observer.ports_changed(session)

    def admit(self, dpid: int, names: Names) -> str:
        """Reason to refuse a datapath to a peer whose certificate has these names; "" to accept it."""
        return self._admission.why_not(dpid, names)

    def permits(self, session: Session) -> bool:
        """Whether this member may write to the switch now."""
        switch_id = self._shared.get(session)
        return switch_id is None or self._mastery.holds(switch_id)

    def refused(self, address: str, why: str, duplicate: bool) -> None:
        """Record a connection that ended before its switch was identified; never waits."""
        self.refused_count += 1
        self.duplicates += duplicate
        self.refusals.append((time.time(), address, why))

    def _unadopted(self, session: Session) -> str:
        """Reason not to adopt a datapath that no database reports; "" when it may be, or is a switch already."""
        return self._admission.why_not_adopt(session.dpid) if self._switch(session.dpid) is None else ""

    def _refuse(self, session: Session, why: str) -> None:
        self.refused(session.address, why, False)
        if count := self._pace.due(why):
            log.warning("connection from %s refused%s: %s", session.address, times(count), why)
        session.close(why)

    # --- roles ---

    def _attend(self, switch_id: str, session: Session) -> None:
        rate = self._packet_in_rate
        session.limit_packet_ins(Meter(wire.CONTROLLER_METER, FLAGS, rate, rate))
        session.match_fragments()
        if not self._mastery.holds(switch_id):
            raise NotMaster("it moved on while its role was asked for")
        if switch_id == f"{session.dpid:016x}":
            self._readopt(session)
        self._links.attend(switch_id, session)
        self._periodic.attend(switch_id, session)
        self._reconciler.attend(switch_id, session)

    def _readopt(self, session: Session) -> None:
        """Report the ports of an adopted switch, which may have changed while it was away; retries failed writes."""
        try:
            self._observer.adopt(session)
        except (Refused, Unavailable) as why:
            log.warning("switch %016x: its ports are as they were last seen: %s", session.dpid, why)

    def _share(self, switch_id: str, session: Session) -> None:
        """Keep the session's role right: master while this member is the switch's, slave otherwise."""
        self._shared[session] = switch_id
        self._mastery.reached(switch_id, session)
        slave = False
        try:
            while not session.closed and self._is(switch_id, session):
                if self._mastery.holds(switch_id):
                    slave = False
                    self._be_master(switch_id, session)
                elif not slave:
                    # stale generation id: another member has a newer one, so we are not the master
                    session.role(wire.SLAVE, self._mastery.generation)
                    slave = True
                else:
                    self._wait(session)
        finally:
            self._mastery.unreached(switch_id, session)
            self._shared.pop(session, None)

    def _be_master(self, switch_id: str, session: Session) -> None:
        generation = self._mastery.generation
        if not session.role(wire.MASTER, generation):
            log.info("switch %s has seen a later generation than %d", switch_id, generation)
            hub.sleep(PAUSE)  # the change feed will bring the newer one
            return
        log.info("switch %s: master, generation %d", switch_id, generation)
        self._mastery.take(switch_id)
        try:
            self._attend(switch_id, session)
        except Withheld:
            self._mastery.release(switch_id)
            self._wait(session)
        except NotMaster as why:
            log.info("switch %s: master no longer: %s", switch_id, why)
            hub.sleep(PAUSE)
        finally:
            self._mastery.release(switch_id)
            self._links.lost(session)
            self._periodic.lost(session)
            self._reconciler.forget(switch_id)

    def _wait(self, session: Session) -> None:
        signal = self._waiting[session] = hub.Signal()
        signal.wait(LOOK)
        self._waiting.pop(session, None)

    def _moved(self) -> None:
        """Wake the sessions whose mastership may have changed."""
        for programmer in list(self._reconciler.programmers.values()):
            if not self._mastery.holds(programmer.switch_id):
                programmer.end()
        for signal in self._waiting.values():
            signal.set()

    def _is(self, switch_id: str, session: Session) -> bool:
        switch = self._switch(session.dpid)
        return switch is not None and switch.id == switch_id

    # --- identification ---

    @property
    def flow_messages(self) -> int:
        """Flow messages sent to switches since the process began."""
        return self.flow_messages_ended + sum(session.flow_messages_sent for session in self.sessions.values())

    def _switch(self, dpid: int) -> Switch | None:
        found = self._replica.model.find(Switch, "dpid", dpid)
        return found[0] if found else None

    def _identify(self, session: Session) -> str:
        """Id of the session's switch: as its database reports, or soon will; else the datapath is adopted."""
        switch = self._switch(session.dpid)
        until = time.monotonic() + PATIENCE
        while switch is None and not session.closed and (left := until - time.monotonic()) > 0:
            if self._replica.model.get(Bridge, f"{session.dpid:016x}") is not None:
                break  # its database reports it as not ours
            self._appeared.clear()
            self._appeared.wait(left)
            switch = self._switch(session.dpid)
        if switch is None and not session.closed and not self._unadopted(session):
            log.info("datapath %016x is of nobody's database here: adopted as it is", session.dpid)
            self._observer.adopt(session)
            switch = self._switch(session.dpid)
        return switch.id if switch is not None and not session.closed else ""

    def _changed(self, touched: set[Dependency]) -> None:
        gone = []
        for dependency in touched:
            if dependency[0] is Bridge:
                self._appeared.set()
            elif dependency[0] is Switch and len(dependency) == 2:
                self._appeared.set()
                gone.append(str(dependency[1]))
        for switch_id in gone:
            programmer = self._reconciler.programmers.get(switch_id)
            switch = self._replica.model.get(Switch, switch_id)
            if programmer is not None and (switch is None or switch.dpid != programmer.session.dpid):
                programmer.end()  # the datapath belongs to another switch now: identify it again
                self._moved()
            if switch is None:
                self._reconciler.forget(switch_id)
