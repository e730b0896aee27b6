"""The connections that are open, and which of them to close when there are too many: of strangers before others'."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
from collections.abc import Iterable
from typing import Any

log = logging.getLogger("tenet.http")

KNOWN = "tenet.known"  # in a WSGI environment: to be called when it is known who asks, before the answer begins


class Connections:
    """Bounded in all and by source address.

    A stranger is who has shown no valid token yet.  Whoever comes has the oldest stranger closed when there are too
    many, at whatever stage it is; where there is none, who has waited longest for a request to begin.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        """`most_of_one`: from one address."""
        self._most = most
        self._most_of_one = most_of_one
        self._open: dict[Any, str] = {}  # by socket: its source
        self._of: dict[str, dict[Any, None]] = {}  # by source: its sockets, the oldest first
        self._strangers: dict[Any, None] = {}  # the oldest first
        self._waiting: dict[Any, None] = {}  # in the order in which they began to wait

    def __len__(self) -> int:
        return len(self._open)

    def add(self, sock: Any, address: str) -> None:
        origin = source(address)
        mine = self._of.setdefault(origin, {})
        if len(mine) >= self._most_of_one:
            log.debug("%s has more than %d connections: one is closed", origin, self._most_of_one)
            self._close(next(self._closable(mine), sock))
        elif len(self._open) >= self._most:
            oldest = next(iter(self._strangers or self._waiting), None)
            if oldest is not None:
                log.debug("more than %d connections: one is closed", self._most)
                self._close(oldest)
        self._open[sock] = origin
        self._strangers[sock] = mine[sock] = None

    def _closable(self, sockets: Iterable[Any]) -> Any:
        return (each for each in sockets if each in self._strangers or each in self._waiting)

    def _close(self, sock: Any) -> None:
        """Whatever its thread waits for ends; it counts until then, but not as one that could be closed."""
        self._strangers.pop(sock, None)
        self._waiting.pop(sock, None)
        self._leave(sock)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    def known(self, sock: Any) -> None:
        """A valid token came over it."""
        self._strangers.pop(sock, None)

    def waits(self, sock: Any) -> None:
        """For the head of a request."""
        if sock in self._open:
            self._waiting[sock] = None

    def busy(self, sock: Any) -> None:
        self._waiting.pop(sock, None)

    def remove(self, sock: Any) -> None:
        self._leave(sock)
        self._open.pop(sock, None)
        self._strangers.pop(sock, None)
        self.busy(sock)

    def _leave(self, sock: Any) -> None:
        origin = self._open.get(sock, "")
        mine = self._of.get(origin, {})
        mine.pop(sock, None)
        if not mine:
            self._of.pop(origin, None)


def source(address: str) -> str:
    """Whom an address counts for: of IPv6 the /64, which is what one client has (RFC 4291, 2.5.4)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
