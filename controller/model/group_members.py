"""Members of security groups: the addresses of each group's ports, in blocks, so that one more changes one block.

Members are a port's fixed addresses and its address pairs, bound or not, of any network.  An address that several ports
have is in the set once.  Its block follows from the address alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from zlib import crc32

from .relation import Relation
from .rows import Port

PARTS = 64  # of a group; each of as many blocks: no list that a change makes anew is longer, up to 250,000 addresses
Pair = tuple[str, str]  # a group's id, and an address


class GroupMembers:
    """Changed by the model only."""

    def __init__(self) -> None:
        self.parts: Relation[str, int] = Relation()  # group -> parts that have blocks
        self.blocks: Relation[tuple[str, int], int] = Relation()  # (group, part) -> blocks that have addresses
        self.addresses: Relation[tuple[str, int], str] = Relation()  # (group, block) -> addresses

    @classmethod
    def over(cls, base: GroupMembers) -> GroupMembers:
        """One that reads as `base`, and may be changed."""
        made = cls()
        for name, relation in vars(base).items():
            setattr(made, name, Relation.over(relation))
        return made

    def __bool__(self) -> bool:
        """Whether any group has a member."""
        return any(map(bool, vars(self).values()))

    def includes(self, group_id: str, address: str) -> bool:
        """Whether an address is a member's, by itself or within a prefix."""
        if self.addresses.holds((group_id, _block(address)), address):
            return True
        one = ip_address(address)
        every = (each for part in self.parts.of(group_id) for block in self.blocks.of((group_id, part))
                 for each in self.addresses.of((group_id, block)) if "/" in each)  # fmt: skip
        return any(one in ip_network(prefix, strict=False) for prefix in every)

    def change(self, old: Port | None, new: Port | None) -> Iterable[tuple[object, ...]]:
        """Take in a port that came, changed or went, and name each dependency that changed by it."""
        before, after = _pairs(old), _pairs(new)
        if before == after:
            return
        for pair in sorted(after - before):
            yield from self._add(*pair)
        for pair in sorted(before - after):
            yield from self._remove(*pair)

    def _add(self, group_id: str, address: str) -> Iterable[tuple[object, ...]]:
        block = _block(address)
        part = block // PARTS
        if self.addresses.add((group_id, block), address):
            yield "group_addresses", group_id, block
        if self.blocks.add((group_id, part), block):
            yield "group_blocks", group_id, part
        if self.parts.add(group_id, part):
            yield "group_parts", group_id

    def _remove(self, group_id: str, address: str) -> Iterable[tuple[object, ...]]:
        block = _block(address)
        part = block // PARTS
        if self.addresses.remove((group_id, block), address):
            yield "group_addresses", group_id, block
        if self.blocks.remove((group_id, part), block):
            yield "group_blocks", group_id, part
        if self.parts.remove(group_id, part):
            yield "group_parts", group_id


def _pairs(port: Port | None) -> set[Pair]:
    if port is None or not port.security_groups:
        return set()
    addresses = {*port.addresses, *(pair.ip_address for pair in port.address_pairs)}
    return {(group_id, address) for group_id in port.security_groups for address in addresses}


def _block(address: str) -> int:
    return crc32(address.encode()) % (PARTS * PARTS)
