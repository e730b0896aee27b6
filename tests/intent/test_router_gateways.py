"""Rules of gateways of routers: external networks, addresses, several of them."""

from __future__ import annotations

import pytest

from controller.intent import (
    networks,
    routers,
    sharing,
)
from controller.intent.ports import AddressRequest
from controller.intent.router_gateways import MOST_GATEWAYS, GatewayRequest
from controller.model.rows import (
    Network,
    Port,
    Router,
)
from controller.runtime.errors import Conflict, Invalid, NotFound

from .routing import add, external, floating, inside, remove, remove_port, router, share, tenant, update
from .world import World

# --- gateways ---------------------------------------------------------------------------------------------------------


def test_a_gateway_has_a_port_of_no_project_that_no_quota_counts(world: World) -> None:
    network, subnet = external(world)
    share(world, network, "green")  # who sees it for other reasons
    one = world.run(lambda tx: routers.create(tx, "red", {"gateway": GatewayRequest(network.id)}, tenant(world)))
    (gateway,) = one.gateways
    assert gateway.network_id == network.id and gateway.snat
    port = world.model.rows(Port)[gateway.port_id]
    assert (port.project_id, port.device_id, port.device_owner) == ("", one.id, "network:router_gateway")
    assert port.subnets == (subnet.id,) and not port.filtered


def test_a_gateway_is_in_an_external_network_that_the_project_sees(world: World) -> None:
    red, plain, other = tenant(world), world.network(), world.network("blue")
    with pytest.raises(NotFound) as unseen:
        world.run(lambda tx: routers.create(tx, "red", {"gateway": GatewayRequest(other.id)}, red))
    assert unseen.value.kind == "NetworkNotFound"
    with pytest.raises(Invalid, match="is not an external network"):
        world.run(lambda tx: routers.create(tx, "red", {"gateway": GatewayRequest(plain.id)}, red))
    share(world, other, "red", "access_as_external")
    world.run(lambda tx: routers.create(tx, "red", {"gateway": GatewayRequest(other.id)}, red))
    with pytest.raises(NotFound):
        blue = tenant(world, "green")
        world.run(lambda tx: routers.create(tx, "green", {"gateway": GatewayRequest(other.id)}, blue))


def test_its_addresses_and_translation_change_and_its_port_stays(world: World) -> None:
    network, subnet = external(world)
    wanted = GatewayRequest(network.id, (AddressRequest(subnet.id, "198.51.100.20"),), snat=False)
    one = router(world, gateway=wanted)
    assert world.model.rows(Port)[one.gateways[0].port_id].addresses == ("198.51.100.20",)
    other = GatewayRequest(network.id, (AddressRequest("", "198.51.100.30"),))
    changed = update(world, one, gateway=other)
    assert changed.gateways[0].snat and changed.gateways[0].port_id == one.gateways[0].port_id
    assert world.model.rows(Port)[one.gateways[0].port_id].addresses == ("198.51.100.30",)
    update(world, one, gateway=GatewayRequest(network.id, (AddressRequest("", "198.51.100.31"),)))
    assert world.model.rows(Router)[one.id].revision == 3  # only its port has changed, and the router shows it
    assert update(world, one, gateway=None).gateways == ()
    assert world.model.find(Port, "network_id", network.id) == []


def test_addresses_that_a_gateway_cannot_have(world: World) -> None:
    network, subnet = external(world)
    with pytest.raises(Invalid, match="same as the gateway IP"):
        router(world, gateway=GatewayRequest(network.id, (AddressRequest(subnet.id, subnet.gateway_ip),)))
    taken = world.port(network).addresses[0]
    with pytest.raises(Conflict) as used:
        router(world, gateway=GatewayRequest(network.id, (AddressRequest(subnet.id, taken),)))
    assert used.value.kind == "IpAddressInUse"


def test_another_network_takes_the_place_of_the_first(world: World) -> None:
    (first, _), (second, _) = external(world), external(world, "203.0.113.0/24")
    one = router(world, gateway=GatewayRequest(first.id))
    changed = update(world, one, gateway=GatewayRequest(second.id))
    assert [each.network_id for each in changed.gateways] == [second.id]
    assert world.model.find(Port, "network_id", first.id) == []


