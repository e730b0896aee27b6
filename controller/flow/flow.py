"""Flows are values: what to match in which table, what to do, and the bytes that install it.

A flow's cookie is a digest of its content as the switch prints it, so what a switch holds can be told from its dump
alone.  `wire` is a complete message that adds the flow to bundle BUNDLE (ONF extension 230 for OpenFlow 1.3): the
same bytes serve every switch and every bundle.  It is made when it is sent, and not kept: there are millions of flows.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from struct import Struct, pack
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from . import nested
from .action import Action
from .digest import of_bytes
from .fields import Field, decode
from .group import Group
from .instructions import GOTO, instructions
from .meter import Meter

BUNDLE = 1  # one bundle at a time on a connection, so one number does
BUNDLE_FLAGS = 3  # ONF_BF_ATOMIC | ONF_BF_ORDERED

_ONF, _ADD = 0x4F4E4600, 2301
# outer: what it is, length, xid; inner: what it is, length, xid; cookie, mask, table, OFPFC_ADD and timeouts, priority
_MESSAGE = Struct("!2sHI18sHIQ8sB5sH16s")
_OUTER = b"\4\4"  # version 4, OFPT_EXPERIMENTER
# ONF, ONF_ET_BUNDLE_ADD_MESSAGE, bundle, pad, flags; version 4, OFPT_FLOW_MOD
_INNER = pack("!IIIHHBB", _ONF, _ADD, BUNDLE, 0, BUNDLE_FLAGS, 4, 14)
_ANY = b"\xff" * 12 + bytes(4)  # no buffer, OFPP_ANY, OFPG_ANY; no flags
_HEAD = _MESSAGE.size
_HARD_TIMEOUT = 52  # where it is in the message
_PLACE = Struct("!BH")
_wire = attrgetter("wire")
_32_BITS = 0xFFFFFFFF
# What stands before and after the fields of an ofp_match, by their length: type and length; zeros up to 8 bytes.
_AROUND = [(pack("!HH", 1, 4 + length), bytes(-(4 + length) % 8)) for length in range(2048)]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One stage of the pipeline; the full list is apps/pipeline.py.

    `matches`: the fields that a flow here may match.  `goto`: the tables that it may lead to, by name.  `miss`: the
    one that a packet without a flow goes to ("": dropped).  `flow_set`: the kind of flow set that its flows belong to:
    "switch" (a switch's own), or "network" (the same on every switch that holds the network); never both.
    `owns_zones`: no packet comes here; each flow says whose a conntrack zone is (`Flow.zone`).
    """

    number: int
    name: str
    matches: frozenset[str]
    goto: tuple[str, ...] = ()
    miss: str = ""
    flow_set: str = "switch"
    owns_zones: bool = False

    def __repr__(self) -> str:
        return f"{self.number}:{self.name}"


class OwnedConnections(NamedTuple):
    """OwnedConnections that somebody owns: all of a conntrack zone, or of an IPv4 address in it that is translated."""

    zone: int
    address: int = 0


