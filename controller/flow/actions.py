"""Actions and their wire form: OpenFlow 1.3.5 section 7.2.5, and Nicira's actions (ofp-actions.c of OVS).

SPECS is the table of what there is, conntrack's are in tracking.py; below it, one constructor for each.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from struct import pack
from typing import TYPE_CHECKING, NamedTuple

from . import values
from .action import Action, ActionSpec, bits_of, long_header, vendor
from .fields import FIELDS, MEMO, Field, Subfield, field, subfield
from .meter import Meter

if TYPE_CHECKING:
    from .group import Group

IN_PORT = 0xFFFFFFF8
CONTROLLER = 0xFFFFFFFD
# The bridge's own port.  Packet-outs that lose their in-port and meet the connection tracker come from it: of those
# from CONTROLLER Open vSwitch does not find the bridge again.
OWN_PORT = 0xFFFFFFFE
_wire = attrgetter("wire")
_RESUBMIT_IN_PORT = 0xFFF8  # OFPP_IN_PORT in 16 bits: the packet keeps the port it came in by
_ETHERNET, _NEXT = 0, 0xFFFE  # packet types of OVS: Ethernet; what the header's own type field says
_MPLS_TYPE = 0x8847
_PACKET_TYPES = {"mpls": 1 << 16 | _MPLS_TYPE, "ethernet": _ETHERNET}
_BELOW = {"mpls": _ETHERNET, "ethernet": _NEXT}
_REASONS = {"no_match": 0, "action": 1, "invalid_ttl": 2}
_HASHED = {"eth_src": 0, "symmetric_l4": 1, "symmetric_l3l4": 2, "symmetric_l3l4+udp": 3, "nw_src": 4, "nw_dst": 5,
           "symmetric_l3": 6}  # fmt: skip
_CHOICES = {"modulo_n": 0, "hash_threshold": 1, "hrw": 2, "iter_hash": 3}


class Punt(NamedTuple):
    """How a packet goes to the controller: its first `max_len` bytes (0: all), with `userdata`, which names the service
    that it is for, as much as `meter` lets through; `pause`: it waits there until the controller lets it go on.
    """

    meter: Meter | None = None
    max_len: int = 0
    userdata: bytes = b""
    reason: str = "action"
    pause: bool = False
    number: int = 0


class Spread(NamedTuple):
    """A choice by hash: `target` becomes 0..`links`-1."""

    hashed: str
    basis: int
    choice: str
    links: int
    argument: int
    target: Subfield


def _output(port: int) -> bytes:
    return pack("!HHIH6x", 0, 16, port, 0xFFFF if port == CONTROLLER else 0)


def _output_text(port: int) -> str:
    return {IN_PORT: "IN_PORT", CONTROLLER: "CONTROLLER:65535"}.get(port, f"output:{port}")


def _set_field(what: Field) -> bytes:
    body = what.wire
    length = 4 + len(body)
    padded = (length + 7) // 8 * 8
    return pack("!HH", 25, padded) + body + bytes(padded - length)


def _set_field_text(what: Field) -> str:
    spec = FIELDS[what.name]
    form = {"vlan": "decimal", "dscp": "decimal", "hex5": "hex"}.get(spec.form, spec.form)
    return f"set_field:{values.text(form, what.value)}->{spec.target or spec.name}"


def _punt(punt: Punt) -> bytes:
    parts = []  # the properties of NXAST_CONTROLLER2, each with zeros up to a multiple of 8 bytes
    if punt.max_len:
        parts.append(pack("!HHH", 0, 8, punt.max_len))
    if punt.number:
        parts.append(pack("!HHH", 1, 8, punt.number))
    if punt.reason != "action":
        parts.append(pack("!HHB", 2, 5, _REASONS[punt.reason]))
    if punt.userdata:
        parts.append(pack("!HH", 3, 4 + len(punt.userdata)) + punt.userdata)
    if punt.pause:
        parts.append(pack("!HH", 4, 4))
    if punt.meter:
        parts.append(pack("!HHI", 5, 8, punt.meter.number))
    return vendor(37, bytes(6) + b"".join(part + bytes(-len(part) % 8) for part in parts))


def _punt_text(punt: Punt) -> str:
    said = (
        (punt.reason != "action", f"reason={punt.reason}"),
        (punt.max_len, f"max_len={punt.max_len}"),
        (punt.number, f"id={punt.number}"),
        (punt.userdata, f"userdata={punt.userdata.hex('.')}"),
        (punt.pause, "pause"),
        (punt.meter, f"meter_id={punt.meter and punt.meter.number}"),
    )
    return f"controller({','.join(text for so, text in said if so)})"


def _dec_ttl(*controllers: int) -> bytes:
    if not controllers:
        return pack("!HH4x", 24, 8)
    return vendor(21, pack("!H4x", len(controllers)) + b"".join(pack("!H", one) for one in controllers))


def _spread(spread: Spread) -> bytes:
    return vendor(
        10,
        pack("!HH2xHHI2x", _HASHED[spread.hashed], spread.basis, _CHOICES[spread.choice], spread.links - 1,
             spread.argument)
        + pack("!HI", bits_of(spread.target), long_header(spread.target)),
    )  # fmt: skip


def _move(source: Subfield, target: Subfield) -> bytes:
    return vendor(6, pack("!HHHII", target.bits, source.first, target.first, long_header(source), long_header(target)))


_Spec = ActionSpec
SPECS: dict[str, ActionSpec] = {spec.kind: spec for spec in (
    _Spec("output", _output, _output_text),
    _Spec("output_reg", lambda part: vendor(15, pack("!HIH", bits_of(part), long_header(part), 0xFFFF)),
          lambda part: f"output:{part}"),
    _Spec("output_cut", lambda port, most: vendor(39, pack("!HI", port, most)),
          lambda port, most: f"output(port={port},max_len={most})"),
    _Spec("controller", _punt, _punt_text),
    _Spec("set_field", _set_field, _set_field_text),
    _Spec("load", lambda value, part: vendor(7, pack("!HIQ", bits_of(part), long_header(part), value)),
          lambda value, part: f"load:{f'{value:#x}' if value else 0}->{part}"),
    _Spec("move", _move, lambda source, target: f"move:{source}->{target}"),
    _Spec("push", lambda part: vendor(27, pack("!HIH", part.first, long_header(part), part.bits)),
          lambda part: f"push:{part}"),
    _Spec("pop", lambda part: vendor(28, pack("!HIH", part.first, long_header(part), part.bits)),
          lambda part: f"pop:{part}"),
    _Spec("push_vlan", lambda kind: pack("!HHH2x", 17, 8, kind), lambda kind: f"push_vlan:{kind:#x}"),
    _Spec("pop_vlan", lambda: pack("!HH4x", 18, 8), lambda: "pop_vlan"),
    _Spec("resubmit", lambda table: vendor(14, pack("!HB", _RESUBMIT_IN_PORT, table)),
          lambda table: f"resubmit(,{table})"),
    _Spec("encap", lambda what: vendor(46, pack("!HI", 0, _PACKET_TYPES[what])), lambda what: f"encap({what})"),
    _Spec("decap", lambda what: vendor(47, pack("!HI", 0, _BELOW[what])),
          lambda what: "decap()" if what == "ethernet" else "decap(packet_type(ns=0,type=0))"),
    _Spec("push_mpls", lambda: pack("!HHH2x", 19, 8, _MPLS_TYPE), lambda: "push_mpls:0x8847"),
    _Spec("pop_mpls", lambda: pack("!HHH2x", 20, 8, _MPLS_TYPE), lambda: "pop_mpls:0x8847"),
    _Spec("set_mpls_ttl", lambda ttl: pack("!HHB3x", 15, 8, ttl), lambda ttl: f"set_mpls_ttl({ttl})"),
    _Spec("dec_ttl", _dec_ttl, lambda *ids: f"dec_ttl({','.join(map(str, ids))})" if ids else "dec_ttl"),
    _Spec("clone", lambda *actions: vendor(42, bytes(6) + b"".join(map(_wire, actions))),
          lambda *actions: f"clone({','.join(map(str, actions))})"),
    _Spec("group", lambda group: pack("!HHI", 22, 8, group.number), lambda group: f"group:{group.number}"),
    _Spec("conjunction", lambda number, clause, clauses: vendor(34, pack("!BBI", clause - 1, clauses, number)),
          lambda number, clause, clauses: f"conjunction({number},{clause}/{clauses})"),
    _Spec("check_pkt_larger",
          lambda length, part: vendor(49, pack("!HHI6x", length, part.first, long_header(part))),
          lambda length, part: f"check_pkt_larger({length})->{part}"),
    _Spec("multipath", _spread, lambda one: "multipath"
          f"({one.hashed},{one.basis},{one.choice},{one.links},{one.argument},{one.target})"),
    _Spec("note", lambda what: vendor(8, what), lambda what: f"note:{what.hex('.')}"),
    _Spec("set_queue", lambda queue: pack("!HHI", 21, 8, queue), lambda queue: f"set_queue:{queue}"),
    _Spec("pop_queue", lambda: vendor(5, b""), lambda: "pop_queue"),
)}  # fmt: skip


# --- where to ---------------------------------------------------------------------------------------------------------


@lru_cache(MEMO)
def output(port: int) -> Action:
    """Send to an OpenFlow port; never goes back out of the port that the packet came in by."""
    return SPECS["output"](port)


@lru_cache(16)
def output_register(name: str) -> Action:
    """Send to the OpenFlow port whose number is in a register, or in some bits of one."""
    return SPECS["output_reg"](subfield(name))


def output_cut(port: int, most: int) -> Action:
    """Send the first `most` bytes (14 or more) to a port."""
    return SPECS["output_cut"](port, most)


@lru_cache(MEMO)
def to_service(service: str, meter: Meter, max_len: int = 0) -> Action:
    """Hand over to a service of the controller (switches/packet_in.py) as much as `meter` lets through, and of each
    frame the first `max_len` bytes (0: all).  NXAST_CONTROLLER2 with NXAC2PT_USERDATA and NXAC2PT_METER_ID.
    """
    return SPECS["controller"](Punt(meter, max_len, service.encode()))


def to_controller(punt: Punt) -> Action:
    """Send to the controller as `punt` says; what says nothing is `output(CONTROLLER)`."""
    return output(CONTROLLER) if punt == Punt() else SPECS["controller"](punt)


@lru_cache(256)
def resubmit(table: int) -> Action:
    """Look the packet up in another table too, then go on with the next action."""
    return SPECS["resubmit"](table)


def clone(*actions: Action) -> Action:
    """Do `actions` on a copy; the frame itself stays as it is (NXAST_CLONE)."""
    return SPECS["clone"](*actions)


def to_group(group: Group) -> Action:
    """Do as the group says, on a copy."""
    return SPECS["group"](group)


def set_queue(queue: int) -> Action:
    """What is sent from here on goes through a queue of its port, until `pop_queue`."""
    return SPECS["set_queue"](queue)


def pop_queue() -> Action:
    return SPECS["pop_queue"]()


# --- what is in the packet --------------------------------------------------------------------------------------------


@lru_cache(MEMO)
def put(name: str, value: int | str) -> Action:
    """Set a whole field, or some bits of one: `reg6[0..15]`."""
    if name in FIELDS and not FIELDS[name].parts:
        return SPECS["set_field"](field(name, value))
    return load(name, value) if isinstance(value, int) else load(name, int.from_bytes(values.parse(value, 16), "big"))


def load(name: str, value: int) -> Action:
    """Set a field of up to 64 bits, or some bits of one, whatever it is (NXAST_REG_LOAD)."""
    part = subfield(name)
    assert not value >> part.bits and part.bits <= 64, f"{value} does not fit {name}"
    return SPECS["load"](value, part)


@lru_cache(64)
def move(source: str, target: str, bits: int = 0) -> Action:
    """Copy one field, or some bits of it, to as many bits of another; `bits`: the low ones of both (0: all)."""
    one, other = subfield(source), subfield(target)
    if bits or one.bits != other.bits:
        one, other = one._replace(bits=bits or one.bits), other._replace(bits=bits or one.bits)
    return SPECS["move"](one, other)


def push(name: str) -> Action:
    """Keep a field on the packet's stack."""
    return SPECS["push"](subfield(name))


