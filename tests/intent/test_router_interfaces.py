"""Rules of interfaces of routers: addresses, overlaps, and whose networks they may be in."""

from __future__ import annotations

import pytest

from controller.intent import (
    ports,
    routers,
    subnets,
)
from controller.intent.ports import AddressRequest
from controller.intent.router_gateways import GatewayRequest
from controller.model.rows import (
    Port,
    Router,
    RouterInterface,
)
from controller.runtime.errors import Conflict, Forbidden, Invalid, NotFound
from controller.store.transaction import Transaction

from .routing import add, add_port, external, inside, remove, remove_port, router, rows, share, tenant, update
from .world import World

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
