"""Rules of NDP proxies: a router that may, an address that it leads to, one address scope."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controller.intent import ndp_proxies as rules
from controller.intent import pools, router_proxies, scopes
from controller.intent.addresses import AddressRequest
from controller.model.rows import NdpProxy, Router

from .routed import Routed, refused


class Proxied(Routed):
    """IPv6 of one address scope on both sides of the router, which may proxy."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = self.pooled("2001:db8::/48")
        self.subnet(self.outside, "2001:db8:0:1::/64", subnetpool_id=self.pool)
        self.inside6 = self.subnet(self.inside, "2001:db8:0:2::/64", subnetpool_id=self.pool)
        self.interfaced(self.router, self.inside, self.inside6, "2001:db8:0:2::1")
        self.enable()

    def pooled(self, prefix: str) -> str:
        scope = self.run(lambda tx: scopes.create(tx, "red", {"ip_version": 6}, self.means))
        request: Any = {"prefixes": (prefix,), "address_scope_id": scope.id, "default_prefixlen": 64}
        return self.run(lambda tx: pools.create(tx, "red", request, self.means)).id

    def enable(self, enabled: bool = True) -> None:
        router = self.model.get(Router, self.router.id)
        assert router is not None
        self.run(lambda tx: tx.put(replace(router, ndp_proxy=enabled)))

    def proxy(self, port_id: str, address: str = "", router: str = "r1") -> NdpProxy:
        request: Any = {"router_id": router, "port_id": port_id, "ip_address": address}
        return self.run(lambda tx: rules.create(tx, "red", request, self.means))


@pytest.fixture
def world() -> Proxied:
    return Proxied()


def ipv6(world: Proxied, port: Any) -> str:
    return next(fixed.ip_address for fixed in port.fixed_ips if fixed.subnet_id == world.inside6.id)


def test_an_address_is_chosen_and_has_one_proxy(world: Proxied) -> None:
    port = world.port(world.inside)
    proxy = world.proxy(port.id)
    assert (proxy.ip_address, proxy.router_id, proxy.port_id) == (ipv6(world, port), "r1", port.id)
    with refused("Conflict", "already"):
        world.proxy(port.id)
    world.run(lambda tx: rules.delete(tx, proxy.id, world.means))
    assert world.proxy(port.id, ipv6(world, port)).ip_address == ipv6(world, port)


def test_the_router_must_be_allowed_to(world: Proxied) -> None:
    world.enable(False)
    with refused("RouterNDPProxyNotEnable"):
        world.proxy(world.port(world.inside).id)


def test_the_router_must_lead_to_the_port(world: Proxied) -> None:
    alone = world.network()
    world.subnet(alone, "2001:db8:0:3::/64", subnetpool_id=world.pool)
    with refused("PortUnreachableRouter"):
        world.proxy(world.port(alone).id)
    world.interfaced(world.router, alone, world.subnet(alone, "10.7.0.0/24"))
    with refused("PortUnreachableRouter"):
        world.proxy(world.port(alone).id)


def test_the_address_must_be_the_ports_and_behind_the_router(world: Proxied) -> None:
    other = world.subnet(world.inside, "2001:db8:0:4::/64", subnetpool_id=world.pool)
    with refused("InvalidAddress", "not belong to the port"):
        world.proxy(world.port(world.inside).id, "2001:db8:0:2::dead")
    wanted = [AddressRequest(world.inside6.id, "2001:db8:0:2::5"), AddressRequest(other.id, "2001:db8:0:4::5")]
    both = world.port(world.inside, fixed_ips=wanted)
    with refused("InvalidAddress", "cannot reach the router"):
        world.proxy(both.id, "2001:db8:0:4::5")
    with refused("BadRequest", "must allocate one IPv6 address"):
        world.proxy(world.port(world.inside, fixed_ips=[AddressRequest(world.inside_subnet.id)]).id)


def test_both_sides_are_of_one_address_scope(world: Proxied) -> None:
    other = world.network()
    pool = world.pooled("2001:db8:1::/48")
    subnet = world.subnet(other, "2001:db8:1::/64", subnetpool_id=pool)
    world.interfaced(world.router, other, subnet, "2001:db8:1::1")
    with refused("AddressScopeConflict"):
        world.proxy(world.port(other).id)


def test_it_ends_with_its_port(world: Proxied) -> None:
    port = world.port(world.inside)
    world.proxy(port.id)
    world.delete(port)
    assert not world.model.rows(NdpProxy)
    assert not [key for key in world.model.taken if "prox" in key]


def test_routers_keep_what_one_uses(world: Proxied) -> None:
    def check() -> None:
        world.run(lambda tx: router_proxies.check_gateway_unused(tx, "r1"))
        world.run(lambda tx: router_proxies.check_interface_unused(tx, "r1", world.inside6))

    check()
    proxy = world.proxy(world.port(world.inside).id)
    with refused("RouterGatewayInUseByNDPProxy"):
        world.run(lambda tx: router_proxies.check_gateway_unused(tx, "r1"))
    with refused("RouterInterfaceInUseByNDPProxy"):
        world.run(lambda tx: router_proxies.check_interface_unused(tx, "r1", world.inside6))
    world.run(lambda tx: router_proxies.check_interface_unused(tx, "r1", world.inside_subnet))
    world.run(lambda tx: rules.delete(tx, proxy.id, world.means))
    check()


def test_what_a_router_needs_to_proxy(world: Proxied) -> None:
    def enable(router: Router) -> bool:
        return world.run(lambda tx: router_proxies.enabled(tx, router, router, True))

    with refused("RouterGatewayNotValid"):  # its gateway is older than the external network's IPv6 subnet
        enable(world.router)
    able = world.routed(2)
    assert enable(able)
    with refused("RouterGatewayNotValid"):
        enable(replace(able, gateways=()))
    elsewhere = world.network("ops", external=True)
    world.subnet(elsewhere, "2001:db8:9::/64")
    with refused("RouterGatewayNotValid"):  # of no address scope
        enable(world.routed(3, elsewhere))


def test_a_router_proxies_while_its_gateway_has_ipv6(world: Proxied) -> None:
    def still(before: Router, after: Router, wanted: bool | None = None) -> bool:
        return world.run(lambda tx: router_proxies.enabled(tx, before, after, wanted))

    able = replace(world.routed(2), ndp_proxy=True)
    assert still(able, able) and not still(able, able, False) and not still(replace(able, ndp_proxy=False), able)
    assert not still(able, replace(able, gateways=()))
    with refused("RouterIPv6GatewayInUse"):
        still(able, world.router)  # with a gateway of IPv4 alone


def test_what_is_missing_is_named(world: Proxied) -> None:
    port = world.port(world.inside)
    with refused("RouterNotFound"):
        world.proxy(port.id, router="x")
    with refused("PortNotFound"):
        world.proxy("x")
    with refused("NDPProxyNotFound"):
        world.run(lambda tx: rules.delete(tx, "x", world.means))
