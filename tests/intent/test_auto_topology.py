"""Rules of topologies that projects get without describing them, and of the default external network."""

from __future__ import annotations

import pytest

from controller.intent import auto_topology, networks, pools, sharing
from controller.model.rows import AutoTopology, Network, Port, RbacPolicy, Router, RouterInterface, Subnet
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from .world import World


def external(world: World, **request: object) -> Network:
    network = world.network("ops", **({"external": True, "is_default": True} | request))
    world.subnet(network, "198.51.100.0/24")
    return network


def pool(world: World, prefix: str) -> None:
    request = {"prefixes": (prefix,), "is_default": True, "default_prefixlen": 64 if ":" in prefix else 24}
    world.run(lambda tx: pools.create(tx, "ops", request, world.means))  # type: ignore[arg-type]


def got(world: World, project: str = "red") -> AutoTopology:
    means = world.means._replace(project_id=project, operator=False)
    return world.run(lambda tx: auto_topology.get(tx, project, means))


def gone(world: World, project: str = "red") -> None:
    world.run(lambda tx: auto_topology.delete(tx, project, world.means))


def test_a_project_gets_a_network_with_a_way_out_once(world: World) -> None:
    out = external(world)
    pool(world, "10.0.0.0/16")
    pool(world, "2001:db8::/48")
    made = got(world)
    network, router = world.model.rows(Network)[made.network_id], world.model.rows(Router)[made.router_id]
    assert (network.name, network.project_id, network.admin_state_up) == ("auto_allocated_network", "red", True)
    assert [gateway.network_id for gateway in router.gateways] == [out.id]
    inside = world.model.find(Subnet, "network_id", network.id)
    assert {subnet.ip_version for subnet in inside} == {4, 6}
    interfaces = [world.model.rows(Port)[each.id] for each in world.model.find(RouterInterface, "router_id", router.id)]
    assert {subnet for port in interfaces for subnet in port.subnets} == {subnet.id for subnet in inside}
    assert got(world) == made
    assert got(world, "blue").network_id != made.network_id


def test_all_of_it_goes_and_comes_again(world: World) -> None:
    external(world)
    pool(world, "10.0.0.0/16")
    before = set(world.model.revisions)
    made = got(world)
    gone(world)
    assert set(world.model.revisions) == before
    gone(world)  # there is none
    assert got(world).network_id != made.network_id


def test_what_somebody_uses_stays_whole(world: World) -> None:
    external(world)
    pool(world, "10.0.0.0/16")
    made = got(world)
    world.port(world.model.rows(Network)[made.network_id])
    before = world.model.revision
    with pytest.raises(Conflict) as refused:
        gone(world)
    assert refused.value.kind == "NetworkInUse" and world.model.revision == before


def test_nothing_is_made_where_a_default_is_missing(world: World) -> None:
    for missing, prepare in (("external network", lambda: external(world)), ("subnetpools", lambda: None)):
        with pytest.raises(Conflict, match=missing) as refused:
            got(world)
        assert refused.value.kind == "AutoAllocationFailure"
        prepare()
    pool(world, "10.0.0.0/16")
    auto_topology.check(Transaction(world.model))
    got(world)


def test_one_external_network_is_the_default(world: World) -> None:
    first = external(world)
    with pytest.raises(Conflict) as second:
        external(world)
    assert second.value.kind == "DefaultExternalNetworkExists"
    with pytest.raises(Invalid, match="is not external"):
        world.network("ops", is_default=True)
    world.run(lambda tx: networks.update(tx, first.id, {"external": False}, world.means))
    assert not world.model.rows(Network)[first.id].is_default
    other = external(world)
    world.run(lambda tx: networks.update(tx, other.id, {"is_default": False}, world.means))
    world.delete(next(each for each in world.model.find(Subnet, "network_id", first.id)))
    last = external(world)
    world.delete(last)
    external(world)


def test_the_default_is_shared_with_everybody(world: World) -> None:
    network = external(world)
    (policy,) = world.model.find(RbacPolicy, "object_id", network.id)
    with pytest.raises(Conflict, match="must be shared to everyone"):
        world.run(lambda tx: sharing.delete(tx, policy.id, world.means))
    with pytest.raises(Conflict, match="must be shared to everyone"):
        world.run(lambda tx: sharing.update(tx, policy.id, {"target": "red"}, world.means))
    world.run(lambda tx: networks.update(tx, network.id, {"is_default": False}, world.means))
    world.run(lambda tx: sharing.delete(tx, policy.id, world.means))
    with pytest.raises(NotFound):
        world.run(lambda tx: sharing.delete(tx, policy.id, world.means))