def pop(name: str) -> Action:
    """Set a field to what was last kept on the stack."""
    return SPECS["pop"](subfield(name))


@lru_cache(1)
def push_vlan() -> Action:
    """Put an 802.1Q tag in front, VLAN 0 until it is set."""
    return SPECS["push_vlan"](0x8100)


@lru_cache(1)
def pop_vlan() -> Action:
    """Take the outermost tag away; nothing where there is none."""
    return SPECS["pop_vlan"]()


@lru_cache(8)
def dec_ttl(*controllers: int) -> Action:
    """Lower the TTL or hop limit by one; what has 1 or less goes no further in this table, and to those controllers
    that asked for such packets (OpenFlow 1.3.5, 5.12), by their ids where some are named.
    """
    return SPECS["dec_ttl"](*controllers)


def check_pkt_larger(length: int, target: str) -> Action:
    """Set one bit when the packet has more than `length` bytes, its Ethernet header counted
    (NXAST_CHECK_PKT_LARGER).
    """
    part = subfield(target)
    assert part.bits == 1
    return SPECS["check_pkt_larger"](length, part)


def multipath(
    target: str, links: int, hashed: str = "symmetric_l4", basis: int = 0, choice: str = "modulo_n", argument: int = 0
) -> Action:
    """Set `target` to a number below `links`, the same for all packets of a flow (NXAST_MULTIPATH)."""
    return SPECS["multipath"](Spread(hashed, basis, choice, links, argument, subfield(target)))


