"""Socket writer with a time limit, for clients that stop reading."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import Any

from controller.runtime import hub

PATIENCE = 60.0  # seconds for each write
HURRY = 5.0  # seconds for each write to an unauthenticated client
SLOWEST = 65_536  # bytes a second, at least, in large writes


class Writer:
    """Buffered file of a connection.  A write that takes too long ends the connection."""

    def __init__(self, file: Any, sock: Any) -> None:
        self.known = False  # whether the client is authenticated
        self._file = file
        self._sock = sock

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)

    def close(self) -> None:
        """Release the socket, even when buffered data cannot be written."""
        with contextlib.suppress(OSError):
            self._file.close()

    def send(self, data: bytes) -> None:
        """Write and flush.  What the socket takes at once needs no time limit, and none is set."""
        sent = hub.send_now(self._sock, data)
        if sent < len(data):
            rest = data[sent:] if sent else data
            self._limited(self._write_out, len(rest), rest)

    def _write_out(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()

    def write(self, data: bytes) -> None:
        self.writelines([data])

    def writelines(self, lines: Sequence[bytes]) -> None:
        size = sum(map(len, lines))
        self._limited(self._file.writelines, size, lines)

    def flush(self) -> None:
        self._limited(self._file.flush, 0)

    def _limited(self, call: Callable[..., None], size: int, *arguments: Any) -> None:
        """Run a write within its time limit.  Raises TimeoutError."""
        try:
            seconds = (PATIENCE if self.known else HURRY) + size / SLOWEST
            with hub.Timeout(seconds, TimeoutError("the client does not read")):
                call(*arguments)
        except TimeoutError:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # else the rest would be written again at close
            raise
