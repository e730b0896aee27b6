"""NDP proxies: a router's gateway answers neighbour solicitations for addresses of ports inside (RFC 4389).

What comes to its MAC then is routed in as all IPv6 is.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow
from controller.model.reader import Reader
from controller.model.rows import NdpProxy, Router

from .answers import answers
from .gateways import live_gateways
from .places import serves, turn_of


def router(router: Router, see: Reader) -> Iterator[Flow]:
    """On a switch that may be the gateway."""
    if not serves(router.id, see):
        return
    proxies = see.find(NdpProxy, "router_id", router.id)
    for gateway in live_gateways(router, see):
        for proxy in proxies if gateway.routes(6) else ():
            yield from answers(gateway.segment, gateway.mac, proxy.ip_address, turn_of(router.id, see))


ON_SWITCH = {"router": router}
