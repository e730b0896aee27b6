"""Configuration of physical networks: `[network] flat_networks`, `network_vlan_ranges`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

VLANS = range(1, 4095)  # IEEE 802.1Q-2018, table 9-2: 0 is no VLAN, 4095 is reserved
ANY = "*"  # in flat_networks: any name
NAME = re.compile(r"[!-.0-~]{1,64}")  # is part of keys in the store


class PhysicalNetworks(NamedTuple):
    """Configured physical networks.  `flat`: names for untagged networks.  `vlans`: name -> ranges of VLANs to allocate
    from, both ends included; without a range, a VLAN has to be requested.  `mtu` of all of them, in bytes.
    """

    flat: tuple[str, ...] = ()
    vlans: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = ()
    mtu: int = 1500


NONE = PhysicalNetworks()


def configured(flat: Iterable[str], ranges: Iterable[str], mtu: int) -> PhysicalNetworks:
    """Parse `[network] flat_networks` and `network_vlan_ranges` (NAME or NAME:FIRST:LAST).  Raises ValueError."""
    vlans: dict[str, tuple[tuple[int, int], ...]] = {}
    names = [_name(name) for name in flat]
    for said in ranges:
        name, *ends = said.split(":")
        if len(ends) not in (0, 2) or not all(end.isdecimal() and end.isascii() for end in ends):
            raise ValueError(f"[network] network_vlan_ranges: {said!r} is not of the form NAME or NAME:FIRST:LAST")
        found = vlans.setdefault(_name(name), ())
        if ends:
            first, last = int(ends[0]), int(ends[1])
            if first not in VLANS or last not in VLANS or first > last:
                raise ValueError(f"[network] network_vlan_ranges: {said!r} is no range within 1 to {VLANS[-1]}")
            vlans[name] = (*found, (first, last))
    return PhysicalNetworks(tuple(names), tuple(vlans.items()), mtu)


def _name(said: str) -> str:
    if said != ANY and not NAME.fullmatch(said):
        raise ValueError(f"[network] {said[:64]!r} cannot be the name of a physical network")
    return said
