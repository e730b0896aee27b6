"""Groups are values, too: the number of a group is a digest of its content.

So what a switch holds can be told from its answer to a group description request alone, two flows that want the same
choice share one group, and a group never changes: another choice is another group.  OpenFlow 1.3.5, 7.3.4.2; the
buckets are action sets, which Open vSwitch does in an order of its own (fields first, then resubmit or output).
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from .action import Action

ALL_PORTS = 0xFFFFFFFF  # OFPP_ANY: a bucket that is always alive
MOST = 0xFFFFFF00  # OFPG_MAX
_KINDS = {"select": 1, "fast_failover": 3}
_BUCKET = Struct("!HHII4x")
_GROUP_MOD = Struct("!HBxI")
_HEADER = Struct("!BBHI")
_BUNDLE_ADD = Struct("!IIIxxH")
_ADD_OR_MODIFY, _DELETE = 0x8000, 2  # the former is Open vSwitch's own


class Bucket(NamedTuple):
    """`watch`: the port that must be up for the bucket to count; None: it always does."""

    actions: tuple[Action, ...]
    watch: int | None = None

    @property
    def wire(self) -> bytes:
        body = b"".join([action.wire for action in self.actions])
        watch = ALL_PORTS if self.watch is None else self.watch
        return _BUCKET.pack(16 + len(body), 0, watch, ALL_PORTS) + body


class Group:
    """`kind`: `select` (one bucket by flow hash) or `fast_failover` (the first that is alive).

    `wire` adds it to a bundle (the group as it is on a switch becomes this one), `gone` removes it.
    """

    __slots__ = ("buckets", "gone", "kind", "number", "wire")

    def __init__(self, kind: str, buckets: tuple[Bucket, ...]) -> None:
        self.kind = kind
        self.buckets = buckets
        weight = int(kind == "select")
        body = b"".join([bucket.wire[:2] + weight.to_bytes(2, "big") + bucket.wire[4:] for bucket in buckets])
        self.number = number_of(_KINDS[kind], body)
        self.wire = message(_ADD_OR_MODIFY, _KINDS[kind], self.number, body)
        self.gone = removal(self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Group) and self.wire == other.wire

    def __hash__(self) -> int:
        return self.number

    def __repr__(self) -> str:
        return f"Group({self})"

    def __str__(self) -> str:
        """As ovs-ofctl writes it, and takes it."""
        return f"group_id={self.number},type={self.kind.replace('fast_failover', 'ff')}," + ",".join(
            "bucket="
            + ("" if bucket.watch is None else f"watch_port:{bucket.watch},")
            + "actions="
            + ",".join(map(str, bucket.actions))
            for bucket in self.buckets
        )


def number_of(kind: int, buckets: bytes) -> int:
    """The number of a group: 1..2^31.  `buckets` as on the wire, in a group-mod or a description alike."""
    return 1 + (int.from_bytes(blake2b(bytes((kind,)) + buckets, digest_size=4).digest(), "big") & 0x7FFFFFFF)


def removal(number: int) -> bytes:
    """Remove a group, in a bundle; Open vSwitch removes the flows that use it, too."""
    return message(_DELETE, 0, number, b"")


def message(command: int, kind: int, number: int, buckets: bytes) -> bytes:
    """A group-mod in a bundle-add message of bundle 1."""
    inner = _GROUP_MOD.pack(command, kind, number) + buckets
    size = 8 + len(inner)
    outer = _HEADER.pack(4, 4, 24 + size, number) + _BUNDLE_ADD.pack(0x4F4E4600, 2301, 1, 3)
    return outer + _HEADER.pack(4, 15, size, number) + inner
