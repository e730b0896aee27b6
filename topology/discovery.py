"""Discovery frames: LLDP (IEEE 802.1AB-2016), each with a keyed digest.

A frame says which switch and OpenFlow port it left by, and when.  Chassis and port are locally assigned names
(IEEE 802.1AB, 8.5.2 and 8.5.3); time and digest are in an organisation-specific TLV (8.6).  Only who has the key makes
a frame that is taken, so what a station sends makes no link; that an old frame makes none either is `neighbors`' part.
"""

from __future__ import annotations

import hmac
import struct
from hashlib import blake2b
from typing import Final, NamedTuple

ETHERTYPE: Final = 0x88CC
GROUP: Final = "01:80:c2:00:00:0e"  # nearest bridge: no bridge between two switches may forward it
KEY_SIZE: Final = 32  # bytes
LIFE: Final = 3  # seconds that what a frame says is good for

# destination, source, type; chassis id, port id and time to live, each with its header; the organisation's TLV: its
# header, its code (the locally administered bit is set, so nobody else has it) with subtype 1, time, digest; the end
_BODY = struct.Struct("!6s6sH HB16s HB8s HH H3sBQ")
_GROUP = bytes.fromhex(GROUP.replace(":", ""))
_LOCAL = 7  # the subtype of a name that is locally assigned, of chassis and ports alike
_DIGEST = 16
_OURS = b"\x02TN"


def _header(kind: int, size: int) -> int:
    return kind << 9 | size


_CHASSIS, _PORT, _LIFE, _OWN = _header(1, 17), _header(2, 9), _header(3, 2), _header(127, 12 + _DIGEST)
_END = b"\0\0"
SIZE: Final = _BODY.size + _DIGEST + len(_END)
_FIXED = (ETHERTYPE, _CHASSIS, _LOCAL, _PORT, _LOCAL, _LIFE, LIFE, _OWN, _OURS, 1)


class ProbePort(NamedTuple):
    """An OpenFlow port of a datapath."""

    dpid: int
    number: int


class HeardProbe(NamedTuple):
    """What a frame says: it left by `port` at `stamp`, in microseconds of its sender's clock (Unix time)."""

    port: ProbePort
    stamp: int


def frame(key: bytes, port: ProbePort, stamp: int, mac: bytes) -> bytes:
    """The frame to be sent out of a port, whose address is `mac` (6 bytes)."""
    body = _BODY.pack(
        _GROUP, mac, ETHERTYPE, _CHASSIS, _LOCAL, b"%016x" % port.dpid, _PORT, _LOCAL, b"%08x" % port.number,
        _LIFE, LIFE, _OWN, _OURS, 1, stamp,
    )  # fmt: skip
    return body + _digest(key, body) + _END


def read(key: bytes, data: bytes) -> HeardProbe | None:
    """What a frame says; None for one that is not whole, not of our form or not made with the key."""
    if len(data) != SIZE:
        return None
    _, _, ethertype, chassis, named, dpid, of_port, numbered, number, life, seconds, own, ours, subtype, stamp = (
        _BODY.unpack_from(data)
    )
    if (ethertype, chassis, named, of_port, numbered, life, seconds, own, ours, subtype) != _FIXED:
        return None
    if not hmac.compare_digest(_digest(key, data[: _BODY.size]), data[_BODY.size : _BODY.size + _DIGEST]):
        return None
    return HeardProbe(ProbePort(int(dpid, 16), int(number, 16)), stamp)


def is_lldp(data: bytes) -> bool:
    """Whether an Ethernet frame is of LLDP, whoever made it."""
    return data[12:14] == b"\x88\xcc"


def _digest(key: bytes, body: bytes) -> bytes:
    """Over all but the source address, which the sender's switch may set."""
    return blake2b(body[12:], key=key, digest_size=_DIGEST, person=b"tenet-lldp").digest()
