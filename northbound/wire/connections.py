"""Limits on open connections; unauthenticated ones are closed first."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
from collections.abc import Iterable
from typing import Any

log = logging.getLogger("tenet.http")

KNOWN = "tenet.known"  # key in the WSGI environment: call it once the client is authenticated, before the answer begins


class Connections:
    """Open connections, limited in total and by source address.

    A stranger is a connection without a valid token so far.  When there are too many, a new connection closes the
    oldest stranger, in whatever state, or else the one that has waited longest for a request to begin.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        """`most`: connections in total; `most_of_one`: from one source."""
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
            log.debug("%s has more than %d connections: closing one", origin, self._most_of_one)
            self._close(next(self._closable(mine), sock))
        elif len(self._open) >= self._most:
            oldest = next(iter(self._strangers or self._waiting), None)
            if oldest is not None:
                log.debug("more than %d connections: closing one", self._most)
                self._close(oldest)
        self._open[sock] = origin
        self._strangers[sock] = mine[sock] = None

    def _closable(self, sockets: Iterable[Any]) -> Any:
        return (each for each in sockets if each in self._strangers or each in self._waiting)

    def _close(self, sock: Any) -> None:
        """Close a connection by ending its thread's wait.  It counts until then, but is not chosen again."""
        self._strangers.pop(sock, None)
        self._waiting.pop(sock, None)
        self._leave(sock)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    def known(self, sock: Any) -> None:
        """The connection's client has shown a valid token."""
        self._strangers.pop(sock, None)

    def waits(self, sock: Any) -> None:
        """The connection waits for the head of a request."""
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
    """Source that an address counts for: itself, or its /64 for IPv6, the usual size of one site (RFC 4291, 2.5.4)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