# --- labels (RFC 3032) ------------------------------------------------------------------------------------------------


@lru_cache(4)
def encap(what: str) -> Action:
    """Put a new header, `mpls` or `ethernet`, before the whole frame (NXAST_ENCAP)."""
    return SPECS["encap"](what)


@lru_cache(4)
def decap(what: str) -> Action:
    """Take the outermost header, `ethernet` or (an Ethernet frame below it) `mpls`, off (NXAST_DECAP)."""
    return SPECS["decap"](what)


@lru_cache(1)
def push_label() -> Action:
    """One more MPLS label above the others of the stack, a copy of the uppermost (OFPAT_PUSH_MPLS)."""
    return SPECS["push_mpls"]()


@lru_cache(1)
def pop_label() -> Action:
    """Take the uppermost of several labels off (OFPAT_POP_MPLS)."""
    return SPECS["pop_mpls"]()


@lru_cache(256)
def label_ttl(ttl: int) -> Action:
    return SPECS["set_mpls_ttl"](ttl)


# --- for a conjunctive match ------------------------------------------------------------------------------------------


@lru_cache(MEMO)
def conjunction(number: int, clause: int, clauses: int) -> Action:
    """A packet that meets the flow fulfils clause `clause` (1..`clauses`) of conjunction `number`; who fulfils all of
    them is looked up again with that `conj_id` (ovs-fields(7)).
    """
    assert 1 <= clause <= clauses and 2 <= clauses <= 64
    return SPECS["conjunction"](number, clause, clauses)


def note(what: bytes) -> Action:
    """Does nothing; says something to who reads the flow.  With zeros up to 6 bytes, 14, 22, ..."""
    return SPECS["note"](what + bytes(-(len(what) + 2) % 8))
