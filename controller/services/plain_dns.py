"""DNS messages of the usual form, by hand: dnspython takes 0.17 ms to read and answer a question, this a tenth.

A question of the usual form is one of class IN with a name of ASCII, alone or with an OPT record of version 0.  What is
not, is dnspython's (`dns.py`).
"""

from __future__ import annotations

from functools import lru_cache
from socket import AF_INET6, inet_aton, inet_pton
from struct import pack
from typing import NamedTuple

import dns.name

from .own_answers import AAAA, PTR, A, OwnAnswer

PAYLOAD = 1232  # most bytes over UDP: fits into IPv6's least MTU, so that no answer needs fragments
TTL, NEGATIVE_TTL = 30, 5  # seconds: a port may go at any time, and a name that is not there yet may come
SOA_NUMBERS = (1, 3600, 600, 86_400, NEGATIVE_TTL)  # serial, refresh, retry, expire, minimum (RFC 1035, 3.3.13)
SOA = 6
LEAST_RECORD = 16  # bytes: of type A
NXDOMAIN, REFUSED = 3, 5
_HEADER, _LONGEST = 12, 255  # bytes of the header, and of a name (RFC 1035, 2.3.4)
_ONE, _ONE_EXTENDED = b"\0\1" + bytes(6), b"\0\1" + bytes(5) + b"\1"  # counts: a question; and a record beside it
_OPT = b"\0\0\x29"  # its name and type (RFC 6891, 6.1.2)
_OPT_SIZE = 11  # without options
_AA, _TC = 0x04, 0x02  # in the first byte of the flags (RFC 1035, 4.1.1)
_DO = 0x80  # in the fourth byte of OPT's TTL field but one


class PlainQuestion(NamedTuple):
    """`name`: in lower case with its last dot; `wire`: name, type and class as they were asked; `flags`: the second two
    bytes of the header.  `payload`: bytes that the asker takes over UDP, as EDNS says, 0 without; `dnssec`: DO.
    """

    name: str
    rdtype: int
    wire: bytes
    flags: bytes
    payload: int = 0
    dnssec: bool = False


def read(message: bytes) -> PlainQuestion | None:
    """The question of a message; None where it is not of the usual form."""
    counts, place, size = message[4:_HEADER], _HEADER, len(message)
    if counts not in (_ONE, _ONE_EXTENDED) or message[2] & 0xF8:  # an answer, or of another opcode
        return None
    labels = []
    while place < size and 0 < (length := message[place]) < 64:
        labels.append(message[place + 1 : place + 1 + length])
        place += length + 1
    end, joined = place + 5, b".".join(labels)
    if end > size or message[place] or not labels or place - _HEADER >= _LONGEST or message[end - 2 : end] != b"\0\1":
        return None
    if not joined.isascii() or joined.count(b".") >= len(labels):
        return None
    name = f"{joined.decode().lower()}."
    asked = PlainQuestion(name, message[end - 4] << 8 | message[end - 3], message[_HEADER:end], message[2:4])
    if counts == _ONE:
        return asked if end == size else None
    return _extended(asked, message[end:])


def _extended(asked: PlainQuestion, record: bytes) -> PlainQuestion | None:
    """With what EDNS says.  Options are between two neighbours, and there are none that are known here."""
    if record[:3] != _OPT or len(record) < _OPT_SIZE or _OPT_SIZE + (record[9] << 8 | record[10]) != len(record):
        return None
    if record[6]:  # another version
        return None
    return asked._replace(payload=max(1, record[3] << 8 | record[4]), dnssec=bool(record[7] & _DO))


def answer(message_id: bytes, asked: PlainQuestion, found: OwnAnswer, recursive: bool, limit: int) -> bytes:
    """The answer about an own name, of at most `limit` bytes.

    Records that do not fit are left out, all of them, and TC tells the client to ask over TCP (RFC 2181, section 9).
    """
    rcode = 0 if found.exists else NXDOMAIN
    if found.values:
        if len(found.values) * LEAST_RECORD <= limit:
            records = [_record(asked.rdtype, value) for value in found.values]
            whole = _message(message_id, asked, _AA, rcode, recursive, (len(records), 0), b"".join(records))
            if len(whole) <= limit:
                return whole
        return _message(message_id, asked, _AA | _TC, rcode, recursive, (0, 0), b"")
    counts = (1, 0) if asked.rdtype == SOA and found.zone == asked.name else (0, 1)
    return _message(message_id, asked, _AA, rcode, recursive, counts, _soa(asked, found.zone))  # fits always


def refused(message_id: bytes, asked: PlainQuestion) -> bytes:
    """That nobody here knows."""
    return _message(message_id, asked, 0, REFUSED, False, (0, 0), b"")


def forwarded(asked: PlainQuestion) -> bytes:
    """The same question to an upstream resolver, with the id 0 and without options of EDNS."""
    flags = bytes((asked.flags[0] & 0x01, asked.flags[1] & 0x30))  # RD; AD, CD
    opt = _OPT + pack("!HBBBBH", PAYLOAD, 0, 0, _DO if asked.dnssec else 0, 0, 0) if asked.payload else b""
    return bytes(2) + flags + (_ONE_EXTENDED if opt else _ONE) + asked.wire + opt


def _message(
    message_id: bytes, asked: PlainQuestion, said: int, rcode: int, recursive: bool,
    counts: tuple[int, int], records: bytes,
) -> bytes:  # fmt: skip
    """An answer; `said`: AA and TC; `counts`: of records in the sections answer and authority."""
    flags = bytes((0x80 | said | asked.flags[0] & 0x01, (0x80 if recursive else 0) | rcode))
    opt = _OPT + pack("!HIH", PAYLOAD, 0, 0) if asked.payload else b""
    head = message_id + flags + pack("!HHHH", 1, *counts, 1 if opt else 0)
    return b"".join((head, asked.wire, records, opt))


def _record(rdtype: int, value: str) -> bytes:
    """A record of the name that was asked for."""
    if rdtype == A:
        data = inet_aton(value)
    elif rdtype == AAAA:
        data = inet_pton(AF_INET6, value)
    else:
        assert rdtype == PTR
        data = _encoded(value)
    return pack("!HHHIH", 0xC000 | _HEADER, rdtype, 1, TTL, len(data)) + data


def _soa(asked: PlainQuestion, zone: str) -> bytes:
    """The SOA of a zone that the name is in: its name, a pointer to the end of the one that was asked for, thrice."""
    place = pack("!H", 0xC000 | _HEADER + len(asked.name) - len(zone))
    data = place + place + pack("!IIIII", *SOA_NUMBERS)
    return place + pack("!HHIH", SOA, 1, NEGATIVE_TTL, len(data)) + data


@lru_cache(4096)
def _encoded(name: str) -> bytes:
    found = dns.name.from_text(name).to_wire()
    assert found is not None  # it is, of a name that is not written to a file
    return found
