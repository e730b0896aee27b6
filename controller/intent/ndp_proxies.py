"""Rules of NDP proxies: IPv6 addresses behind a router that its gateway answers neighbour discovery for."""

from __future__ import annotations

from controller.intent.env import Means
from controller.model.rows import NdpProxy, Port, Router, RouterInterface
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import port_uses, ports, router_proxies, standard, visibility
from .standard import StandardRequest


class ProxyRequest(StandardRequest, total=False):
    """Requested attributes of a proxy; `ip_address` "" is null."""

    router_id: str
    port_id: str
    ip_address: str


def create(tx: Transaction, project_id: str, request: ProxyRequest, means: Means) -> NdpProxy:
    """Make an address behind a router known outside.

    Raises Conflict for a router without proxies enabled or without an interface that leads to the port, and where the
    networks outside and inside are of different address scopes; Invalid for an address that is not the port's.
    """
    no_router = NotFound(f"Router {request['router_id'][:64]} could not be found.", "RouterNotFound")
    router = visibility.required(tx, Router, request["router_id"], means, no_router)
    port = visibility.required(tx, Port, request["port_id"], means, ports.missing(request["port_id"]))
    reached = _subnets(tx, router, port.network_id)
    unreachable = Conflict(
        f"The port {port.id} cannot reach the router {router.id} by IPv6 subnet.", "PortUnreachableRouter"
    )  # fmt: skip
    if reached is None:
        raise unreachable
    if not router.ndp_proxy or not router.gateways:
        raise Conflict(
            f"The enable_ndp_proxy parameter of router {router.id} must be set as True while create ndp proxy entry "
            f"on it.",
            "RouterNDPProxyNotEnable",
        )
    proxy = NdpProxy(
        **standard.fields(project_id, request, means),
        router_id=router.id,
        port_id=port.id,
        ip_address=_address(router, port, reached, request.get("ip_address", ""), unreachable),
    )
    _check_scopes(tx, router.gateways[0].network_id, port.network_id)
    for place in port_uses.proxy_places(proxy):
        if tx.holder(place) is not None:
            raise Conflict(f"Router {router.id} has an ndp proxy for {proxy.ip_address} already.", "Conflict")
        tx.reserve(place, proxy)
    tx.put(proxy)
    return proxy


def update(tx: Transaction, proxy_id: str, request: ProxyRequest, means: Means) -> NdpProxy:
    return standard.change(tx, _required(tx, proxy_id), request, means)


def delete(tx: Transaction, proxy_id: str, means: Means) -> None:
    port_uses.end_proxy(tx, _required(tx, proxy_id))


def _required(tx: Transaction, proxy_id: str) -> NdpProxy:
    proxy = tx.get(NdpProxy, proxy_id)
    if proxy is None:
        raise NotFound(f"Ndp proxy {proxy_id[:64]} could not be found.", "NDPProxyNotFound")
    return proxy


def _subnets(tx: Transaction, router: Router, network_id: str) -> set[str] | None:
    """IPv6 subnets of the network that the router has an interface in; None: it has none in the network."""
    members = [each for each in tx.find(RouterInterface, "router_id", router.id) if each.network_id == network_id]
    found = {
        fixed.subnet_id
        for member in members
        for fixed in getattr(tx.get(Port, member.id), "fixed_ips", ())
        if ":" in fixed.ip_address
    }
    return found if members else None


def _address(router: Router, port: Port, reached: set[str], address: str, unreachable: Conflict) -> str:
    candidates = [fixed for fixed in port.fixed_ips if ":" in fixed.ip_address]
    if not candidates:
        # upstream's kind for a port in a network that IPv6 does not lead to
        if not reached:
            raise unreachable
        raise Invalid(
            f"Bad ndp_proxy request: Requested port {port.id} must allocate one IPv6 address at least.", "BadRequest"
        )
    if not address:
        found = next((fixed.ip_address for fixed in candidates if fixed.subnet_id in reached), "")
        if not found:
            raise unreachable
        return found
    own = [fixed for fixed in candidates if fixed.ip_address == address]
    if not own:
        raise _invalid(address, f"This address not belong to the port {port.id}")
    if own[0].subnet_id not in reached:
        raise _invalid(address, f"This address cannot reach the router {router.id}")
    return address


def _invalid(address: str, reason: str) -> Invalid:
    return Invalid(f"The address {address} is invalid, reason: {reason}.", "InvalidAddress")


def _check_scopes(tx: Transaction, outside: str, inside: str) -> None:
    one, two = router_proxies.scope_of(tx, outside), router_proxies.scope_of(tx, inside)
    if one != two:
        raise Conflict(
            f"The IPv6 address scope {one or None} of external network conflict with internal network's IPv6 address "
            f"scope {two or None}.",
            "AddressScopeConflict",
        )
