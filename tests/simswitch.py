"""A simulated OpenFlow 1.3 switch: a real TCP connection, a flow table as a dict, no packets.

Runs in a green thread, so that hundreds fit into the process under test.  It reads and writes messages by itself (only
the numbers are shared with `controller.openflow.wire`), so that a mistake there is not mirrored here.
"""

from __future__ import annotations

import socket
import struct
from collections import Counter
from typing import NamedTuple

from controller.openflow import wire
from controller.runtime import hub

Key = tuple[int, int, bytes]  # table, priority, match

AGE = 1000  # seconds since each flow came
_MULTIPART_ROOM = 60_000  # bytes of flows in one part of a dump


class Flow(NamedTuple):
    cookie: int
    instructions: bytes
    flags: int = 0


class SimSwitch:
    """`flows`, `meters` and `ports` may be read and changed at any time; they outlast the connection.

    `received` counts messages by OpenFlow type, `bundle_adds` and `commits` what came in bundles.  A flow with a cookie
    in `reject` is refused with OFPBAC_BAD_OUT_PORT.  `mute` leaves requests unanswered, echo requests among them.
    """

    def __init__(self, dpid: int, controller: tuple[str, int], ports: tuple[str, ...] = ("p1",)) -> None:
        self.dpid = dpid
        self.controller = controller
        self.flows: dict[Key, Flow] = {}
        self.meters: dict[int, tuple[int, int, int]] = {}  # number: flags, rate, burst
        self.ports = {number: (name, 0) for number, name in enumerate(ports, 1)}  # number: name, state
        self.speeds: dict[int, int] = {}  # number: kbit/s
        self.reject: set[int] = set()
        self.has_meters = True
        self.mute = False
        self.received: Counter[int] = Counter()
        self.bundle_adds = 0
        self.commits = 0
        self.packet_outs: list[bytes] = []
        self.flushed_zones: list[int] = []
        self._bundle: list[bytes] | None = None
        self._cookies: dict[int, set[Key]] = {}
        self._writing = hub.Semaphore(1)
        self._socket: socket.socket | None = None
        self._thread: hub.GreenThread | None = None

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def connect(self) -> SimSwitch:
        """Open the connection; the handshake goes on by itself."""
        self._socket = self.dial()
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread = hub.spawn(self._serve, self._socket)
        return self

    def dial(self) -> socket.socket:
        made: socket.socket = hub.connect(self.controller)
        return made

    def drop(self) -> None:
        """End the connection; flows, meters and ports stay."""
        if self._socket:
            sock, self._socket = self._socket, None
            hub.kill(self._thread)
            sock.close()

    def share(self, other: SimSwitch) -> None:
        """Be another connection of the same switch."""
        self.flows, self.meters, self._cookies = other.flows, other.meters, other._cookies

    def packet_in(self, cookie: int, in_port: int, data: bytes) -> None:
        match = struct.pack("!HHII", 1, 12, 0x80000004, in_port) + bytes(4)
        body = struct.pack("!IHBBQ", wire.ANY, len(data), 1, 0, cookie) + match + bytes(2) + data
        self._send(wire.PACKET_IN, 0, body)

    def port(self, number: int, name: str, state: int = 0, gone: bool = False) -> None:
        """A port appears or changes, or (`gone`) disappears."""
        reason = 1 if gone else 2 if number in self.ports else 0
        self.ports[number] = (name, state)
        self._send(wire.PORT_STATUS, 0, struct.pack("!B7x", reason) + self._port(number))
        if gone:
            del self.ports[number]

    def send_raw(self, data: bytes) -> None:
        if self._socket:
            with self._writing:
                self._socket.sendall(data)

    def _serve(self, sock: socket.socket) -> None:
        self._send(wire.HELLO, 1, struct.pack("!HHI", 1, 8, 1 << 4))
        pending = bytearray()
        try:
            while got := sock.recv(65536):
                pending += got
                used = 0
                while len(pending) - used >= 8:
                    length = int.from_bytes(pending[used + 2 : used + 4], "big")
                    if len(pending) - used < length:
                        break
                    self._handle(bytes(pending[used : used + length]))
                    used += length
                del pending[:used]
                hub.sleep(0)
        except OSError:
            pass  # the controller hung up
        finally:
            sock.close()
            if self._socket is sock:
                self._socket = None

    def _send(self, kind: int, xid: int, body: bytes = b"") -> None:
        self.send_raw(struct.pack("!BBHI", 4, kind, 8 + len(body), xid) + body)

    def _error(self, xid: int, kind: int, code: int, message: bytes) -> None:
        self._send(wire.ERROR, xid, struct.pack("!HH", kind, code) + message[:100])

    def _handle(self, message: bytes) -> None:
        kind, xid = message[1], int.from_bytes(message[4:8], "big")
        self.received[kind] += 1
        if self.mute:
            return
        if kind == wire.ECHO_REQUEST:
            self._send(wire.ECHO_REPLY, xid, message[8:])
        elif kind == 5:  # OFPT_FEATURES_REQUEST
            self._send(wire.FEATURES_REPLY, xid, struct.pack("!QIBBxxII", self.dpid, 0, 254, 0, 0x4F, 0))
        elif kind == wire.MULTIPART_REQUEST:
            self._multipart(xid, message)
        elif kind == wire.EXPERIMENTER:
            self._experimenter(xid, message)
        elif kind == wire.METER_MOD:
            self._meter_mod(xid, message)
        elif kind == wire.BARRIER_REQUEST:
            self._send(wire.BARRIER_REPLY, xid)
        elif kind == 24:  # OFPT_ROLE_REQUEST
            self._send(wire.ROLE_REPLY, xid, message[8:])
        elif kind == wire.PACKET_OUT:
            self.packet_outs.append(message)

    # --- questions ----------------------------------------------------------------------------------------------------

    def _multipart(self, xid: int, message: bytes) -> None:
        kind = int.from_bytes(message[8:10], "big")
        if kind == wire.PORT_DESC:
            parts = _parts([self._port(number) for number in self.ports])
        elif kind == wire.FLOW_STATS:
            parts = self._dump()
        elif kind == wire.AGGREGATE:
            parts = [struct.pack("!QQI4x", 3, 4, self._count())]
        elif kind == wire.METER_CONFIG and self.has_meters:
            number = int.from_bytes(message[16:20], "big")
            if number not in (*self.meters, 0xFFFFFFFF):
                return self._error(xid, 12, 3, message)  # OFPMMFC_UNKNOWN_METER
            asked = [one for one in self.meters.items() if number in (one[0], 0xFFFFFFFF)]
            parts = _parts([struct.pack("!HHIHHII4x", 24, f, n, 1, 16, rate, burst) for n, (f, rate, burst) in asked])
        else:
            return self._error(xid, 1, 2, message)  # OFPBRC_BAD_MULTIPART
        for index, part in enumerate(parts):
            self._send(wire.MULTIPART_REPLY, xid, struct.pack("!HH4x", kind, int(index < len(parts) - 1)) + part)

    def _port(self, number: int) -> bytes:
        (name, state), speed = self.ports[number], self.speeds.get(number, 0)
        mac = b"\x02\0" + struct.pack("!I", number & 0xFFFFFFFF)
        return struct.pack("!I4x6s2x16sIIIIIIII", number, mac, name.encode()[:15], 0, state, 0, 0, 0, 0, speed, 0)

    def _count(self) -> int:
        return len(self.flows)

    def _dump(self) -> list[bytes]:
        entries = []
        for (table, priority, match), flow in self.flows.items():
            length = 48 + len(match) + len(flow.instructions)
            fixed = struct.pack("!HBxIIHHHH4xQQQ", length, table, AGE, 2, priority, 0, 0, flow.flags, flow.cookie, 3, 4)
            entries.append(fixed + match + flow.instructions)
        return _parts(entries)

    def _meter_mod(self, xid: int, message: bytes) -> None:
        if not self.has_meters:
            return self._error(xid, 1, 1, message)  # OFPBRC_BAD_TYPE
        command, flags, number = struct.unpack_from("!HHI", message, 8)
        if command == 2:
            self.meters.pop(number, None)
            self.flows = {key: flow for key, flow in self.flows.items() if _meter_of(flow.instructions) != number}
            return None
        rate, burst = struct.unpack_from("!II", message, 20)
        if (command == 1) != (number in self.meters):
            return self._error(xid, 12, 3 if command else 1, message)
        self.meters[number] = (flags, rate, burst)
        return None

    # --- bundles ------------------------------------------------------------------------------------------------------

    def _experimenter(self, xid: int, message: bytes) -> None:
        vendor, kind, bundle = struct.unpack_from("!III", message, 8)
        if (vendor, kind) == (0x2320, 29):  # NXT_CT_FLUSH_ZONE
            self.flushed_zones.append(int.from_bytes(message[22:24], "big"))
            return None
        if vendor != wire.ONF:
            return self._error(xid, 1, 3, message)
        if kind == wire.BUNDLE_ADD:
            return self._add(xid, message)
        control, flags = struct.unpack_from("!HH", message, 20)
        if control == wire.OPEN_REQUEST:
            self._bundle = []
        elif control == wire.COMMIT_REQUEST:
            for inner in self._bundle or []:
                self._flow_mod(inner)
            self.commits += 1
            self._bundle = None
        elif control == wire.DISCARD_REQUEST:
            self._bundle = None
        reply = struct.pack("!IIIHH", wire.ONF, wire.BUNDLE_CONTROL, bundle, control + 1, flags)
        return self._send(wire.EXPERIMENTER, xid, reply)

    def _add(self, xid: int, message: bytes) -> None:
        self.bundle_adds += 1
        inner = message[24:]
        if int.from_bytes(inner[8:16], "big") in self.reject:
            return self._error(xid, 2, 4, message)  # as Open vSwitch does: the rest of the bundle would be committed
        if inner[1] == wire.FLOW_MOD and _meter_of(_instructions(inner)) not in (0, *self.meters):
            return self._error(xid, 12, 2, message)  # OFPMMFC_INVALID_METER
        if self._bundle is not None:
            self._bundle.append(inner)
        return None

    def _flow_mod(self, inner: bytes) -> None:
        cookie, _, table, command, _, hard, priority, _, _, _, flags = struct.unpack_from("!QQBBHHHIIIH", inner, 8)
        if hard:
            return  # as long as it lasts, it does nothing here
        if command == 3:
            for key in self._cookies.pop(cookie, set()):
                del self.flows[key]
            return
        size = int.from_bytes(inner[50:52], "big")
        end = 48 + (size + 7) // 8 * 8
        key = (table, priority, inner[48:end])
        if old := self.flows.get(key):
            self._cookies[old.cookie].discard(key)
        self.flows[key] = Flow(cookie, inner[end:], flags)
        self._cookies.setdefault(cookie, set()).add(key)


def _parts(entries: list[bytes]) -> list[bytes]:
    """The bodies of a multipart reply."""
    parts, part, size = [], [], 0
    for entry in entries:
        part.append(entry)
        size += len(entry)
        if size > _MULTIPART_ROOM:
            parts.append(b"".join(part))
            part, size = [], 0
    return [*parts, b"".join(part)]


def _instructions(flow_mod: bytes) -> bytes:
    size = int.from_bytes(flow_mod[50:52], "big")
    return flow_mod[48 + (size + 7) // 8 * 8 :]


def _meter_of(instructions: bytes) -> int:
    """The meter that the first instruction names (OpenFlow 1.3.5, 7.2.4), 0 for none."""
    return int.from_bytes(instructions[4:8], "big") if instructions[:2] == bytes((0, 6)) else 0
