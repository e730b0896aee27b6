"""Flows on demand: of switches that another member masters, and of changes that are only foreseen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from controller.compile.compiler import Apps, Compiled, Compiler
from controller.model.model import Dependency, Model
from controller.model.overlay import Changed, Overlay
from controller.model.rows import (
    FloatingIp,
    MetadataHost,
    MetadataService,
    MeteringLabel,
    MeteringLabelRule,
    Network,
    PortForwarding,
    Router,
    RouterInterface,
    SecurityGroup,
    SecurityGroupRule,
    Switch,
)
from controller.model.rows.base import Node
from controller.runtime import hub

KEPT = 60.0  # seconds after the last question that what was computed is kept
SLICE = 0.005  # seconds of work before other green threads get a turn
TRIES = 5  # of a preview, while the model changes under it


class OnDemand:
    """Compiler for questions, beside the reconciler's (which is for the switches that this process masters).

    `changed` is to be told of every change of the model.
    """

    def __init__(self, model: Model, apps: Apps) -> None:
        self._apps = apps
        self._model = model
        self._compiler: Compiler | None = None
        self._asked = 0.0
        self._turn = hub.Semaphore(1)

    def compiled(self, switch_id: str) -> Compiler:
        """Compiler with the switch up to date; to be read before anything waits."""
        with self._turn:
            return self._with([switch_id])

    def foreseen(self, changes: Changed) -> Compiled:
        """Flow changes of all switches that an overlay's changes would cause.

        The units that read what would be otherwise are computed over the model as it would be, and then again as it is.
        """
        with self._turn:
            for _ in range(TRIES):
                overlay = Overlay(self._model, changes)
                content = self._model.content
                compiler = self._with(concerned(self._model, overlay))
                if content != self._model.content:
                    continue
                try:
                    with compiler.over(overlay):
                        compiler.mark(overlay.touched)
                        self._work(compiler)
                        found = compiler.settle()
                finally:
                    compiler.mark(overlay.touched)
                if content == self._model.content:
                    break  # else what others changed meanwhile is among it: once more, though not for ever
            return found

    def changed(self, touched: set[Dependency]) -> None:
        if self._compiler is not None and time.monotonic() - self._asked > KEPT and not self._turn.locked():
            self._compiler = None
        if self._compiler is not None:
            self._compiler.mark(touched)

    @property
    def keeps(self) -> bool:
        """Whether any result is kept."""
        return self._compiler is not None

    def _with(self, switch_ids: Iterable[str]) -> Compiler:
        self._asked = time.monotonic()
        compiler = self._compiler = self._compiler or Compiler(self._model, self._apps)
        for switch_id in switch_ids:
            compiler.include(switch_id)
        self._work(compiler)
        compiler.settle()
        return compiler

    def _work(self, compiler: Compiler) -> None:
        for _ in hub.taking_turns(compiler.work(), SLICE):
            pass


def concerned(model: Model, overlay: Overlay) -> set[str]:
    """The switches that may have flows that read what the overlay changes.

    Those that its dependencies name, and all that carry a network, a router or a security group that they name, or a
    group whose rules name it, before or after; of a router's interface its network, of what is translated the router
    and its external network; of a metering label the routers that count for it; of metadata servers all.  In a fabric
    of wires every switch has flows towards each that receives frames: all of them, where that changes.
    """
    named = {part for dependency in overlay.touched for part in _parts(dependency)}
    interfaces = [find(RouterInterface, part) for part in named for find in (model.get, overlay.get)]
    named |= {part for one in interfaces if one is not None for part in (one.network_id, one.router_id)}
    found = {part for part in named if model.get(Switch, part) is not None}
    for part in named:
        for name, kind in (("network", Network), ("router", Router)):
            if model.get(kind, part) is not None or overlay.get(kind, part) is not None:
                found.update(model.placement.held.of((name, part)), overlay.placement.held.of((name, part)))
    for at in (model, overlay):
        for node in _translating(at, named):
            found.update(model.placement.held.of(node), overlay.placement.held.of(node))
    for group_id in _groups(model, named) | _groups(overlay, named):
        found.update(model.placement.filtering.of(group_id), overlay.placement.filtering.of(group_id))
    if any(dependency[0] == "receives" for dependency in overlay.touched):
        found.update(model.routes.switches())
    if any(dependency[0] in (MetadataHost, MetadataService) for dependency in overlay.touched):
        found.update(model.rows(Switch))
    return found


def _counting(model: Model, named: set[str]) -> list[Router]:
    """The routers that count for the metering labels that are named, by their rules or themselves."""
    rules = [model.get(MeteringLabelRule, part) for part in named]
    ids = named | {rule.metering_label_id for rule in rules if rule is not None}
    labels = [label for label in (model.get(MeteringLabel, part) for part in ids) if label is not None]
    if any(label.shared for label in labels):
        return list(model.rows(Router).values())
    return [router for label in labels for router in model.find(Router, "project_id", label.project_id)]


def _translating(model: Model, named: set[str]) -> set[Node]:
    """Routers and external networks of the gateways, floating IPs and port forwardings that are named, by their ports
    or themselves.
    """
    floating: dict[str, FloatingIp] = {}
    routers: dict[str, Router] = {}
    for part in filter(None, named):
        forwarding = model.get(PortForwarding, part)
        ids = {part, forwarding.floatingip_id if forwarding else ""}
        of = [*(model.get(FloatingIp, one) for one in ids), *model.find(FloatingIp, "floating_port_id", part)]
        of += [*model.find(FloatingIp, "port_id", part), *model.find(FloatingIp, "router_id", part)]
        floating.update((one.id, one) for one in of if one is not None)
        by = [model.get(Router, part), *model.find(Router, "gateway_ports", part)]
        routers.update((one.id, one) for one in by if one is not None)
    routers.update((one.id, one) for one in _counting(model, named))
    nodes: set[Node] = {("router", router_id) for router_id in routers}
    nodes.update(("network", each) for router in routers.values() for each in router.external_networks)
    for one in floating.values():
        nodes.update((("router", one.router_id), ("network", one.floating_network_id)))
    return nodes


def _groups(model: Model, named: set[str]) -> set[str]:
    """The security groups among those named, and those whose rules name one of them or an address group of them."""
    found = {part for part in named if model.get(SecurityGroup, part) is not None}
    for part in named:
        for lookup in ("remote_group_id", "remote_address_group_id"):
            found.update(rule.security_group_id for rule in model.find(SecurityGroupRule, lookup, part) if part)
    return found


def _parts(dependency: object) -> Iterator[str]:
    if isinstance(dependency, str):
        yield dependency
    elif isinstance(dependency, tuple):
        for part in dependency:
            yield from _parts(part)
