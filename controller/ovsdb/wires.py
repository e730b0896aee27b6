"""The MTU of the ends of wires: raised where it is less than labelled frames need, and told as it is; pure.

Only ever raised: a wire may carry other frames as well.  A device that cannot keeps its MTU, which is then told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from controller.ovsdb import operations as op
from controller.ovsdb.describe import interfaces
from controller.ovsdb.operations import Repair
from controller.ovsdb.replica import Interface, Replica
from controller.ovsdb.settings import datapath_id

WireMtus = tuple[tuple[int, int], ...]  # of bridges, by datapath id: the MTU of the narrowest wire, 0 without any


class Wires(Protocol):
    """What the OVSDB side asks of discovery."""

    @property
    def mtu(self) -> int:
        """What a wire is to carry, in bytes."""
        ...

    def ports(self, dpid: int) -> Collection[int]:
        """The OpenFlow ports of a datapath that are ends of wires."""
        ...

    def observe(self, mtus: WireMtus) -> None:
        """What the wires of a database's bridges carry; may wait."""
        ...

    def listen(self, moved: Callable[[Sequence[int]], None]) -> None:
        """`moved` is called with the datapaths whose wires are others now; it must not wait."""
        ...


def wire_repairs(replica: Replica, wires: Wires) -> list[Repair]:
    """Requests for a larger MTU (Open_vSwitch's Interface, mtu_request)."""
    found = []
    for _, interface in sorted(_ends(replica, wires), key=lambda end: end[1].name):
        if 0 < interface.mtu < wires.mtu and interface.mtu_request < wires.mtu:
            asked = op.update("Interface", interface.uuid, {"mtu_request": wires.mtu})
            why = f"{interface.mtu}, and labelled frames need {wires.mtu}"
            found.append(Repair(f"MTU of {interface.name}", why, (asked,)))
    return found


def wire_mtus(replica: Replica, wires: Wires) -> WireMtus:
    least = dict.fromkeys(_datapaths(replica), 0)
    for dpid, interface in _ends(replica, wires):
        if interface.mtu > 0:
            least[dpid] = min(least[dpid] or interface.mtu, interface.mtu)
    return tuple(sorted(least.items()))


def _datapaths(replica: Replica) -> dict[int, str]:
    """The bridges' uuids by their datapath ids."""
    return {
        int(found, 16): bridge.uuid
        for bridge in replica.bridges.values()
        if (found := datapath_id(bridge.datapath_id))
    }  # fmt: skip


def has(replica: Replica, dpids: Collection[int]) -> bool:
    """Whether the database has a bridge with one of these datapath ids."""
    return not _datapaths(replica).keys().isdisjoint(dpids)


def _ends(replica: Replica, wires: Wires) -> Iterator[tuple[int, Interface]]:
    for dpid, uuid in _datapaths(replica).items():
        ports = wires.ports(dpid)
        if ports:
            for interface in interfaces(replica, replica.bridges[uuid]):
                if interface.ofport in ports:
                    yield dpid, interface
