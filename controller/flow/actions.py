"""Actions and their wire form: OpenFlow 1.3.5 section 7.2.5, and Nicira's actions (ofp-actions.c of OVS)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from struct import pack
from typing import TYPE_CHECKING

import msgspec

from .fields import HEADERS, MEMO, Field, field, header

if TYPE_CHECKING:
    from .group import Group

IN_PORT = 0xFFFFFFF8
CONTROLLER = 0xFFFFFFFD
_NICIRA = 0x00002320
_wire = attrgetter("wire")
_NXM_IN_PORT = 0x00000002  # NXM_OF_IN_PORT: class 0, field 0, 2 bytes
_RESUBMIT_IN_PORT = 0xFFF8  # OFPP_IN_PORT in 16 bits: the packet keeps the port it came in by


class Action(msgspec.Struct, eq=False, gc=False):
    """One action: `kind` and `args` say what it does (for whoever interprets flows), `wire` how the switch is told."""

    kind: str
    args: tuple[object, ...]
    wire: bytes

    def __repr__(self) -> str:
        return f"Action({self})"

    def __str__(self) -> str:
        """As ovs-ofctl writes it."""
        return _TEXT[self.kind](*self.args)


@lru_cache(MEMO)
def output(port: int) -> Action:
    """Send to an OpenFlow port; never goes back out of the port that the packet came in by."""
    return Action("output", (port,), pack("!HHIH6x", 0, 16, port, 0xFFFF if port == CONTROLLER else 0))


@lru_cache(16)
def to_controller_by(meter: int, max_len: int = 0) -> Action:
    """Send to the controller as much as a meter of its own lets through, and of each packet the first `max_len` bytes
    (0: all).  NXAST_CONTROLLER2 with NXAC2PT_MAX_LEN and NXAC2PT_METER_ID.
    """
    body = (pack("!HHH2x", 0, 8, max_len) if max_len else b"") + pack("!HHI", 5, 8, meter)
    return Action("controller_by", (meter, max_len), pack("!HHIH6x", 0xFFFF, 16 + len(body), _NICIRA, 37) + body)


@lru_cache(MEMO)
def put(name: str, value: int | str) -> Action:
    """Set a whole field."""
    return put_field(field(name, value))


def put_field(what: Field) -> Action:
    body = what.wire
    length = 4 + len(body)
    padded = (length + 7) // 8 * 8
    return Action("set_field", (what,), pack("!HH", 25, padded) + body + bytes(padded - length))


@lru_cache(MEMO)
def load(name: str, low: int, bits: int, value: int) -> Action:
    """Set `bits` of a field from bit `low` on, and leave its other bits as they are (NXAST_REG_LOAD)."""
    wire = pack("!HHIHHIQ", 0xFFFF, 24, _NICIRA, 7, low << 6 | bits - 1, header(name), value)
    return Action("load", (name, low, bits, value), wire)


@lru_cache(1)
def from_no_port() -> Action:
    """Forget the port that the frame came in by: then it may leave by that port, too."""
    return Action("from_no_port", (), pack("!HHIHHIQ", 0xFFFF, 24, _NICIRA, 7, 15, _NXM_IN_PORT, 0))


# Open vSwitch prints the fields of a move by their NXM headers where they have one
_NXM = {
    "eth_dst": (0, 1), "eth_src": (0, 2), "arp_spa": (0, 16), "arp_tpa": (0, 17),
    "arp_sha": (1, 17), "arp_tha": (1, 18), "tun_id": (1, 16),
}  # fmt: skip


def _nxm(name: str) -> int:
    if name not in _NXM:
        return header(name)
    nxm_class, number = _NXM[name]
    return nxm_class << 16 | number << 9 | HEADERS[name][2]


@lru_cache(64)
def move(source: str, target: str, bits: int = 0) -> Action:
    """Copy the low `bits` of one field to the low bits of another (0: all of it)."""
    bits = bits or HEADERS[source][2] * 8
    wire = pack("!HHIHHHHII", 0xFFFF, 24, _NICIRA, 6, bits, 0, 0, _nxm(source), _nxm(target))
    return Action("move", (source, target, bits), wire)


@lru_cache(1)
def push_vlan() -> Action:
    """Put an 802.1Q tag in front, VLAN 0 until it is set."""
    return Action("push_vlan", (), pack("!HHH2x", 17, 8, 0x8100))


@lru_cache(1)
def pop_vlan() -> Action:
    """Take the outermost tag away; nothing where there is none."""
    return Action("pop_vlan", (), pack("!HH4x", 18, 8))


@lru_cache(256)
def resubmit(table: int) -> Action:
    """Look the packet up in another table too, then go on with the next action."""
    return Action("resubmit", (table,), pack("!HHIHHB3x", 0xFFFF, 16, _NICIRA, 14, _RESUBMIT_IN_PORT, table))


@lru_cache(16)
def output_register(name: str, bits: int = 32) -> Action:
    """Send to the OpenFlow port whose number is in the low `bits` of a 32-bit register."""
    wire = pack("!HHIHHIH6x", 0xFFFF, 24, _NICIRA, 15, bits - 1, header(name), 0xFFFF)
    return Action("output_reg", (name, bits), wire)


# --- labels (RFC 3032) and groups -------------------------------------------------------------------------------------

_ETHERNET, _NEXT = 0, 0xFFFE  # packet types of OVS: Ethernet; what the header's own type field says
_MPLS_TYPE = 0x8847


@lru_cache(4)
def encap(what: str) -> Action:
    """Put a new header, `mpls` or `ethernet`, before the whole frame (NXAST_ENCAP)."""
    packet_type = {"mpls": 1 << 16 | _MPLS_TYPE, "ethernet": _ETHERNET}[what]
    return Action("encap", (what,), pack("!HHIHHI", 0xFFFF, 16, _NICIRA, 46, 0, packet_type))


@lru_cache(4)
def decap(what: str) -> Action:
    """Take the outermost header, `ethernet` or (an Ethernet frame below it) `mpls`, off (NXAST_DECAP)."""
    packet_type = {"mpls": _ETHERNET, "ethernet": _NEXT}[what]
    return Action("decap", (what,), pack("!HHIHHI", 0xFFFF, 16, _NICIRA, 47, 0, packet_type))


@lru_cache(1)
def push_label() -> Action:
    """One more MPLS label above the others of the stack, a copy of the uppermost (OFPAT_PUSH_MPLS)."""
    return Action("push_mpls", (), pack("!HHH2x", 19, 8, _MPLS_TYPE))


@lru_cache(1)
def pop_label() -> Action:
    """Take the uppermost of several labels off (OFPAT_POP_MPLS)."""
    return Action("pop_mpls", (), pack("!HHH2x", 20, 8, _MPLS_TYPE))


@lru_cache(256)
def label_ttl(ttl: int) -> Action:
    return Action("set_mpls_ttl", (ttl,), pack("!HHB3x", 15, 8, ttl))


def clone(*actions: Action) -> Action:
    """Do `actions` on a copy; the frame itself stays as it is (NXAST_CLONE)."""
    body = b"".join([action.wire for action in actions])
    return Action("clone", actions, pack("!HHIH6x", 0xFFFF, 16 + len(body), _NICIRA, 42) + body)


def to_group(group: Group) -> Action:
    """Do as the group says, on a copy."""
    return Action("group", (group,), pack("!HHI", 22, 8, group.number))


def instructions(
    actions: tuple[Action, ...], metadata: tuple[int, int] | None, goto: int | None, meter: int = 0
) -> bytes:
    """Meter, apply-actions, write-metadata (value, mask), goto-table: in the order of Open vSwitch's dumps."""
    done = pack("!HHI", 6, 8, meter) if meter else b""
    if actions:
        body = b"".join(map(_wire, actions))
        done += pack("!HH4x", 4, 8 + len(body)) + body
    if metadata is not None:
        done += write_metadata(*metadata)
    return done if goto is None else done + _GOTO[goto]


