"""MTU of the ends of wires, as reported; pure.  A unit raises it (`topology/wire_mtu.py`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from controller.ovsdb.describe import interfaces
from controller.ovsdb.replica import DatabaseReplica, InterfaceRow
from controller.ovsdb.units import datapaths

WireMtus = tuple[tuple[int, int], ...]  # of bridges, by datapath id: the MTU of the narrowest wire, 0 without any


class WireQueries(Protocol):
    """Interface of discovery for the OVSDB side."""

    def ports(self, dpid: int) -> Collection[int]:
        """OpenFlow ports of a datapath that are ends of wires."""
        ...

    def observe(self, mtus: WireMtus) -> None:
        """Report the MTUs of wires of a database's bridges; may wait."""
        ...

    def listen(self, moved: Callable[[Sequence[int]], None]) -> None:
        """Have `moved` called with the datapaths whose wires have changed.  It must not wait."""
        ...


def wire_mtus(replica: DatabaseReplica, wires: WireQueries) -> WireMtus:
    least = dict.fromkeys(datapaths(replica), 0)
    for dpid, interface in _ends(replica, wires):
        if interface.mtu > 0:
            least[dpid] = min(least[dpid] or interface.mtu, interface.mtu)
    return tuple(sorted(least.items()))


def _ends(replica: DatabaseReplica, wires: WireQueries) -> Iterator[tuple[int, InterfaceRow]]:
    for dpid, uuid in datapaths(replica).items():
        ports = wires.ports(dpid)
        if ports:
            for interface in interfaces(replica, replica.bridges[uuid]):
                if interface.ofport in ports:
                    yield dpid, interface
