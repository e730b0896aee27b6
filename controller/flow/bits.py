"""Named ranges of bits in registers and metadata: what travels with a packet from table to table.

A range is matched and written under its mask only, so that others may be declared beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from .action import Action
from .actions import move, put
from .fields import Field, masked


@dataclass(frozen=True)
class Bits:
    """`width` bits of field `place` from bit `low` on.

    `set_by`, `read_by`: the tables whose flows may write and read them, by name.  `zero`: what they say on packets for
    which no flow has set them; "" where they mean nothing then, and are not to be read.
    """

    meaning: str
    place: str
    low: int
    width: int
    set_by: frozenset[str]
    read_by: frozenset[str]
    zero: str = ""

    @cached_property
    def mask(self) -> int:
        return (1 << self.width) - 1 << self.low

    @cached_property
    def subfield(self) -> str:
        """As actions name them."""
        return f"{self.place}[{self.low}..{self.low + self.width - 1}]"

    def match(self, value: int) -> Field:
        return masked(self.place, value << self.low, self.mask)

    def put(self, value: int) -> Action:
        return put(self.subfield, value)

    def copy_to(self, target: str) -> Action:
        """Copy to a field, or to some bits of one; where it has other than as many, to its low ones."""
        return move(self.subfield, target, self.width)

    def copy_from(self, source: str) -> Action:
        return move(source, self.subfield, self.width)

    def of(self, fields: Mapping[str, int]) -> int:
        """The value on a packet, of which the fields are given by name; fields that are 0 need not be."""
        return (fields.get(self.place, 0) & self.mask) >> self.low


def together(*values: tuple[Bits, int]) -> tuple[int, int]:
    """Several ranges of one field with their values, as value and mask of the field."""
    assert len({bits.place for bits, _ in values}) == 1, values
    value = mask = 0
    for bits, one in values:
        value, mask = value | one << bits.low, mask | bits.mask
    return value, mask
