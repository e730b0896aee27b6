"""Simulated switches with cables between them, and discovery at work on them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from controller.model.rows import Link, Row
from controller.openflow import framework
from controller.openflow.session import PacketIn, Session
from controller.runtime import hub
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.transaction import transact
from controller.switches import reported
from controller.switches.discovery.links import Links
from tests.simswitch import SimSwitch
from topology.cost import by_hops
from topology.discovery import ProbePort

LLDP_OUT = struct.Struct("!IIHxxxxxx")


class Wires:
    """The far end of a cable is where what a switch sends comes in; a test may cut and patch at any time."""

    def __init__(self, directory: Path, cost: Callable[[int], int] = by_hops) -> None:
        self.store = open_store(f"sqlite:///{directory}/tenet.db")
        self.replica = Replica(self.store)
        self.replica.start()
        self.mastered: set[str] = set()  # by other members
        self.links = Links(self.store, self.replica, self.mastered.__contains__, cost)
        self.links.start()
        self.server = framework.serve(("127.0.0.1", 0), self)
        self.switches: dict[int, SimSwitch] = {}
        self.cables: dict[ProbePort, ProbePort] = {}
        self.sent: list[tuple[ProbePort, bytes]] = []  # every frame that left by a port
        self._relaying = hub.spawn(self._relay)

    def close(self) -> None:
        hub.kill(self._relaying)
        for switch in self.switches.values():
            switch.drop()
        self.server.close()
        self.links.stop()
        self.replica.stop()
        self.store.close()

    def switch(self, dpid: int, ports: int = 2, speed: int = 0) -> SimSwitch:
        made = SimSwitch(dpid, self.server.address, tuple(f"s{dpid}-eth{n}" for n in range(1, ports + 1)))
        made.speeds = dict.fromkeys(made.ports, speed)
        self.switches[dpid] = made.connect()
        return made

    def cable(self, one: ProbePort, other: ProbePort) -> None:
        self.cables[one], self.cables[other] = other, one

    def cut(self, one: ProbePort) -> None:
        self.cables.pop(self.cables.pop(one), None)

    def rows(self) -> dict[str, str]:
        """Wires as rows: near end -> far end, with the state where it is not up."""
        return {
            f"{int(row.switch_id, 16)}/{row.ofport}":
            f"{int(row.far_switch_id, 16)}/{row.far_ofport}" + ("" if row.state == "up" else f" {row.state}")
            for row in self.replica.model.rows(Link).values()
        }  # fmt: skip

    def costs(self) -> dict[str, int]:
        """What the near ends say that their wires cost."""
        return {f"{int(row.switch_id, 16)}/{row.ofport}": row.cost for row in self.replica.model.rows(Link).values()}

    def put(self, *rows: Row) -> None:
        transact(self.store, self.replica, lambda tx: [tx.put(row) for row in rows])

    # --- SwitchEvents ---

    def connected(self, session: Session) -> None:
        ports = {port.name: port.number for port in session.ports.values()}
        transact(self.store, self.replica, lambda tx: reported.adopted(tx, session.dpid, ports))
        self.links.attend(reported.adopted_id(session.dpid), session)

    def disconnected(self, session: Session) -> None:
        self.links.lost(session)

    def packet_in(self, session: Session, packet: PacketIn) -> None:
        self.links.packet_in(session, packet)

    def ports_changed(self, session: Session) -> None:
        self.links.ports_changed(session)

    def permits(self, session: Session) -> bool:
        return True

    def refused(self, address: str, why: str, duplicate: bool) -> None: ...

    def _relay(self) -> None:
        while True:
            for dpid, switch in list(self.switches.items()):
                messages, switch.packet_outs = switch.packet_outs, []
                for message in messages:
                    self._carry(dpid, message)
            hub.sleep(0.002)

    def _carry(self, dpid: int, message: bytes) -> None:
        _, _, length = LLDP_OUT.unpack_from(message, 8)
        number = int.from_bytes(message[28:32], "big")  # of the one action, an output
        port, data = ProbePort(dpid, number), message[24 + length :]
        self.sent.append((port, data))
        self.deliver(port, data)

    def deliver(self, port: ProbePort, data: bytes) -> None:
        """A frame leaves by a port: it comes in at the other end of the cable, if there is one and both ends are up."""
        far = self.cables.get(port)
        if far is None or far.dpid not in self.switches or not self.switches[far.dpid].connected:
            return
        if not (self.switches[port.dpid].ports[port.number][1] or self.switches[far.dpid].ports[far.number][1]):
            self.switches[far.dpid].packet_in(1, far.number, data)


def until(so: Callable[[], object], timeout: float = 60.0) -> None:
    with hub.Timeout(timeout, AssertionError("it did not come to pass")):
        while not so():
            hub.sleep(0.005)
