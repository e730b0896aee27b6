"""OpenFlow connection: bytes in become whole messages, messages out are queued, and everything is bounded.

Nothing here knows what a message means beyond the header's length.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator

from controller.openflow.wire import HEADER, Malformed
from controller.runtime import hub
from controller.runtime.errors import Unreachable

log = logging.getLogger("tenet.openflow")

_READ = 65536  # bytes a read; the longest message is 65,535
_TURN = 0.002  # seconds of reading after which other green threads run
_LOW = 1 << 20  # bytes queued for sending below which writers do not wait
_HIGH = 16 << 20  # bytes queued for sending above which the connection is closed


class Connection:
    """Connection to one peer, read by one green thread and written by another.  A `SwitchLink` for sessions."""

    def __init__(self, sock: socket.socket, address: str) -> None:
        self.address = address
        self.closed = False
        self.why = ""  # it was closed
        self._sock = sock
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self.ending = ""  # close for this reason once the queue is empty
        self._work = hub.Signal()
        self._room = hub.Signal()
        self._room.set()
        self._sender = hub.spawn(self._send_all)

    def write(self, data: bytes) -> None:
        """Send `data`, and queue what the socket does not take at once; never waits.  A peer that lets too much gather
        is closed.
        """
        if self.closed or self.ending:
            return
        if not self._queued:
            try:
                sent = hub.send_now(self._sock, data)
            except OSError as problem:
                self.close(f"writing failed: {problem}")
                return
            if sent == len(data):
                return
            data = data[sent:]
        self._queue.append(data)
        self._queued += len(data)
        self._work.set()
        if self._queued > _HIGH:
            self.close("it does not read what it is sent")
        elif self._queued > _LOW:
            self._room.clear()

    def drain(self, timeout: float) -> None:
        """Wait until less than 1 MB is queued; closes and raises `Unreachable` after `timeout` seconds."""
        if not self._room.wait(timeout):
            self.close(f"it has read nothing for {timeout:.0f} s")
        if self.closed:
            raise Unreachable(f"{self.address} has disconnected")

    def close(self, why: str) -> None:
        """End the connection now.  The reader wakes up and finishes."""
        if self.closed:
            return
        self.closed, self.why = True, why
        self._queue.clear()
        self._work.set()
        self._room.set()
        with contextlib.suppress(OSError):  # the peer has closed it already
            self._sock.shutdown(socket.SHUT_RDWR)

    def close_when_sent(self, why: str) -> None:
        """End the connection once all that is queued has been sent; nothing more is."""
        self.ending = why
        self._work.set()

    def read(self, handle: Callable[[bytes], None]) -> None:
        """Hand every whole message to `handle` until the connection ends.

        Raises `Malformed` for a length below the header's, and what `handle` raises.
        """
        pending = bytearray()
        turn = time.monotonic()
        empty = False
        while not self.closed:
            got = self._receive(empty)
            if not got:
                return
            empty = len(got) < _READ
            pending += got
            used = 0
            for message in messages(pending):
                used += len(message)
                handle(message)
                if self.closed:
                    return
                if time.monotonic() - turn > _TURN:
                    hub.sleep(0)
                    turn = time.monotonic()
            del pending[:used]

    def release(self) -> None:
        """Close the socket and end the sender.  Called by the reader at its end."""
        self.close("it hung up")
        self._sock.close()
        hub.kill(self._sender)

    def _receive(self, empty: bool) -> bytes:
        try:
            return hub.receive(self._sock, _READ, empty=empty)
        except OSError as problem:
            self.close(f"reading failed: {problem}")
            return b""

    def _send_all(self) -> None:
        try:
            self._send_queued()
        except Exception as problem:  # a fault of the controller ends this connection only
            log.exception("writing to %s failed", self.address)
            self.close(f"{type(problem).__name__}: {problem}")

    def _send_queued(self) -> None:
        while not self.closed:
            if not self._queue:
                if self.ending:
                    self.close(self.ending)
                    return
                self._work.clear()
                self._work.wait()
                continue
            data = self._queue.popleft()
            try:
                self._sock.sendall(data)
            except OSError as problem:
                self.close(f"writing failed: {problem}")
                return
            self._queued -= len(data)
            if self._queued < _LOW:
                self._room.set()


def messages(pending: bytearray) -> Iterator[bytes]:
    """Complete messages at the start of `pending`, with their headers.  `pending` must not change meanwhile."""
    offset, end = 0, len(pending)
    while end - offset >= HEADER.size:
        length = int.from_bytes(pending[offset + 2 : offset + 4], "big")
        if length < HEADER.size:
            raise Malformed(f"a message of length {length}")
        if end - offset < length:
            return
        yield bytes(pending[offset : offset + length])
        offset += length
