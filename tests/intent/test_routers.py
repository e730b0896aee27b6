"""Rules of routers: numbers, extra routes, what is only shown, and the ports that they make."""

from __future__ import annotations

import pytest

from controller.intent import (
    allocate,
    quantum,
    routers,
    sharing,
    visibility,
)
from controller.intent.ports import AddressRequest
from controller.intent.router_gateways import GatewayRequest
from controller.model.rows import (
    ExtraRoute,
    HostRoute,
    Network,
    Port,
    Router,
    RouterInterface,
    Row,
)
from controller.runtime.errors import Conflict, Exhausted, Invalid, NotFound

from .routing import add, external, inside, remove, router, rows, share, tenant, update
from .world import World

# --- numbers ----------------------------------------------------------------------------------------------------------


def test_a_number_is_a_routers_own_until_it_is_deleted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocate, "ROUTERS", 2)
    two = [router(world) for _ in range(2)]
    assert {each.number for each in two} == {1, 2}
    with pytest.raises(Exhausted, match="No router number"):
        router(world)
    world.run(lambda tx: routers.delete(tx, two[0].id, world.means))
    assert router(world).number == two[0].number


def test_its_segment_is_no_networks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocate, "LABELS", 2)
    monkeypatch.setattr(allocate, "SEGMENTS", 2)
    assert {router(world).segment, world.network().segment} == {1, 2}
    with pytest.raises(Exhausted, match="Unable to create the router"):
        router(world)


def test_a_deleted_router_leaves_nothing(world: World) -> None:
    network, _ = external(world)
    before = rows(world)
    one = router(world, gateway=GatewayRequest(network.id))
    assert rows(world) > before
    world.run(lambda tx: routers.delete(tx, one.id, world.means))
    assert rows(world) == before


# --- ports ------------------------------------------------------------------------------------------------------------


def test_ports_of_routers_are_not_deleted_changed_or_plugged_in(world: World) -> None:
    network, _ = external(world)
    one = router(world, gateway=GatewayRequest(network.id))
    interface = add(world, one, inside(world, "10.0.0.0/24")).port
    gateway = world.model.rows(Port)[one.gateways[0].port_id]
    for port in (interface, gateway):
        with pytest.raises(Conflict, match="cannot be deleted directly via the port API") as refused:
            world.delete(port)
        assert refused.value.kind == "ServicePortInUse"
        for change in ({"device_id": ""}, {"device_owner": "compute:nova"}, {"interface_id": "x"}):
            with pytest.raises(Conflict, match="cannot be changed via the port API"):
                world.update_port(port, **change)
        same = world.update_port(port, device_id=port.device_id, device_owner=port.device_owner, name="named")
        assert same.name == "named"
    lookalike = world.port(world.network(), device_id=one.id, device_owner="network:router_interface")
    world.delete(lookalike)
    world.delete(world.port(world.network(), device_id="a/", device_owner="network:router_gateway"))


def test_an_interface_keeps_what_its_routes_need_when_its_addresses_change(world: World) -> None:
    one, network = router(world), world.network()
    first, second = world.subnet(network, "10.0.0.0/24"), world.subnet(network, "10.0.1.0/24")
    port = add(world, one, first).port
    revision = world.model.revision_of(world.model.rows(Router)[one.id])
    moved = world.update_port(port, fixed_ips=[AddressRequest(first.id, "10.0.0.7")])
    assert moved.addresses == ("10.0.0.7",)
    assert world.model.revision_of(world.model.rows(Router)[one.id]) == revision + 1
    update(world, one, routes=(HostRoute("10.7.0.0/16", "10.0.0.9"),))
    with pytest.raises(Conflict) as used:
        world.update_port(port, fixed_ips=[AddressRequest(second.id)])
    assert used.value.kind == "RouterInterfaceInUseByRoute"
    with pytest.raises(Invalid, match="at least one fixed IP"):
        world.update_port(add(world, one, inside(world, "10.3.0.0/24")).port, fixed_ips=[])


def test_a_network_and_a_subnet_of_a_router_stay(world: World) -> None:
    one, network = router(world), world.network()
    subnet = world.subnet(network, "10.0.0.0/24")
    add(world, one, subnet)
    for row, kind in ((network, "NetworkInUse"), (subnet, "SubnetInUse")):
        with pytest.raises(Conflict) as refused:
            world.delete(row)
        assert refused.value.kind == kind
    for gateway in ("10.0.0.9", ""):
        with pytest.raises(Conflict) as used:
            world.update_subnet(subnet, gateway_ip=gateway)
        assert used.value.kind == "GatewayIpInUse"


# --- extra routes -----------------------------------------------------------------------------------------------------


def test_next_hops_are_connected_and_not_the_router(world: World) -> None:
    one = router(world)
    add(world, one, inside(world, "10.0.0.0/24"))
    assert update(world, one, routes=(HostRoute("10.7.0.0/16", "10.0.0.9"),)).routes == (
        ExtraRoute("10.7.0.0/16", "10.0.0.9"),
    )
    for route, why in (
        (HostRoute("10.7.0.0/16", "10.0.1.9"), "not connected"),
        (HostRoute("10.7.0.0/16", "10.0.0.1"), "used by router"),
        (HostRoute("2001:db8::/64", "10.0.0.9"), "different IP versions"),
    ):
        with pytest.raises(Invalid, match=why) as refused:
            update(world, one, routes=(route,))
        assert refused.value.kind == "InvalidRoutes"
    assert update(world, one, routes=()).routes == ()


