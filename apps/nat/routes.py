"""Routes of a router to the outside: over the fabric to its gateway first, and from there to the next hop outside.

What has come from outside never goes there again by these: a router forwards for its tenant only.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Field, Flow, dec_ttl, in_order, load
from controller.model.reader import Reader
from controller.model.rows import Router

from ..matches import bits, of_network, routed_into
from ..pipeline import FIT, FLOAT, FROM_OUTSIDE, OUTSIDE, PATH, ROUTE, ROUTER
from ..routing.next_hop import IS_DESTINATION, is_address
from ..routing.routes import priority, to
from .gateways import ExternalRoute, exits, external_routes, other_defaults


def router(router: Router, see: Reader) -> Iterator[Flow]:
    from_inside = bits((ROUTER, router.number), (FROM_OUTSIDE, 0))
    routes = external_routes(router, see)
    for route in routes:
        leaving = (dec_ttl(), load("in_port", 0))
        yield Flow(ROUTE, priority(route.prefix), (*to(route.prefix), from_inside), leaving,
                   metadata=routed_into(router.segment), goto=FLOAT)  # fmt: skip
        ways = exits(route, router, see)
        for path, way in enumerate(ways if len(ways) > 1 else ()):
            yield _outside(way, bits((ROUTER, router.number), (PATH, path)), priority(route.prefix))
        if len(ways) == 1:
            yield _outside(route, ROUTER.match(router.number), priority(route.prefix))
    alone = [route for route in routes if len(exits(route, router, see)) == 1]
    for route in other_defaults(alone, router, see):
        yield _outside(route, ROUTER.match(router.number), priority(route.prefix) - 1)


def _outside(route: ExternalRoute, at: Field, above: int) -> Flow:
    """The next hop in the network of the route's gateway."""
    hop = is_address(route.hop) if route.hop else (IS_DESTINATION[route.prefix.version],)
    match = in_order(*to(route.prefix), at, of_network(route.via.segment))
    return Flow(OUTSIDE, above, match, hop, goto=FIT)


IN_ROUTER = {"router": router}
