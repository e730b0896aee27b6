"""MTU of tenants' networks, by what carries their frames from switch to switch (docs/decisions/0009-mtu.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from controller.model.rows import Switch

# Outer IPv4 (20), UDP (8), VXLAN or option-less Geneve (8) and inner Ethernet (14) headers: RFC 7348, 5; RFC 8926, 3.1.
# The same for gre networks: which encapsulation two switches share is theirs to say, not the network's.
OVERHEAD = 50
IPV6_MORE = 20  # that an outer IPv6 header is longer (RFC 8200, 3)
LABELLED = 22  # on a wire, two labels of 4 bytes and the tenant's own Ethernet header behind them


class Most(NamedTuple):
    """Largest MTU in bytes, and the reason for it."""

    mtu: int
    why: str


class Room:
    """MTUs that switches report for underlays and wires.  Changed by the model only."""

    def __init__(self) -> None:
        self._underlays: Counter[int] = Counter()  # underlay MTU (as of `_underlay`) -> number of switches
        self._wires: Counter[int] = Counter()  # MTU of a switch's narrowest wire -> number of switches
        self._tunnelled = 0  # switches with an underlay

    def change(self, old: Switch | None, new: Switch | None) -> None:
        for switch, by in ((old, -1), (new, 1)):
            if switch is None:
                continue
            self._tunnelled += by * bool(switch.encap_ip)
            if switch.underlay_mtu:
                _count(self._underlays, _underlay(switch), by)
            if switch.wire_mtu:
                _count(self._wires, switch.wire_mtu, by)

    def most(self, underlay: int, wired: bool) -> Most:
        """Largest MTU between any two switches.  `underlay`: its MTU in bytes where no hypervisor reports one;
        `wired`: wires exist.
        """
        return self._most(min(self._underlays, default=underlay), wired)

    def usual(self, underlay: int, wired: bool) -> Most:
        """Largest MTU of a network that is on no switch yet: the underlay MTU that most hypervisors report, the smaller
        of two as frequent ones, so that one hypervisor does not decide for all.
        """
        return self._most(self._usual(underlay), wired)

    def between(self, switches: Iterable[Switch | None], underlay: int, wired: bool) -> Most:
        """Largest MTU between these switches; one that reports none counts as the usual underlay."""
        usual = self._usual(underlay)
        told = (_underlay(switch) if switch.underlay_mtu else usual for switch in switches if switch is not None)
        return self._most(min(told, default=usual), wired)

    def _usual(self, underlay: int) -> int:
        return max(self._underlays, key=lambda mtu: (self._underlays[mtu], -mtu), default=underlay)

    def _most(self, room: int, wired: bool) -> Most:
        mixed = wired and self._tunnelled > 0
        found = Most(room - OVERHEAD - (LABELLED if mixed else 0), f"tunnels go over an underlay of {room}")
        if mixed:
            found = found._replace(why=found.why + ", and carry what wires are to carry on, with labels")
        narrowest = min(self._wires, default=0) if wired else 0
        if narrowest and narrowest - LABELLED < found.mtu:
            return Most(narrowest - LABELLED, f"a wire carries {narrowest}, labels among them")
        return found


def wire_mtu(underlay: int) -> int:
    """MTU that a wire needs in order not to carry less than tunnels do."""
    return underlay - OVERHEAD + LABELLED


def _underlay(switch: Switch) -> int:
    """A switch's underlay MTU, an IPv6 underlay's reduced by its longer header."""
    return switch.underlay_mtu - (IPV6_MORE if ":" in switch.encap_ip else 0)


def _count(counter: Counter[int], value: int, by: int) -> None:
    counter[value] += by
    if not counter[value]:
        del counter[value]