@lru_cache(MEMO)
def write_metadata(value: int, mask: int) -> bytes:
    return pack("!HH4xQQ", 2, 24, value, mask)


_GOTO = [pack("!HHB3x", 1, 8, table) for table in range(255)]

_BRACKETED = {
    "eth_src": "NXM_OF_ETH_SRC[]", "eth_dst": "NXM_OF_ETH_DST[]",
    "arp_sha": "NXM_NX_ARP_SHA[]", "arp_tha": "NXM_NX_ARP_THA[]",
    "arp_spa": "NXM_OF_ARP_SPA[]", "arp_tpa": "NXM_OF_ARP_TPA[]",
    "metadata": "OXM_OF_METADATA", "tun_id": "NXM_NX_TUN_ID",
    "mpls_label": "OXM_OF_MPLS_LABEL", "mpls_tc": "OXM_OF_MPLS_TC",
}  # fmt: skip


_BITS = {"mpls_label": 20, "mpls_tc": 3}  # of those that do not fill their bytes


def _ranged(name: str, bits: int, low: int = 0) -> str:
    """A range of a field's bits as Open vSwitch prints it: all as `[]`, one as `[n]`."""
    printed = _BRACKETED.get(name, f"NXM_NX_{name.upper()}").removesuffix("[]")
    if bits == _BITS.get(name, HEADERS[name][2] * 8):
        return f"{printed}[]"
    return f"{printed}[{low}]" if bits == 1 else f"{printed}[{low}..{low + bits - 1}]"


def _set_field(what: Field) -> str:
    printed, _, value = str(what).partition("=")
    if what.name == "vlan_vid":
        value = str(int.from_bytes(what.value, "big"))
    return f"set_field:{value}->{ {'dl_src': 'eth_src', 'dl_dst': 'eth_dst'}.get(printed, printed) }"


_TEXT: dict[str, Callable[..., str]] = {
    "output": lambda port: "IN_PORT" if port == IN_PORT else f"output:{port}",
    "controller_by": lambda meter, most: f"controller({f'max_len={most},' if most else ''}meter_id={meter})",
    "set_field": _set_field,
    "move": lambda source, target, bits: f"move:{_ranged(source, bits)}->{_ranged(target, bits)}",
    "push_vlan": lambda: "push_vlan:0x8100",
    "pop_vlan": lambda: "pop_vlan",
    "resubmit": lambda table: f"resubmit(,{table})",
    "output_reg": lambda name, bits: f"output:{_ranged(name, bits)}",
    "load": lambda name, low, bits, value: f"load:{value:#x}->{_ranged(name, bits, low)}".replace(
        "load:0x0-", "load:0-"
    ),
    "from_no_port": lambda: "load:0->NXM_OF_IN_PORT[]",
    "encap": lambda what: f"encap({what})",
    "decap": lambda what: "decap()" if what == "ethernet" else "decap(packet_type(ns=0,type=0))",
    "push_mpls": lambda: "push_mpls:0x8847",
    "pop_mpls": lambda: "pop_mpls:0x8847",
    "set_mpls_ttl": lambda ttl: f"set_mpls_ttl({ttl})",
    "clone": lambda *actions: f"clone({','.join(map(str, actions))})",
    "group": lambda group: f"group:{group.number}",
}
