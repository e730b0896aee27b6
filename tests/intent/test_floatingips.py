"""Rules of floating IPs: addresses, association, and what hangs on ports, routers and networks."""

from __future__ import annotations

import pytest

from controller.intent import floatingips, router_checks
from controller.intent.addresses import AddressRequest
from controller.model.rows import FloatingIp, Port, Router
from controller.runtime.errors import Conflict, NotFound

from .routed import Routed, refused

ANOTHER = "10.0.0.77"


@pytest.fixture
def world() -> Routed:
    return Routed()


def test_the_address_is_of_a_port_of_no_project_that_goes_with_it(world: Routed) -> None:
    floating = world.floating()
    port = world.model.get(Port, floating.floating_port_id)
    assert port is not None
    assert (port.project_id, port.device_owner, port.device_id) == ("", "network:floatingip", floating.id)
    assert port.addresses == (floating.floating_ip_address,) and floating.router_id == ""
    with refused("ServicePortInUse"):
        world.delete(port)
    world.drop(floating)
    assert world.model.get(Port, port.id) is None and world.model.get(FloatingIp, floating.id) is None
    assert world.floating(floating_ip_address=floating.floating_ip_address)  # which is free again


def test_an_address_or_a_subnet_can_be_asked_for(world: Routed) -> None:
    second = world.subnet(world.outside, "198.51.100.0/24")
    assert world.floating(subnet_id=second.id).floating_ip_address.startswith("198.51.100.")
    assert world.floating(floating_ip_address="203.0.113.99").floating_ip_address == "203.0.113.99"
    with refused("IpAddressInUse"):
        world.floating(floating_ip_address="203.0.113.99")
    with refused("InvalidIpForSubnet"):
        world.floating(floating_ip_address="203.0.113.98", subnet_id=second.id)


def test_the_network_must_be_external_and_have_ipv4(world: Routed) -> None:
    with refused("BadRequest", "not a valid external network"):
        world.floating(floating_network_id=world.inside.id)
    bare = world.network("ops", external=True)
    world.subnet(bare, "2001:db8::/64")
    with refused("BadRequest", "does not contain any IPv4 subnet"):
        world.floating(floating_network_id=bare.id)
    with refused("NetworkNotFound"):
        world.floating(floating_network_id="00000000-0000-4000-8000-00000000dead")


def test_association_finds_the_router_and_ends(world: Routed) -> None:
    port = world.port(world.inside)
    floating = world.floating(port_id=port.id)
    assert (floating.port_id, floating.fixed_ip_address, floating.router_id) == (port.id, port.addresses[0], "r1")
    other = world.port(world.inside)
    moved = world.change(floating, port_id=other.id)
    assert (moved.port_id, moved.fixed_ip_address) == (other.id, other.addresses[0])
    ended = world.change(moved, port_id="")
    assert (ended.port_id, ended.fixed_ip_address, ended.router_id) == ("", "", "") and not world.reservations()


def test_an_empty_update_ends_the_association_and_a_description_does_not(world: Routed) -> None:
    port = world.port(world.inside)
    floating = world.floating(port_id=port.id)
    described = world.change(floating, description="d")
    assert (described.description, described.port_id) == ("d", port.id)
    assert world.change(described).port_id == "" and world.now(floating).description == "d"


def test_to_say_what_is_so_changes_nothing(world: Routed) -> None:
    port = world.port(world.inside)
    floating = world.floating(port_id=port.id)
    revision = world.model.revision_of(world.now(floating))
    assert world.change(floating, port_id=port.id) == world.now(floating)
    assert world.model.revision_of(world.now(floating)) == revision


def test_a_fixed_address_has_one_of_a_network(world: Routed) -> None:
    port = world.port(world.inside)
    world.floating(port_id=port.id)
    with refused("FloatingIPPortAlreadyAssociated"):
        world.floating(port_id=port.id)
    spare = world.floating()
    with refused("FloatingIPPortAlreadyAssociated"):
        world.change(spare, port_id=port.id)


