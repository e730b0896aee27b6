"""Writing to a client that may not read."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from controller import hub

PATIENCE = 60.0  # seconds for each write
SLOWEST = 65_536  # bytes a second, of large ones


class Writer:
    """A connection's buffered file, every write of which ends in time, and the connection with it if it does not."""

    def __init__(self, file: Any, sock: Any) -> None:
        self._file = file
        self._sock = sock

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)

    def close(self) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        with self._limited(len(data)):
            self._file.write(data)

    def writelines(self, lines: Sequence[bytes]) -> None:
        with self._limited(sum(map(len, lines))):
            self._file.writelines(lines)

    def flush(self) -> None:
        with self._limited(0):
            self._file.flush()

    @contextlib.contextmanager
    def _limited(self, size: int) -> Iterator[None]:
        """Raises TimeoutError."""
        try:
            with hub.Timeout(PATIENCE + size / SLOWEST, TimeoutError("the client does not read")):
                yield
        except TimeoutError:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # or what is left would be tried again
            raise
