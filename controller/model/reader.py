"""Recorded read access to the model, for one computation."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from .model import Dependency, Model
from .placement import FloodCopy
from .routes import Route
from .rows import GatewayRanking, Interface, MetadataService, Port, Row, Switch
from .rows.base import ATTRIBUTES, INDEXES
from .rows.metadata import SERVICE

R = TypeVar("R", bound=Row)


class _View:
    """A row whose attributes are recorded one by one as they are read; only declared `attributes` can be."""

    def __init__(self, row: Row, deps: set[Dependency]) -> None:
        kind = type(row)
        first = ATTRIBUTES[kind][0]  # always recorded: it changes when the row is added or deleted
        self.__row = row
        self.__deps = deps
        self.id = row_id = row.row_id
        setattr(self, first, getattr(row, first))
        deps.add((kind, row_id, first))

    def __getattr__(self, name: str) -> Any:  # called once an attribute: the value is kept
        row = self.__row
        if name not in ATTRIBUTES[type(row)]:
            kind = type(row).__name__
            raise AttributeError(f"changes of {kind}.{name} are not told: declare it among the attributes of {kind}")
        self.__deps.add((type(row), row.row_id, name))
        value = getattr(row, name)
        setattr(self, name, value)
        return value


class Reader:
    """Recording view of the model for one computation.  `deps`: everything that it read, found or not.

    `switch_id`: the switch that the flows are for; "" in a flow set that several switches carry, whose flows cannot
    depend on one of them.
    """

    __slots__ = ("_model", "_views", "deps", "switch_id")

    def __init__(self, model: Model, switch_id: str = "") -> None:
        self._model = model
        self._views: dict[tuple[type[Row], str], _View] | None = None  # most computations need none
        self.switch_id = switch_id
        self.deps: set[Dependency] = set()

    def get(self, kind: type[R], row_id: str) -> R | None:
        self.deps.add((kind, row_id))
        return self._model.get(kind, row_id)

    def view(self, kind: type[R], row_id: str) -> R | None:
        """A row whose attributes are dependencies of their own: changes of those not read do not matter."""
        views = self._views
        if views is None:
            views = self._views = {}
        view: Any = views.get((kind, row_id))
        if view is None:
            row = self._model.get(kind, row_id)
            if row is None:
                self.deps.add((kind, row_id, ATTRIBUTES[kind][0]))  # which changes when the row is added
                return None
            view = views[kind, row_id] = _View(row, self.deps)
        return view  # type: ignore[no-any-return]  # has the declared attributes of the kind

    def find(self, kind: type[R], index: str, value: object) -> list[R]:
        if index not in INDEXES[kind]:
            raise LookupError(f"changes of {kind.__name__}.{index} are not told: declare it as an index")
        self.deps.add((kind, index, value))
        return self._model.find(kind, index, value)

    def switch(self) -> Switch | None:
        return self.get(Switch, self.switch_id)

    def addressed(self, network_id: str, address: str) -> Port | None:
        """The port of a network that has an address, in its usual text form."""
        self.deps.add(("addressed", network_id, address))
        found = self._model.find(Port, "addresses", address)
        return next((port for port in found if port.network_id == network_id), None)

    def binding(self, port: Port) -> Interface | None:
        """Interface that a port is bound to."""
        self.deps.add(("binding", port.id))
        return self._model.placement.bindings.get(port.id)

    def reachable(self) -> list[tuple[str, str]]:
        """Networks with a port on this switch, routers that it may be a gateway of and their external networks, and all
        that routers join to these, routers included: (kind, id).
        """
        self.deps.add(("reachable", self.switch_id))
        return self._model.placement.reachable.of(self.switch_id)

    def peers(self) -> list[str]:
        """Switches that this one exchanges frames with: one of the two has a port, or a gateway, in a network that both
        reach.
        """
        self.deps.add(("peers", self.switch_id))
        return self._model.placement.peers.of(self.switch_id)

    def span(self, network_id: str) -> list[str]:
        """Switches with a port of the network."""
        self.deps.add(("span", network_id))
        return self._model.placement.span.of(network_id)

    def routed(self, network_id: str) -> bool:
        """Whether a router has an interface or a gateway in the network: changes with the first and the last only."""
        self.deps.add(("routed", network_id))
        return self._model.placement.routed(network_id)

    def learners(self, network_id: str) -> list[str]:
        """Switches with a learning port of the network."""
        self.deps.add(("learners", network_id))
        return self._model.placement.learners.of(network_id)

    def blocks(self, switch_id: str, network_id: str) -> list[int]:
        self.deps.add(("blocks", switch_id, network_id))
        return self._model.placement.blocks.of((switch_id, network_id))

    def learner_blocks(self, switch_id: str, network_id: str) -> list[int]:
        self.deps.add(("learner_blocks", switch_id, network_id))
        return self._model.placement.learner_blocks.of((switch_id, network_id))

    def members(self, switch_id: str, network_id: str, block: int) -> Collection[str]:
        """Ports of a network in one block of a switch's port keys, in no order; not to be kept across a change."""
        self.deps.add(("members", switch_id, network_id, block))
        return self._model.placement.members.some((switch_id, network_id, block))

    def copies(self, switch_id: str, network_id: str, block: int) -> list[FloodCopy]:
        """The same ports as copies of a flood need them: read without reading any of the ports themselves."""
        self.deps.add(("copies", switch_id, network_id, block))
        return self._model.placement.copies.of((switch_id, network_id, block))

    # --- gateways ---

    def gateways(self, router_id: str) -> tuple[str, ...]:
        """The switches that a router's packets for the outside are sent to: the first one of them that is alive."""
        ranking = self.view(GatewayRanking, router_id)
        if ranking is None:
            return ()
        if ranking.used:
            return ranking.switches
        return ranking.leaving, *(each for each in ranking.switches if each != ranking.leaving)

    def gateway_of(self) -> list[str]:
        """The routers whose ranking this switch is in."""
        self.deps.add(("anchors", self.switch_id))
        return [node_id for kind, node_id in self._model.placement.anchors.of(self.switch_id) if kind == "router"]

    def leaving(self, network_id: str) -> list[str]:
        """The routers that have a gateway in an external network."""
        self.deps.add(("leaving", network_id))
        return self._model.placement.leaving.of(network_id)

    def floating_here(self) -> list[str]:
        """The floating IPs that this switch translates for ports of its own, by id."""
        self.deps.add(("floating_at", self.switch_id))
        return self._model.placement.floating_at.of(self.switch_id)

    def watched(self) -> list[str]:
        """Switches that this one watches, and that watch it: one of the two may be the gateway of a router that both
        reach.
        """
        self.deps.add(("watched", self.switch_id))
        return self._model.placement.watched.of(self.switch_id)

    def service(self) -> MetadataService | None:
        """What leads to metadata servers; its attributes are dependencies of their own."""
        return self.view(MetadataService, SERVICE)

    # --- security groups ---

    def filtered_blocks(self, switch_id: str, network_id: str) -> list[int]:
        """The blocks with ports that have a filter."""
        self.deps.add(("filtered_blocks", switch_id, network_id))
        return self._model.placement.filtered_blocks.of((switch_id, network_id))

    def groups(self) -> list[str]:
        """The security groups of the filtered ports on this switch."""
        self.deps.add(("groups", self.switch_id))
        return self._model.placement.groups.of(self.switch_id)

    def group_parts(self, group_id: str) -> list[int]:
        """The parts of a security group's members, each of several blocks."""
        self.deps.add(("group_parts", group_id))
        return self._model.group_members.parts.of(group_id)

    def group_blocks(self, group_id: str, part: int) -> list[int]:
        self.deps.add(("group_blocks", group_id, part))
        return self._model.group_members.blocks.of((group_id, part))

    def group_addresses(self, group_id: str, block: int) -> list[str]:
        """Addresses and prefixes of a security group's members, of one block."""
        self.deps.add(("group_addresses", group_id, block))
        return self._model.group_members.addresses.of((group_id, block))

    # --- the fabric ---

    def receives(self, switch_id: str) -> bool:
        """Whether frames may be for the switch: it has a port or is a gateway."""
        self.deps.add(("receives", switch_id))
        return self._model.placement.receives(switch_id)

    def link_ports(self) -> list[int]:
        """OpenFlow ports of this switch that are wired to other switches."""
        self.deps.add(("link_ports", self.switch_id))
        return self._model.routes.link_ports(self.switch_id)

    def towards(self) -> list[str]:
        """Destinations of labelled frames that cross this switch: all of the fabric, if it is wired."""
        if not self.link_ports():
            return []
        self.deps.add(("fabric",))
        return [switch_id for switch_id in self._model.routes.switches() if switch_id != self.switch_id]

    def relays(self) -> list[str]:
        """Switches that may send labelled frames to this one through a tunnel (see `Routes.relays`)."""
        self.deps.add(("relays",))
        return self._model.routes.relays(self.switch_id)

    def route(self, destination: str) -> Route | None:
        """Route from this switch to another."""
        self.deps.add(("route", self.switch_id, destination))
        return self._model.routes.route(self.switch_id, destination)
