"""Next hop to MAC address, in networks that routers are on.

A port's own addresses are declared, so nobody has to be asked.  A next hop that is a router's interface is entered at
once: chains of routers are as long as the TTL lets them be, and no longer than the levels of `resubmit` (64).
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, put, resubmit
from controller.model.reader import Reader
from controller.model.rows import Network, Port, RouterInterface

from ..matches import of_network
from ..pipeline import ENTER, RESOLVE, ROUTED, USUAL
from .interface import live
from .next_hop import bound_for


def port(port: Port, see: Reader) -> Iterator[Flow]:
    network = see.view(Network, port.network_id)
    if port.learning or network is None or not see.routed(port.network_id) or see.binding(port) is None:
        return
    for address in dict.fromkeys(port.addresses):
        match = (*bound_for(address), of_network(network.segment))
        yield Flow(RESOLVE, USUAL, match, (put("eth_dst", port.mac_address),), goto=ROUTED)


def router_interface(interface: RouterInterface, see: Reader) -> Iterator[Flow]:
    here = live(interface, see)
    if here is None:
        return
    for address in here.addresses:
        entered = (put("eth_dst", here.mac), resubmit(ENTER.number))
        yield Flow(RESOLVE, USUAL, (*bound_for(address), of_network(here.segment)), entered)


IN_NETWORK = {"port": port, "router_interface": router_interface}
