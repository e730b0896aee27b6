"""Where hypervisors connect: one green thread each, one connection for each system-id."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from controller.model.rows import Bridge
from controller.ovsdb.cluster import Cluster
from controller.ovsdb.hypervisor import Facts, Hypervisor
from controller.ovsdb.seen import SeenHypervisor
from controller.ovsdb.wires import Wires
from controller.runtime import hub
from controller.runtime.errors import Misconfigured, Rejected, SwitchError, Unreachable

TLS_LIMIT = 10.0  # s for the handshake
STRANGERS_LIMIT = 256  # connections that have not said yet who they are

log = logging.getLogger("tenet.ovsdb")

Observe = Callable[[SeenHypervisor], None]
Watch = Callable[[str, tuple[Bridge, ...]], None]


def serve(
    listen: tuple[str, int],
    observe: Observe,
    *,
    controller_port: int,
    tls: ssl.SSLContext | None = None,
    cluster: Cluster | None = None,
    wires: Wires | None = None,
    watch: Watch | None = None,
) -> Server:
    """Listen for hypervisors, keep each one right, and tell `observe` what is seen on it.

    `observe` is called in the hypervisor's own green thread, with the whole description, whenever that differs from
    the last one; it may wait.  So is `watch`, with the system-id and all bridges that others made and pointed at a
    controller, in the database of a hypervisor or of none.

    `controller_port` is where our OpenFlow listener is, on the address that a hypervisor
    connected to. With `tls` hypervisors come over TLS, and their switches are told to, too.  In a `cluster`,
    its members take turns.  `wires`: the MTU of their ends is looked after.  Raises `Misconfigured` when it cannot
    listen.
    """
    family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
    try:
        listener = hub.listen(listen, family=family, backlog=256)
    except (OSError, OverflowError) as fault:
        raise Misconfigured(f"[ovsdb] cannot listen on {listen[0]} port {listen[1]}: {fault}") from fault
    return Server(listener, observe, controller_port, tls, cluster, wires, watch)


def controller_target(local: str, port: int, *, tls: bool) -> str:
    """The OVS controller target for our address `local`, as `getsockname` says it."""
    address = ipaddress.ip_address(local.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"{'ssl' if tls else 'tcp'}:{host}:{port}"


class Server:
    """`address` is where it listens: (host, port)."""

    def __init__(
        self,
        listener: socket.socket,
        observe: Observe,
        controller_port: int,
        tls: ssl.SSLContext | None,
        cluster: Cluster | None = None,
        wires: Wires | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self._listener = listener
        self._observe = observe
        self._watch = watch
        self._controller_port = controller_port
        self._tls = tls
        self._cluster = cluster
        self._wires = wires
        self._threads: set[hub.GreenThread] = set()
        self._admitted: dict[str, Hypervisor] = {}
        self._accepting = hub.keep(self._accept)
        if cluster:
            cluster.listen(self._look)
        if wires:
            wires.listen(self._rewired)

    def hypervisors(self) -> list[Facts]:
        """The hypervisors that are connected, by system-id."""
        return [self._admitted[system_id].facts() for system_id in sorted(self._admitted)]

    def close(self) -> None:
        """Stop listening and end all connections."""
        hub.kill(self._accepting)
        self._listener.close()
        for thread in list(self._threads):
            hub.kill(thread)

    def _accept(self) -> None:
        while True:
            try:
                sock, peer = self._listener.accept()
            except OSError as fault:  # out of file descriptors, or the peer has gone already
                log.warning("cannot accept a connection: %s", fault)
                hub.sleep(0.1)
                continue
            if len(self._threads) - len(self._admitted) >= STRANGERS_LIMIT:
                log.warning("%s: refused: %d connections have not said who they are", peer[0], STRANGERS_LIMIT)
                sock.close()
                continue
            thread = hub.spawn(self._serve, sock, f"{peer[0]} port {peer[1]}")
            self._threads.add(thread)
            thread.link(self._threads.discard)

    def _serve(self, sock: socket.socket, address: str) -> None:
        hypervisor: Hypervisor | None = None
        name = address
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            target = controller_target(sock.getsockname()[0], self._controller_port, tls=self._tls is not None)
            if self._tls:
                sock = _secured(sock, self._tls)
            hypervisor = Hypervisor(sock, address, (target,), self._observe, self._cluster, self._wires, self._watch)
            hypervisor.attend(self._admit)
        except (SwitchError, OSError) as fault:
            name = hypervisor.name if hypervisor else address
            log.warning("%s: connection ended: %s", name, fault)
        finally:
            if hypervisor:
                hypervisor.close(Unreachable("closed"))
                if self._admitted.get(hypervisor.system_id) is hypervisor:
                    del self._admitted[hypervisor.system_id]
                    if self._cluster:
                        self._cluster.database(hypervisor.system_id, False)
            sock.close()

    def _admit(self, hypervisor: Hypervisor) -> None:
        """Let it in, unless another connection of the same system-id proves to be alive: then raise `Rejected`."""
        while other := self._admitted.get(hypervisor.system_id):
            if other.answers():
                raise Rejected({}, f"refused: {other.name} is connected with the same system-id")
            other.close(Unreachable("silent, and its hypervisor connected anew"))
            if self._admitted.get(hypervisor.system_id) is other:
                del self._admitted[hypervisor.system_id]
        self._admitted[hypervisor.system_id] = hypervisor
        if self._cluster:
            self._cluster.database(hypervisor.system_id, True)

    def _rewired(self, dpids: Sequence[int]) -> None:
        for hypervisor in self._admitted.values():
            if hypervisor.has(dpids):
                hypervisor.look()

    def _look(self) -> None:
        for hypervisor in self._admitted.values():
            hypervisor.look()


def _secured(sock: socket.socket, tls: ssl.SSLContext) -> socket.socket:
    secured = tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)  # it takes `sock` over
    try:
        with hub.Timeout(TLS_LIMIT, Unreachable(f"no TLS handshake within {TLS_LIMIT:g} s")):
            secured.do_handshake()
    except BaseException as fault:
        secured.close()
        if isinstance(fault, OSError):
            raise Unreachable(f"TLS: {fault}") from fault
        raise
    return secured
