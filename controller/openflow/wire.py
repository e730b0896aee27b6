"""OpenFlow 1.3 messages that Tenet itself writes and reads: pure functions between values and bytes.

References are to the OpenFlow 1.3.5 specification; bundles are ONF extension 230.  Every function that reads raises
`Malformed` when a length does not hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from controller.flow.meter import Meter

VERSION: Final = 4
HEADER: Final = struct.Struct("!BBHI")  # version, type, length, xid (7.1.1)

HELLO: Final = 0
ERROR: Final = 1
ECHO_REQUEST: Final = 2
ECHO_REPLY: Final = 3
EXPERIMENTER: Final = 4
FEATURES_REPLY: Final = 6
SET_CONFIG: Final = 9
PACKET_IN: Final = 10
PORT_STATUS: Final = 12
PACKET_OUT: Final = 13
FLOW_MOD: Final = 14
GROUP_MOD: Final = 15
MULTIPART_REQUEST: Final = 18
MULTIPART_REPLY: Final = 19
BARRIER_REQUEST: Final = 20
BARRIER_REPLY: Final = 21
ROLE_REQUEST: Final = 24
ROLE_REPLY: Final = 25
METER_MOD: Final = 29

REPLIES: Final = frozenset({BARRIER_REPLY, ROLE_REPLY})  # beside the multipart and the experimenter ones

EQUAL, MASTER, SLAVE = 1, 2, 3  # OFPCR_ROLE_* (7.3.9)

FLOW_STATS: Final = 1
AGGREGATE: Final = 2
GROUP_DESC: Final = 7
METER_CONFIG: Final = 10
PORT_DESC: Final = 13
EXPERIMENTER_MULTIPART: Final = 0xFFFF

ANY: Final = 0xFFFFFFFF  # OFPP_ANY, OFPG_ANY, OFP_NO_BUFFER
ALL_TABLES: Final = 0xFF
CONTROLLER_METER: Final = 0xFFFFFFFD
ALL_METERS: Final = 0xFFFFFFFF  # OFPM_ALL

NICIRA: Final = 0x00002320
_FLUSH_ZONE, _FLUSH = 29, 32  # NXT_CT_FLUSH_ZONE, NXT_CT_FLUSH (nicira-ext.h of Open vSwitch)
_ORIGINAL, _REPLY = 0, 1  # NXT_CT_ORIG_TUPLE, NXT_CT_REPLY_TUPLE
_FRAGMENTS_MATCHED = 3  # OFPC_FRAG_NX_MATCH
_MISS_SEND_LEN = 128  # what it is where nobody sets it

ONF: Final = 0x4F4E4600
BUNDLE_CONTROL: Final = 2300
BUNDLE_ADD: Final = 2301
OPEN_REQUEST, CLOSE_REQUEST, COMMIT_REQUEST, DISCARD_REQUEST = 0, 2, 4, 6
BUNDLE_ID: Final = 1  # one bundle at a time on a connection
_ATOMIC_ORDERED: Final = 3

_EXPERIMENTER = struct.Struct("!II")
_BUNDLE_CONTROL = struct.Struct("!IIIHH")
_BUNDLE_ADD = struct.Struct("!IIIxxH")
_FLOW_MOD = struct.Struct("!QQBBHHHIIIHxx")
_FLOW_REQUEST = struct.Struct("!B3xII4xQQ")
_MULTIPART = struct.Struct("!HHxxxx")
_METER = struct.Struct("!HHI")
_BAND = struct.Struct("!HHIIxxxx")
_PACKET_OUT = struct.Struct("!IIHxxxxxx")
_PACKET_IN = struct.Struct("!IHBBQ")
_TWO = struct.Struct("!HH")
_ROLE = struct.Struct("!IxxxxQ")
_WORD = struct.Struct("!I")
_COOKIE = struct.Struct("!Q")
_NO_MATCH = b"\0\1\0\4\0\0\0\0"  # OFPMT_OXM, length 4, padded to 8
_IN_PORT = 0x80000004  # OXM header: OFPXMC_OPENFLOW_BASIC, OFPXMT_OFB_IN_PORT, 4 bytes
_REGISTERS = {0x00010004 | number << 9: f"reg{number}" for number in range(16)}  # NXM_NX_REG0 to 15
_REGISTERS[0x80000408] = "metadata"  # OXM_OF_METADATA, 8 bytes
_NUMBERS = {4: struct.Struct("!I"), 8: struct.Struct("!Q")}
_EXPERIMENTER_ERROR = 0xFFFF


class Malformed(Exception):
    """A message that breaks the protocol; its connection is to be closed."""


class Error(NamedTuple):
    """An OFPT_ERROR.  `experimenter` is 0 for the standard's own errors; `data` starts with the offending message."""

    type: int
    code: int
    experimenter: int
    data: bytes


