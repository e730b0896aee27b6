"""Gateways of routers: ports in external networks, the first of which is the one of external_gateway_info.

Their ports are of no project, so that tenants do not see them, and no quota counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import Gateway, Network, Port, Router, Subnet
from controller.runtime.errors import Invalid
from controller.store.transaction import Transaction

from . import addresses, networks, ports, router_checks, router_ports, router_proxies, slots, standard, visibility
from .ports import AddressRequest, PortRequest

MOST_GATEWAYS = 16  # of one router


class GatewayRequest(NamedTuple):
    """A requested gateway.  `fixed_ips` (): those of default, or those that it has."""

    network_id: str
    fixed_ips: tuple[AddressRequest, ...] = ()
    snat: bool = True


def set_first(tx: Transaction, router: Router, wanted: GatewayRequest | None, means: Means) -> Router:
    """The router with another first gateway, or without it: then the next one is the first.

    In the same network the gateway's port stays.  Raises Conflict while floating IPs need the old one.
    """
    first, others = router.gateways[:1], router.gateways[1:]
    if wanted is None:
        return _remove(tx, router, first[0], means) if first else router
    network = _external(tx, wanted, means)
    if first and first[0].network_id == network.id:
        return _with(router, (_changed(tx, network, first[0], wanted, means), *others))
    if first:
        router = _remove(tx, router, first[0], means)
    made = _made(tx, router, network, wanted, means)
    return _with(router, (made, *others))


def add(tx: Transaction, router: Router, wanted: Sequence[GatewayRequest], means: Means) -> Router:
    """The router with further gateways, behind those that it has."""
    for each in wanted:
        made = _made(tx, router, _external(tx, each, means), each, means)
        router = _with(router, (*router.gateways, made))
    return router


def remove(tx: Transaction, router: Router, wanted: Sequence[GatewayRequest], means: Means) -> Router:
    """The router without gateways, each of which is named by its network and, where that is not enough, addresses."""
    if wanted and not router.gateways:
        raise _unmatched(router, "the router does not have any external gateways", "UnableToRemoveGateways")
    for each in wanted:
        _external(tx, each, means)
        gateway = _match(tx, router, each)
        if gateway is None:
            raise _unmatched(router, f"there is none in network {each.network_id} with these addresses")
        router = _remove(tx, router, gateway, means)
    return router


def remove_all(tx: Transaction, router: Router, means: Means) -> Router:
    for gateway in reversed(router.gateways):
        router = _remove(tx, router, gateway, means)
    return router


def replace_all(tx: Transaction, router: Router, wanted: Sequence[GatewayRequest], means: Means) -> Router:
    """The router with exactly these gateways, in this order; those that match one that it has are kept and changed."""
    found: list[tuple[GatewayRequest, Gateway | None]] = []
    rest = router
    for each in wanted:
        _external(tx, each, means)
        gateway = _match(tx, rest, each)
        if gateway is not None:
            rest = _with(rest, [one for one in rest.gateways if one is not gateway])
        found.append((each, gateway))
    for gateway in rest.gateways:
        router = _remove(tx, router, gateway, means)
    ordered = []
    for each, gateway in found:
        network = _external(tx, each, means)
        if gateway is None:
            gateway = _made(tx, router, network, each, means)
            router = _with(router, (*router.gateways, gateway))
            ordered.append(gateway)
        else:
            ordered.append(_changed(tx, network, gateway, each, means))
    return _with(router, ordered)


# --- one gateway ------------------------------------------------------------------------------------------------------


def _with(router: Router, gateways: Sequence[Gateway]) -> Router:
    return replace(router, gateways=tuple(gateways))


def _external(tx: Transaction, wanted: GatewayRequest, means: Means) -> Network:
    """The requested network.  Raises NotFound where the caller does not see it, Invalid where it is not external."""
    network = visibility.required(tx, Network, wanted.network_id, means, networks.missing(wanted.network_id))
    if not network.external:
        raise router_checks.bad_request(f"Network {network.id} is not an external network")
    gateways = {subnet.gateway_ip for subnet in tx.find(Subnet, "network_id", network.id)}
    for each in wanted.fixed_ips:
        if each.ip_address and each.ip_address in gateways:
            raise router_checks.bad_request(f"External IP {each.ip_address} is the same as the gateway IP")
    return network


def _made(tx: Transaction, router: Router, network: Network, wanted: GatewayRequest, means: Means) -> Gateway:
    if len(router.gateways) >= MOST_GATEWAYS:
        raise router_checks.bad_request(f"Router {router.id} has {MOST_GATEWAYS} external gateways, the most there are")
    router_checks.check_apart(tx, router, tx.find(Subnet, "network_id", network.id), gateway=True)
    request = PortRequest(network_id=network.id, device_id=router.id, device_owner=router_ports.GATEWAY)
    if wanted.fixed_ips:
        request["fixed_ips"] = wanted.fixed_ips
    port = ports.create(tx, "", request, _elevated(means))
    slots.exempt(tx, port)
    return Gateway(network.id, port.id, wanted.snat)


def _changed(tx: Transaction, network: Network, gateway: Gateway, wanted: GatewayRequest, means: Means) -> Gateway:
    """The gateway with the addresses that are wanted: by default it keeps what it has."""
    port = ports.required(tx, gateway.port_id)
    if wanted.fixed_ips:
        fixed_ips = addresses.of_port(tx, network, port, wanted.fixed_ips, _elevated(means))
        standard.change(tx, port, {"fixed_ips": fixed_ips}, means)
    return replace(gateway, snat=wanted.snat)


def _remove(tx: Transaction, router: Router, gateway: Gateway, means: Means) -> Router:
    others = [each for each in router.gateways if each.port_id != gateway.port_id]
    if gateway.network_id not in [each.network_id for each in others]:
        router_checks.check_gateway_unused(tx, router, gateway.network_id)
    if gateway.port_id == router.gateways[0].port_id:
        router_proxies.check_gateway_unused(tx, router.id)
    ports.remove(tx, ports.required(tx, gateway.port_id), means)
    return _with(router, others)


def _elevated(means: Means) -> Means:
    """Who may use an external network as a way out gets a port there, though it could not make one itself."""
    return means._replace(operator=True)


def _match(tx: Transaction, router: Router, wanted: GatewayRequest) -> Gateway | None:
    """The gateway in the network that has one of the addresses; without addresses the only one there."""
    there = [each for each in router.gateways if each.network_id == wanted.network_id]
    if not wanted.fixed_ips:
        if len(there) > 1:
            raise _unmatched(
                router,
                f"multiple gateway ports are attached to the same network {wanted.network_id} but external_fixed_ips "
                f"parameter is not specified in the request",
            )
        return there[0] if there else None
    asked = {each.ip_address for each in wanted.fixed_ips}
    for gateway in there:
        port = tx.get(Port, gateway.port_id)
        if port is not None and not asked.isdisjoint(port.addresses):
            return gateway
    return None


def _unmatched(router: Router, reason: str, kind: str = "UnableToMatchGateways") -> Invalid:
    return Invalid(f"Unable to match a requested gateway of router {router.id}: {reason}.", kind)
