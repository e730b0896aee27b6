"""Address sets: the addresses that a rule of a security group names together, as flows of a set of their own.

A set's id is `DIRECTION/KIND/ID` of the group that it follows from: flows of one direction compare the source, those of
the other the destination.
"""

from __future__ import annotations

from typing import NamedTuple


class AddressSet(NamedTuple):
    """`kind`, `id`: of the security group whose members it has, or of the address group.  `tracked`: connections'
    tuples are compared; else packets.
    """

    direction: str
    kind: str
    id: str
    tracked: bool

    @property
    def set_kind(self) -> str:
        """The kind of its flow set."""
        return "address_set" if self.tracked else "plain_address_set"

    @property
    def set_id(self) -> str:
        return f"{self.direction}/{self.kind}/{self.id}"

    @classmethod
    def of(cls, set_kind: str, set_id: str) -> AddressSet:
        direction, kind, group_id = set_id.split("/", 2)
        return cls(direction, kind, group_id, set_kind == "address_set")


class AddressBlock(NamedTuple):
    """One block of a security group's addresses (model/group_members.py)."""

    of: AddressSet
    number: int