class PacketIn(NamedTuple):
    """A packet that the switch handed over.  `in_port` is 0 when the match names none; `data` may be cut short.

    `registers`: what the pipeline had written to them and to the metadata, by name; those that are 0 are left out.
    """

    cookie: int
    in_port: int
    reason: int
    table: int
    data: bytes
    registers: dict[str, int]


# --- what we send -----------------------------------------------------------------------------------------------------


def message(kind: int, xid: int, body: bytes = b"") -> bytes:
    return HEADER.pack(VERSION, kind, HEADER.size + len(body), xid) + body


def bundle_control(xid: int, control: int) -> bytes:
    body = _BUNDLE_CONTROL.pack(ONF, BUNDLE_CONTROL, BUNDLE_ID, control, _ATOMIC_ORDERED)
    return message(EXPERIMENTER, xid, body)


def bundle_add(inner: bytes) -> bytes:
    """Wrap a whole message (with its header, whose xid is used) into a bundle-add message: 24 bytes in front of it."""
    xid = HEADER.unpack_from(inner)[3]
    return message(EXPERIMENTER, xid, _BUNDLE_ADD.pack(ONF, BUNDLE_ADD, BUNDLE_ID, _ATOMIC_ORDERED) + inner)


def delete_by_cookie(xid: int, cookie: int) -> bytes:
    """OFPFC_DELETE of every flow, in any table, whose cookie is `cookie` (7.3.4.2)."""
    fixed = _FLOW_MOD.pack(cookie, 2**64 - 1, ALL_TABLES, 3, 0, 0, 0, ANY, ANY, ANY, 0)
    return message(FLOW_MOD, xid, fixed + _NO_MATCH)


def flow_dump(xid: int) -> bytes:
    """Ask for all flows of all tables (7.3.5.2)."""
    return multipart_request(xid, FLOW_STATS, _FLOW_REQUEST.pack(ALL_TABLES, ANY, ANY, 0, 0) + _NO_MATCH)


def flow_count_request(xid: int, cookie: int | None = None) -> bytes:
    """Ask for the number of all flows of all tables, or of those with one cookie, and what they counted
    (OFPMP_AGGREGATE, 7.3.5.3).
    """
    of = (0, 0) if cookie is None else (cookie, 2**64 - 1)
    return multipart_request(xid, AGGREGATE, _FLOW_REQUEST.pack(ALL_TABLES, ANY, ANY, *of) + _NO_MATCH)


def group_dump(xid: int) -> bytes:
    """Ask what all groups are (7.3.5.10)."""
    return multipart_request(xid, GROUP_DESC, b"")


def meter_request(xid: int, meter: int = ALL_METERS) -> bytes:
    """Ask how a meter is configured, or all (7.3.5.12)."""
    return multipart_request(xid, METER_CONFIG, _WORD.pack(meter) + bytes(4))


def meter_mod(xid: int, meter: Meter, exists: bool) -> bytes:
    """OFPMC_MODIFY when the meter exists, else OFPMC_ADD, with one drop band (7.3.4.4)."""
    band = _BAND.pack(1, _BAND.size, meter.rate, meter.burst)
    return message(METER_MOD, xid, _METER.pack(int(exists), meter.flags, meter.number) + band)


def meter_removal(xid: int, number: int) -> bytes:
    """OFPMC_DELETE; the flows that use the meter go with it, and one that is not there is no error (7.3.4.4)."""
    return message(METER_MOD, xid, _METER.pack(2, 0, number))


def role_request(xid: int, role: int, generation: int) -> bytes:
    """Ask for MASTER or SLAVE; a `generation` below one that the switch has seen is refused as stale (7.3.9)."""
    return message(ROLE_REQUEST, xid, _ROLE.pack(role, generation))


