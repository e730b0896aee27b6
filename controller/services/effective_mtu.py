"""Networks as services tell of them: with the MTU that underlay and wires allow, not the configured one."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from controller.model.rows import Network

MOST = 4096  # networks with a lowered MTU that are kept

EffectiveMtu = Callable[[Network], int]  # in bytes


def configured(network: Network) -> int:
    """The MTU of the network's row."""
    return network.mtu


class EffectiveNetworks:
    """Rows of networks with their effective MTU.  The same row gives the same object while both are as they were, so
    that answers may be kept for it.
    """

    def __init__(self, mtu: EffectiveMtu) -> None:
        self._mtu = mtu
        self._lowered: dict[str, tuple[Network, Network]] = {}  # the row, and what is told of it

    def of(self, network: Network) -> Network:
        mtu = self._mtu(network)
        if mtu == network.mtu:
            return network
        kept = self._lowered.get(network.id)
        if kept is None or kept[0] is not network or kept[1].mtu != mtu:
            if len(self._lowered) >= MOST:
                self._lowered.clear()
            kept = self._lowered[network.id] = network, replace(network, mtu=mtu)
        return kept[1]
