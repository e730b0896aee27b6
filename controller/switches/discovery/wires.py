"""MTU of wires: reported by the hypervisors' databases, kept with the switches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from msgspec import structs

from controller.model.model import Dependency
from controller.model.rows import Switch
from controller.ovsdb.wires import WireMtus
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact


class Wires:
    """As `controller.ovsdb.wires.Wires` has it."""

    def __init__(self, store: Store, replica: Replica) -> None:
        self._store = store
        self._replica = replica
        self._moved: Callable[[Sequence[int]], None] = lambda _: None
        replica.listen(self._changed)

    def ports(self, dpid: int) -> Collection[int]:
        model = self._replica.model
        return [port for switch in model.find(Switch, "dpid", dpid) for port in model.routes.link_ports(switch.id)]

    def observe(self, mtus: WireMtus) -> None:
        transact(self._store, self._replica, lambda tx: write(tx, mtus))

    def listen(self, moved: Callable[[Sequence[int]], None]) -> None:
        self._moved = moved

    def _changed(self, touched: set[Dependency]) -> None:
        rows = self._replica.model.rows(Switch)
        moved = [rows[str(one[1])].dpid for one in touched if one[0] == "link_ports" and one[1] in rows]
        if moved:
            self._moved(moved)


def write(tx: Transaction, mtus: WireMtus) -> None:
    """Of the switches that there are."""
    for dpid, mtu in mtus:
        for switch in tx.find(Switch, "dpid", dpid):
            if switch.wire_mtu != mtu:
                tx.put(structs.replace(switch, wire_mtu=mtu))
