"""Effective MTU of networks: the configured one, or less while underlay or wires carry less.

The configured MTU stays in the network's row, and applies again when underlay and wires allow it.
"""

from __future__ import annotations

import logging

from controller.model.model import Dependency, Model
from controller.model.mtu import Most
from controller.model.rows import Link, Network, Switch

log = logging.getLogger("tenet.network")


class Mtus:
    """Effective MTUs.  `underlay`: MTU of the underlay in bytes, where no hypervisor reports it.  `least`: bound below
    which hypervisors cannot lower a network's MTU.
    """

    def __init__(self, model: Model, underlay: int = 1500, least: int = 1280) -> None:
        self._model = model
        self._underlay = underlay
        self._least = least
        self._told: Most | None = None
        self._narrow: set[str] = set()  # networks logged as lowered because of the switches of their ports

    def most(self) -> Most:
        """Largest MTU between any two switches."""
        return self._model.room.most(self._underlay, wired=self._model.routes.wired)

    def of(self, network: Network) -> tuple[int, str]:
        """Effective MTU of a network in bytes, and the reason where it is less than the configured one.

        Only the underlay of switches with ports of the network counts.
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

    def in_bytes(self, network: Network) -> int:
        """Effective MTU of a network."""
        return self.of(network)[0]

    def lowered(self) -> list[Network]:
        """Networks with less than their configured MTU."""
        return [network for network in self._model.rows(Network).values() if self.of(network)[1]]

    def changed(self, touched: set[Dependency]) -> None:
        """Log changes of the effective MTU of networks; a listener of `Replica.listen`."""
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
        """Log networks that have got a port on a switch whose underlay carries less than their configured MTU."""
        for network_id in [str(dependency[1]) for dependency in touched if dependency[0] == "span"]:
            network = self._model.get(Network, network_id)
            mtu, why = self.of(network) if network is not None else (0, "")
            if not why:
                self._narrow.discard(network_id)
            elif network_id not in self._narrow:
                self._narrow.add(network_id)
                log.warning("network %s has an MTU of %d now: %s", network_id, mtu, why)
