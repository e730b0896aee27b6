"""Raw frames in and out of one interface (packet(7)).

Opened before the act and read after it, a `Capture` holds what arrived in between in its socket's buffer: no thread, no
process, nothing to miss.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType

from tests.lab.netns import socket_in

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
SO_RCVBUFFORCE = 33
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6
BUFFER = 32 << 20

Wanted = Callable[[bytes], bool]


def anything(_: bytes) -> bool:
    return True


class Capture:
    """Frames that arrive at an interface (with `outgoing`, those that leave it too) from now until `close`."""

    def __init__(self, namespace: str, interface: str = "eth0", *, outgoing: bool = False) -> None:
        self._outgoing = outgoing
        self._socket = socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._socket.bind((interface, ETH_P_ALL))
        while select.select([self._socket], [], [], 0)[0]:  # what came, from any interface, before the bind
            self._socket.recv(65536)

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def first(self, wanted: Wanted, within: float = 2.0) -> bytes | None:
        """The next wanted frame, or None when `within` seconds pass without one."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0 or self._waiting(0):
            if self._waiting(max(left, 0)) and (frame := self._read()) is not None and wanted(frame):
                return frame
        return None

    def frames(self, wanted: Wanted = anything, during: float = 0.5) -> list[bytes]:
        """All wanted frames that have come, and those that still come in `during` seconds."""
        deadline = time.monotonic() + during
        found = []
        while (left := deadline - time.monotonic()) > 0:
            frame = self.first(wanted, left)
            if frame is not None:
                found.append(frame)
        return found

    def _waiting(self, seconds: float) -> bool:
        return bool(select.select([self._socket], [], [], seconds)[0])

    def _read(self) -> bytes | None:
        frame, extra, _, address = self._socket.recvmsg(65536, 256)
        if address[2] == socket.PACKET_OUTGOING and not self._outgoing:
            return None
        return _with_tag(frame, extra)


def _with_tag(frame: bytes, extra: list[tuple[int, int, bytes]]) -> bytes:
    """The frame as it was on the wire: the kernel takes an outer VLAN tag off and tells it beside the frame."""
    for level, kind, value in extra:
        if level == SOL_PACKET and kind == PACKET_AUXDATA and len(value) >= 20:
            status, _, _, _, _, tag, tpid = struct.unpack("=IIIHHHH", value[:20])
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                return frame[:12] + struct.pack("!HH", tpid, tag) + frame[12:]
    return frame


def send(namespace: str, frames: list[bytes], interface: str = "eth0", pause: float = 0.0) -> None:
    """Put frames on the wire out of an interface as they are, `pause` seconds apart."""
    with socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((interface, 0))
        for frame in frames:
            raw.send(frame)
            if pause:
                time.sleep(pause)
