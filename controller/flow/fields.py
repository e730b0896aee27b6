"""Match fields as values.

A field is a small memoized value; a match is a tuple of them, in the order of RANK.  What fields there are, and how
each is encoded and printed, is one table (spec.py).
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import msgspec

from . import values
from .spec import NEEDS, ONF, SPECS, TRACKED, FieldSpec

MEMO = 1 << 15  # values come and go with tenants: a bound, not a promise
KEYS = 1 << 12  # logical ports whose flows are made once for all switches
FEW = 16  # flows that follow from options alone: tests have several of them in one process

FIELDS: dict[str, FieldSpec] = {spec.name: spec for spec in SPECS}
RANK = {name: rank for rank, name in enumerate(FIELDS)}
_ONF_ID = (0x4F4E4600).to_bytes(4, "big")
_SUBFIELD = re.compile(r"(\w+)\[(\d+)(?:\.\.(\d+))?\]")


def header(name: str, masked: bool = False) -> int:
    """The 32-bit OXM header of a field."""
    spec = FIELDS[name]
    size = spec.size * (2 if masked else 1) + (4 if spec.oxm_class == ONF else 0)
    return spec.oxm_class << 16 | spec.number << 9 | masked << 8 | size


def _prefix(spec: FieldSpec, masked: bool) -> bytes:
    """What stands before the value on the wire: the header, with the experimenter's number where it has one."""
    return header(spec.name, masked).to_bytes(4, "big") + (_ONF_ID if spec.oxm_class == ONF else b"")


_PLAIN = {name: _prefix(spec, False) for name, spec in FIELDS.items()}
_MASKED = {name: _prefix(spec, True) for name, spec in FIELDS.items()}
_NAMES = {prefix: name for name, prefix in chain(_PLAIN.items(), _MASKED.items())}
# what stands before a value, and how many bytes it has, of fields whose values are numbers or addresses
_USUAL = {spec.name: (_PLAIN[spec.name], spec.size) for spec in SPECS if not spec.parts and values.is_plain(spec.form)}
_MASK_BIT = 1  # of a header's third byte


