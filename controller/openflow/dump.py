"""Flow dumps: the cookies that a switch holds, read without decoding a match or an action."""

from __future__ import annotations

import struct
from typing import NamedTuple

from controller.flow.digest import of_bytes
from controller.flow.group import number_of
from controller.openflow.wire import Malformed

# ofp_flow_stats (OpenFlow 1.3.5, 7.3.5.2): length 2, table 1, pad 1, duration 8, priority 2, idle timeout 2, hard
# timeout 2, flags 2, pad 4, cookie 8, packets 8, bytes 8; the match, padded to 8, is at 48, the instructions follow it.
_GROUP = struct.Struct("!HBxI")  # ofp_group_desc (7.3.5.10): length, type, pad, number; buckets follow
_FIXED = struct.Struct("!H2xI6xIH4xQ")
_SMALLEST = 56
MOST = 4_000_000  # flows, groups, meters; a larger dump would be an attack on memory


class Holdings(NamedTuple):
    """Cookies of the flows on a switch.

    `right`: of flows that are what their cookie says.  `wrong`: of all others, foreign and tampered; a cookie of
    both a right and a wrong flow is only here.
    """

    right: set[int]
    wrong: set[int]


def read(body: bytes, held: Holdings) -> int:
    """Add the flows of one OFPMP_FLOW reply's body to `held`; the age of the oldest right one, in seconds.

    Raises `Malformed`.
    """
    right, wrong = held
    oldest = 0
    unpack, digest, offset, end = _FIXED.unpack_from, of_bytes, 0, len(body)
    while offset < end:
        if end - offset < _SMALLEST:
            raise Malformed("a flow dump that is cut off")
        length, age, timeouts, flags, cookie = unpack(body, offset)
        if length < _SMALLEST or length % 8 or offset + length > end:
            raise Malformed(f"a flow of length {length} in a flow dump")
        content = body[offset + 2 : offset + 3] + body[offset + 12 : offset + 14] + body[offset + 48 : offset + length]
        if cookie == digest(content) and not timeouts and not flags:
            right.add(cookie)
            if age > oldest:
                oldest = age
        else:
            wrong.add(cookie)
        offset += length
    if len(right) + len(wrong) > MOST:
        raise Malformed(f"a flow dump of more than {MOST} flows")
    return oldest


def settled(held: Holdings) -> Holdings:
    """Result of a complete dump: a cookie with any wrong flow is not right."""
    return Holdings(held.right - held.wrong, held.wrong) if held.wrong else held


def read_groups(body: bytes, held: Holdings) -> None:
    """Add the groups of one OFPMP_GROUP_DESC reply's body to `held`, by their numbers.  Raises `Malformed`."""
    offset, end = 0, len(body)
    while offset < end:
        if end - offset < _GROUP.size:
            raise Malformed("a group description that is cut off")
        length, kind, number = _GROUP.unpack_from(body, offset)
        if length < _GROUP.size or offset + length > end:
            raise Malformed(f"a group of length {length} in a description")
        right = number == number_of(kind, body[offset + _GROUP.size : offset + length])
        (held.right if right else held.wrong).add(number)
        offset += length
    if len(held.right) + len(held.wrong) > MOST:
        raise Malformed(f"a description of more than {MOST} groups")
