"""Ports: addresses given and drawn, and what a port holds."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.intent import ports
from controller.intent.ports import AddressRequest
from controller.model.rows import Network, Pool, Port, Subnet
from controller.runtime.errors import Conflict, Exhausted, Invalid, Refused
from controller.store.transaction import Transaction

from .world import World


def taken_by(world: World, row: Network | Subnet | Port) -> set[str]:
    return {key for key, holder in world.model.taken.items() if holder == row.key}


def test_a_port_has_one_address_of_each_version(world: World) -> None:
    network = world.network()
    four, six = world.subnet(network, "10.0.0.0/24"), world.subnet(network, "2001:db8::/64")
    world.subnet(network, "10.0.1.0/24")
    group = world.default_group()
    port = world.port(network)
    assert [fixed.subnet_id for fixed in port.fixed_ips] == [four.id, six.id]
    assert ipaddress.ip_address(port.fixed_ips[1].ip_address) in ipaddress.ip_network("2001:db8::/64")
    assert taken_by(world, port) == {
        f"taken/group-port/{group.id}/{port.id}",
        f"taken/member/{network.id}/port/{port.id}",
        f"taken/mac/{network.id}/{port.mac_address}",
        f"taken/ip/{four.id}/{port.fixed_ips[0].ip_address}",
        f"taken/ip/{six.id}/{port.fixed_ips[1].ip_address}",
    }


def test_a_port_on_a_network_without_subnets_or_that_wants_none_has_no_address(world: World) -> None:
    network = world.network()
    assert world.port(network).fixed_ips == ()
    world.subnet(network, "10.0.0.0/24")
    assert world.port(network, fixed_ips=[]).fixed_ips == ()


def test_addresses_may_be_asked_for_by_subnet_by_address_or_by_both(world: World) -> None:
    network = world.network()
    one, two = world.subnet(network, "10.0.0.0/24"), world.subnet(network, "10.0.1.0/24")
    requests = [AddressRequest(two.id), AddressRequest("", "10.0.0.77"), AddressRequest(two.id, "10.0.1.9")]
    found = world.port(network, fixed_ips=requests).fixed_ips
    assert [fixed.subnet_id for fixed in found] == [two.id, one.id, two.id]
    assert [fixed.ip_address for fixed in found[1:]] == ["10.0.0.77", "10.0.1.9"]
    assert found[0].ip_address.startswith("10.0.1.")


def test_an_address_that_is_named_is_not_drawn_for_the_same_port(world: World) -> None:
    for _ in range(10):
        network = world.network()
        subnet = world.subnet(network, "10.0.0.0/24", allocation_pools=(Pool("10.0.0.5", "10.0.0.6"),))
        found = world.port(network, fixed_ips=[AddressRequest(subnet.id), AddressRequest("", "10.0.0.5")]).fixed_ips
        assert [fixed.ip_address for fixed in found] == ["10.0.0.6", "10.0.0.5"]


def test_every_port_has_another_address_until_none_is_left(world: World) -> None:
    network = world.network()
    subnet = world.subnet(
        network, "10.0.0.0/26", allocation_pools=(Pool("10.0.0.2", "10.0.0.9"), Pool("10.0.0.20", "10.0.0.31"))
    )
    found = {world.port(network).fixed_ips[0].ip_address for _ in range(20)}
    assert found == {f"10.0.0.{last}" for last in [*range(2, 10), *range(20, 32)]}
    before = dict(world.model.revisions)
    with pytest.raises(Exhausted) as refused:
        world.port(network)
    assert refused.value.kind == "IpAddressGenerationFailure"
    assert world.model.revisions == before
    assert world.port(network, fixed_ips=[AddressRequest(subnet.id, "10.0.0.50")]).fixed_ips  # outside the pools


def test_a_second_subnet_serves_when_the_first_is_full(world: World) -> None:
    network = world.network()
    first = world.subnet(network, "10.0.0.0/30")
    second = world.subnet(network, "10.0.1.0/30")
    assert [world.port(network).fixed_ips[0].subnet_id for _ in range(2)] == [first.id, second.id]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.0.1.5", "InvalidIpForSubnet"),
        ("10.0.0.0", "InvalidIpForSubnet"),
        ("10.0.0.255", "InvalidIpForSubnet"),
        ("2001:db8::5", "InvalidIpForSubnet"),
    ],
)
def test_an_address_that_no_port_of_the_subnet_may_have(world: World, address: str, kind: str) -> None:
    network = world.network()
    subnet = world.subnet(network, "10.0.0.0/24")
    with pytest.raises(Invalid) as refused:
        world.port(network, fixed_ips=[AddressRequest(subnet.id, address)])
    assert refused.value.kind == kind
    with pytest.raises(Invalid) as anywhere:
        world.port(network, fixed_ips=[AddressRequest("", address)])
    assert anywhere.value.kind == "InvalidIpForNetwork"


def test_the_gateways_address_is_for_the_port_that_names_it(world: World) -> None:
    network = world.network()
    subnet = world.subnet(network, "10.0.0.0/30")
    assert world.port(network, fixed_ips=[AddressRequest(subnet.id, "10.0.0.1")]).fixed_ips[0].ip_address == "10.0.0.1"
    assert world.port(network).fixed_ips[0].ip_address == "10.0.0.2"
    with pytest.raises(Exhausted):
        world.port(network)


def test_an_address_and_a_mac_are_had_once_on_a_network_and_again_on_another(world: World) -> None:
    one, two = world.network(), world.network()
    for network in (one, two):
        world.subnet(network, "10.0.0.0/24")
        world.port(network, mac_address="02:00:00:00:00:01", fixed_ips=[AddressRequest("", "10.0.0.5")])
    with pytest.raises(Conflict) as address:
        world.port(one, fixed_ips=[AddressRequest("", "10.0.0.5")])
    assert address.value.kind == "IpAddressInUse"
    with pytest.raises(Conflict) as mac:
        world.port(one, mac_address="02:00:00:00:00:01")
    assert mac.value.kind == "MacAddressInUse"


def test_a_subnet_of_another_network_is_refused(world: World) -> None:
    other = world.subnet(world.network(), "10.0.0.0/24")
    network = world.network()
    for subnet_id in (other.id, "no"):  # not told apart: it may be another project's
        with pytest.raises(Invalid, match="invalid subnet"):
            world.port(network, fixed_ips=[AddressRequest(subnet_id)])


def test_an_update_keeps_addresses_that_are_asked_for_again_and_gives_back_the_rest(world: World) -> None:
    network = world.network()
    subnet = world.subnet(network, "10.0.0.0/24")
    port = world.port(network, fixed_ips=[AddressRequest("", "10.0.0.5"), AddressRequest("", "10.0.0.6")])
    after = world.update_port(
        port, fixed_ips=[AddressRequest(subnet.id), AddressRequest("", "10.0.0.9"), AddressRequest("", "10.0.0.6")]
    )
    assert [fixed.ip_address for fixed in after.fixed_ips] == ["10.0.0.5", "10.0.0.9", "10.0.0.6"]
    after = world.update_port(after, fixed_ips=[])
    assert after.fixed_ips == ()
    assert not [key for key in world.model.taken if key.startswith("taken/ip/")]


def test_an_update_of_the_mac_gives_back_the_old_one(world: World) -> None:
    network = world.network()
    port = world.port(network, mac_address="02:00:00:00:00:01")
    world.update_port(port, mac_address="02:00:00:00:00:02", name="n")
    assert world.port(network, mac_address="02:00:00:00:00:01").mac_address == "02:00:00:00:00:01"
    with pytest.raises(Conflict):
        world.port(network, mac_address="02:00:00:00:00:02")


def test_a_deleted_port_leaves_nothing(world: World) -> None:
    network = world.network()
    world.subnet(network, "10.0.0.0/24")
    world.default_group()
    before = set(world.model.revisions)
    port = world.port(network, interface_id="tap1")
    assert f"taken/vif/{'tap1'}" in world.model.taken
    world.delete(port)
    assert set(world.model.revisions) == before


def test_the_addresses_of_a_learning_port_cannot_be_declared(world: World) -> None:
    network = world.network()
    world.subnet(network, "10.0.0.0/24")
    port = world.learning(network)
    assert (port.learning, port.fixed_ips, port.admin_state_up) == (True, (), False)
    with pytest.raises(Invalid, match="learned"):
        world.update_port(port, fixed_ips=[AddressRequest("", "10.0.0.5")])


def test_a_port_relies_on_its_network_and_subnet_as_it_read_them(world: World) -> None:
    network = world.network()
    subnet = world.subnet(network, "10.0.0.0/24")
    transaction = Transaction(world.model)
    ports.create(transaction, "red", {"network_id": network.id}, world.means)
    assert transaction.read[network.key] == world.model.revisions[network.key]
    assert transaction.read[subnet.key] == world.model.revisions[subnet.key]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.lists(st.integers(0, 17), max_size=3)), max_size=30))
def test_reservations_are_exactly_what_ports_have(steps: list[tuple[bool, int, list[int]]]) -> None:
    """After any history of creates, updates and deletes, accepted or refused."""
    world = World()
    network = world.network()
    subnet = world.subnet(network, "10.0.0.0/28")
    alive: list[Port] = []
    for create, which, hosts in steps:
        requests = [AddressRequest("", f"10.0.0.{host}") if host else AddressRequest(subnet.id) for host in hosts]
        try:
            if create:
                alive.append(world.port(network, fixed_ips=requests))
            elif alive and requests:
                place = which % len(alive)
                alive[place] = world.update_port(alive[place], fixed_ips=requests)
            elif alive:
                world.delete(alive.pop(which % len(alive)))
        except Refused:
            pass
    had = [fixed.ip_address for port in alive for fixed in port.fixed_ips]
    assert len(had) == len(set(had))
    reserved = [key for key in world.model.taken if key.startswith("taken/ip/")]
    assert sorted(reserved) == sorted(f"taken/ip/{subnet.id}/{address}" for address in had)
