"""Routes of a router to the outside: over the fabric to its gateway first, and from there to the next hop outside.

What has come from outside never goes there again by these: a router forwards for its tenant only.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, dec_ttl, in_order, load
from controller.model.reader import Reader
from controller.model.rows import Router

from ..matches import bits, of_network, routed_into
from ..pipeline import FIT, FLOAT, FROM_OUTSIDE, OUTSIDE, ROUTE, ROUTER
from ..routing.next_hop import IS_DESTINATION, is_address
from ..routing.routes import priority, to
from .gateways import external_routes


def router(router: Router, see: Reader) -> Iterator[Flow]:
    from_inside = bits((ROUTER, router.number), (FROM_OUTSIDE, 0))
    for route in external_routes(router, see):
        leaving = (dec_ttl(), load("in_port", 0))
        yield Flow(ROUTE, priority(route.prefix), (*to(route.prefix), from_inside), leaving,
                   metadata=routed_into(router.segment), goto=FLOAT)  # fmt: skip
        at = (ROUTER.match(router.number), of_network(route.via.segment))
        hop = is_address(route.hop) if route.hop else (IS_DESTINATION[route.prefix.version],)
        yield Flow(OUTSIDE, priority(route.prefix), in_order(*to(route.prefix), *at), hop, goto=FIT)


IN_ROUTER = {"router": router}