def test_floating_ips_keep_the_gateway_and_the_interface(world: World) -> None:
    network, _ = external(world)
    one, subnet = router(world, gateway=GatewayRequest(network.id)), inside(world, "10.0.0.0/24")
    change = add(world, one, subnet)
    vm = world.port(world.model.rows(Network)[subnet.network_id])
    address = floating(world, one, network, vm)
    for refused in (
        lambda: update(world, one, gateway=None),
        lambda: remove(world, one, subnet),
        lambda: remove_port(world, one, change.port.id),
    ):
        with pytest.raises(Conflict) as used:
            refused()
        kinds = ("RouterExternalGatewayInUseByFloatingIp", "RouterInterfaceInUseByFloatingIP")
        assert used.value.kind in kinds
    world.run(lambda tx: tx.delete(address))
    remove(world, one, subnet)
    update(world, one, gateway=None)


def test_an_external_network_with_gateways_stays_one(world: World) -> None:
    network = world.network("ops")
    world.subnet(network, "198.51.100.0/24")
    everybody = share(world, network, "*", "access_as_external")
    world.run(lambda tx: routers.create(tx, "red", {"gateway": GatewayRequest(network.id)}, tenant(world)))
    with pytest.raises(Conflict) as in_use:
        world.run(lambda tx: networks.update(tx, network.id, {"external": False}, world.means))
    assert in_use.value.kind == "ExternalNetworkInUse"
    with pytest.raises(Conflict):
        world.run(lambda tx: sharing.delete(tx, everybody, world.means))
    reds = share(world, network, "red", "access_as_external")
    world.run(lambda tx: sharing.delete(tx, everybody, world.means))
    with pytest.raises(Conflict):
        world.run(lambda tx: sharing.delete(tx, reds, world.means))
    with pytest.raises(Conflict, match="depend"):
        world.run(lambda tx: sharing.update(tx, reds, {"target": "blue"}, world.means))


# --- several gateways -------------------------------------------------------------------------------------------------


def several(world: World, one: Router, *wanted: GatewayRequest) -> Router:
    return world.run(lambda tx: routers.add_gateways(tx, one.id, wanted, world.means))


def addresses(world: World, one: Router) -> list[str]:
    return [world.model.rows(Port)[each.port_id].addresses[0] for each in one.gateways]


def test_several_gateways_in_one_network_are_told_apart_by_their_addresses(world: World) -> None:
    network, _ = external(world)
    plain = GatewayRequest(network.id)
    one = several(world, router(world), plain, plain, plain)
    assert len(set(addresses(world, one))) == 3
    with pytest.raises(Invalid, match="multiple gateway ports") as ambiguous:
        world.run(lambda tx: routers.remove_gateways(tx, one.id, [plain], world.means))
    assert ambiguous.value.kind == "UnableToMatchGateways"
    first = GatewayRequest(network.id, (AddressRequest("", addresses(world, one)[0]),))
    less = world.run(lambda tx: routers.remove_gateways(tx, one.id, [first], world.means))
    assert less.gateways == one.gateways[1:]


def test_all_gateways_are_set_at_once(world: World) -> None:
    (inner, _), (outer, _) = external(world), external(world, "203.0.113.0/24")
    one = several(world, router(world), GatewayRequest(inner.id), GatewayRequest(outer.id))
    turned = [GatewayRequest(outer.id, snat=False), GatewayRequest(inner.id)]
    changed = world.run(lambda tx: routers.update_gateways(tx, one.id, turned, world.means))
    assert [each.port_id for each in changed.gateways] == [each.port_id for each in reversed(one.gateways)]
    assert not changed.gateways[0].snat
    wanted = [GatewayRequest(inner.id), GatewayRequest(inner.id, (AddressRequest("", "198.51.100.77"),))]
    moved = world.run(lambda tx: routers.update_gateways(tx, one.id, wanted, world.means))
    assert moved.gateways[0] == one.gateways[0] and addresses(world, moved)[1] == "198.51.100.77"
    assert world.run(lambda tx: routers.update_gateways(tx, one.id, [], world.means)).gateways == ()
    assert {port.network_id for port in world.model.rows(Port).values()} == set()


def test_the_next_gateway_takes_the_place_of_the_first(world: World) -> None:
    (first, _), (second, _) = external(world), external(world, "203.0.113.0/24")
    one = several(world, router(world), GatewayRequest(first.id), GatewayRequest(second.id))
    assert [each.network_id for each in update(world, one, gateway=None).gateways] == [second.id]


def test_a_router_has_so_many_gateways_at_most(world: World) -> None:
    network, _ = external(world)
    one = several(world, router(world), *[GatewayRequest(network.id)] * MOST_GATEWAYS)
    with pytest.raises(Invalid, match="the most there are"):
        several(world, one, GatewayRequest(network.id))
