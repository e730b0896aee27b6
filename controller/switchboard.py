"""Which connection is which switch: the meeting point of the OpenFlow side, the observer and the reconciler."""

from __future__ import annotations

import logging
import time
from collections import deque

from controller import hub
from controller.model.kinds import Switch
from controller.model.model import Dependency
from controller.observe.links import Links
from controller.observe.observer import Observer
from controller.openflow.session import PacketIn, Session
from controller.reconcile.reconciler import Reconciler
from controller.store.replica import Replica
from topology import hear
from topology.discovery import is_lldp

log = logging.getLogger("tenet.switch")

LLDP_RATE = 2000  # frames of discovery a second that a switch may hand over
PATIENCE = 3.0  # seconds that a datapath without a database is given until it counts as one that has none


class Switchboard:
    """What `openflow.framework.serve` reports to (`SwitchEvents`)."""

    def __init__(
        self, replica: Replica, observer: Observer, links: Links, reconciler: Reconciler, packet_in_rate: int
    ) -> None:
        self.sessions: dict[int, Session] = {}
        self.flow_messages_ended = 0  # by sessions that have ended
        self.refusals: deque[tuple[float, str, str]] = deque(maxlen=32)  # Unix time, address, why
        self.refused_count = 0
        self.duplicates = 0
        self._replica = replica
        self._observer = observer
        self._links = links
        self._reconciler = reconciler
        self._packet_in_rate = packet_in_rate
        self._appeared = hub.Signal()
        replica.listen(self._changed)

    # --- SwitchEvents ---

    def connected(self, session: Session) -> None:
        self.sessions[session.dpid] = session
        while not session.closed:
            switch_id = self._identify(session)
            if switch_id:
                session.limit_packet_ins(self._packet_in_rate, self._packet_in_rate)
                session.limit_packet_ins(LLDP_RATE, LLDP_RATE, hear.METER)
                self._links.attend(switch_id, session)
                self._reconciler.attend(switch_id, session)

    def disconnected(self, session: Session) -> None:
        if self.sessions.get(session.dpid) is session:
            del self.sessions[session.dpid]
        self.flow_messages_ended += session.flow_messages_sent
        self._links.lost(session)
        self._reconciler.lost(session)
        self._appeared.set()  # whoever still waits to identify it looks again

    def packet_in(self, session: Session, packet: PacketIn) -> None:
        if is_lldp(packet.data):
            self._links.packet_in(session, packet)
        else:
            self._observer.packet_in(session, packet)

    def ports_changed(self, session: Session) -> None:
        self._links.ports_changed(session)
        switch = self._switch(session.dpid)
        if switch is not None and switch.id == f"{session.dpid:016x}":
            hub.spawn(self._observer.adopt, session)

    def refused(self, address: str, why: str, duplicate: bool) -> None:
        """A connection ended before it was a switch's; never waits."""
        self.refused_count += 1
        self.duplicates += duplicate
        self.refusals.append((time.time(), address, why))

    # --- who is who ---

    @property
    def flow_messages(self) -> int:
        """Flow messages sent to switches since the process began."""
        return self.flow_messages_ended + sum(session.flow_messages_sent for session in self.sessions.values())

    def _switch(self, dpid: int) -> Switch | None:
        found = self._replica.model.find(Switch, "dpid", dpid)
        return found[0] if found else None

    def _identify(self, session: Session) -> str:
        """The id of the session's switch: its database has told it or will soon, else the datapath is adopted as it
        is.
        """
        switch = self._switch(session.dpid)
        until = time.monotonic() + PATIENCE
        while switch is None and not session.closed and (left := until - time.monotonic()) > 0:
            self._appeared.clear()
            self._appeared.wait(left)
            switch = self._switch(session.dpid)
        if switch is None and not session.closed:
            log.info("datapath %016x has no database here: adopted over OpenFlow alone", session.dpid)
            self._observer.adopt(session)
            switch = self._switch(session.dpid)
        return switch.id if switch is not None and not session.closed else ""

    def _changed(self, touched: set[Dependency]) -> None:
        gone = []
        for dependency in touched:
            if dependency[0] is Switch and len(dependency) == 2:
                self._appeared.set()
                gone.append(str(dependency[1]))
        for switch_id in gone:
            programmer = self._reconciler.programmers.get(switch_id)
            switch = self._replica.model.get(Switch, switch_id)
            if programmer is not None and (switch is None or switch.dpid != programmer.session.dpid):
                programmer.end()  # the connection is another switch's now: identify it anew
            if switch is None:
                self._reconciler.forget(switch_id)
