"""What an action is: a line of a table, and an action of that kind with its arguments."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack
from typing import NamedTuple

import msgspec

from .fields import Subfield

_NICIRA = 0x00002320


class ActionSpec(NamedTuple):
    """One kind of action: how its arguments are encoded (whole, a multiple of 8 bytes), and how ovs-ofctl prints them.

    What it does to a frame is the method of the same kind in interpret/walk.py.
    """

    kind: str
    encode: Callable[..., bytes]
    text: Callable[..., str]

    def __call__(self, *args: object) -> Action:
        return Action(self, args, self.encode(*args))


class Action(msgspec.Struct, eq=False, gc=False):
    """One action: `kind` and `args` say what it does (for whoever interprets flows), `wire` how the switch is told."""

    spec: ActionSpec
    args: tuple[object, ...]
    wire: bytes

    @property
    def kind(self) -> str:
        return self.spec.kind

    def __repr__(self) -> str:
        return f"Action({self})"

    def __str__(self) -> str:
        """As ovs-ofctl writes it."""
        return self.spec.text(*self.args)


def vendor(subtype: int, body: bytes) -> bytes:
    """An action of Nicira's, with zeros up to a multiple of 8 bytes."""
    padded = (10 + len(body) + 7) // 8 * 8
    return pack("!HHIH", 0xFFFF, padded, _NICIRA, subtype) + body + bytes(padded - 10 - len(body))


def long_header(part: Subfield) -> int:
    """The 32-bit header by which moves, loads and conntrack name a field."""
    spec = part.spec
    nxm_class, number, name = spec.nicira
    if not name:
        nxm_class, number = spec.oxm_class, spec.number
    return nxm_class << 16 | number << 9 | (2 if spec.name == "in_port" else spec.size)


def bits_of(part: Subfield) -> int:
    """First bit and number of bits in 16 bits (ofs_nbits)."""
    return part.first << 6 | part.bits - 1
