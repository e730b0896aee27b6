"""NDP proxies as routers see them: when a router may have some, and what they need of it."""

from __future__ import annotations

from controller.model.rows import FixedIp, NdpProxy, Port, Router, Subnet, SubnetPool
from controller.model.rows.base import Reads
from controller.runtime.errors import Conflict
from controller.store.transaction import Transaction


def enabled(tx: Transaction, before: Router, after: Router, wanted: bool | None) -> bool:
    """Whether a router, changed otherwise already, may have proxies.  `wanted` None: as before, while it has a gateway.

    Raises Conflict: RouterGatewayNotValid where it cannot be enabled, RouterIPv6GatewayInUse where an enabled one's
    gateway would be without IPv6.
    """
    if wanted:
        _check_can_enable(tx, after)
        return True
    if wanted is False or not (before.ndp_proxy and after.gateways):
        return False
    if not _has_ipv6(tx, after):
        raise Conflict(
            f"Can't remove the IPv6 subnet from external gateway of router {after.id}, the IPv6 subnet in use by the "
            f"router's ndp proxy.",
            "RouterIPv6GatewayInUse",
        )
    return True


def scope_of(reads: Reads, network_id: str) -> str:
    """The address scope of a network's IPv6 subnets; "" where they are of none."""
    for subnet in reads.find(Subnet, "network_id", network_id):
        pool = reads.get(SubnetPool, subnet.subnetpool_id) if subnet.ip_version == 6 else None
        if pool is not None and pool.address_scope_id:
            return pool.address_scope_id
    return ""


def _check_can_enable(tx: Transaction, router: Router) -> None:
    """Raises Conflict (RouterGatewayNotValid) for a router whose gateway does not lead to IPv6 of an address scope."""
    if not _has_ipv6(tx, router) or not scope_of(tx, router.gateways[0].network_id):
        raise Conflict(
            f"Can not enable ndp proxy on router {router.id}, The router has no external gateway or the external "
            f"gateway port has no IPv6 address or IPv6 address scope.",
            "RouterGatewayNotValid",
        )


def _has_ipv6(tx: Transaction, router: Router) -> bool:
    """Whether its first gateway has an IPv6 address."""
    port = tx.get(Port, router.gateways[0].port_id) if router.gateways else None
    return port is not None and any(":" in address for address in port.addresses)


def check_gateway_unused(tx: Transaction, router_id: str) -> None:
    """For a first gateway that goes.  Raises Conflict (RouterGatewayInUseByNDPProxy)."""
    tx.guard(f"router-proxy/{router_id}")
    if tx.find(NdpProxy, "router_id", router_id):
        raise Conflict(
            f"Unable to unset external gateway of router {router_id}, There are one or more ndp proxies still in use "
            f"on the router.",
            "RouterGatewayInUseByNDPProxy",
        )


def check_interface_unused(tx: Transaction, router_id: str, subnet: Subnet) -> None:
    """For an interface that leaves a subnet.  Raises Conflict (RouterInterfaceInUseByNDPProxy)."""
    tx.guard(f"router-proxy/{router_id}")
    for proxy in tx.find(NdpProxy, "router_id", router_id):
        port = tx.get(Port, proxy.port_id)
        if port is not None and FixedIp(subnet.id, proxy.ip_address) in port.fixed_ips:
            raise Conflict(
                f"Unable to remove subnet {subnet.id} from router {router_id}, There are one or more ndp proxies still "
                f"in use on the subnet.",
                "RouterInterfaceInUseByNDPProxy",
            )
