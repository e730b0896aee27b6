"""Subnets: gateway, pools, and what is refused."""

from __future__ import annotations

import pytest

from controller.intent import subnets
from controller.intent.ports import AddressRequest
from controller.model.rows import Pool
from controller.runtime.errors import Conflict, Invalid, NotFound, Refused
from controller.store.transaction import Transaction

from .world import World


@pytest.mark.parametrize(
    ("cidr", "gateway", "pools"),
    [
        ("10.0.0.0/24", "10.0.0.1", (Pool("10.0.0.2", "10.0.0.254"),)),
        ("10.0.0.0/30", "10.0.0.1", (Pool("10.0.0.2", "10.0.0.2"),)),
        ("2001:db8::/64", "2001:db8::1", (Pool("2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff"),)),
        ("10.0.0.0/8", "10.0.0.1", (Pool("10.0.0.2", "10.255.255.254"),)),
    ],
)
def test_without_a_word_the_gateway_is_first_and_the_pool_is_the_rest(
    world: World, cidr: str, gateway: str, pools: tuple[Pool, ...]
) -> None:
    subnet = world.subnet(world.network(), cidr)
    assert (subnet.gateway_ip, subnet.allocation_pools) == (gateway, pools)


def test_a_gateway_in_the_middle_divides_the_pool_and_none_leaves_it_whole(world: World) -> None:
    middle = world.subnet(world.network(), "10.0.0.0/29", gateway_ip="10.0.0.3")
    assert middle.allocation_pools == (Pool("10.0.0.1", "10.0.0.2"), Pool("10.0.0.4", "10.0.0.6"))
    none = world.subnet(world.network(), "10.0.0.0/29", gateway_ip="")
    assert (none.gateway_ip, none.allocation_pools) == ("", (Pool("10.0.0.1", "10.0.0.6"),))


def test_a_subnet_of_two_addresses_uses_both_when_nobody_needs_dhcp(world: World) -> None:
    subnet = world.subnet(world.network(), "10.0.0.0/31", enable_dhcp=False)
    assert (subnet.gateway_ip, subnet.allocation_pools) == ("10.0.0.0", (Pool("10.0.0.1", "10.0.0.1"),))


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"cidr": "10.0.0.0/24", "ip_version": 6}, "InvalidInput"),
        ({"cidr": "0.0.0.0/0"}, "InvalidInput"),
        ({"cidr": "224.0.0.0/24"}, "InvalidInput"),
        ({"cidr": "127.0.0.0/24"}, "InvalidInput"),
        ({"cidr": "10.0.0.0/31"}, "InvalidInput"),
        ({"gateway_ip": "10.0.0.0"}, "InvalidInput"),
        ({"gateway_ip": "10.0.0.255"}, "InvalidInput"),
        ({"gateway_ip": "2001:db8::1"}, "InvalidInput"),
        ({"allocation_pools": (Pool("10.0.0.9", "10.0.0.5"),)}, "InvalidAllocationPool"),
        ({"allocation_pools": (Pool("2001:db8::1", "2001:db8::2"),)}, "InvalidAllocationPool"),
        ({"allocation_pools": (Pool("10.0.0.9", "10.0.1.5"),)}, "OutOfBoundsAllocationPool"),
        ({"allocation_pools": (Pool("10.0.0.0", "10.0.0.5"),), "gateway_ip": ""}, "OutOfBoundsAllocationPool"),
        ({"allocation_pools": (Pool("10.0.0.1", "10.0.0.5"),)}, "GatewayConflictWithAllocationPools"),
        (
            {"allocation_pools": (Pool("10.0.0.5", "10.0.0.9"), Pool("10.0.0.2", "10.0.0.5"))},
            "OverlappingAllocationPools",
        ),
    ],
)
def test_what_cannot_be_is_refused(world: World, asked: dict[str, object], kind: str) -> None:
    network = world.network()
    before = dict(world.model.revisions)
    with pytest.raises(Refused) as refused:
        world.subnet(network, str(asked.get("cidr", "10.0.0.0/24")), **{k: v for k, v in asked.items() if k != "cidr"})
    assert refused.value.kind == kind
    assert world.model.revisions == before


