"""The MTU that a network has: what it was made with, or less where what is between the switches carries less by now.

What was asked for stays in the network's row, and counts again when there is room for it again.
"""

from __future__ import annotations

import logging

from controller.model.model import Dependency, Model
from controller.model.mtu import Most
from controller.model.rows import Link, Network, Switch

log = logging.getLogger("tenet.network")


class Mtus:
    """`underlay`: MTU of the underlay, in bytes, where no hypervisor tells it.  `least`: what no hypervisor can lower
    networks below.
    """

    def __init__(self, model: Model, underlay: int = 1500, least: int = 1280) -> None:
        self._model = model
        self._underlay = underlay
        self._least = least
        self._told: Most | None = None
        self._narrow: set[str] = set()  # networks that were said to be lowered by where their ports are

    def most(self) -> Most:
        """What there is room for between any two switches."""
        return self._model.room.most(self._underlay, wired=self._model.routes.wired)

    def of(self, network: Network) -> tuple[int, str]:
        """The network's MTU in bytes, and where that is less than it was made with, a word on it.

        What counts of the underlay is what the switches tell that hold ports of the network.
        """
        model = self._model
        if network.physical_network or network.mtu <= self.most().mtu:
            return network.mtu, ""
        holders = (model.get(Switch, switch_id) for switch_id in model.placement.span.of(network.id))
        room = model.room.between(holders, self._underlay, wired=model.routes.wired).mtu
        most = max(room, min(self._least, network.mtu))
        if network.mtu <= most:
            return network.mtu, ""
        return most, f"it was made with {network.mtu}, and there is room for {most} now"

    def lowered(self) -> list[Network]:
        """The networks that have less than they were made with."""
        return [network for network in self._model.rows(Network).values() if self.of(network)[1]]

    def changed(self, touched: set[Dependency]) -> None:
        """For `Replica.listen`: say so when there is less room, or more again, and networks are concerned."""
        self._look_at_spans(touched)
        if not any(dependency[0] in (Switch, Link) for dependency in touched):
            return
        before, self._told = self._told, self.most()
        if before is None or before.mtu == self._told.mtu:
            return
        lowered = self.lowered()
        if self._told.mtu < before.mtu and lowered:
            log.warning("%d networks have an MTU of %d now, less than they were made with: %s",
                        len(lowered), self._told.mtu, self._told.why)  # fmt: skip
        elif self._told.mtu > before.mtu:
            log.info("networks may have an MTU of %d again; %d have less than they were made with",
                     self._told.mtu, len(lowered))  # fmt: skip

    def _look_at_spans(self, touched: set[Dependency]) -> None:
        """Say so when a network comes to a switch whose underlay is narrower than what it was made with."""
        for network_id in [str(dependency[1]) for dependency in touched if dependency[0] == "span"]:
            network = self._model.get(Network, network_id)
            mtu, why = self.of(network) if network is not None else (0, "")
            if not why:
                self._narrow.discard(network_id)
            elif network_id not in self._narrow:
                self._narrow.add(network_id)
                log.warning("network %s has an MTU of %d now: %s", network_id, mtu, why)