def match_fragments(xid: int) -> bytes:
    """OFPT_SET_CONFIG with OFPC_FRAG_NX_MATCH: of a fragmented packet the first fragment has its ports, and the others
    have ports of 0 (7.3.2; ovs-ofctl(8), `set-frags`).
    """
    return message(SET_CONFIG, xid, _TWO.pack(_FRAGMENTS_MATCHED, _MISS_SEND_LEN))


def flush_zone(xid: int, zone: int) -> bytes:
    """NXT_CT_FLUSH_ZONE: forget the connections of a conntrack zone.  Not for bundles, and a slave may send it, too."""
    return message(EXPERIMENTER, xid, _EXPERIMENTER.pack(NICIRA, _FLUSH_ZONE) + _TWO.pack(0, 0) + _TWO.pack(0, zone))


def flush_connections(xids: Iterable[int], zone: int, address: bytes) -> bytes:
    """NXT_CT_FLUSH, twice: forget the connections of a zone that were opened to an IPv4 address, and those whose
    answers come to it.
    """
    end = struct.pack("!HH10x2s4s4x", 1, 20, b"\xff\xff", address)  # NXT_CT_TUPLE_DST, as an IPv4-mapped address
    where = struct.pack("!HHH2x", 2, 6, zone)  # NXT_CT_ZONE_ID
    return b"".join(
        message(EXPERIMENTER, xid, _EXPERIMENTER.pack(NICIRA, _FLUSH) + bytes(8)  # of any protocol
                + struct.pack("!HH4x", side, 8 + len(end)) + end + where)
        for xid, side in zip(xids, (_ORIGINAL, _REPLY), strict=False)
    )  # fmt: skip


def packet_out(xid: int, in_port: int, actions: bytes, data: bytes) -> bytes:
    return message(PACKET_OUT, xid, _PACKET_OUT.pack(ANY, in_port, len(actions)) + actions + data)


def barrier(xid: int) -> bytes:
    return message(BARRIER_REQUEST, xid)


def multipart_request(xid: int, kind: int, body: bytes) -> bytes:
    """A multipart request in one part (7.3.5)."""
    return message(MULTIPART_REQUEST, xid, _MULTIPART.pack(kind, 0) + body)


# --- what we read: a whole message, with its header -------------------------------------------------------------------


def xid_of(data: bytes) -> int:
    return int(HEADER.unpack_from(data)[3])


def check_hello(data: bytes) -> None:
    """Raise unless every hello element holds its header, lies within the message and is padded to 8 (7.5.1)."""
    offset = HEADER.size
    while offset < len(data):
        _need(data, offset + 4, "a hello element")
        length = _TWO.unpack_from(data, offset)[1]
        if length < 4 or offset + length > len(data):
            raise Malformed(f"a hello element of length {length}")
        offset += (length + 7) // 8 * 8


def check_size(data: bytes, size: int, what: str) -> None:
    if len(data) != size:
        raise Malformed(f"{what} of {len(data)} bytes instead of {size}")


def multipart(data: bytes) -> tuple[int, bool, bytes]:
    """The kind of a multipart reply, whether more follows, and its body."""
    _need(data, 16, "a multipart reply")
    kind, flags = _MULTIPART.unpack_from(data, 8)
    return kind, bool(flags & 1), data[16:]


def error(data: bytes) -> Error:
    _need(data, 12, "an error")
    kind, code = _TWO.unpack_from(data, 8)
    if kind != _EXPERIMENTER_ERROR:
        return Error(kind, code, 0, data[12:])
    _need(data, 16, "an experimenter error")
    return Error(kind, code, _WORD.unpack_from(data, 12)[0], data[16:])


def refused_cookie(data: bytes) -> int | None:
    """The cookie of the flow-mod, plain or in a bundle-add, that an error's `data` starts with; None without one."""
    if len(data) < HEADER.size:
        return None
    kind, offset = data[1], 8
    if kind == EXPERIMENTER and is_bundle_add(data):
        kind, offset = (data[25] if len(data) > 25 else -1), 32
    if kind != FLOW_MOD or len(data) < offset + 8:
        return None
    return int(_COOKIE.unpack_from(data, offset)[0])


