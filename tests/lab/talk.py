"""TCP connections between VMs, by sockets that live in their namespaces: what one says the other hears, or not."""

from __future__ import annotations

import socket
import struct

from tests.lab.netns import socket_in
from tests.lab.vm import Vm

PATIENCE = 30.0  # seconds in which what was said must be heard: a retransmission may be late
_TOTAL_RETRANSMISSIONS = 100  # tcpi_total_retrans in struct tcp_info (linux/tcp.h)


class Talk:
    """One connection, with both of its ends."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server

    def client_says(self, what: bytes, within: float = PATIENCE) -> bool:
        """Whether the server hears it."""
        return _said(self.client, self.server, what, within)

    def server_says(self, what: bytes, within: float = PATIENCE) -> bool:
        return _said(self.server, self.client, what, within)

    @property
    def retransmitted(self) -> int:
        """Segments that either end has sent again."""
        return sum(
            struct.unpack_from("I", end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), _TOTAL_RETRANSMISSIONS)[0]
            for end in (self.client, self.server)
        )

    def close(self) -> None:
        self.client.close()
        self.server.close()


class Listener:
    """A TCP server in a VM."""

    def __init__(self, vm: Vm, address: str, port: int) -> None:
        self.place = (address, port)
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket_in(vm.namespace, self._family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(self.place)
        self._socket.listen()

    def accept(self, client: Vm, within: float = PATIENCE) -> Talk:
        """A connection of `client`; raises TimeoutError where none comes about."""
        made = socket_in(client.namespace, self._family, socket.SOCK_STREAM)
        try:
            made.settimeout(within)
            made.connect(self.place)
            self._socket.settimeout(within)
            return Talk(made, self._socket.accept()[0])
        except BaseException:
            made.close()
            raise

    def refuses(self, client: Vm, within: float = 2.0) -> bool:
        """Whether no connection comes about."""
        try:
            self.accept(client, within).close()
        except OSError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


def _said(one: socket.socket, other: socket.socket, what: bytes, within: float) -> bool:
    one.settimeout(within)
    other.settimeout(within)
    one.sendall(what)
    heard = b""
    try:
        while len(heard) < len(what):
            more = other.recv(len(what) - len(heard))
            if not more:
                return False
            heard += more
    except (TimeoutError, ConnectionError):
        return False
    return heard == what
