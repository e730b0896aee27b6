"""Rules of routers: checks against the model.  The form of values is checked before, by the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import ExtraRoute, HostRoute, Router, RouterInterface
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import (
    allocate,
    conntrack_helpers,
    flavors,
    networks,
    router_checks,
    router_gateways,
    router_proxies,
    standard,
)
from .router_gateways import GatewayRequest
from .standard import StandardRequest


class RouterRequest(StandardRequest, total=False):
    """Requested attributes of a router; missing keys were not given.  `gateway` None: none."""

    admin_state_up: bool
    gateway: GatewayRequest | None
    routes: tuple[HostRoute, ...]
    zone_hints: tuple[str, ...]
    ha: bool
    distributed: bool
    ecmp: bool
    bfd: bool
    ndp_proxy: bool
    flavor_id: str


SHOWN_ONLY = ("ha", "distributed")  # what upstream changes of a router that is down, and no flow depends on


def missing(router_id: str) -> NotFound:
    return NotFound(f"Router {router_id[:64]} could not be found.", "RouterNotFound")


def required(tx: Transaction, router_id: str) -> Router:
    router = tx.get(Router, router_id)
    if router is None:
        raise missing(router_id)
    return router


def create(tx: Transaction, project_id: str, request: RouterRequest, means: Means) -> Router:
    networks.check_zones(tx, request.get("zone_hints", ()))
    given: dict[str, Any] = {name: request[name] for name in ("ha", "distributed", "ecmp", "bfd") if name in request}
    given |= _of_flavor(tx, request)
    router = Router(
        **standard.fields(project_id, request, means),
        number=allocate.free_router_number(tx, means),
        segment=allocate.free_segment(tx, means, "router"),
        admin_state_up=request.get("admin_state_up", True),
        zone_hints=request.get("zone_hints", ()),
        **given,
    )
    tx.reserve(f"router-number/{router.number}", router)
    tx.reserve(f"segment/{router.segment}", router)
    if router.flavor_id:
        tx.reserve(f"flavor-router/{router.flavor_id}/{router.id}", router)
    tx.put(router)
    gateway = request.get("gateway")
    made = router if gateway is None else router_gateways.set_first(tx, router, gateway, means)
    made = replace(made, ndp_proxy=router_proxies.enabled(tx, router, made, request.get("ndp_proxy", False)))
    if made != router:
        tx.put(made)
    return made


def update(tx: Transaction, router_id: str, request: RouterRequest, means: Means) -> Router:
    router = required(tx, router_id)
    _check_down(router, request)
    changes: dict[str, Any] = {
        name: value for name, value in request.items() if name not in ("gateway", "routes", "ndp_proxy")
    }
    changed = router
    if "gateway" in request:
        changed = router_gateways.set_first(tx, router, request["gateway"], means)
    routes = router.routes
    if "routes" in request:
        routes = tuple(ExtraRoute(each.destination, each.nexthop) for each in request["routes"])
    return _change(tx, router, changed, routes, means, request.get("ndp_proxy"), **changes)


def delete(tx: Transaction, router_id: str, means: Means) -> None:
    """Delete a router and its gateways.  Raises Conflict (RouterInUse) while it has interfaces."""
    router = required(tx, router_id)
    tx.guard(f"router-member/{router_id}")
    attached = [each.id for each in tx.find(RouterInterface, "router_id", router_id)]
    if attached:
        more = ", ..." if len(attached) > 10 else ""
        raise Conflict(
            f"Router {router_id} has ports still attached: {', '.join(attached[:10])}{more}.", "RouterInUse"
        )  # fmt: skip
    router = router_gateways.remove_all(tx, router, means)
    conntrack_helpers.remove_all(tx, router_id)
    tx.release(f"router-number/{router.number}")
    tx.release(f"segment/{router.segment}")
    if router.flavor_id:
        tx.release(f"flavor-router/{router.flavor_id}/{router.id}")
    tx.delete(router)


def _of_flavor(tx: Transaction, request: RouterRequest) -> dict[str, Any]:
    """Fields that a new router gets from its flavor.  Raises Invalid where it is to have one of them otherwise."""
    flavor_id = request.get("flavor_id", "")
    if not flavor_id:
        return {}
    if not {*SHOWN_ONLY}.isdisjoint(request):
        raise Invalid("Invalid input for operation: Cannot set ha or distributed together with a flavor.")
    return {"flavor_id": flavor_id, **flavors.kind_of_router(tx, flavor_id)._asdict()}


# --- extra routes -----------------------------------------------------------------------------------------------------


def add_routes(tx: Transaction, router_id: str, wanted: Sequence[HostRoute], means: Means) -> Router:
    """Add extra routes; those that are there already stay."""
    router = required(tx, router_id)
    routes = tuple(dict.fromkeys([*router.routes, *(ExtraRoute(each.destination, each.nexthop) for each in wanted)]))
    return _change(tx, router, router, routes, means)


def remove_routes(tx: Transaction, router_id: str, wanted: Sequence[HostRoute], means: Means) -> Router:
    """Remove extra routes; those that are not there are not missed."""
    router = required(tx, router_id)
    unwanted = {ExtraRoute(each.destination, each.nexthop) for each in wanted}
    routes = tuple(each for each in router.routes if each not in unwanted)
    return _change(tx, router, router, routes, means)


# --- gateways ---------------------------------------------------------------------------------------------------------


def add_gateways(tx: Transaction, router_id: str, wanted: Sequence[GatewayRequest], means: Means) -> Router:
    router = required(tx, router_id)
    return _change(tx, router, router_gateways.add(tx, router, wanted, means), router.routes, means)


def update_gateways(tx: Transaction, router_id: str, wanted: Sequence[GatewayRequest], means: Means) -> Router:
    router = required(tx, router_id)
    return _change(tx, router, router_gateways.replace_all(tx, router, wanted, means), router.routes, means)


def remove_gateways(tx: Transaction, router_id: str, wanted: Sequence[GatewayRequest], means: Means) -> Router:
    router = required(tx, router_id)
    return _change(tx, router, router_gateways.remove(tx, router, wanted, means), router.routes, means)


def _change(
    tx: Transaction,
    router: Router,
    changed: Router,
    routes: tuple[ExtraRoute, ...],
    means: Means,
    ndp_proxy: bool | None = None,
    **changes: object,
) -> Router:
    """Write the router with other gateways and routes.

    It is written also where only its gateways' ports have changed: it shows their addresses.
    """
    if routes != router.routes or changed is not router:
        router_checks.check_routes(tx, changed, routes)
    changes |= {"gateways": changed.gateways, "routes": routes}
    changes["ndp_proxy"] = router_proxies.enabled(tx, router, changed, ndp_proxy)
    written = standard.change(tx, router, changes, means)
    if written is router and changed is not router:
        standard.touch(tx, router, means)
    return written


def _check_down(router: Router, request: RouterRequest) -> None:
    """Raises Invalid: as upstream, `ha` and `distributed` of a router change while it is down."""
    changed = [name for name in SHOWN_ONLY if request.get(name, getattr(router, name)) != getattr(router, name)]
    if changed and router.admin_state_up and request.get("admin_state_up", True):
        raise Invalid(
            f"Bad router request: Cannot change the '{changed[0]}' attribute of active routers. Please set router "
            f"admin_state_up to False prior to upgrade.",
            "BadRequest",
        )
