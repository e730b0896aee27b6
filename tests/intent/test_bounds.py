"""What a project can make has an end: how many objects, how large each, how much in each list of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.intent import ports, sizes, subnets
from controller.intent.subnets import SubnetRequest
from controller.model.rows import AddressPair, Port
from controller.model.rows.base import DECLARED, QUOTAS
from controller.runtime.errors import Invalid
from controller.store.transaction import Transaction
from northbound import schema
from northbound.resource import May
from northbound.rules import ADMIN
from northbound.v2.catalogue import RESOURCES

from .world import World


def test_every_kind_that_a_project_sees_is_counted_and_has_a_limit_by_default() -> None:
    """Whoever sees a kind that is not the operator can make some."""
    seen = {declared.name: declared.seen for declared in DECLARED.values() if declared.seen is not None}
    made = {name for name, by in seen.items() if not by.public}  # the operator makes what everybody sees
    assert made == set(QUOTAS) and all(limit > 0 for limit in QUOTAS.values())
    assert {resource.name for resource in RESOURCES if resource.create and resource.access.create != ADMIN} == made
    assert {resource.name for resource in RESOURCES if resource.create and resource.access.get != ADMIN} == set(seen)


def test_every_list_in_a_body_has_a_greatest_length() -> None:
    lists = [(resource.name, each.name, schema.of(each.check)) for resource in RESOURCES
             for each in resource.attributes if each.check is not None and May.SET & each.may]  # fmt: skip
    found = {(resource, name): part["maxItems"] for resource, name, said in lists
             for part in (said, *said.get("anyOf", ())) if part.get("type") in ("array", ["array", "null"])
             }  # fmt: skip
    assert len(found) >= 10 and max(found.values()) <= 256, found


def option(number: int, value: str | None = "v") -> tuple[str, str | None, int]:
    return f"option-{number}", value, 4


def test_dhcp_options_that_come_one_update_after_the_other_come_to_an_end(world: World) -> None:
    port = world.port(world.network(), dhcp_options=[option(number) for number in range(ports.MOST_OPTIONS)])
    with pytest.raises(Invalid, match="65 options are more than 64"):
        world.update_port(port, dhcp_options=[option(64)])
    changed = world.update_port(port, dhcp_options=[option(0, None), option(64)])
    assert len(changed.dhcp_options) == ports.MOST_OPTIONS


@pytest.mark.parametrize(
    ("pairs", "fine"),
    [
        (("0.0.0.0/1", "128.0.0.0/1"), False), (("0.0.0.0/1",), False), (("2000::/3",), False), (("::/7",), False),
        (("10.0.0.0/8",), True), (("fd00::/8", "10.9.8.7", "2001:db8::/32"), True),
    ],
)  # fmt: skip
def test_pairs_of_addresses_that_leave_next_to_nothing_to_check_are_refused(
    world: World, pairs: tuple[str, ...], fine: bool
) -> None:
    network, request = world.network(), [AddressPair(each, "") for each in pairs]
    port = world.port(network)
    if fine:
        assert len(world.update_port(port, address_pairs=request).address_pairs) == len(pairs)
        return
    with pytest.raises(Invalid, match="wider than a /8"):
        world.update_port(port, address_pairs=request)
    with pytest.raises(Invalid, match="wider than a /8"):
        world.port(network, address_pairs=request)


def test_a_wide_pair_of_a_former_version_stays_and_gets_no_company(world: World) -> None:
    port = world.port(world.network())
    old = replace(port, address_pairs=(AddressPair("0.0.0.0/1", port.mac_address),))
    world.run(lambda tx: tx.put(old))
    assert world.update_port(port, name="n").address_pairs == old.address_pairs
    with pytest.raises(Invalid, match="wider than a /8"):
        world.update_port(port, address_pairs=[AddressPair("0.0.0.0/1", ""), AddressPair("128.0.0.0/1", "")])


def large(world: World, port: Port, characters: int) -> Port:
    """With so many characters of description, each of four bytes."""

    def rules(tx: Transaction) -> Port:
        changed = ports.update(tx, port.id, {"description": "\U0001f600" * characters}, world.means)
        sizes.settle(tx)
        return changed

    return world.run(rules)


def test_an_object_has_64_kib_at_most_and_a_larger_one_may_only_shrink(world: World) -> None:
    port = world.port(world.network())
    large(world, port, 16_000)
    with pytest.raises(Invalid, match=rf"port {port.id} would take \d+ bytes, more than 65536"):
        large(world, port, 17_000)
    world.update_port(port, description="\U0001f600" * 20_000)  # as a former version let it
    with pytest.raises(Invalid):
        large(world, port, 20_001)
    large(world, port, 18_000)
    large(world, port, 1)


def test_a_guests_large_port_keeps_nobody_from_a_subnet_that_gives_it_an_address(world: World) -> None:
    network = world.network()
    port = world.port(network)
    most = next(count for count in range(16_400, 15_000, -1) if _fits(world, port, count))
    large(world, port, most)
    request = SubnetRequest(
        network_id=network.id, ip_version=6, cidr="2001:db8::/64", address_mode="slaac", ra_mode="slaac"
    )

    def rules(tx: Transaction) -> None:
        subnets.create(tx, "red", request, world.means)
        sizes.settle(tx)

    world.run(rules)
    row = world.model.get(Port, port.id)
    assert row is not None and len(row.fixed_ips) == 1


def _fits(world: World, port: Port, characters: int) -> bool:
    try:
        large(world, port, characters)
    except Invalid:
        return False
    return True
