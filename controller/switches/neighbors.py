"""Neighbours of routers: asked for when a packet needs them, written down, asked again, and removed (RFC 4861, 7.3).

A switch hands over packets whose next hop it does not know, and the answers to its own MAC.  Its master asks, and
believes only answers to what it has asked.  What it has found is a row: it outlives this process.  All is bounded: the
packets by meters of the switch, open questions by `questions`, rows by `neighbor_rows`.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeVar

from msgspec.structs import replace
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from apps.host_mac import host_mac
from apps.packets import neighbor_query, reader
from apps.packets.icmp_error import HOST_UNREACHABLE, deserves_error
from apps.packets.neighbor_query import Address
from apps.pipeline import NEXT_HOP4, NEXT_HOP6, ROUTER, SEGMENT
from apps.routing.asking import into_network
from controller.flow import OWN_PORT
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Neighbor, Network, Router, Row, Switch
from controller.openflow.session import PacketIn, Session
from controller.runtime import hub
from controller.runtime.errors import Refused, Unavailable
from controller.runtime.logpace import LogPace, times
from controller.runtime.periodic import phase
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact
from controller.switches import neighbor_rows, router_errors
from controller.switches.neighbor_rows import FOUND, GONE, MOVED, Finding
from controller.switches.packet_in import FrameOut
from controller.switches.periodic import Job, Work
from controller.switches.questions import OpenQuestion, Questions, Wanted

R = TypeVar("R", bound=Row)

log = logging.getLogger("tenet.neighbors")

AGAIN = 20.0  # seconds after which a neighbour is asked again
MISSED = 3  # unanswered questions after which its row is removed
MOST = 64  # questions a turn, and rows a transaction
QUEUE = 1024  # findings that wait for the store; more are dropped, and found again
LONGEST = 10.0  # seconds
ORPHANS = 30.0  # seconds between looks for rows whose switch is away
TURN = 0.005  # seconds of work before other green threads get a turn


class RouterNeighbors:
    """Services of packet-ins (`wanted`, `answered`) and periodic work (`refresh`) of switches that this process
    masters.  `is_away`: a switch has been away for long.  `speaks`: this process acts for a switch.
    """

    def __init__(
        self,
        store: Store,
        replica: Replica,
        is_away: Callable[[str], bool],
        speaks: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._replica = replica
        self._is_away = is_away
        self._speaks = speaks
        self._questions = Questions(clock)
        self._unanswered: dict[str, int] = {}  # rows that were asked again -> how often without an answer
        self._found: hub.Queue = hub.Queue(QUEUE)
        self._outcomes: Counter[str] = Counter()
        self._news = hub.Signal()
        self._pace = LogPace()
        self.refresh = Work("neighbors", _known_to, self._ask_again)

    def start(self) -> None:
        hub.keep(self._ask)
        hub.keep(self._write)
        hub.keep(self._adopt)

    # --- packets that wait for a neighbour ---

    def wanted(self, session: Session, packet: PacketIn) -> None:
        """A service of packet-ins: the MAC of this packet's next hop is not known to the switch."""
        model, segment = self._model, SEGMENT.of(packet.registers)
        switch, network = _one(model.find(Switch, "dpid", session.dpid)), _one(model.find(Network, "segment", segment))
        router = _one(model.find(Router, "number", ROUTER.of(packet.registers)))
        if switch is None or network is None or router is None:
            return self._count("refused")
        address = next_hop(packet)
        wanted = Wanted(switch.id, network.id, address)
        known = model.get(Neighbor, f"{network.id}/{address}")
        if known is not None:  # found, and its flow on the way to the switch
            return _send(session, segment, packet.data, known.mac)
        question = self._questions.get(wanted)
        if question is not None:
            question.waiting = packet.data
            return None
        if neighbor_rows.why_not(model, network, address) or self._questions.has_failed(wanted):
            self._count("failed")
            return self._unreachable(switch.id, session, router, packet.data)
        if not self._questions.open(OpenQuestion(wanted, session, segment, router.number, packet.data)):
            self._count("refused")
            if count := self._pace.due(f"{switch.id} {router.id}"):
                log.warning("switch %s, router %s: too many neighbours are asked for: %s is not%s",
                            switch.id, router.id, address, times(count))  # fmt: skip
            return None
        self._news.set()
        return None

    def _unreachable(self, switch_id: str, session: Session, router: Router, data: bytes) -> None:
        """Tell a packet's sender that its next hop cannot be reached."""
        packet = reader.read(data)
        if packet is not None and deserves_error(packet):
            see = Reader(self._model, switch_id)
            _say(session, router_errors.about(packet, HOST_UNREACHABLE, router, 0, see))

    def _ask(self) -> None:
        while True:
            self._news.clear()
            wait = self.turn()
            if wait > 0:
                self._news.wait(wait)
            else:
                hub.sleep(0)

    def turn(self) -> float:
        """Ask a bounded share of the due questions; seconds until the next are due."""
        asked, failed = self._questions.due(MOST)
        for question in asked:
            switch = self._model.get(Switch, question.wanted.switch_id)
            if switch is not None:
                _say(question.session, [_question(switch, question.segment, question.wanted.address)])
        for question in failed:
            self._count("unanswered")
            router = _one(self._model.find(Router, "number", question.router))
            if router is not None and not question.session.closed:
                self._unreachable(question.wanted.switch_id, question.session, router, question.waiting)
        return self._questions.wait(LONGEST)

    # --- answers ---

    def answered(self, session: Session, packet: PacketIn) -> None:
        """A service of packet-ins: a station says where an address is.  Counts only where it was asked."""
        model, said = self._model, neighbor_query.answer(packet.data)
        switch = _one(model.find(Switch, "dpid", session.dpid))
        network = _one(model.find(Network, "segment", SEGMENT.of(packet.registers)))
        if said is None or switch is None or network is None:
            return self._count("malformed")
        address, mac = str(said.address), said.mac.hex(":")
        row_id = f"{network.id}/{address}"
        wanted = Wanted(switch.id, network.id, said.address)
        question, known = self._questions.get(wanted), model.get(Neighbor, row_id)
        if question is None and (known is None or row_id not in self._unanswered):
            return self._count("unasked")
        if not neighbor_rows.believed(model, network.id, address, mac):
            return self._count("disbelieved")
        self._unanswered.pop(row_id, None)
        if question is not None:
            self._count("answered")
            self._questions.close(wanted)
            router = _one(model.find(Router, "number", question.router))
            row = Neighbor(
                network_id=network.id, ip_address=address, mac=mac, switch_id=switch.id,
                router_id=router.id if router else "",
            )  # fmt: skip
            self._note(Finding(row, FOUND))
            if question.waiting:
                _send(session, question.segment, question.waiting, mac)
        elif known is not None and known.mac != mac:
            self._note(Finding(replace(known, mac=mac), FOUND))
        return None

    def announced(self, session: Session, packet: PacketIn) -> None:
        """A service of packet-ins: a station says unasked that it has a known neighbour's address.  Where that would be
        news, everybody is asked.
        """
        model, said = self._model, neighbor_query.announcement(packet.data)
        switch = _one(model.find(Switch, "dpid", session.dpid))
        network = _one(model.find(Network, "segment", SEGMENT.of(packet.registers)))
        if said is None or switch is None or network is None:
            return self._count("malformed")
        address, mac = str(said.address), said.mac.hex(":")
        known, wanted = model.get(Neighbor, f"{network.id}/{address}"), Wanted(switch.id, network.id, said.address)
        if known is None or known.mac == mac or self._questions.get(wanted) is not None:
            return None
        if not neighbor_rows.believed(model, network.id, address, mac):
            return self._count("disbelieved")
        router = model.get(Router, known.router_id)
        self._questions.open(OpenQuestion(wanted, session, network.segment, router.number if router else 0))
        self._news.set()
        return None

    def _note(self, finding: Finding) -> None:
        if self._found.qsize() < QUEUE:
            self._found.put(finding)
        else:
            self._count("dropped")

    # --- neighbours that are known ---

    def _ask_again(self, row_id: str, see: Reader) -> Iterator[FrameOut]:
        """Frames of the periodic work: to the station alone first, to all of its network when it does not answer."""
        row, switch = see.get(Neighbor, row_id), see.switch()
        if row is None or switch is None:
            return
        network = see.get(Network, row.network_id)
        missed = self._unanswered.get(row_id, 0)
        address = ip_address(row.ip_address)
        asks = network is not None and see.routed(network.id) and missed < MISSED
        if network is None or not asks or neighbor_rows.why_not(self._model, network, address):
            self._unanswered.pop(row_id, None)
            self._note(Finding(row, GONE))
            return
        self._unanswered[row_id] = missed + 1
        yield _question(switch, network.segment, address, "" if missed else row.mac)

    def _adopt(self) -> None:
        while True:
            hub.sleep(ORPHANS)
            self.adopt()

    def adopt(self) -> None:
        """Hand rows whose switch is away to others that hold the network; rows of networks that are gone go."""
        model = self._model
        rows = model.rows(Neighbor)
        self._unanswered = {row_id: missed for row_id, missed in self._unanswered.items() if row_id in rows}
        orphans = [
            row for row in hub.taking_turns(list(rows.values()), TURN)
            if (model.get(Switch, row.switch_id) is None or self._is_away(row.switch_id)) and
            self._speaks(row.switch_id)
        ]  # fmt: skip
        for row in orphans:
            if model.get(Network, row.network_id) is None:
                self._note(Finding(row, GONE))
                continue
            held = model.placement.held.of(("network", row.network_id))
            able = [switch_id for switch_id in held if not self._is_away(switch_id)]
            if able:
                chosen = min(able, key=lambda switch_id: phase(row.row_id, switch_id))
                self._note(Finding(replace(row, switch_id=chosen), MOVED))

    # --- rows ---

    def _write(self) -> None:
        while True:
            findings = [self._found.get()]
            while len(findings) < MOST and not self._found.empty():
                findings.append(self._found.get())
            self.write(findings)

    def write(self, findings: list[Finding]) -> None:
        """Write down what was found, in one transaction."""
        became: list[tuple[str, Neighbor]] = []

        def rules(tx: Transaction) -> None:  # may run several times (retries)
            became[:] = [(neighbor_rows.settle(tx, one), one.row) for one in findings]

        try:
            transact(self._store, self._replica, rules)
        except (Refused, Unavailable) as error:
            log.warning("neighbours: %s", error)
            hub.sleep(1.0)
            return
        for what, row in became:
            if what:
                self._count(what)
            if what == "full" and (count := self._pace.due(f"full {row.network_id}")):
                log.warning("network %s, router %s: too many neighbours: %s is not written down%s",
                            row.network_id, row.router_id, row.ip_address, times(count))  # fmt: skip
            elif what in ("written", "removed") and (count := self._pace.due(f"{what} {row.network_id}")):
                log.info("neighbour %s of network %s: %s %s%s",
                         row.ip_address, row.network_id, row.mac, what, times(count))  # fmt: skip

    def metrics(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        outcomes = CounterMetricFamily(
            "tenet_neighbor_outcomes", "Outcomes of questions for neighbours of routers, and of answers.",
            labels=["outcome"],
        )  # fmt: skip
        for outcome, number in sorted(self._outcomes.items()):
            outcomes.add_metric([outcome], number)
        yield outcomes
        yield GaugeMetricFamily(
            "tenet_neighbor_questions_open", "Neighbours that are asked for and have not answered.",
            value=len(self._questions),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "tenet_neighbors", "Neighbours of routers that are known.", value=len(self._model.rows(Neighbor))
        )

    @property
    def _model(self) -> Model:
        return self._replica.model

    def _count(self, outcome: str) -> None:
        self._outcomes[outcome] += 1


def _known_to(see: Reader) -> Iterator[Job]:
    """Neighbours that a switch asks again."""
    for row in see.find(Neighbor, "switch_id", see.switch_id):
        yield Job(row.row_id, AGAIN)


def next_hop(packet: PacketIn) -> Address:
    """The next hop of a packet that `resolve` has handed over, as its registers say."""
    if packet.data[12:14] == reader.IPV4.to_bytes(2, "big"):
        return IPv4Address(NEXT_HOP4.of(packet.registers))
    value = 0
    for bits in NEXT_HOP6:
        value = value << 32 | bits.of(packet.registers)
    return IPv6Address(value)


def _question(switch: Switch, segment: int, address: Address, mac: str = "") -> FrameOut:
    asker, known = (bytes.fromhex(one.replace(":", "")) for one in (host_mac(switch.number), mac))
    return FrameOut(OWN_PORT, into_network(segment), neighbor_query.question(asker, address, known))


def _send(session: Session, segment: int, frame: bytes, mac: str) -> None:
    """Send a packet on that has waited for its next hop's MAC."""
    sent = bytes.fromhex(mac.replace(":", "")) + frame[6:]
    _say(session, [FrameOut(OWN_PORT, into_network(segment), sent)])


def _say(session: Session, frames: Iterable[FrameOut]) -> None:
    said = [out.packet for out in frames]
    if said:
        session.packet_outs(said)


def _one(found: list[R]) -> R | None:
    return found[0] if found else None
