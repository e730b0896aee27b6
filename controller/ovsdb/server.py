"""OVSDB server: one green thread for each hypervisor, one connection for each system-id."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from controller.model.rows import Bridge
from controller.ovsdb.cluster import ClusterTargets
from controller.ovsdb.hypervisor import Facts, Hypervisor
from controller.ovsdb.seen import SeenHypervisor
from controller.ovsdb.units import DatabaseUnits
from controller.ovsdb.wires import WireQueries
from controller.runtime.certificates import Names, shown
from controller.runtime.errors import Rejected, SwitchError, Unreachable
from controller.runtime.listener import Listener
from controller.runtime.logpace import LogPace, times

TLS_LIMIT = 10.0  # s for the handshake
STRANGERS_LIMIT = 256  # connections not yet admitted

log = logging.getLogger("tenet.ovsdb")

Observe = Callable[[SeenHypervisor], None]
Watch = Callable[[str, tuple[Bridge, ...]], None]
Tell = Callable[[str, str], None]  # address of a peer, why it was refused


def serve(
    listen: tuple[str, int],
    observe: Observe,
    *,
    controller_port: int,
    tls: ssl.SSLContext | None = None,
    barred: frozenset[bytes] = frozenset(),
    bind: bool = True,
    refused: Tell = lambda address, why: None,
    cluster: ClusterTargets | None = None,
    wires: WireQueries | None = None,
    watch: Watch | None = None,
    admitted: dict[str, Hypervisor] | None = None,
    units: DatabaseUnits | None = None,
) -> OvsdbServer:
    """Listen for hypervisors, maintain their configuration, and report to `observe`.

    `observe` is called in the hypervisor's own green thread, with the whole description, whenever that differs from
    the last one; it may wait.  So is `watch`, with the system-id and all bridges that others made and pointed at a
    controller, in the database of a hypervisor or of none.  `refused` is told of peers that were not admitted.

    `controller_port` is where our OpenFlow listener is, on the address that a hypervisor
    connected to.  With `tls` hypervisors come over TLS, and their switches are told to, too; nobody comes in with one
    of the certificates `barred`, and with `bind` a system-id is admitted only with a certificate of that name.  In a
    `cluster`, its members take turns.  `wires`: the MTU of their ends is told.  `admitted` is kept as the
    hypervisors that are connected, by system-id.  `units`: rows that are kept right.  Raises
    `Misconfigured` when it cannot listen.
    """
    door = Door(tls, barred, bind, refused)
    return OvsdbServer(listen, observe, controller_port, door, cluster, wires, watch, admitted, units)


class Door(NamedTuple):
    """Conditions of admission, see `serve`."""

    tls: ssl.SSLContext | None
    barred: frozenset[bytes]
    bind: bool
    refused: Tell


def controller_target(local: str, port: int, *, tls: bool) -> str:
    """OVS controller target for the local address `local`, in `getsockname`'s form."""
    address = ipaddress.ip_address(local.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"{'ssl' if tls else 'tcp'}:{host}:{port}"


class OvsdbServer:
    """Listener and its connections.  `address`: (host, port) on which it listens."""

    def __init__(
        self,
        listen: tuple[str, int],
        observe: Observe,
        controller_port: int,
        door: Door,
        cluster: ClusterTargets | None = None,
        wires: WireQueries | None = None,
        watch: Watch | None = None,
        admitted: dict[str, Hypervisor] | None = None,
        units: DatabaseUnits | None = None,
    ) -> None:
        self._observe = observe
        self._watch = watch
        self._controller_port = controller_port
        self._door = door
        self._cluster = cluster
        self._wires = wires
        self._units = units
        self._pace = LogPace()
        self._admitted: dict[str, Hypervisor] = {} if admitted is None else admitted
        if cluster:
            cluster.listen(self._look)
        if wires:
            wires.listen(self._moved)
        if units:
            units.listen(self._moved)
        self._listener = Listener(
            "ovsdb", listen, self._serve, tls=door.tls, barred=door.barred, patience=TLS_LIMIT,
            strangers=STRANGERS_LIMIT, admitted=lambda: len(self._admitted), refused=door.refused,
        )  # fmt: skip

    @property
    def address(self) -> tuple[str, int]:
        return self._listener.address

    def hypervisors(self) -> list[Facts]:
        """Connected hypervisors, by system-id."""
        return [self._admitted[system_id].facts() for system_id in sorted(self._admitted)]

    def close(self) -> None:
        """Stop listening and end all connections."""
        self._listener.close()

    def _serve(self, sock: socket.socket, address: str, names: Names) -> None:
        hypervisor: Hypervisor | None = None
        why: Exception | None = None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            target = controller_target(sock.getsockname()[0], self._controller_port, tls=self._door.tls is not None)
            hypervisor = Hypervisor(
                sock, address, (target,), self._observe, self._cluster, self._wires, self._watch, self._units
            )
            hypervisor.attend(partial(self._admit, names))
        except (SwitchError, OSError) as fault:
            why = fault
        finally:
            if hypervisor:
                hypervisor.close(Unreachable("closed"))
            if hypervisor and self._admitted.get(hypervisor.system_id) is hypervisor:
                del self._admitted[hypervisor.system_id]
                if self._cluster:
                    self._cluster.database(hypervisor.system_id, False)
            elif why:
                self._door.refused(address, str(why))
        if count := self._pace.due(str(why)):
            name = hypervisor.name if hypervisor else address
            log.warning("%s: connection ended%s: %s", name, times(count), why)

    def _admit(self, names: Names, hypervisor: Hypervisor) -> None:
        """Admit a hypervisor.  Raises `Rejected` if its certificate is another's, or if another connection of the same
        system-id proves to be alive.
        """
        if names is not None and self._door.bind and hypervisor.system_id not in names:
            raise Rejected({}, f"refused: its certificate is of {shown(names)}, not of {hypervisor.system_id}")
        while other := self._admitted.get(hypervisor.system_id):
            if other.answers():
                raise Rejected({}, f"refused: {other.name} is connected with the same system-id")
            other.close(Unreachable("silent, and its hypervisor connected anew"))
            if self._admitted.get(hypervisor.system_id) is other:
                del self._admitted[hypervisor.system_id]
        self._admitted[hypervisor.system_id] = hypervisor
        if self._cluster:
            self._cluster.database(hypervisor.system_id, True)

    def _moved(self, dpids: Sequence[int]) -> None:
        for hypervisor in self._admitted.values():
            if hypervisor.has(dpids):
                hypervisor.look()

    def _look(self) -> None:
        for hypervisor in self._admitted.values():
            hypervisor.look()
