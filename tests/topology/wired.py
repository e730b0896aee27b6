"""A fabric of values: switches on the nodes of a graph, tenants' ports on them, and frames followed over every wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import networkx as nx

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.flow import CONTROLLER, Rates
from controller.flow.interpret import Frame, Pipeline
from controller.model.model import Model
from controller.model.rows import FixedIp, Interface, Link, Network, Port, Row, Switch, Tunnel
from tests.world import change, frame, number

VM = 100  # OpenFlow ports from here on are tenants', those below are wires
TUNNEL = 99
Place = tuple[str, int]


class Hop(NamedTuple):
    """A labelled frame on a wire or in a tunnel."""

    here: str
    there: str
    label: int
    bucket: int


class Outcome(NamedTuple):
    """`arrived`: port id and frame, once for each copy.  `hops`: what went from switch to switch, in order."""

    arrived: list[tuple[str, Frame]]
    hops: list[Hop]

    @property
    def ports(self) -> list[str]:
        return sorted(port for port, _ in self.arrived)


def switch_id(node: int) -> str:
    return f"s{node}"


def switches(graph: nx.MultiGraph, underlay: Iterable[int] = ()) -> Iterator[Switch]:
    """A switch for each node; those in `underlay` have a VXLAN tunnel, too."""
    reached = set(underlay)
    for node in graph:
        tunnels = (Tunnel("vxlan", TUNNEL),) if node in reached else ()
        address = f"192.0.2.{node + 1}" if tunnels else ""
        yield Switch(id=switch_id(node), number=node + 1, dpid=node + 1, encap_ip=address, tunnels=tunnels)


def wires(graph: nx.MultiGraph) -> list[tuple[Link, Link]]:
    """Both ends of each edge; a switch's wires have ports 1, 2, ... in the order of the edges."""
    used: dict[int, int] = {}
    found = []
    for one, other, cost in graph.edges(data="cost", default=1):
        ports = []
        for node in (one, other):
            used[node] = used.get(node, 0) + 1
            ports.append(used[node])
        near = Link(
            switch_id=switch_id(one), ofport=ports[0], far_switch_id=switch_id(other), far_ofport=ports[1], cost=cost
        )
        far = Link(
            switch_id=switch_id(other), ofport=ports[1], far_switch_id=switch_id(one), far_ofport=ports[0], cost=cost
        )
        found.append((near, far))
    return found


def tenants(held: dict[str, list[int]], segments: dict[str, int] | None = None) -> Iterator[Row]:
    """Networks, and a port of each on the nodes named; the n-th has the n-th address, the same in every network."""
    for count, (name, nodes) in enumerate(held.items()):
        segment = (segments or {}).get(name, count + 1)
        yield Network(id=name, project_id=name, mtu=1450, network_type="vxlan", segment=segment)
        for nth, node in enumerate(nodes):
            port_id = f"{name}-{nth}"
            yield Port(
                id=port_id,
                project_id=name,
                network_id=name,
                mac_address=mac(nth),
                fixed_ips=(FixedIp(name, address(nth)),),
            )
            yield Interface(switch_id=switch_id(node), name=port_id, vif=port_id, ofport=VM + 10 * count + nth)


def mac(nth: int) -> str:
    return f"02:00:00:00:00:{nth + 1:02x}"


def address(nth: int) -> str:
    return f"10.0.0.{nth + 1}"


