"""How large a tenant's IP packet may be, by what carries it from switch to switch (docs/decisions/0009-mtu.md)."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from controller.model.rows import Switch

# Outer IPv4 (20), UDP (8), VXLAN or option-less Geneve (8) and inner Ethernet (14) headers: RFC 7348, 5; RFC 8926, 3.1.
# The same for gre networks: which encapsulation two switches share is theirs to say, not the network's.
OVERHEAD = 50
IPV6_MORE = 20  # that an outer IPv6 header is longer (RFC 8200, 3)
LABELLED = 22  # on a wire, two labels of 4 bytes and the tenant's own Ethernet header behind them


class Most(NamedTuple):
    """In bytes, and why it is no more."""

    mtu: int
    why: str


class Room:
    """What switches say of the networks between them.  Changed by the model only."""

    def __init__(self) -> None:
        self._underlays: Counter[int] = Counter()  # MTUs of underlays, an IPv6 one's as of IPv4 -> how many have it
        self._wires: Counter[int] = Counter()  # MTU of a switch's narrowest wire -> how many have such
        self._tunnelled = 0  # switches that have an underlay

    def change(self, old: Switch | None, new: Switch | None) -> None:
        for switch, by in ((old, -1), (new, 1)):
            if switch is None:
                continue
            self._tunnelled += by * bool(switch.encap_ip)
            if switch.underlay_mtu:
                _count(self._underlays, switch.underlay_mtu - (IPV6_MORE if ":" in switch.encap_ip else 0), by)
            if switch.wire_mtu:
                _count(self._wires, switch.wire_mtu, by)

    def most(self, underlay: int, wired: bool) -> Most:
        """`underlay`: what the underlay carries where no hypervisor tells, in bytes; `wired`: there are wires."""
        room = min(self._underlays, default=underlay)
        mixed = wired and self._tunnelled > 0
        found = Most(room - OVERHEAD - (LABELLED if mixed else 0), f"tunnels go over an underlay of {room}")
        if mixed:
            found = found._replace(why=found.why + ", and carry what wires are to carry on, with labels")
        narrowest = min(self._wires, default=0) if wired else 0
        if narrowest and narrowest - LABELLED < found.mtu:
            return Most(narrowest - LABELLED, f"a wire carries {narrowest}, labels among them")
        return found


def wire_mtu(underlay: int) -> int:
    """What a wire is to carry, so that it does not make networks narrower than tunnels do."""
    return underlay - OVERHEAD + LABELLED


def _count(counter: Counter[int], value: int, by: int) -> None:
    counter[value] += by
    if not counter[value]:
        del counter[value]
