"""Rules of routers: numbers, interfaces, gateways, extra routes, and the ports that they make."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent import allocate, networks, ports, router_interfaces, routers, sharing, subnets
from controller.intent.env import Means
from controller.intent.ports import AddressRequest
from controller.intent.router_gateways import MOST_GATEWAYS, GatewayRequest
from controller.intent.router_interfaces import InterfaceChange
from controller.model.rows import (
    ExtraRoute,
    FloatingIp,
    HostRoute,
    Network,
    Port,
    Router,
    RouterInterface,
    Row,
    Subnet,
)
from controller.runtime.errors import Conflict, Exhausted, Forbidden, Invalid, NotFound
from controller.store.transaction import Transaction

from .world import World


def router(world: World, project: str = "red", **request: Any) -> Router:
    return world.run(lambda tx: routers.create(tx, project, request, world.means))  # type: ignore[arg-type]


def tenant(world: World, project: str = "red") -> Means:
    return world.means._replace(project_id=project, operator=False)


def add(world: World, router: Router, subnet: Subnet, means: Means | None = None) -> InterfaceChange:
    def rules(tx: Transaction) -> InterfaceChange:
        now = routers.required(tx, router.id)
        return router_interfaces.add_by_subnet(tx, now, subnet.id, means or world.means)

    return world.run(rules)


def add_port(world: World, router: Router, port: Port, means: Means | None = None) -> InterfaceChange:
    def rules(tx: Transaction) -> InterfaceChange:
        now = routers.required(tx, router.id)
        return router_interfaces.add_by_port(tx, now, port.id, means or world.means)

    return world.run(rules)


def remove(world: World, router: Router, subnet: Subnet) -> InterfaceChange:
    def rules(tx: Transaction) -> InterfaceChange:
        now = routers.required(tx, router.id)
        return router_interfaces.remove_by_subnet(tx, now, subnet.id, world.means)

    return world.run(rules)


def remove_port(world: World, router: Router, port_id: str, subnet_id: str = "") -> InterfaceChange:
    def rules(tx: Transaction) -> InterfaceChange:
        now = routers.required(tx, router.id)
        return router_interfaces.remove_by_port(tx, now, port_id, subnet_id, world.means)

    return world.run(rules)


def update(world: World, router: Router, means: Means | None = None, **request: Any) -> Router:
    return world.run(lambda tx: routers.update(tx, router.id, request, means or world.means))  # type: ignore[arg-type]


def external(world: World, cidr: str = "198.51.100.0/24") -> tuple[Network, Subnet]:
    network = world.network("ops", external=True)
    return network, world.subnet(network, cidr)


def inside(world: World, cidr: str, **more: Any) -> Subnet:
    return world.subnet(world.network(), cidr, **more)


def floating(world: World, of: Router, network: Network, port: Port) -> FloatingIp:
    row = FloatingIp(id="f", project_id="red", floating_network_id=network.id, floating_port_id="p",
                     floating_ip_address="198.51.100.9", port_id=port.id, fixed_ip_address=port.addresses[0],
                     router_id=of.id)  # fmt: skip
    world.run(lambda tx: tx.put(row))
    return row


def rows(world: World) -> set[str]:
    return set(world.model.revisions)


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


# --- interfaces -------------------------------------------------------------------------------------------------------


def test_an_interface_has_the_gateway_address_and_nothing_filters_it(world: World) -> None:
    one, subnet = router(world), inside(world, "10.0.0.0/24")
    before = rows(world)
    change = add(world, one, subnet)
    port = change.port
    assert port.addresses == ("10.0.0.1",) and change.subnet_ids == (subnet.id,)
    assert (port.device_id, port.device_owner, port.project_id) == (one.id, "network:router_interface", "red")
    assert not port.filtered and port.security_groups == ()
    assert world.model.get(RouterInterface, port.id) == RouterInterface(
        id=port.id, router_id=one.id, network_id=subnet.network_id
    )
    assert world.model.revision_of(world.model.rows(Router)[one.id]) == 2  # it shows that it has changed
    remove(world, one, subnet)
    assert rows(world) == before


def test_a_further_ipv6_subnet_goes_to_the_same_port(world: World) -> None:
    one, network = router(world), world.network()
    first, second = world.subnet(network, "2001:db8:1::/64"), world.subnet(network, "2001:db8:2::/64")
    four = world.subnet(network, "10.0.0.0/24")
    port, same, other = add(world, one, first).port, add(world, one, second).port, add(world, one, four).port
    assert port.id == same.id != other.id
    assert set(same.addresses) == {"2001:db8:1::1", "2001:db8:2::1"}
    remove(world, one, first)
    assert world.model.rows(Port)[port.id].addresses == ("2001:db8:2::1",)
    assert world.model.taken.get(f"taken/ip/{first.id}/2001:db8:1::1") is None
    remove(world, one, second)
    assert world.model.get(Port, port.id) is None


@pytest.mark.parametrize(
    ("there", "new"),
    [("10.0.0.0/24", "10.0.0.0/25"), ("10.0.0.128/25", "10.0.0.0/24"), ("2001:db8::/64", "2001:db8::/56")],
)
def test_subnets_of_a_router_do_not_overlap(world: World, there: str, new: str) -> None:
    one = router(world)
    add(world, one, inside(world, there))
    with pytest.raises(Invalid, match="overlaps with cidr") as refused:
        add(world, one, inside(world, new))
    assert refused.value.kind == "BadRequest"
    add(world, router(world), inside(world, new))  # another one's do not matter


def test_a_subnet_is_on_a_router_once(world: World) -> None:
    one, subnet = router(world), inside(world, "10.0.0.0/24")
    add(world, one, subnet)
    with pytest.raises(Invalid, match="already has a port on subnet"):
        add(world, one, subnet)
    with pytest.raises(Conflict) as taken:
        add(world, router(world), subnet)
    assert taken.value.kind == "IpAddressInUse"


def test_a_subnet_inside_does_not_overlap_with_one_outside(world: World) -> None:
    network, _ = external(world, "198.51.100.0/24")
    one = router(world, gateway=GatewayRequest(network.id))
    with pytest.raises(Invalid, match="overlaps"):
        add(world, one, inside(world, "198.51.0.0/16"))
    other = router(world)
    add(world, other, inside(world, "198.51.0.0/16"))
    with pytest.raises(Invalid, match="overlaps"):
        update(world, other, gateway=GatewayRequest(network.id))


def test_a_subnet_needs_a_gateway_and_advertisements_of_its_own(world: World) -> None:
    one = router(world)
    with pytest.raises(Invalid, match="must have a gateway IP"):
        add(world, one, inside(world, "10.0.0.0/24", gateway_ip=""))
    with pytest.raises(Invalid, match="RAs from an external router"):
        add(world, one, inside(world, "2001:db8::/64", address_mode="slaac"))


def test_a_port_becomes_an_interface_and_leaves_its_groups(world: World) -> None:
    one, network = router(world), world.network()
    world.subnet(network, "10.0.0.0/24")
    port = world.port(network)
    assert port.filtered
    change = add_port(world, one, port)
    assert change.port.device_id == one.id and not change.port.filtered and change.port.security_groups == ()
    assert not [key for key in rows(world) if key.startswith("taken/group-port/")]
    with pytest.raises(Conflict, match="already has an attached device") as refused:
        add_port(world, one, port)
    assert refused.value.kind == "PortInUse"
    with pytest.raises(Invalid, match="does not match the requested subnet"):
        remove_port(world, one, port.id, inside(world, "10.9.0.0/24").id)
    remove_port(world, one, port.id)
    assert world.model.get(Port, port.id) is None


@pytest.mark.parametrize("attached", [{"device_id": "vm"}, {"interface_id": "00000000-0000-4000-8000-00000000000a"}])
def test_a_port_of_something_else_stays_so(world: World, attached: dict[str, str]) -> None:
    one, network = router(world), world.network()
    world.subnet(network, "10.0.0.0/24")
    with pytest.raises(Conflict, match="attached device"):
        add_port(world, one, world.port(network, **attached))


def test_a_port_needs_an_address_one_of_ipv4_and_no_second_of_ipv6(world: World) -> None:
    one, network = router(world), world.network()
    with pytest.raises(Invalid, match="at least one fixed IP"):
        add_port(world, one, world.port(network))
    first, second = world.subnet(network, "10.0.0.0/24"), world.subnet(network, "10.0.1.0/24")
    both = world.port(network, fixed_ips=[AddressRequest(first.id), AddressRequest(second.id)])
    with pytest.raises(Invalid, match="multiple IPv4 subnets"):
        add_port(world, one, both)
    sixth, seventh = world.subnet(network, "2001:db8:1::/64"), world.subnet(network, "2001:db8:2::/64")
    add_port(world, one, world.port(network, fixed_ips=[AddressRequest(sixth.id)]))
    with pytest.raises(Invalid, match="already contains IPv6 port"):
        add_port(world, one, world.port(network, fixed_ips=[AddressRequest(seventh.id)]))


def test_what_is_no_interface_is_not_removed(world: World) -> None:
    one, other, subnet = router(world), router(world), inside(world, "10.0.0.0/24")
    port = add(world, one, subnet).port
    with pytest.raises(NotFound) as by_port:
        remove_port(world, other, port.id)
    with pytest.raises(NotFound) as by_subnet:
        remove(world, other, subnet)
    kinds = by_port.value.kind, by_subnet.value.kind
    assert kinds == ("RouterInterfaceNotFound", "RouterInterfaceNotFoundForSubnet")
    lookalike = world.port(world.network(), device_id=one.id, device_owner="network:router_interface")
    with pytest.raises(NotFound):
        remove_port(world, one, lookalike.id)


def test_a_router_with_interfaces_stays(world: World) -> None:
    one, subnet = router(world), inside(world, "10.0.0.0/24")
    port = add(world, one, subnet).port
    with pytest.raises(Conflict, match=f"ports still attached: {port.id}") as refused:
        world.run(lambda tx: routers.delete(tx, one.id, world.means))
    assert refused.value.kind == "RouterInUse"
    remove(world, one, subnet)
    world.run(lambda tx: routers.delete(tx, one.id, world.means))


def test_an_interface_added_meanwhile_refuses_the_routers_deletion(world: World) -> None:
    one = router(world)
    deletion = Transaction(world.model)
    routers.delete(deletion, one.id, world.means)
    assert f"taken/router-member/{one.id}/" in deletion.read and one.key in deletion.read


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_the_subnets_of_others_need_to_be_shared_with_this_very_project(world: World) -> None:
    one, network = router(world), world.network("blue")
    subnet = world.run(
        lambda tx: subnets.create(tx, "blue", {"network_id": network.id, "cidr": "10.0.0.0/24"}, world.means)
    )
    red = tenant(world)
    with pytest.raises(NotFound) as unseen:
        add(world, one, subnet, red)
    assert unseen.value.kind == "SubnetNotFound"
    share(world, network, "*")
    with pytest.raises(Invalid, match="not owned by project making the request"):
        add(world, one, subnet, red)
    share(world, network, "red")
    add(world, one, subnet, red)


def share(world: World, network: Network, target: str, action: str = "access_as_shared") -> str:
    request = sharing.SharingRequest(object_type="network", object_id=network.id, action=action, target=target)
    return world.run(lambda tx: sharing.create(tx, network.project_id, request, world.means)).id


def test_a_guests_port_is_not_taken_by_the_networks_owner(world: World) -> None:
    one, network = router(world), world.network()
    world.subnet(network, "10.0.0.0/24")
    with pytest.raises(Forbidden, match="another project"):
        add_port(world, one, world.port(network, "blue"), tenant(world))


def test_an_address_that_the_owner_keeps_is_no_guests_interface(world: World) -> None:
    one, network = router(world), world.network("blue")
    subnet = world.run(
        lambda tx: subnets.create(tx, "blue", {"network_id": network.id, "cidr": "10.0.0.0/24"}, world.means)
    )
    share(world, network, "red")
    port = world.port(network, fixed_ips=[AddressRequest(subnet.id, "10.0.0.1")])
    with pytest.raises(Invalid, match="out of the allocation pool"):
        add_port(world, one, port, tenant(world))
    add_port(world, one, world.port(network), tenant(world))


@pytest.mark.parametrize("owner", ["network:router_interface", "network:router_centralized_snat"])
def test_no_port_says_that_it_is_of_a_router_of_others(world: World, owner: str) -> None:
    network, theirs, mine = world.network(), router(world, "blue"), router(world)
    red = tenant(world)

    def made(device: str) -> Port:
        request = ports.PortRequest(network_id=network.id, device_id=device, device_owner=owner)
        return world.run(lambda tx: ports.create(tx, "red", request, red))

    for device in (theirs.id, "nothing", "a/"):
        with pytest.raises(Conflict) as refused:
            made(device)
        assert refused.value.kind == "DeviceIDNotOwnedByTenant"
        assert refused.value.message.replace(device, "X").startswith("The following device_id X is not owned")
    own = made(mine.id)
    with pytest.raises(Conflict):
        world.run(lambda tx: ports.update(tx, own.id, {"device_id": theirs.id}, red))
    assert world.model.get(RouterInterface, own.id) is None


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
