"""DHCP messages for IPv4: read with every length checked, and built (RFC 2131, RFC 2132; parts of options RFC 3396).

A message comes from a tenant.  It is read in one pass over each of its three fields of options, and the option that
says that the other two fields hold options, too, is heeded in the first one alone: no message is read in circles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import unpack_from
from typing import NamedTuple

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
BROADCAST = 0x8000  # flag: the client cannot receive unicast yet
_REQUEST, _REPLY, _ETHERNET = 1, 2, 1
_COOKIE = b"\x63\x82\x53\x63"
_OPTIONS = 240  # where they begin, behind the cookie
_SNAME, _FILE = (44, 108), (108, 236)
_PAD, _END = 0, 255
_LEAST = 300  # bytes of a message (RFC 1542, 2.1)

# Codes of options, as in the registry of BOOTP and DHCP parameters.
MASK, ROUTER, DNS, HOST_NAME, DOMAIN, MTU, BROADCAST_ADDRESS = 1, 3, 6, 12, 15, 26, 28
REQUESTED, LEASE, OVERLOAD, KIND, SERVER, PARAMETERS, MESSAGE, MOST = 50, 51, 52, 53, 54, 55, 56, 57
T1, T2, CLIENT, TFTP, BOOT_FILE, USER_CLASS, RELAY, ARCHITECTURE = 58, 59, 61, 66, 67, 77, 82, 93
SEARCH, ROUTES, TFTP_ADDRESS, IPXE, MICROSOFT_ROUTES = 119, 121, 150, 175, 249

_SIZES = {REQUESTED: 4, OVERLOAD: 1, KIND: 1, SERVER: 4, MOST: 2}  # of those that answers depend on


class MalformedDhcp(ValueError):
    """A message that is no DHCP request, with a reason of a few words, out of a fixed set."""


class Dhcp4Message(NamedTuple):
    """A client's message.  Addresses are packed; `options`: code to value, parts joined, message type among them."""

    kind: int
    xid: bytes
    flags: bytes
    ciaddr: bytes
    giaddr: bytes
    chaddr: bytes
    options: dict[int, bytes]


def read(data: bytes) -> Dhcp4Message:
    """The message in a UDP payload.  Raises `MalformedDhcp`."""
    if len(data) < _OPTIONS:
        raise MalformedDhcp("short")
    op, hardware, length = data[0], data[1], data[2]
    if op != _REQUEST or hardware != _ETHERNET or length != 6 or data[236:240] != _COOKIE:
        raise MalformedDhcp("no DHCP request over Ethernet")
    options = _options(data)
    kind = options.get(KIND)
    if kind is None:
        raise MalformedDhcp("no message type")
    return Dhcp4Message(kind[0], data[4:8], data[10:12], data[12:16], data[24:28], data[28:34], options)


def _options(data: bytes) -> dict[int, bytes]:
    """All options, those in the fields `file` and `sname` behind the others (RFC 3396, 5)."""
    found: dict[int, bytes] = {}
    _collect(data, _OPTIONS, len(data), found)
    overload = found.get(OVERLOAD)
    if overload is not None:
        if overload not in (b"\1", b"\2", b"\3"):
            raise MalformedDhcp("overload")
        if overload[0] & 1:
            _collect(data, *_FILE, found)
        if overload[0] & 2:
            _collect(data, *_SNAME, found)
    for code, size in _SIZES.items():
        if code in found and len(found[code]) != size:
            raise MalformedDhcp("length of an option")
    return found


def _collect(data: bytes, at: int, end: int, found: dict[int, bytes]) -> None:
    """Add the options in data[at:end].  Their end need not be marked; an option that goes beyond is a fault."""
    while at < end:
        code = data[at]
        if code == _PAD:
            at += 1
            continue
        if code == _END:
            return
        if at + 2 > end:
            raise MalformedDhcp("option cut off")
        start = at + 2
        at = start + data[at + 1]
        if at > end:
            raise MalformedDhcp("option cut off")
        found[code] = found[code] + data[start:at] if code in found else data[start:at]


def option(code: int, value: bytes) -> bytes:
    """An option as it is sent; one longer than 255 bytes in parts (RFC 3396)."""
    if len(value) < 256:
        return bytes((code, len(value))) + value
    return b"".join(option(code, value[at : at + 255]) for at in range(0, len(value), 255))


class BootFields(NamedTuple):
    """What a reply tells outside options: `siaddr` is the next server, packed; names are empty where there are none."""

    siaddr: bytes = bytes(4)
    sname: bytes = b""
    file: bytes = b""


def packed(options: Iterable[tuple[int, bytes]], room: int, boot: BootFields) -> tuple[bytes, bytes, bytes]:
    """The fields (sname, file, options) of a reply with `room` bytes for options.

    What does not fit there goes to `file`, then to `sname`, where these hold no name (option overload), and what fits
    nowhere is left out: the caller says what matters most by the order.
    """
    every = [option(code, value) for code, value in options]
    if sum(map(len, every)) < room:
        return boot.sname.ljust(64, b"\0"), boot.file.ljust(128, b"\0"), b"".join(every) + b"\xff"
    fields = [_Field(room - 3 - 1)]  # less the option that tells of the overload, and the end
    fields += [] if boot.file else [_Field(127)]
    fields += [] if boot.sname else [_Field(63)]
    for each in every:
        for field in fields:
            if field.take(each):
                break
    main, *more = [bytes(field.taken) for field in fields]
    file = boot.file if boot.file else more.pop(0)
    sname = boot.sname if boot.sname else more.pop(0)
    overload = (1 if file and not boot.file else 0) | (2 if sname and not boot.sname else 0)
    if overload & 1:
        file += b"\xff"
    if overload & 2:
        sname += b"\xff"
    told = option(OVERLOAD, bytes((overload,))) if overload else b""
    return sname.ljust(64, b"\0"), file.ljust(128, b"\0"), main + told + b"\xff"


class _Field:
    """A field that options are put into while it has room."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.taken = bytearray()

    def take(self, each: bytes) -> bool:
        if len(self.taken) + len(each) > self._room:
            return False
        self.taken += each
        return True


def lasting(chaddr: bytes, yiaddr: bytes, siaddr: bytes, fields: tuple[bytes, bytes, bytes]) -> bytes:
    """The part of a reply that is the same for every request of one kind: from `yiaddr` to the end."""
    sname, file, options = fields
    told = yiaddr + siaddr + bytes(4) + chaddr + bytes(10) + sname + file + _COOKIE + options
    return told.ljust(_LEAST - 16, b"\0")


def reply(request: Dhcp4Message, ciaddr: bytes, rest: bytes) -> bytes:
    """The reply to a request, of which `rest` is what `lasting` built."""
    return b"\2\1\6\0" + request.xid + b"\0\0" + request.flags + ciaddr + rest


def routes(pairs: Sequence[tuple[bytes, int, bytes]]) -> bytes:
    """Classless static routes (RFC 3442): (prefix, its length in bits, next hop), addresses packed."""
    return b"".join([bytes((bits,)) + prefix[: (bits + 7) // 8] + hop for prefix, bits, hop in pairs])


def architecture(message: Dhcp4Message) -> int | None:
    """The first architecture of a client that boots over the network (RFC 4578, 2.1)."""
    told = message.options.get(ARCHITECTURE, b"")
    return int(unpack_from("!H", told)[0]) if len(told) >= 2 else None