def test_of_several_addresses_one_is_named(world: Routed) -> None:
    subnet = world.inside_subnet.id
    port = world.port(world.inside, fixed_ips=[AddressRequest(subnet, "10.0.0.50"), AddressRequest(subnet, ANOTHER)])
    with refused("BadRequest", "multiple fixed IPv4 addresses"):
        world.floating(port_id=port.id)
    one = world.floating(port_id=port.id, fixed_ip_address="10.0.0.50")
    two = world.floating(port_id=port.id, fixed_ip_address=ANOTHER)
    assert {one.fixed_ip_address, two.fixed_ip_address} == {"10.0.0.50", ANOTHER}
    moved = world.floating(port_id=world.port(world.inside).id)
    with refused("FloatingIPPortAlreadyAssociated"):
        world.change(moved, port_id=port.id, fixed_ip_address=ANOTHER)


@pytest.mark.parametrize(
    ("address", "said"),
    [("10.0.0.200", "does not have fixed ip"), ("2001:db8::5", "not an IPv4 address")],
)
def test_an_address_that_cannot_be_translated(world: Routed, address: str, said: str) -> None:
    port = world.port(world.inside)
    with refused("BadRequest", said):
        world.floating(port_id=port.id, fixed_ip_address=address)


def test_ports_that_cannot_have_one(world: Routed) -> None:
    bare = world.port(world.inside, fixed_ips=[])
    with refused("BadRequest", "no fixed IPv4 addresses"):
        world.floating(port_id=bare.id)
    dhcp = world.port(world.inside, device_owner="network:dhcp")
    with refused("BadRequest", "unable to be assigned"):
        world.floating(port_id=dhcp.id)
    with refused("BadRequest", "without a port_id"):
        world.floating(fixed_ip_address="10.0.0.5")
    with refused("PortNotFound"):
        world.floating(port_id="00000000-0000-4000-8000-00000000dead")


def test_a_port_of_another_project_only_by_an_operator(world: Routed) -> None:
    port = world.port(world.inside, "blue")
    operator, world.means = world.means, world.means._replace(operator=False, project_id="red")
    with refused("BadRequest", "owned by a different project"):
        world.floating(port_id=port.id)  # which red sees as the owner of the network
    world.means = operator
    assert world.floating(port_id=port.id).port_id == port.id


def test_without_a_router_between_there_is_no_way(world: Routed) -> None:
    alone = world.network()
    world.subnet(alone, "10.9.0.0/24")
    port = world.port(alone)
    with refused("ExternalGatewayForFloatingIPNotFound"):
        world.floating(port_id=port.id)
    elsewhere = world.network("ops", external=True)
    world.subnet(elsewhere, "198.51.100.0/24")
    with refused("ExternalGatewayForFloatingIPNotFound"):
        world.floating(floating_network_id=elsewhere.id, port_id=world.port(world.inside).id)


def test_of_two_routers_the_one_that_is_the_gateway(world: Routed) -> None:
    first = world.network()
    subnet = world.subnet(first, "10.5.0.0/24")
    for number, address in ((2, "10.5.0.7"), (3, "10.5.0.1"), (4, "10.5.0.8")):
        world.interfaced(world.routed(number), first, subnet, address)
    assert world.floating(port_id=world.port(first).id).router_id == "r3"


def test_an_interface_on_the_external_network_is_a_way_too(world: Routed) -> None:
    router = Router(id="r2", project_id="red", number=2, segment=2)
    world.run(lambda tx: tx.put(router))
    inside = world.network()
    subnet = world.subnet(inside, "10.6.0.0/24")
    world.interfaced(router, inside, subnet)
    world.interfaced(router, world.outside, world.outside_subnet)
    floating = world.floating(port_id=world.port(inside).id)
    assert floating.router_id == "r2"
    with refused("RouterInterfaceInUseByFloatingIP"):
        world.run(lambda tx: router_checks.check_unused(tx, router, [subnet]))
    with refused("RouterInterfaceInUseAsGatewayByFloatingIP"):
        world.run(lambda tx: router_checks.check_unused(tx, router, [world.outside_subnet]))


def test_routers_keep_what_floating_ips_use(world: Routed) -> None:
    def check() -> None:
        world.run(lambda tx: router_checks.check_gateway_unused(tx, world.router, world.outside.id))
        world.run(lambda tx: router_checks.check_unused(tx, world.router, [world.inside_subnet]))

    floating = world.floating()
    check()
    world.change(floating, port_id=world.port(world.inside).id)
    with refused("RouterExternalGatewayInUseByFloatingIp"):
        world.run(lambda tx: router_checks.check_gateway_unused(tx, world.router, world.outside.id))
    with refused("RouterInterfaceInUseByFloatingIP"):
        world.run(lambda tx: router_checks.check_unused(tx, world.router, [world.inside_subnet]))
    unused = world.subnet(world.inside, "10.1.0.0/24")
    world.run(lambda tx: router_checks.check_unused(tx, world.router, [unused]))
    world.change(floating, port_id="")
    check()


