"""Rules of port forwardings: ranges, collisions, the floating IP's router, and what ends them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.intent import forwardings as rules
from controller.intent import router_checks
from controller.intent.addresses import AddressRequest
from controller.model.rows import PortForwarding

from .routed import Routed, refused


@pytest.fixture
def world() -> Routed:
    return Routed()


def test_the_first_one_takes_the_router_and_the_last_one_leaves_it(world: Routed) -> None:
    floating, port = world.floating(), world.port(world.inside)
    first = world.forward(floating, port, 80, 8080)
    assert (first.project_id, first.internal_ip_address) == ("red", port.addresses[0])
    assert (first.external_ports, first.internal_ports) == ((80, 80), (8080, 8080))
    second = world.forward(floating, port, 81, 8081)
    assert (world.now(floating).router_id, world.now(floating).port_id) == ("r1", "")
    revision = world.model.revision_of(world.now(floating))
    world.run(lambda tx: rules.delete(tx, first.id, world.means))
    assert world.now(floating).router_id == "r1" and world.model.revision_of(world.now(floating)) == revision
    world.run(lambda tx: rules.delete(tx, second.id, world.means))
    assert world.now(floating).router_id == "" and not world.reservations()


def test_ranges_are_as_long_as_each_other_or_lead_to_one_port(world: Routed) -> None:
    floating, port = world.floating(), world.port(world.inside)
    many = world.forward(floating, port, 0, 0, external_port_range=(100, 109), internal_port_range=(200, 209))
    assert (many.external_ports, many.internal_ports) == ((100, 109), (200, 209))
    one = world.forward(floating, port, 0, 300, external_port_range=(110, 119), internal_port_range=None)
    assert one.internal_ports == (300, 300)
    for internal in ((400, 401), (400, 420)):
        with refused("BadRequest", "N-N or 1-N"):
            world.forward(floating, port, 0, 0, external_port_range=(120, 129), internal_port_range=internal)
    with refused("BadRequest", "N-N or 1-N"):
        world.forward(floating, port, 120, 0, internal_port_range=(400, 401))


def test_ports_must_be_said(world: Routed) -> None:
    floating, port = world.floating(), world.port(world.inside)
    with refused("BadRequest", "external_port or external_port_range must be specified"):
        world.forward(floating, port, 0, 1, external_port=None)
    with refused("BadRequest", "internal_port or internal_port_range must be specified"):
        world.forward(floating, port, 1, 0, internal_port=None)


def test_no_two_have_a_port_of_a_protocol(world: Routed) -> None:
    floating, port, other = world.floating(), world.port(world.inside), world.port(world.inside)
    world.forward(floating, port, 0, 0, external_port_range=(100, 109), internal_port_range=(200, 209))
    for external in ((90, 100), (109, 110), (95, 120), (103, 104)):
        with refused("BadRequest", "collision with the external_port_range"):
            world.forward(floating, other, 0, 1, external_port_range=external)
    for internal in ((190, 200), (209, 219)):
        with refused("BadRequest", "collision with the internal_port_range"):
            world.forward(floating, port, 0, 0, external_port_range=(500, 510), internal_port_range=internal)
    elsewhere = world.floating()
    with refused("BadRequest", "collision with the internal_port_range"):
        world.forward(elsewhere, port, 1, 205)
    assert world.forward(floating, port, 100, 200, protocol="udp")
    assert world.forward(floating, other, 110, 210) and world.forward(elsewhere, other, 100, 200)


def test_the_address_is_one_of_the_ports_ipv4_addresses(world: Routed) -> None:
    subnet = world.inside_subnet.id
    port = world.port(
        world.inside, fixed_ips=[AddressRequest(subnet, "10.0.0.50"), AddressRequest(subnet, "10.0.0.51")]
    )
    floating = world.floating()
    assert world.forward(floating, port, 80, 80).internal_ip_address == "10.0.0.50"
    other = world.forward(floating, port, 81, 80, internal_ip_address="10.0.0.51")
    assert other.internal_ip_address == "10.0.0.51"
    with refused("BadRequest", "is not suitable"):
        world.forward(floating, port, 82, 82, internal_ip_address="10.0.0.99")
    with refused("BadRequest", "must allocate an IPv4 address"):
        world.forward(floating, world.port(world.inside, fixed_ips=[]), 82, 82)


def test_either_an_association_or_forwardings(world: Routed) -> None:
    port, other = world.port(world.inside), world.port(world.inside)
    associated = world.floating(port_id=port.id)
    with refused("FloatingIPPortAlreadyAssociated"):
        world.forward(associated, other, 80, 80)
    free = world.floating()
    with refused("PortHasBindingFloatingIP"):
        world.forward(free, port, 80, 80)
    world.forward(free, other, 80, 80)
    with refused("FipInUseByPortForwarding"):
        world.change(free, port_id=world.port(world.inside).id)
    with refused("PortHasPortForwarding"):
        world.change(associated, port_id=other.id)
    with refused("FipInUseByPortForwarding"):
        world.drop(free)
    assert world.change(free, port_id="").router_id == "r1"


def test_one_router_leads_to_all_of_a_floating_ip(world: Routed) -> None:
    far = world.network()
    world.interfaced(world.routed(2), far, world.subnet(far, "10.5.0.0/24"))
    floating = world.floating()
    world.forward(floating, world.port(world.inside), 80, 80)
    with refused("BadRequest", "had been set on router r1"):
        world.forward(floating, world.port(far), 81, 81)
    alone = world.network()
    world.subnet(alone, "10.6.0.0/24")
    with refused("BadRequest", "is not reachable from subnet"):
        world.forward(floating, world.port(alone), 81, 81)


def test_a_port_of_another_project_only_by_an_operator(world: Routed) -> None:
    floating, port = world.floating(), world.port(world.inside, "blue")
    operator, world.means = world.means, world.means._replace(operator=False, project_id="red")
    with refused("BadRequest", "owned by a different project"):
        world.forward(floating, port, 80, 80)
    world.means = operator
    assert world.forward(floating, port, 80, 80)


def test_an_update_changes_what_it_says(world: Routed) -> None:
    floating, port, other = world.floating(), world.port(world.inside), world.port(world.inside)
    made = world.forward(floating, port, 80, 8080, description="d")
    moved = world.forward_otherwise(made, external_port=90)
    assert (moved.external_ports, moved.internal_ports, moved.description) == ((90, 90), (8080, 8080), "d")
    moved = world.forward_otherwise(moved, internal_port_id=other.id, protocol="udp")
    assert (moved.internal_port_id, moved.internal_ip_address) == (other.id, other.addresses[0])
    assert f"taken/forwarded/{other.id}/{made.id}" in world.model.taken and len(world.reservations()) == 3
    now = world.model.get(PortForwarding, made.id)
    assert world.forward_otherwise(moved, external_port=90) == now == world.model.get(PortForwarding, made.id)
    world.forward(floating, port, 100, 100, protocol="udp")
    with refused("BadRequest", "collision with the external_port_range"):
        world.forward_otherwise(moved, external_port_range=(95, 105))


@pytest.mark.parametrize(
    "end",
    [
        lambda world, port: world.delete(port),
        lambda world, port: world.update_port(port, fixed_ips=[AddressRequest(world.inside_subnet.id, "10.0.0.99")]),
    ],
    ids=["deleted", "moved"],
)
def test_they_end_with_the_ports_address(world: Routed, end: Callable[[Routed, object], object]) -> None:
    floating, port = world.floating(), world.port(world.inside)
    for number in (80, 81):
        world.forward(floating, port, number, number)
    end(world, port)
    assert not world.model.find(PortForwarding, "floatingip_id", floating.id)
    assert world.now(floating).router_id == "" and not world.reservations()


def test_an_interface_that_one_needs_stays(world: Routed) -> None:
    made = world.forward(world.floating(), world.port(world.inside), 80, 80)
    with refused("RouterInterfaceInUseByFloatingIP"):
        world.run(lambda tx: router_checks.check_unused(tx, world.router, [world.inside_subnet]))
    with refused("RouterExternalGatewayInUseByFloatingIp"):
        world.run(lambda tx: router_checks.check_gateway_unused(tx, world.router, world.outside.id))
    world.run(lambda tx: rules.delete(tx, made.id, world.means))
    world.run(lambda tx: router_checks.check_unused(tx, world.router, [world.inside_subnet]))


def test_what_is_missing_is_named(world: Routed) -> None:
    with refused("PortForwardingNotFound", "Port Forwarding x could not be found"):
        world.run(lambda tx: rules.delete(tx, "x", world.means))
