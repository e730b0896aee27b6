"""Drops of ports' filters: counted by the switch, and the last ones as it told a bounded share of them.

Memory is bounded: a port has a ring, and of all rings together those that were quiet longest go first.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from prometheus_client.core import CounterMetricFamily

from apps.pipeline import DECIDED_AT, FORBIDDEN, INVALID, JUDGED_PORT, NO_PROTOCOL, NO_RULE, OUTCOME
from apps.security import verdicts
from apps.security.verdicts import DIRECTIONS
from controller.diagnose.headers import Headers, read
from controller.diagnose.switches import Inventory, moment
from controller.diagnose.verdicts import judge, rule_text, told
from controller.flow import Flow, Rates
from controller.model.logged import logs_of
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Interface, Port, Switch
from controller.openflow.session import PacketIn, Session
from controller.runtime.errors import Rejected, Unreachable
from controller.switches.board import Switchboard

_FORBIDDEN = "a port may not be a DHCP server or a router"
_INVALID = "{} belongs to no connection, and can begin none"
KEPT = 16  # kinds of packets that are remembered of a port
PORTS = 4096  # that are remembered


class DropKind(NamedTuple):
    """Drops that are told together: packets from the same address to the same port, with one reason."""

    direction: str
    outcome: int
    headers: Headers


@dataclass
class ToldDrop:
    """`count`: how often the switch told of it; it tells only as many as its meter lets through."""

    kind: DropKind
    first: float
    last: float
    count: int = 0


class LastDrops:
    """Rings of all ports, by port id.  `clock`: Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._rings: OrderedDict[str, OrderedDict[DropKind, ToldDrop]] = OrderedDict()
        self._told = 0

    def note(self, port_id: str, direction: str, outcome: int, frame: bytes) -> DropKind | None:
        """Take in one packet; None where it cannot be read."""
        headers = read(frame)
        if headers is None:
            return None
        self._told += 1
        ports = not headers.is_icmp and headers.second is not None
        kind = DropKind(direction, outcome, headers._replace(first=None) if ports else headers)
        ring = self._rings.setdefault(port_id, OrderedDict())
        self._rings.move_to_end(port_id)
        now = self._clock()
        drop = ring.setdefault(kind, ToldDrop(kind, now, now))
        drop.last, drop.count = now, drop.count + 1
        ring.move_to_end(kind)
        if len(ring) > KEPT:
            ring.popitem(last=False)
        if len(self._rings) > PORTS:
            self._rings.popitem(last=False)
        return kind

    def of(self, port_id: str) -> list[ToldDrop]:
        """The latest first."""
        return list(reversed(self._rings.get(port_id, OrderedDict()).values()))

    def metrics(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(
            "tenet_drops_told", "Packets that filters dropped and switches told of.", value=self._told
        )


class PacketLog(Protocol):
    """Who is told of packets that a filter has decided about."""

    def dropped(self, port: Port, direction: str, headers: Headers, reason: str) -> None: ...

    def accepted(self, port: Port, direction: str, headers: Headers) -> None: ...


class DropTeller:
    """Services of packet-ins: whose a packet is, the switch's registers say, and nothing in the packet."""

    def __init__(self, model: Model, last: LastDrops, log: PacketLog) -> None:
        self._model = model
        self._last = last
        self._log = log

    def packet_in(self, session: Session, packet: PacketIn) -> None:
        """Of a dropped packet."""
        port, direction = self._whose(session, packet)
        kind = self._last.note(port.id, direction, OUTCOME.of(packet.registers), packet.data) if port else None
        if port is not None and kind is not None and logs_of(self._model, port, "DROP"):
            self._log.dropped(port, direction, kind.headers, reason(kind, self._no_rule(port, kind)))

    def accepted(self, session: Session, packet: PacketIn) -> None:
        """Of the first packet of a connection that passed."""
        port, direction = self._whose(session, packet)
        headers = read(packet.data)
        if port is not None and headers is not None:
            self._log.accepted(port, direction, headers)

    def _whose(self, session: Session, packet: PacketIn) -> tuple[Port | None, str]:
        switches = self._model.find(Switch, "dpid", session.dpid)
        port = port_at(self._model, switches[0].id, JUDGED_PORT.of(packet.registers)) if switches else None
        return port, DIRECTIONS[DECIDED_AT.of(packet.registers)]

    def _no_rule(self, port: Port, kind: DropKind) -> str:
        return judge(self._model, port, kind.direction, kind.headers).reason


def port_at(model: Model, switch_id: str, key: int) -> Port | None:
    """The port that a logical port of a switch is of."""
    for interface in model.find(Interface, "logical_port", (switch_id, key)):
        for port in model.find(Port, "vif", interface.vif):
            if model.placement.bindings.get(port.id) == interface:
                return port
    return None


class DropReport:
    """What is told of a port's drops.  Counts come from the switch, by whichever member is asked; what the switch has
    told of, its master knows.
    """

    def __init__(self, model: Model, last: LastDrops, board: Switchboard, inventory: Inventory, rates: Rates) -> None:
        self._model = model
        self._last = last
        self._board = board
        self._inventory = inventory
        self._rates = rates

    def of(self, port: Port) -> dict[str, Any]:
        at = self._model.placement.bindings.get(port.id)
        switch = None if at is None else self._model.get(Switch, at.switch_id)
        mine = switch is None or self._inventory.programmed(switch.id)
        return {
            "port_id": port.id,
            "filtered": port.filtered,
            "switch": switch and switch.id,
            "master": switch and self._inventory.master(switch.id),
            "counters": self._counters(switch, port) if switch and port.filtered else None,
            "last": [self._told(port, drop) for drop in self._last.of(port.id)] if mine else None,
        }

    def _counters(self, switch: Switch, port: Port) -> dict[str, dict[str, int]] | None:
        """None where the switch cannot be asked here."""
        session = self._board.sessions.get(switch.dpid)
        if session is None:
            return None
        found = {name: {"passed": 0, "dropped": 0} for name in DIRECTIONS.values()}
        try:
            for flow in verdicts.port(port, Reader(self._model, switch.id), self._rates):
                direction, what = _counts(flow)
                found[direction][what] += session.packets(flow.cookie)
        except (Rejected, Unreachable):
            return None
        return found

    def _told(self, port: Port, drop: ToldDrop) -> dict[str, Any]:
        headers = drop.kind.headers
        judged = judge(self._model, port, drop.kind.direction, headers)
        nearest = judged.nearest if drop.kind.outcome == NO_RULE else None
        return {
            "direction": drop.kind.direction,
            "first": moment(drop.first),
            "last": moment(drop.last),
            "count": drop.count,
            "packet": shown(headers),
            "reason": reason(drop.kind, judged.reason),
            "allowed_now_by": judged.rule.id if judged.rule and drop.kind.outcome == NO_RULE else None,
            "nearest_rule": nearest and {
                "id": nearest.id, "security_group_id": nearest.security_group_id, "allows": rule_text(nearest),
                "differs_in": list(judged.differs),
            },
        }  # fmt: skip


def reason(kind: DropKind, no_rule: str) -> str:
    """Why a packet was dropped; `no_rule`: what is said of one that no rule allows, "" where by now one does."""
    if kind.outcome == FORBIDDEN:
        return _FORBIDDEN
    if kind.outcome == NO_PROTOCOL:
        return f"ethertype {kind.headers.ethertype} is not permitted"
    if kind.outcome == INVALID:
        return _INVALID.format(told(kind.headers))
    return no_rule or f"no rule allowed {told(kind.headers)} then"


def shown(headers: Headers) -> dict[str, Any]:
    """Headers as JSON; what the packet has not is left out."""
    names = ("icmp_type", "icmp_code") if headers.is_icmp else ("source_port", "destination_port")
    said = {
        "ethertype": headers.ethertype, "eth_src": headers.eth_src, "eth_dst": headers.eth_dst,
        "source": headers.source or None, "destination": headers.target or None, "protocol": headers.protocol,
        names[0]: headers.first, names[1]: headers.second,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def _counts(flow: Flow) -> tuple[str, str]:
    """What a flow of verdicts counts: packets of which direction, passed or dropped."""
    said = {one.name: int.from_bytes(one.value, "big") for one in flow.match}
    return DIRECTIONS[DECIDED_AT.of(said)], "passed" if OUTCOME.of(said) else "dropped"