def test_the_deletion_of_a_port_ends_the_association(world: Routed) -> None:
    port = world.port(world.inside)
    floating = world.floating(port_id=port.id)
    revision = world.model.revision_of(world.now(floating))
    world.delete(port)
    left = world.now(floating)
    assert (left.port_id, left.router_id) == ("", "") and not world.reservations()
    assert world.model.revision_of(left) == revision + 1


def test_a_port_with_an_operators_floating_ip_stays(world: Routed) -> None:
    port = world.port(world.inside)
    floating = world.floating("ops", port_id=port.id)
    world.means = world.means._replace(operator=False, project_id="red")
    with refused("FipAssociated"):
        world.delete(port)
    assert world.now(floating).port_id == port.id


def test_a_port_keeps_the_address_that_one_leads_to(world: Routed) -> None:
    subnet = world.inside_subnet.id
    port = world.port(world.inside, fixed_ips=[AddressRequest(subnet, "10.0.0.50")])
    world.floating(port_id=port.id)
    with refused("BadRequest", "has been associated to a floating ip"):
        world.update_port(port, fixed_ips=[AddressRequest(subnet, ANOTHER)])
    both = world.update_port(port, fixed_ips=[AddressRequest(subnet, "10.0.0.50"), AddressRequest(subnet, ANOTHER)])
    assert both.addresses == ("10.0.0.50", ANOTHER)


def test_a_network_goes_with_its_free_floating_ips_and_stays_for_used_ones(world: Routed) -> None:
    elsewhere = world.network("ops", external=True)
    world.subnet(elsewhere, "198.51.100.0/24")
    for _ in range(2):
        world.floating(floating_network_id=elsewhere.id)
    world.run(lambda tx: floatingips.delete_network(tx, elsewhere.id, world.means))
    assert not world.model.find(FloatingIp, "floating_network_id", elsewhere.id)
    world.floating()
    with pytest.raises(Conflict):  # a gateway is there
        world.run(lambda tx: floatingips.delete_network(tx, world.outside.id, world.means))
    assert len(world.model.find(FloatingIp, "floating_network_id", world.outside.id)) == 1


def test_a_network_with_a_port_beside_floating_ips_stays(world: Routed) -> None:
    elsewhere = world.network("ops", external=True)
    world.subnet(elsewhere, "198.51.100.0/24")
    world.floating(floating_network_id=elsewhere.id)
    world.port(elsewhere, "ops")
    with refused("NetworkInUse", "still in use on the network: 1"):
        world.run(lambda tx: floatingips.delete_network(tx, elsewhere.id, world.means))


def test_what_is_missing_is_named(world: Routed) -> None:
    with pytest.raises(NotFound, match="Floating IP x could not be found"):
        world.run(lambda tx: floatingips.delete(tx, "x", world.means))
    with pytest.raises(NotFound):
        world.run(lambda tx: floatingips.delete_network(tx, "x", world.means))


def test_a_name_of_its_own_is_taken_until_it_is_gone(world: Routed) -> None:
    floating = world.floating(dns_name="www", dns_domain="example.org.")
    assert (floating.dns_name, floating.dns_domain) == ("www", "example.org.")
    with refused("DuplicateRecordSet"):
        world.floating(dns_name="www", dns_domain="example.org.")
    world.floating(dns_name="mail", dns_domain="example.org.")
    world.floating(dns_name="www", dns_domain="example.net.")
    assert world.change(floating, description="d").dns_name == "www"
    world.drop(floating)
    world.floating(dns_name="www", dns_domain="example.org.")


def test_a_name_and_its_domain_go_together(world: Routed) -> None:
    with refused("BadRequest", "dns_domain cannot be specified without a dns_name"):
        world.floating(dns_domain="example.org.")
    with refused("BadRequest", "dns_name cannot be specified without a dns_domain"):
        world.floating(dns_name="www")
    label = "a" * 60
    with refused("BadRequest", "more than 254 characters"):
        world.floating(dns_name=".".join([label] * 3), dns_domain=".".join([label] * 2) + ".")