def test_routes_are_added_and_removed_whatever_is_there(world: World) -> None:
    one = router(world)
    add(world, one, inside(world, "10.0.0.0/24"))
    a, b, c = (HostRoute("10.7.0.0/16", f"10.0.0.{hop}") for hop in (7, 8, 9))

    def added(*wanted: HostRoute) -> tuple[ExtraRoute, ...]:
        return world.run(lambda tx: routers.add_routes(tx, one.id, wanted, world.means)).routes

    def removed(*wanted: HostRoute) -> tuple[ExtraRoute, ...]:
        return world.run(lambda tx: routers.remove_routes(tx, one.id, wanted, world.means)).routes

    assert len(added(a)) == 1 and len(added(a, b)) == 2
    assert [each.nexthop for each in removed(a, c)] == ["10.0.0.8"]


def test_a_router_has_so_many_routes_at_most(world: World) -> None:
    one = router(world)
    add(world, one, inside(world, "10.0.0.0/16"))
    many = tuple(HostRoute(f"10.7.{number}.0/24", "10.0.0.9") for number in range(31))
    update(world, one, routes=many[:30])
    with pytest.raises(Invalid) as refused:
        update(world, one, routes=many)
    assert refused.value.kind == "RoutesExhausted"


def test_an_interface_that_routes_need_stays(world: World) -> None:
    one, subnet = router(world), inside(world, "10.0.0.0/24")
    network, _ = external(world)
    add(world, one, subnet)
    update(world, one, gateway=GatewayRequest(network.id), routes=(HostRoute("10.7.0.0/16", "10.0.0.9"),))
    with pytest.raises(Conflict) as used:
        remove(world, one, subnet)
    assert used.value.kind == "RouterInterfaceInUseByRoute"
    update(world, one, routes=(HostRoute("10.7.0.0/16", "198.51.100.77"),))
    with pytest.raises(Invalid, match="not connected"):
        update(world, one, gateway=None)
    remove(world, one, subnet)


# --- what is only shown -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ha", "distributed"])
def test_what_upstream_changes_of_a_router_that_is_down(world: World, name: str) -> None:
    one = router(world)
    assert one.ha and one.distributed
    with pytest.raises(Invalid, match="set router admin_state_up to False"):
        update(world, one, **{name: False})
    assert not getattr(update(world, one, admin_state_up=False, **{name: False}), name)
    assert getattr(update(world, one, **{name: True}), name)


def test_zones_are_those_that_there_are(world: World) -> None:
    with pytest.raises(NotFound) as refused:
        router(world, zone_hints=("mars",))
    assert refused.value.kind == "AvailabilityZoneNotFound"


def test_rows_are_what_they_say(world: World) -> None:
    """Kinds that are made here hold the reservations that their declarations name."""
    one = router(world)
    change = add(world, one, inside(world, "10.0.0.0/24"))
    interface: Row = world.model.rows(RouterInterface)[change.port.id]
    assert world.model.taken[f"taken/router-member/{one.id}/{change.port.id}"] == interface.key


# --- whatever else reaches ports --------------------------------------------------------------------------------------


def test_quantums_calls_leave_the_ports_of_routers_alone(world: World) -> None:
    """Attachments and deletions of v1.1 are those of the project's own ports, and an interface is one of them."""
    one, network = router(world), world.network()
    port = add(world, one, world.subnet(network, "10.0.0.0/24")).port
    interface = "00000000-0000-4000-8000-00000000000b"
    for refused in (
        lambda tx: quantum.plug(tx, "red", network.id, port.id, interface, world.means),
        lambda tx: quantum.delete_port(tx, "red", network.id, port.id, world.means),
    ):
        with pytest.raises(Conflict) as used:
            world.run(refused)
        assert used.value.kind == "PortInUse"
    with pytest.raises(Conflict, match="in use"):
        world.run(lambda tx: quantum.delete_network(tx, "red", network.id, world.means))


def test_a_gateways_port_is_of_no_project_and_nobody_is_of_none(world: World) -> None:
    network, _ = external(world)
    one = router(world, gateway=GatewayRequest(network.id))
    port = world.model.rows(Port)[one.gateways[0].port_id]
    assert not visibility.sees(world.model, "", port)
    assert visibility.audience(world.model, port) == {"ops"}  # the owner of the network


def test_an_owners_own_gateway_keeps_the_network_external(world: World) -> None:
    network = world.network("red")
    world.subnet(network, "198.51.100.0/24")
    policy = share(world, network, "blue", "access_as_external")
    one = world.run(lambda tx: routers.create(tx, "red", {"gateway": GatewayRequest(network.id)}, tenant(world)))
    with pytest.raises(Conflict) as used:
        world.run(lambda tx: sharing.delete(tx, policy, world.means))
    assert used.value.kind == "ExternalNetworkInUse"
    world.run(lambda tx: routers.delete(tx, one.id, world.means))
    world.run(lambda tx: sharing.delete(tx, policy, world.means))
    assert not world.model.rows(Network)[network.id].external
