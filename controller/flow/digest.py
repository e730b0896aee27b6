"""A flow's cookie: a digest of the flow's content as a switch dumps it."""

from __future__ import annotations

import struct
from hashlib import blake2b

_HEAD = struct.Struct("!BH")
_EVERY_BIT = 2**64 - 1
_BEGUN = blake2b(digest_size=8)


def cookie(table: int, priority: int, match: bytes, instructions: bytes) -> int:
    """The cookie of a flow: 1..2^64-2.

    `match` is the whole ofp_match with its padding to 8 bytes, `instructions` all instructions, both as on the wire and
    as the switch gives them back in a flow dump (OpenFlow 1.3.5, 7.2.3.1 and 7.2.4): so a dump can be checked without
    being understood.
    """
    return of_bytes(_HEAD.pack(table, priority) + match + instructions)


def of_bytes(content: bytes) -> int:
    """The cookie of `content`: table (1 byte), priority (2), match, instructions, one after the other."""
    hashing = _BEGUN.copy()  # half of the time of a new one
    hashing.update(content)
    digest = int.from_bytes(hashing.digest(), "big")
    # 0 is the cookie of flows that carry none, and all ones is reserved (OpenFlow 1.3.5, 7.3.4.2)
    return digest if 0 < digest < _EVERY_BIT else 1