def refused_group(data: bytes) -> int | None:
    """The number of the group whose group-mod, in a bundle-add, an error's `data` starts with; None without one."""
    if len(data) < 40 or not is_bundle_add(data) or data[25] != GROUP_MOD:
        return None
    return int(_WORD.unpack_from(data, 36)[0])


def refused_meter(data: bytes) -> int | None:
    """The number of the meter whose meter-mod an error's `data` starts with; None without one."""
    if len(data) < 16 or data[1] != METER_MOD:
        return None
    return int(_WORD.unpack_from(data, 12)[0])


def is_bundle_add(data: bytes) -> bool:
    return len(data) >= 16 and data[1] == EXPERIMENTER and _EXPERIMENTER.unpack_from(data, 8) == (ONF, BUNDLE_ADD)


def may_be_of_bundle(data: bytes) -> bool:
    """Whether the data of an error, too short to tell, may come from a message of a bundle."""
    return len(data) < 2 or data[1] in (EXPERIMENTER, FLOW_MOD)


def is_bundle_reply(data: bytes) -> bool:
    return len(data) == 24 and _EXPERIMENTER.unpack_from(data, 8) == (ONF, BUNDLE_CONTROL)


def flow_count(body: bytes) -> int:
    """The number of flows in an AGGREGATE reply's body: packets and bytes (64 bits each), flows, padding (7.3.5.3)."""
    check_size(body, 24, "an aggregate of flows")
    return int(_WORD.unpack_from(body, 16)[0])


def counted(body: bytes) -> tuple[int, int]:
    """The numbers of packets and bytes in the same body."""
    check_size(body, 24, "an aggregate of flows")
    return int(_COOKIE.unpack_from(body)[0]), int(_COOKIE.unpack_from(body, 8)[0])


def meters(body: bytes) -> list[Meter]:
    """The meters of a METER_CONFIG reply's body.  One with other than one drop band has rate and burst 0."""
    found, offset = [], 0
    while offset < len(body):
        _need(body, offset + _TWO.size, "a meter")
        length, flags = _TWO.unpack_from(body, offset)
        if length < 8 or offset + length > len(body):
            raise Malformed(f"a meter of length {length}")
        number = _WORD.unpack_from(body, offset + 4)[0]
        rate = burst = 0
        if length == 8 + _BAND.size:
            kind, _, band_rate, band_burst = _BAND.unpack_from(body, offset + 8)
            rate, burst = (band_rate, band_burst) if kind == 1 else (0, 0)
        found.append(Meter(number, flags, rate, burst))
        offset += length
    return found


def packet_in(data: bytes) -> PacketIn:
    """Decode an OFPT_PACKET_IN (7.4.1): 24 fixed bytes, the match padded to 8, 2 bytes of padding, the packet."""
    _need(data, 34, "a packet-in")
    _, _, reason, table, cookie = _PACKET_IN.unpack_from(data, 8)
    kind, length = _TWO.unpack_from(data, 24)
    start = 24 + (length + 7) // 8 * 8 + 2
    if kind != 1 or length < 4 or start > len(data):
        raise Malformed("a packet-in whose match does not fit")
    numbers = _numbers(data, 28, 24 + length)
    registers = {_REGISTERS[header]: value for header, value in numbers.items() if value and header in _REGISTERS}
    return PacketIn(cookie, numbers.get(_IN_PORT, 0), reason, table, data[start:], registers)


def _numbers(data: bytes, offset: int, end: int) -> dict[int, int]:
    """The fields of 32 and 64 bits, without a mask, of an OXM match between `offset` and `end`, by their headers."""
    found = {}
    while offset < end:
        if offset + 4 > end:
            raise Malformed("a match field that is cut off")
        header = _WORD.unpack_from(data, offset)[0]
        following = offset + 4 + (header & 0xFF)
        if following > end:
            raise Malformed("a match field beyond its match")
        if not header & 0x100 and (number := _NUMBERS.get(header & 0xFF)):
            found[header] = number.unpack_from(data, offset + 4)[0]
        offset = following
    return found


def _need(data: bytes, size: int, what: str) -> None:
    if len(data) < size:
        raise Malformed(f"{what} that is cut off")
