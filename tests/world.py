"""A small cloud of values: rows, the flows compiled from them, and frames followed through every switch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.flow import CONTROLLER, Flow, Rates
from controller.flow.fields import value_of
from controller.flow.interpret import NOTHING_KNOWN, Frame, Pipeline, Tracker
from controller.model.model import Applied, Dependency, Model
from controller.model.rows import Interface, Learned, Link, Network, Port, Row, Switch
from controller.model.rows.metadata import VIF

Said = dict[str, int | str]  # a frame as tests write it: fields in their usual text form
OUTER = ("tun_id", "tun_src", "tun_dst", "tun_ipv6_src", "tun_ipv6_dst")


class Outcome(NamedTuple):
    """`arrived`: port id and frame, once for each copy; of a metadata server the id of its interface.  `shown`:
    switches that handed it to the controller.  `wire`: what went over the underlay, as (from, to, segment).  `outside`:
    what left by a patch port, as (from, physical network, vlan_vid).
    """

    arrived: list[tuple[str, Frame]]
    shown: list[str]
    wire: list[tuple[str, str, int]]
    outside: list[tuple[str, str, int]]

    @property
    def ports(self) -> list[str]:
        return sorted(port for port, _ in self.arrived)


def change(model: Model, *rows: Row | str) -> set[Dependency]:
    """Apply rows, and for text the deletion of the row with that key, as one commit."""
    revision = model.revision + 1
    return model.apply(
        [Applied(revision, row, None) if isinstance(row, str) else Applied(revision, row.key, row) for row in rows]
    )


class World:
    """Every switch in the model is compiled for."""

    def __init__(self, *rows: Row) -> None:
        self.model = Model()
        self.compiler = Compiler(self.model, apps(Rates(1000)))
        self._pipelines: dict[str, Pipeline] = {}
        self._trackers: dict[str, Tracker] = {}  # switch -> the connections that it knows
        self.used: Counter[tuple[str, Flow]] = Counter()  # (switch, flow) -> how often a packet has met it
        self.put(*rows)

    def put(self, *rows: Row | str) -> None:
        """Rows appear or change; text is the key of a row that goes."""
        self.compiler.mark(change(self.model, *rows))
        for switch_id in self.model.rows(Switch):
            self.compiler.include(switch_id)
        self.compiler.run()
        self._pipelines.clear()

    def pipeline(self, switch_id: str) -> Pipeline:
        if switch_id not in self._pipelines:
            self._pipelines[switch_id] = Pipeline(self.compiler.wanted(switch_id))
        return self._pipelines[switch_id]

    def send(self, port_id: str, **fields: int | str) -> Outcome:
        """A VM at a port sends a frame; `arp_spa="10.0.0.1"` and the like name its fields."""
        at = self.model.placement.bindings[port_id]
        return self.inject(at.switch_id, at.ofport, frame(**fields))

    def inject(self, switch_id: str, in_port: int, what: Frame) -> Outcome:
        """A frame comes in by any port of a switch."""
        outcome = Outcome([], [], [], [])
        todo = [(switch_id, in_port, what)]
        while todo:
            here, came_by, one = todo.pop()
            assert len(outcome.wire) + len(outcome.outside) < 1000, "a loop"
            passage = self.pipeline(here).through({**one, "in_port": came_by}, self._trackers.get(here, NOTHING_KNOWN))
            self._trackers[here] = passage.tracker
            self.used.update((here, flow) for flow in passage.visited)
            for port, left in passage.sent:
                if port == CONTROLLER:
                    outcome.shown.append(here)
                elif (key := self._port_at(here, port)) is not None:
                    outcome.arrived.append((key, {name: left[name] for name in left if name not in OUTER}))
                elif wired := self.model.find(Link, "place", (here, port)):
                    todo += [(wire.far_switch_id, wire.far_ofport, left) for wire in wired]
                elif (physical := self._physical(here, port)) is not None:
                    todo += self._through_physical(here, physical, left, outcome)
                else:
                    todo += self._through_tunnel(here, port, left, outcome)
        return outcome

    def _port_at(self, switch_id: str, ofport: int) -> str | None:
        for port_id, interface in self.model.placement.bindings.items():
            if interface.place == (switch_id, ofport):
                return port_id
        for interface in self.model.find(Interface, "vif", VIF):
            if interface.place == (switch_id, ofport):
                return interface.row_id
        return None

    def _physical(self, switch_id: str, ofport: int) -> str | None:
        """The physical network that a patch port leads to."""
        for physical in self.model.rows(Switch)[switch_id].physical:
            if physical.ofport == ofport:
                return physical.network
        return None

    def _through_physical(
        self, here: str, name: str, left: Frame, outcome: Outcome
    ) -> Iterable[tuple[str, int, Frame]]:
        """The physical network knows where an address is that a port declares, or that was learned; else it floods."""
        outcome.outside.append((here, name, left.get("vlan_vid", 0)))
        home = self._home(name, left)
        for other in self.model.rows(Switch).values():
            for physical in other.physical:
                if physical.network == name and other.id != here and home in (None, other.id):
                    yield other.id, physical.ofport, left

    def _home(self, physical: str, left: Frame) -> str | None:
        """The switch where the address is that a frame on a physical network is for."""
        tag = left.get("vlan_vid", 0) & 0xFFF
        for of in self.model.rows(Network).values():
            if (of.physical_network, of.vlan) == (physical, tag):
                mac = left["eth_dst"].to_bytes(6, "big").hex(":")
                learned = self.model.get(Learned, f"{of.id}/{mac}")
                owners = [port.id for port in self.model.find(Port, "declared_mac", (of.id, mac))]
                for port_id in owners or ([learned.port_id] if learned else []):
                    if port_id in self.model.placement.bindings and self.model.placement.location(port_id):
                        return self.model.placement.bindings[port_id].switch_id
        return None

    def _through_tunnel(
        self, here: str, ofport: int, left: Frame, outcome: Outcome
    ) -> Iterable[tuple[str, int, Frame]]:
        switches = self.model.rows(Switch)
        me = switches[here]
        kind = next(tunnel.type for tunnel in me.tunnels if tunnel.ofport == ofport)
        for other in switches.values():
            way = "tun_ipv6" if ":" in other.encap_ip else "tun"
            if not other.encap_ip or left.get(f"{way}_dst") != number(f"{way}_dst", other.encap_ip):
                continue
            outcome.wire.append((here, other.id, left.get("tun_id", 0)))
            inner = {name: left[name] for name in left if name not in OUTER}
            outer = {f"{way}_src": number(f"{way}_src", me.encap_ip), "tun_id": left.get("tun_id", 0)}
            for tunnel in other.tunnels:
                if tunnel.type == kind:
                    yield other.id, tunnel.ofport, {**inner, **outer}


def number(name: str, value: int | str) -> int:
    return int.from_bytes(value_of(name, value), "big")


def frame(**fields: int | str) -> Frame:
    """A frame by its fields, in their usual text form."""
    return {name: value for name, value in ((name, number(name, text)) for name, text in fields.items()) if value}


def stations(model: Model, network_id: str) -> list[Port]:
    """The ports of a network that take part in it."""
    return [port for port in model.find(Port, "network_id", network_id) if model.placement.location(port.id)]