def test_subnets_of_one_network_share_no_address_and_of_two_may(world: World) -> None:
    network = world.network()
    world.subnet(network, "10.0.0.0/16")
    with pytest.raises(Invalid, match="overlaps"):
        world.subnet(network, "10.0.3.0/24")
    world.subnet(network, "10.1.0.0/16")
    world.subnet(network, "2001:db8::/64")
    assert world.subnet(world.network(), "10.0.0.0/16").cidr == "10.0.0.0/16"


def test_a_subnet_in_use_stays(world: World) -> None:
    network = world.network()
    subnet = world.subnet(network, "10.0.0.0/24")
    port = world.port(network)
    with pytest.raises(Conflict) as refused:
        world.delete(subnet)
    assert refused.value.kind == "SubnetInUse"
    world.delete(port)
    world.delete(subnet)
    assert [key for key in world.model.revisions if "subnet" in key] == []


def test_a_new_gateway_must_not_be_a_ports_address_nor_in_a_pool(world: World) -> None:
    network = world.network()
    subnet = world.subnet(network, "10.0.0.0/24", allocation_pools=(Pool("10.0.0.100", "10.0.0.200"),))
    world.port(network, fixed_ips=[AddressRequest(ip_address="10.0.0.50")])
    with pytest.raises(Conflict) as taken:
        world.update_subnet(subnet, gateway_ip="10.0.0.50")
    assert taken.value.kind == "GatewayIpInUse"
    with pytest.raises(Conflict) as pooled:
        world.update_subnet(subnet, gateway_ip="10.0.0.150")
    assert pooled.value.kind == "GatewayConflictWithAllocationPools"
    assert world.update_subnet(subnet, gateway_ip="10.0.0.51").gateway_ip == "10.0.0.51"
    assert world.update_subnet(subnet, gateway_ip="").gateway_ip == ""


def test_a_new_gateway_relies_on_no_address_having_been_given(world: World) -> None:
    subnet = world.subnet(world.network(), "10.0.0.0/24", allocation_pools=())
    transaction = Transaction(world.model)
    subnets.update(transaction, subnet.id, {"gateway_ip": "10.0.0.9"}, world.means)
    assert transaction.read[f"taken/ip/{subnet.id}/"] == world.model.revision


def test_dhcp_cannot_come_to_a_subnet_of_two_addresses(world: World) -> None:
    subnet = world.subnet(world.network(), "10.0.0.0/31", enable_dhcp=False)
    with pytest.raises(Invalid, match="DHCP"):
        world.update_subnet(subnet, enable_dhcp=True)


def test_addresses_of_two_versions_never_overlap(world: World) -> None:
    network = world.network()
    world.subnet(network, "10.0.0.0/24")
    assert world.subnet(network, "::a00:0/120").ip_version == 6  # the same numbers


def test_a_subnet_needs_its_network(world: World) -> None:
    network = world.network()
    world.delete(network)
    with pytest.raises(NotFound) as refused:
        world.subnet(network, "10.0.0.0/24")
    assert refused.value.kind == "NetworkNotFound"


MODES = ("", "slaac", "dhcpv6-stateless", "dhcpv6-stateful")


@pytest.mark.parametrize("ra", MODES)
@pytest.mark.parametrize("address", MODES)
def test_ipv6_modes_are_equal_or_one_of_them_is_none(world: World, ra: str, address: str) -> None:
    network = world.network()
    asked = {"cidr": "2001:db8::/64", "ip_version": 6, "ra_mode": ra, "address_mode": address}
    if ra and address and ra != address:
        with pytest.raises(Invalid):
            world.subnet(network, **asked)
        return
    made = world.subnet(network, **asked)
    assert made.slaac == ((address or ra) in ("slaac", "dhcpv6-stateless"))
    for wrong in ({"enable_dhcp": False}, {"cidr": "10.0.0.0/24", "ip_version": 4}):
        if ra or address:
            with pytest.raises(Invalid):
                world.subnet(world.network(), **{**asked, **wrong})
