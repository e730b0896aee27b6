"""Where switches meet physical networks."""

from __future__ import annotations

from .rows import Network, Switch


def meets(switch: Switch, network: Network) -> bool:
    """Whether a switch has a bridge of the physical network that the network is on, so that its frames may go there."""
    return bool(network.physical_network) and any(one.network == network.physical_network for one in switch.physical)
