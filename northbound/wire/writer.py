"""Writing to a client that may not read."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import Any

from controller.runtime import hub

PATIENCE = 60.0  # seconds for each write
HURRY = 5.0  # seconds, to strangers
SLOWEST = 65_536  # bytes a second, of large ones


class Writer:
    """A connection's buffered file, every write of which ends in time, and the connection with it if it does not."""

    def __init__(self, file: Any, sock: Any) -> None:
        self.known = False  # who reads
        self._file = file
        self._sock = sock

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)

    def close(self) -> None:
        """What cannot be written is lost with the connection; its socket is let go all the same."""
        with contextlib.suppress(OSError):
            self._file.close()

    def write(self, data: bytes) -> None:
        self.writelines([data])

    def writelines(self, lines: Sequence[bytes]) -> None:
        size = sum(map(len, lines))
        self._limited(self._file.writelines, size, lines)

    def flush(self) -> None:
        self._limited(self._file.flush, 0)

    def _limited(self, call: Callable[..., None], size: int, *arguments: Any) -> None:
        """Raises TimeoutError."""
        try:
            seconds = (PATIENCE if self.known else HURRY) + size / SLOWEST
            with hub.Timeout(seconds, TimeoutError("the client does not read")):
                call(*arguments)
        except TimeoutError:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # or what is left would be tried again
            raise