class Field(msgspec.Struct, eq=False, gc=False):
    """One field of a match; `wire` is its header, its value and, where it is not exact, its mask."""

    name: str
    wire: bytes

    @property
    def value(self) -> bytes:
        """In network order."""
        value = self.wire[len(_PLAIN[self.name]) :]
        return value[: len(value) // 2] if self._is_masked else value

    @property
    def mask(self) -> bytes | None:
        """In network order; None where the match is exact."""
        return self.wire[-((len(self.wire) - len(_MASKED[self.name])) // 2) :] if self._is_masked else None

    @property
    def _is_masked(self) -> bool:
        return bool(self.wire[2] & _MASK_BIT)

    def __repr__(self) -> str:
        return f"Field({self})"

    def __str__(self) -> str:
        """As ovs-ofctl writes it."""
        spec = FIELDS[self.name]
        if self.mask is not None:
            name = "vlan_tci" if spec.form == "vlan" else spec.match or spec.name
            return f"{name}={values.masked_text(spec.form, self.value, self.mask)}"
        if spec.form == "vlan":
            number = int.from_bytes(self.value, "big")
            return f"dl_vlan={number & 0xFFF}" if number & 0x1000 else f"vlan_tci=0x{number:04x}/0x1fff"
        return f"{spec.match or spec.name}={values.text(spec.form, self.value)}"


class Subfield(NamedTuple):
    """Bits `first` to `first + bits - 1` of a field, 0 the lowest."""

    spec: FieldSpec
    first: int
    bits: int

    @property
    def whole(self) -> bool:
        return self.bits == self.spec.bits

    def __str__(self) -> str:
        """As a move or a load prints it."""
        last = self.first + self.bits - 1
        if self.whole:
            return f"{self.spec.long}[]"
        return f"{self.spec.long}[{self.first}{'' if self.bits == 1 else f'..{last}'}]"


@lru_cache(1024)
def subfield(name: str) -> Subfield:
    """`reg6`, `reg6[3]` or `reg6[0..15]`.  Raises KeyError for no field, ValueError for bits that it does not have."""
    found = _SUBFIELD.fullmatch(name)
    if found is None:
        return Subfield(FIELDS[name], 0, FIELDS[name].bits)
    spec, first = FIELDS[found[1]], int(found[2])
    last = int(found[3] or first)
    if not first <= last < spec.bits:
        raise ValueError(f"{name}: {spec.name} has bits 0 to {spec.bits - 1}")
    return Subfield(spec, first, last - first + 1)


def text(name: str, value: bytes) -> str:
    """A field's value for people."""
    return values.text(FIELDS[name].form, value)


def value_of(name: str, value: int | str) -> bytes:
    """A field's value, as a number or in its usual text form, in network order."""
    size = FIELDS[name].size
    return value.to_bytes(size, "big") if isinstance(value, int) else values.parse(value, size)


@lru_cache(MEMO)
def field(name: str, value: int | str) -> Field:
    """An exact match on one field, or on some of its bits: `reg6[0..15]`; of flags as `+trk-new`; of `ip_frag` as
    `later`.
    """
    usual = _USUAL.get(name)
    if usual is not None:
        prefix, size = usual
        octets = value.to_bytes(size, "big") if isinstance(value, int) else values.parse(value, size)
        return Field(name, prefix + octets)
    if name not in FIELDS:
        part = subfield(name)
        assert isinstance(value, int) and not value >> part.bits, f"{value} does not fit {name}"
        return masked(part.spec.name, value << part.first, (1 << part.bits) - 1 << part.first)
    spec = FIELDS[name]
    assert not spec.parts, f"{name} is matched by its parts"
    if isinstance(value, str) and (signed := values.parse_bits(spec.form, value)) is not None:
        return masked(name, *signed)
    return Field(name, _PLAIN[name] + value_of(name, value))


@lru_cache(MEMO)
def masked(name: str, value: int | str, mask: int | str) -> Field:
    """A match on some bits of a field; bits of `value` outside of `mask` do not count, a mask of every bit is exact."""
    octets, bits = value_of(name, value), value_of(name, mask)
    number, counted = int.from_bytes(octets, "big"), int.from_bytes(bits, "big")
    if counted == (1 << FIELDS[name].bits) - 1:
        return Field(name, _PLAIN[name] + octets)
    if number & ~counted:
        octets = (number & counted).to_bytes(len(octets), "big")
    return Field(name, _MASKED[name] + octets + bits)


def in_order(*match: Field) -> tuple[Field, ...]:
    """The fields of a match as Open vSwitch writes them, one behind the other."""
    return tuple(sorted(match, key=_rank))


def _rank(one: Field) -> int:
    return RANK[one.name]


def decode(wire: bytes) -> tuple[Field, ...]:
    """The fields of a match, from what `Field.wire` of each says, one after the other."""
    found, at = [], 0
    while at < len(wire):
        start = at + (8 if wire.startswith(b"\xff\xff", at) else 4)  # the experimenter class has a number more
        end = at + 4 + wire[at + 3]
        found.append(Field(_NAMES[wire[at:start]], wire[at:end]))
        at = end
    return tuple(found)


def unprepared(match: tuple[Field, ...]) -> list[str]:
    """The fields of a match that Open vSwitch refuses for want of another (OFPBMC_BAD_PREREQ)."""
    said = {(one.name, int.from_bytes(one.value, "big")) for one in match if one.mask is None}
    if any(one.name == "vlan_vid" and one.value[0] & 0x10 for one in match):
        said.add(("vlan_vid", 0x1000))
    return [
        one.name
        for one in match
        if (needs := FIELDS[one.name].needs)
        and not (
            any(each <= said for each in NEEDS[needs])
            and (FIELDS[one.name].home != TRACKED or any(map(_of_a_connection, match)))
        )
    ]


def _of_a_connection(one: Field) -> bool:
    """Whether a field says that the packet belongs to a connection, so that the connection's fields mean something."""
    if one.name != "ct_state":
        return False
    new, est, rel, rpl, inv, trk = (1 << bit for bit in range(6))
    state, counted = int.from_bytes(one.value, "big"), int.from_bytes(one.mask or b"\xff", "big")
    return bool(state & (new | est | rel | rpl)) or bool(state & trk and counted & inv and not state & inv)
