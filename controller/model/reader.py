"""Read access for one computation, which remembers what was read."""

from __future__ import annotations

from typing import TypeVar

from .model import Dependency, Model
from .routes import Route
from .rows import Interface, Port, Row, Switch

R = TypeVar("R", bound=Row)


class Reader:
    """What an app sees of the model.  `deps` is everything that it looked at, found or not.

    `switch_id` names the switch that the flows are for, or is "" where they are for every switch that holds a network:
    what is computed there can depend on no switch in particular.
    """

    __slots__ = ("deps", "model", "switch_id")

    def __init__(self, model: Model, switch_id: str = "") -> None:
        self.model = model
        self.switch_id = switch_id
        self.deps: set[Dependency] = set()

    def get(self, kind: type[R], row_id: str) -> R | None:
        self.deps.add((kind, row_id))
        return self.model.get(kind, row_id)

    def attribute(self, kind: type[Row], row_id: str, name: str) -> int:
        """One attribute of a row (0 when there is no such row): other attributes may change without us."""
        self.deps.add((kind, row_id, name))
        return getattr(self.model.get(kind, row_id), name, 0)

    def find(self, kind: type[R], index: str, value: object) -> list[R]:
        self.deps.add((kind, index, value))
        return self.model.find(kind, index, value)

    def switch(self) -> Switch | None:
        return self.get(Switch, self.switch_id)

    def binding(self, port: Port) -> Interface | None:
        """The interface that the port is bound to."""
        self.deps.add(("binding", port.id))
        return self.model.placement.bindings.get(port.id)

    def networks(self) -> list[str]:
        """Networks that have a port on this switch."""
        self.deps.add(("networks", self.switch_id))
        return self.model.placement.networks.of(self.switch_id)

    def peers(self) -> list[str]:
        """Switches that share a network with this one."""
        self.deps.add(("peers", self.switch_id))
        return self.model.placement.peers.of(self.switch_id)

    def span(self, network_id: str) -> list[str]:
        """Switches that hold a port of the network."""
        self.deps.add(("span", network_id))
        return self.model.placement.span.of(network_id)

    def learners(self, network_id: str) -> list[str]:
        """Switches that hold a learning port of the network."""
        self.deps.add(("learners", network_id))
        return self.model.placement.learners.of(network_id)

    def blocks(self, switch_id: str, network_id: str) -> list[int]:
        self.deps.add(("blocks", switch_id, network_id))
        return self.model.placement.blocks.of((switch_id, network_id))

    def learner_blocks(self, switch_id: str, network_id: str) -> list[int]:
        self.deps.add(("learner_blocks", switch_id, network_id))
        return self.model.placement.learner_blocks.of((switch_id, network_id))

    def members(self, switch_id: str, network_id: str, block: int) -> list[str]:
        """Ports of a network in one block of a switch's OpenFlow ports."""
        self.deps.add(("members", switch_id, network_id, block))
        return self.model.placement.members.of((switch_id, network_id, block))

    # --- the fabric ---

    def holds_ports(self, switch_id: str) -> bool:
        """Whether any port is on the switch, so that frames may be for it."""
        self.deps.add(("holds_ports", switch_id))
        return self.model.placement.networks.has(switch_id)

    def link_ports(self) -> list[int]:
        """The OpenFlow ports of this switch that are wired to other switches."""
        self.deps.add(("link_ports", self.switch_id))
        return self.model.routes.link_ports(self.switch_id)

    def towards(self) -> list[str]:
        """Where frames that cross this switch may be going: every switch of the fabric, if this one is wired."""
        if not self.link_ports():
            return []
        self.deps.add(("fabric",))
        return [switch_id for switch_id in self.model.routes.switches() if switch_id != self.switch_id]

    def relays(self) -> list[str]:
        """Switches that may send labelled frames to this one through a tunnel."""
        self.deps.add(("relays",))
        return self.model.routes.relays(self.switch_id)

    def route(self, destination: str) -> Route | None:
        """How this switch reaches another."""
        self.deps.add(("route", self.switch_id, destination))
        return self.model.routes.route(self.switch_id, destination)