class Flow(msgspec.Struct, eq=False, gc=False):
    """Equal when table, priority, match and instructions are.

    `meter`: the one that a packet must pass before anything is done with it.
    (`gc=False`: it can be in no cycle, so the collector need not look at the many that there are.)
    """

    table: Table
    priority: int
    key: bytes  # what the switch itself calls the same flow: table, priority, match; given as the match alone
    actions: tuple[Action, ...] = ()
    metadata: tuple[int, int] | None = None  # value, mask
    goto: Table | None = None
    meter: Meter | None = None
    cookie: int = 0

    if TYPE_CHECKING:

        def __init__(
            self,
            table: Table,
            priority: int,
            match: tuple[Field, ...],
            actions: tuple[Action, ...] = (),
            metadata: tuple[int, int] | None = None,
            goto: Table | None = None,
            meter: Meter | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        match: Any = self.key  # the one field for both: there are millions of flows
        fields, place = b"".join(map(_wire, match)), _PLACE.pack(self.table.number, self.priority)
        self.key = place + fields
        head, end = _AROUND[len(fields)]
        if self.actions or self.metadata is not None or self.meter is not None:
            goto, meter = self.goto, self.meter
            done = instructions(self.actions, self.metadata, None if goto is None else goto.number,
                                0 if meter is None else meter.number)  # fmt: skip
        else:  # half of all flows
            done = b"" if self.goto is None else GOTO[self.goto.number]
        self.cookie = of_bytes(b"".join((place, head, fields, end, done)))

    @property
    def match(self) -> tuple[Field, ...]:
        return decode(self.key[3:])

    @property
    def wire(self) -> bytes:
        """The bundle-add message; made anew each time."""
        matched, done = _matched(self.key), self._done()
        digest, size = self.cookie, _HEAD + len(matched) + len(done)
        xid = digest & _32_BITS
        head = _MESSAGE.pack(
            _OUTER, size, xid, _INNER, size - 24, xid, digest, b"", self.table.number, b"", self.priority, _ANY
        )  # fmt: skip
        return head + matched + done

    def passing(self, seconds: int) -> bytes:
        """The bundle-add message of the same flow with a hard timeout: the switch itself removes it (7.3.4.1)."""
        wire = self.wire
        return wire[:_HARD_TIMEOUT] + pack("!H", seconds) + wire[_HARD_TIMEOUT + 2 :]

    def _done(self) -> bytes:
        goto, meter = self.goto, self.meter
        return instructions(self.actions, self.metadata, None if goto is None else goto.number,
                            0 if meter is None else meter.number)  # fmt: skip

    @property
    def groups(self) -> list[Group]:
        """The groups that the switch must have before this flow, in this order."""
        return nested.groups(self.actions) if self.actions else []

    @property
    def meters(self) -> list[Meter]:
        """All meters that the flow uses, `meter` first, then those of frames that it hands over."""
        inside = nested.meters(self.actions) if self.actions else []
        return inside if self.meter is None else [self.meter, *inside]

    @property
    def service(self) -> str:
        """The service that the flow hands frames over to, "" for none."""
        return next((punt.userdata.decode() for punt in nested.punts(self.actions) if punt.userdata), "")

    @property
    def zone(self) -> OwnedConnections | None:
        """The connections whose owner this flow names: those of a conntrack zone, or of an address in it (`reg4`)."""
        if not self.table.owns_zones:
            return None
        said = {one.name: int.from_bytes(one.value, "big") for one in self.match}
        return OwnedConnections(said["ct_zone"], said.get("reg4", 0))

    @property
    def refers(self) -> bool:
        """Whether it names a group, a meter or a zone's owner, as few flows do."""
        return bool(self.table.owns_zones or self.meters or self.groups)

    @property
    def leads(self) -> set[int]:
        """The numbers of the tables that a packet may come to from here, by goto, resubmit or conntrack."""
        return nested.tables(self.actions) | (set() if self.goto is None else {self.goto.number})

    @property
    def conjunctions(self) -> tuple[tuple[int, int, int], ...]:
        """The clauses (conjunction, clause, number of clauses) that a packet fulfils here; empty unless that is all
        that the flow does: then it can be one with others of its key (merging.py).
        """
        if self.goto is not None or self.metadata is not None or self.meter:
            return ()
        if any(action.kind != "conjunction" for action in self.actions):
            return ()
        return tuple(action.args for action in self.actions)  # type: ignore[misc]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Flow) or self.cookie != other.cookie:
            return False
        return self.key == other.key and self._done() == other._done()

    def __ne__(self, other: object) -> bool:  # msgspec's own would compare identities
        return not self == other

    def __hash__(self) -> int:
        return self.cookie

    def __repr__(self) -> str:
        return f"Flow({self})"

    def __str__(self) -> str:
        """As ovs-ofctl writes it, and takes it."""
        fields = "".join(f",{part}" for part in _match_text(self.match))
        parts = [f"meter:{self.meter.number}"] if self.meter else []
        parts += [str(action) for action in self.actions]
        if self.metadata is not None:
            value, mask = self.metadata
            parts.append(
                f"write_metadata:{f'{value:#x}' if value else 0}" + ("" if mask == (1 << 64) - 1 else f"/{mask:#x}")
            )
        if self.goto is not None:
            parts.append(f"goto_table:{self.goto.number}")
        return f"table={self.table.number},priority={self.priority}{fields} actions={','.join(parts) or 'drop'}"


def _matched(key: bytes) -> bytes:
    """The ofp_match, padded to 8 bytes, of a flow's key."""
    head, end = _AROUND[len(key) - 3]
    return head + key[3:] + end


_KEYWORDS = {"dl_type=0x0800": "ip", "dl_type=0x0806": "arp", "dl_type=0x8035": "rarp", "dl_type=0x86dd": "ipv6",
             "dl_type=0x8847": "mpls", "dl_type=0x8848": "mplsm"}  # fmt: skip
_PROTOCOLS = {
    ("ip", "nw_proto=1"): "icmp", ("ip", "nw_proto=6"): "tcp", ("ip", "nw_proto=17"): "udp",
    ("ip", "nw_proto=132"): "sctp", ("ipv6", "nw_proto=58"): "icmp6", ("ipv6", "nw_proto=6"): "tcp6",
    ("ipv6", "nw_proto=17"): "udp6", ("ipv6", "nw_proto=132"): "sctp6",
}  # fmt: skip


def _match_text(match: tuple[Field, ...]) -> list[str]:
    """Fields as text, with ovs-ofctl's short words for protocols."""
    parts = [_KEYWORDS.get(part, part) for part in map(str, match)]
    for (layer, protocol), word in _PROTOCOLS.items():
        if layer in parts and protocol in parts:
            parts.remove(protocol)
            parts[parts.index(layer)] = word
    return parts
