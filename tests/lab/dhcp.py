"""A DHCPv4 client of few lines (RFC 2131, RFC 2132): messages made and read by hand, sent as raw frames.

It shares no code with the product, so that a mistake there is not mirrored here.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import struct
import time
from collections.abc import Mapping
from typing import NamedTuple

from tests.lab import frames
from tests.lab.netns import socket_in

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
MASK, ROUTERS, SERVERS, HOST_NAME, DOMAIN, MTU = 1, 3, 6, 12, 15, 26
WANTED_ADDRESS, LEASE, KIND, SERVER, ASKED_FOR, CLIENT_ID, END = 50, 51, 53, 54, 55, 61, 255
ASKED = bytes((MASK, ROUTERS, SERVERS, HOST_NAME, DOMAIN, MTU, LEASE, 121))
NOBODY, EVERYBODY = "0.0.0.0", "255.255.255.255"
COOKIE = bytes((99, 130, 83, 99))
BROADCAST_FLAG = 0x8000
_FIXED = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")
_START = 14 + 20 + 8  # of the message in a frame without IP options


class Message(NamedTuple):
    """What a server says.  `address`: yiaddr; `next_server`: siaddr; `file`: the boot file of the fixed part."""

    kind: int
    xid: int
    mac: str
    address: str
    next_server: str
    file: str
    options: dict[int, bytes]

    @property
    def server(self) -> str:
        return str(ipaddress.IPv4Address(self.options[SERVER]))

    @property
    def lease(self) -> int:
        """Seconds."""
        return int.from_bytes(self.options[LEASE], "big")


class Way(NamedTuple):
    """By which addresses a client's message goes."""

    source: str = NOBODY
    to: str = EVERYBODY
    to_mac: str = frames.BROADCAST


BY_BROADCAST = Way()


def message(
    kind: int,
    mac: str,
    xid: int,
    options: Mapping[int, bytes] | None = None,
    *,
    ciaddr: str = NOBODY,
    giaddr: str = NOBODY,
    way: Way = BY_BROADCAST,
    sender: str = "",
) -> bytes:
    """The frame of a client's message; `sender`: the MAC that the frame is from, where it is not the client's."""
    fixed = _FIXED.pack(
        1, 1, 6, 0, xid, 0, 0, frames.address(ciaddr), bytes(4), bytes(4), frames.address(giaddr),
        frames.mac(mac), b"", b"",
    )  # fmt: skip
    given = {KIND: bytes((kind,)), ASKED_FOR: ASKED, **(options or {})}
    body = b"".join(bytes((code, len(value))) + value for code, value in given.items())
    told = (fixed + COOKIE + body + bytes((END,))).ljust(300, b"\0")
    packet = frames.ipv4(way.source, way.to, frames.UDP, frames.udp(68, 67, told))
    return frames.ethernet(way.to_mac, sender or mac, frames.IPV4, packet)


def discover(mac: str, xid: int, options: Mapping[int, bytes] | None = None) -> bytes:
    return message(DISCOVER, mac, xid, options)


def request(mac: str, xid: int, offer: Message) -> bytes:
    """The client takes an offer (RFC 2131, 4.3.2: SELECTING)."""
    chosen = {WANTED_ADDRESS: frames.address(offer.address), SERVER: offer.options[SERVER]}
    return message(REQUEST, mac, xid, chosen)


def read(frame: bytes) -> Message | None:
    """What a server says in a frame; None where it says nothing to a DHCP client."""
    if len(frame) < _START + _FIXED.size + 4 or frame[12:15] != b"\x08\x00\x45" or frame[23] != frames.UDP:
        return None
    if frame[34:38] != b"\0\x43\0\x44" or frame[_START] != 2:
        return None
    return parsed(frame[_START : 34 + int.from_bytes(frame[38:40], "big")])


def parsed(told: bytes) -> Message:
    """A BOOTP reply; raises ValueError where it breaks the protocol."""
    fields = _FIXED.unpack_from(told)
    if told[_FIXED.size : _FIXED.size + 4] != COOKIE:
        raise ValueError("a reply without the magic cookie")
    options: dict[int, bytes] = {}
    place = _FIXED.size + 4
    while told[place] != END:
        code = told[place]
        if code == 0:
            place += 1
            continue
        size = told[place + 1]
        if place + 2 + size >= len(told):
            raise ValueError(f"option {code} is longer than the message")
        options[code] = options.get(code, b"") + told[place + 2 : place + 2 + size]  # RFC 3396
        place += 2 + size
    return Message(
        options[KIND][0], fields[4], fields[11][:6].hex(":"), str(ipaddress.IPv4Address(fields[8])),
        str(ipaddress.IPv4Address(fields[9])), fields[13].rstrip(b"\0").decode(), options,
    )  # fmt: skip


class Client:
    """A client at one interface of a namespace, by a packet socket; `mac` is the hardware address that it tells."""

    def __init__(self, namespace: str, mac: str, interface: str = "eth0") -> None:
        self.mac = mac
        self.socket = socket_in(namespace, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(frames.IPV4))
        self.socket.bind((interface, frames.IPV4))
        self._xid = int.from_bytes(frames.mac(mac)[2:], "big")

    def close(self) -> None:
        self.socket.close()

    def new_xid(self) -> int:
        self._xid = self._xid + 1 & 0xFFFFFFFF
        return self._xid

    def ask(self, frame: bytes, within: float = 2.0) -> tuple[Message | None, float]:
        """Send a message; the reply to it, or None, and the seconds from sending to reading it."""
        xid = frame[_START + 4 : _START + 8]
        began = time.perf_counter()
        self.socket.send(frame)
        while (left := began + within - time.perf_counter()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                break
            got = self.socket.recv(2048)
            took = time.perf_counter() - began
            if got[_START + 4 : _START + 8] == xid and (told := read(got)) is not None:
                return told, took
        return None, time.perf_counter() - began

    def discover(self, options: Mapping[int, bytes] | None = None, within: float = 2.0) -> tuple[Message | None, float]:
        return self.ask(discover(self.mac, self.new_xid(), options), within)

    def request(self, offer: Message, within: float = 2.0) -> tuple[Message | None, float]:
        return self.ask(request(self.mac, self.new_xid(), offer), within)

    def lease(self, within: float = 2.0) -> Message:
        """The acknowledgement of a lease; raises TimeoutError, and RuntimeError where it is refused."""
        offer, _ = self.discover(within=within)
        if offer is None:
            raise TimeoutError(f"{self.mac}: no offer")
        told, _ = self.request(offer, within)
        if told is None:
            raise TimeoutError(f"{self.mac}: no acknowledgement")
        if told.kind != ACK:
            raise RuntimeError(f"{self.mac}: {told}")
        return told