class Wired:
    """The model, compiled; and for each switch the flows that it holds, which may be older ones."""

    def __init__(self, *rows: Row) -> None:
        self.model = Model()
        self.compiler = Compiler(self.model, apps(Rates(1000)))
        self.held: dict[str, Pipeline] = {}
        self.cut: set[Place] = set()  # ends of wires without a carrier
        self.plugged: dict[Place, Place] = {}  # what is wired to what, whatever the model knows
        self.put(*rows)
        self.update()

    def put(self, *rows: Row | str) -> int:
        """Change the model and compile; the switches hold their old flows until `update`.  How many have others now."""
        for row in rows:
            if isinstance(row, Link):
                self.plugged[row.place] = (row.far_switch_id, row.far_ofport)
        self.compiler.mark(change(self.model, *rows))
        for each in self.model.rows(Switch):
            self.compiler.include(each)
        return len(self.compiler.run().changes)

    def update(self, only: Iterable[str] | None = None) -> None:
        for each in self.model.rows(Switch) if only is None else only:
            down = frozenset(port for switch, port in self.cut if switch == each)
            self.held[each] = Pipeline(self.compiler.wanted(each), down)

    def lose(self, *wires: tuple[Link, Link]) -> None:
        """Wires lose their carrier; the switches see it at once."""
        self.cut |= {end.place for wire in wires for end in wire}
        for each, pipeline in self.held.items():
            pipeline.down = frozenset(port for switch, port in self.cut if switch == each)

    def say(self, sender: str, receiver: str, chance: int = 0) -> Outcome:
        """An IPv4 frame from port to port."""
        source, target = self.model.get(Port, sender), self.model.get(Port, receiver)
        assert source and target
        return self.send(
            sender,
            chance,
            eth_src=source.mac_address,
            eth_dst=target.mac_address,
            eth_type=0x0800,
            ipv4_src=source.fixed_ips[0].ip_address,
            ipv4_dst=target.fixed_ips[0].ip_address,
        )

    def shout(self, sender: str, chance: int = 0) -> Outcome:
        """A broadcast that nobody answers."""
        source = self.model.get(Port, sender)
        assert source
        return self.send(
            sender,
            chance,
            eth_src=source.mac_address,
            eth_dst="ff:ff:ff:ff:ff:ff",
            eth_type=0x0806,
            arp_op=1,
            arp_sha=source.mac_address,
            arp_spa=source.fixed_ips[0].ip_address,
            arp_tpa="10.9.9.9",
        )

    def send(self, port_id: str, chance: int, **fields: int | str) -> Outcome:
        at = self.model.placement.bindings[port_id]
        return self.inject(at.switch_id, at.ofport, frame(**fields), chance)

    def inject(self, here: str, in_port: int, what: Frame, chance: int = 0) -> Outcome:
        outcome = Outcome([], [])
        todo = [(here, in_port, what)]
        while todo:
            here, came_by, one = todo.pop()
            assert len(outcome.hops) < 500, "a loop"
            pipeline = self.held[here]
            pipeline.chance = chance
            for port, left in pipeline.send({**one, "in_port": came_by}):
                if port == CONTROLLER:
                    continue
                if port >= VM:
                    outcome.arrived.extend((vm, left) for vm in self._vm(here, port))
                    continue
                far = self._tunnel(here, left) if port == TUNNEL else self._wire(here, port, left)
                if far is not None:
                    outcome.hops.append(Hop(here, far[0], left.get("mpls_label", 0), left.get("mpls_tc", 0)))
                    todo.append(far)
        return outcome

    def _vm(self, here: str, port: int) -> list[str]:
        return [vm for vm, at in self.model.placement.bindings.items() if at.place == (here, port)]

    def _wire(self, here: str, port: int, left: Frame) -> tuple[str, int, Frame] | None:
        if (here, port) in self.cut:
            return None
        far = self.plugged[here, port]
        return *far, {name: value for name, value in left.items() if not name.startswith("tun_")}

    def _tunnel(self, here: str, left: Frame) -> tuple[str, int, Frame] | None:
        for other in self.model.rows(Switch).values():
            if other.encap_ip and number("tun_dst", other.encap_ip) == left.get("tun_dst"):
                me = self.model.rows(Switch)[here]
                inner = {name: value for name, value in left.items() if name not in ("tun_src", "tun_dst")}
                return other.id, TUNNEL, {**inner, "tun_src": number("tun_src", me.encap_ip)}
        return None
