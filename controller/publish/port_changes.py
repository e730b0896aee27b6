"""Status and host of each port, as last told to readers of events."""

from __future__ import annotations

from collections.abc import Iterable

from controller.model.hosts import host_of
from controller.model.model import Model
from controller.model.rows import Interface, Network, Port, Row, Switch
from controller.reconcile.statuses import BUILD, Statuses

SPARE = 256  # pairs of status and host
Changes = Iterable[tuple[Row | None, Row | None]]


class Looked:
    """Result of a look.  `under_way`: ids of the ports whose status is about to change."""

    def __init__(self, model: Model, statuses: Statuses) -> None:
        self.under_way: set[str] = set()
        self._model = model
        self._statuses = statuses
        self._known: dict[str, tuple[str, str]] = {}  # port id -> (status, host)
        self._same: dict[tuple[str, str], tuple[str, str]] = {}  # each of these once
        self._most = SPARE  # of these, before those that nothing has any more are let go

    def look(self, ports: Iterable[Port]) -> tuple[list[Port], list[tuple[Port, str, str]]]:
        """Ports on another host, and ports of another status with that and its reason."""
        moved, changed = [], []
        for port in ports:
            status, reason = self._statuses.port(port)
            known = self._known.get(port.id)
            now = (status, "" if port.host else host_of(self._model, port))  # one that is asked for is shown as asked
            if now == known:
                continue
            self._known[port.id] = self._same.setdefault(now, now)
            (self.under_way.add if status == BUILD else self.under_way.discard)(port.id)
            if known is not None and known[1] != now[1]:
                moved.append(port)
            if known is None or known[0] != status:
                changed.append((port, status, reason))
        return moved, changed

    def forget_gone(self) -> None:
        for port_id in self._known.keys() - self._model.rows(Port).keys():
            del self._known[port_id]
            self.under_way.discard(port_id)
        if len(self._same) > self._most:  # hosts that are gone
            self._same = {each: each for each in self._known.values()}
            self._most = 2 * len(self._same) + SPARE


def concerned(model: Model, rows: Changes) -> list[Port]:
    """Ports whose status or host a commit may change."""
    found: dict[str, Port] = {}
    for before, after in rows:
        if isinstance(after, Port):
            ports = [after]
        elif isinstance(before, Network) and isinstance(after, Network):
            switched = before.admin_state_up != after.admin_state_up
            ports = model.find(Port, "network_id", after.id) if switched else []
        elif isinstance(before, Interface) or isinstance(after, Interface):
            vifs = {row.vif for row in (before, after) if isinstance(row, Interface) and row.vif}
            ports = [port for vif in sorted(vifs) for port in model.find(Port, "vif", vif)]
        elif isinstance(after, Switch) and isinstance(before, Switch) and before.host != after.host:
            there = model.find(Interface, "switch_id", after.id)
            ports = [port for interface in there for port in model.find(Port, "vif", interface.vif)]
        else:
            continue
        found.update((port.id, port) for port in ports)
    return list(found.values())
