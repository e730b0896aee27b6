"""MTU: packets that a router sends into a network are measured where they can be larger than its MTU."""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, check_pkt_larger
from controller.model.reader import Reader
from controller.model.rows import Network, Router, RouterInterface

from ..matches import IPV4, IPV6, of_network
from ..pipeline import FIT, FITS, ROUTER, TOO_BIG, USUAL

ETHERNET = 14  # bytes of the header, which is counted


def router(router: Router, see: Reader) -> Iterator[Flow]:
    networks = _networks(router, see) if router.admin_state_up else []
    largest = max((network.mtu for network in networks), default=0)
    for network in networks:
        if network.mtu < largest:
            measured = (check_pkt_larger(network.mtu + ETHERNET, TOO_BIG.subfield),)
            for family in (IPV4, IPV6):
                match = (family, ROUTER.match(router.number), of_network(network.segment))
                yield Flow(FIT, USUAL, match, measured, goto=FITS)


def _networks(router: Router, see: Reader) -> list[Network]:
    """Networks that a router leads to."""
    ids = [interface.network_id for interface in see.find(RouterInterface, "router_id", router.id)]
    ids += [gateway.network_id for gateway in router.gateways]
    found = [see.view(Network, network_id) for network_id in dict.fromkeys(ids)]
    return [network for network in found if network is not None]


IN_ROUTER = {"router": router}
