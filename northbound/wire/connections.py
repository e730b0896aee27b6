"""The connections there are, and which of them to close when there are too many."""

from __future__ import annotations

import contextlib
import logging
import socket
from typing import Any

log = logging.getLogger("tenet.http")


class Connections:
    """Whoever has not sent a whole head makes room for whoever comes, the one that is longest at it first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[Any] = set()
        self._waiting: dict[Any, None] = {}  # in the order in which they began to wait

    def __len__(self) -> int:
        return len(self._open)

    def add(self, sock: Any) -> None:
        self._open.add(sock)
        if len(self._open) > self._most and self._waiting:
            oldest = next(iter(self._waiting))
            self.busy(oldest)
            log.debug("more than %d connections: one that waits is closed", self._most)
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)

    def waits(self, sock: Any) -> None:
        """For the head of a request."""
        self._waiting[sock] = None

    def busy(self, sock: Any) -> None:
        self._waiting.pop(sock, None)

    def remove(self, sock: Any) -> None:
        self._open.discard(sock)
        self.busy(sock)
