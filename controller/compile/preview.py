"""What a change would come to on the switches, without making it.

Only the networks that the change is about are compiled, in a model of their own, before and after it; the running
compiler is not disturbed, nor is anything kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from controller.compile.compiler import Apps, Compiler
from controller.flow import Flow
from controller.model.model import ROUTED, Applied, Model
from controller.model.rows import Interface, Learned, Network, Port, Row, Subnet, Switch
from controller.runtime import hub

SLICE = 0.005  # seconds of computing after which other green threads get their turn
Changed = Sequence[tuple[Row | None, Row | None]]  # each row as it is, and as it would be; None: not there


class Preview:
    def __init__(self, model: Model, apps: Apps) -> None:
        self._apps = apps
        self._model = model

    def switches(self, changes: Changed) -> list[dict[str, Any]]:
        """Per switch the flows that would be added and removed; switches without any are not told of."""
        part, concerned = _part(self._model, changes)
        compiler = Compiler(part, self._apps)
        for switch_id in concerned:
            compiler.include(switch_id)
        _compile(compiler)
        compiler.settle()
        before = _wanted(compiler, concerned)
        compiler.mark(part.apply(_after(part.revision + 1, changes)))
        _compile(compiler)
        compiled = compiler.settle()
        after = _wanted(compiler, compiled.changes)
        found = [_shown(part, switch_id, before[switch_id], after[switch_id]) for switch_id in sorted(after)]
        return [each for each in found if each["added"] or each["removed"]]


def _wanted(compiler: Compiler, switches: Iterable[str]) -> dict[str, set[Flow]]:
    """The flows that are to be on each of these switches."""
    return {switch_id: set(compiler.wanted(switch_id)) for switch_id in switches}


def _compile(compiler: Compiler) -> None:
    for _ in hub.taking_turns(compiler.work(), SLICE):
        pass


def _part(model: Model, changes: Changed) -> tuple[Model, list[str]]:
    """The networks that the change is about with all that is on them, why their switches know each other besides, and
    all that routes follow from; and the switches that have such a network.

    Built at once: the model must not change meanwhile.
    """
    about = {network_id for pair in changes for row in pair if row is not None for network_id in _networks(row)}
    about |= _rivals(model, about, changes)
    rows: dict[str, Row] = {}
    spanned: set[str] = set()
    for network_id in sorted(about):
        rows.update((row.key, row) for row in _of_network(model, network_id))
        spanned.update(model.placement.span.of(network_id))
    for _, row in changes:
        if isinstance(row, Port) and row.vif:
            found = model.find(Interface, "vif", row.vif)
            rows.update((each.key, each) for each in found)
            spanned.update(each.switch_id for each in found)
    spanned |= {row.switch_id for row in rows.values() if isinstance(row, Interface)}
    spanned |= _namesakes(model, spanned)
    for row in _witnesses(model, spanned, about):
        rows[row.key] = row
    concerned = {row.switch_id for row in rows.values() if isinstance(row, Interface)} | spanned
    for kind in ROUTED:
        rows.update((row.key, row) for row in model.rows(kind).values())
    part = Model()
    part.apply([Applied(model.revisions.get(key, 1), key, row) for key, row in rows.items()])
    part.revision = model.revision
    return part, [switch_id for switch_id in part.rows(Switch) if switch_id in concerned]


def _rivals(model: Model, about: set[str], changes: Changed) -> set[str]:
    """Networks of other ports that claim a VIF, or a key of a switch, which a port here has: one of them gets it."""
    vifs = {row.vif for pair in changes for row in pair if isinstance(row, Port) and row.vif}
    vifs |= {port.vif for network_id in about for port in model.find(Port, "network_id", network_id) if port.vif}
    there = [each for vif in vifs for each in model.find(Interface, "vif", vif)]
    vifs |= {rival.vif for each in there for rival in model.find(Interface, "key", each.key)}
    return {port.network_id for vif in vifs for port in model.find(Port, "vif", vif)}


def _networks(row: Row) -> tuple[str, ...]:
    if isinstance(row, Network):
        return (row.id,)
    return (row.network_id,) if isinstance(row, Port | Subnet) else ()


def _of_network(model: Model, network_id: str) -> Iterator[Row]:
    network = model.get(Network, network_id)
    if network is None:
        return
    yield network
    yield from model.find(Subnet, "network_id", network_id)
    yield from model.find(Learned, "network_id", network_id)
    for port in model.find(Port, "network_id", network_id):
        yield from _with_interfaces(model, port)


def _with_interfaces(model: Model, port: Port) -> Iterator[Row]:
    yield port
    if port.vif:
        yield from model.find(Interface, "vif", port.vif)


def _namesakes(model: Model, switches: set[str]) -> set[str]:
    """Switches that say that they have the address of one of these: the flows of peers are then theirs, too."""
    found = [model.get(Switch, switch_id) for switch_id in switches]
    addresses = {switch.encap_ip for switch in found if switch is not None and switch.encap_ip}
    return {switch.id for switch in model.rows(Switch).values() if switch.encap_ip in addresses}


def _witnesses(model: Model, switches: set[str], about: set[str]) -> Iterator[Row]:
    """For each two switches that share other networks too, one such network, with one port on each of the two.

    Without it they would seem to become neighbours, or to cease to be.
    """
    networks = {switch_id: model.placement.networks.of(switch_id) for switch_id in switches}
    shared: dict[str, set[str]] = {}  # network -> switches, of networks that join two that nothing joined yet
    joined: set[tuple[str, str]] = set()
    for one in sorted(switches):
        for network_id in networks[one]:
            if network_id in about:
                continue
            for other in model.placement.span.of(network_id):
                if other in switches and one < other and (one, other) not in joined:
                    joined.add((one, other))
                    shared.setdefault(network_id, set()).update((one, other))
    for network_id, members in shared.items():
        network = model.get(Network, network_id)
        if network is None:
            continue
        yield network
        for port in _one_on_each(model, network_id, members):
            yield from _with_interfaces(model, port)


def _one_on_each(model: Model, network_id: str, switches: Iterable[str]) -> Iterator[Port]:
    for switch_id in sorted(switches):
        for block in model.placement.blocks.of((switch_id, network_id))[:1]:
            for port_id in model.placement.members.of((switch_id, network_id, block))[:1]:
                port = model.get(Port, port_id)
                if port is not None:
                    yield port


def _after(revision: int, changes: Changed) -> list[Applied]:
    found = []
    for before, after in changes:
        row = after or before
        if row is not None:
            found.append(Applied(revision, row.key, after))
    return found


def _shown(model: Model, switch_id: str, before: set[Flow], after: set[Flow]) -> dict[str, Any]:
    """Flows that are replaced are removed and added: their text says what differs."""
    switch = model.get(Switch, switch_id)
    return {
        "switch_id": switch_id,
        "host": switch.host if switch is not None else "",
        "added": sorted(map(str, after - before)),
        "removed": sorted(map(str, before - after)),
    }
