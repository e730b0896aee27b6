"""Rules of local IPs: their port, and the ports that serve them."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent import local_ips as rules
from controller.intent.addresses import AddressRequest
from controller.model.rows import LocalIp, LocalIpAssociation, Network, Port

from .routed import refused
from .world import World


@pytest.fixture
def network(world: World) -> Network:
    network = world.network()
    world.subnet(network, "10.0.0.0/24")
    return network


def local(world: World, **request: Any) -> LocalIp:
    return world.run(lambda tx: rules.create(tx, "red", request, world.means))  # type: ignore[arg-type]


def serve(world: World, of: LocalIp, port: Port, address: str = "") -> LocalIpAssociation:
    request: Any = {"local_ip_id": of.id, "fixed_port_id": port.id, "fixed_ip": address}
    return world.run(lambda tx: rules.associate(tx, "red", request, world.means))


def several(world: World, network: Network) -> Port:
    return world.port(network, fixed_ips=[AddressRequest("", f"10.0.0.{number}") for number in (50, 51)])


def test_a_port_is_made_and_goes_with_it(world: World, network: Network) -> None:
    made = local(world, network_id=network.id, local_ip_address="10.0.0.77")
    port = world.model.get(Port, made.local_port_id)
    assert port is not None and (port.device_owner, port.device_id) == ("network:local_ip", made.id)
    assert (made.local_ip_address, made.network_id, made.ip_mode) == ("10.0.0.77", network.id, "translate")
    with refused("ServicePortInUse", "still referenced by Local IPs"):
        world.delete(port)
    world.run(lambda tx: rules.delete(tx, made.id, world.means))
    assert world.model.get(Port, port.id) is None and world.model.get(LocalIp, made.id) is None


def test_a_port_that_is_there_stays(world: World, network: Network) -> None:
    port = world.port(network)
    made = local(world, local_port_id=port.id)
    assert (made.local_ip_address, made.network_id) == (port.addresses[0], network.id)
    with refused("BadRequest", "is a local IP"):
        world.update_port(port, fixed_ips=[AddressRequest("", "10.0.0.99")])
    world.run(lambda tx: rules.delete(tx, made.id, world.means))
    assert world.model.get(Port, port.id) is not None
    world.delete(port)


def test_the_address_is_one_of_the_ports(world: World, network: Network) -> None:
    port = several(world, network)
    with refused("LocalIPNoRequestedIP"):
        local(world, local_port_id=port.id)
    with refused("LocalIPRequestedIPNotFound"):
        local(world, local_port_id=port.id, local_ip_address="10.0.0.99")
    assert local(world, local_port_id=port.id, local_ip_address="10.0.0.51").local_ip_address == "10.0.0.51"
    with refused("LocalIPNoIP"):
        local(world, local_port_id=world.port(network, fixed_ips=[]).id)
    with refused("LocalIPPortOrNetworkRequired"):
        local(world)
    with refused("BadRequest", "does not contain any IPv4 subnet"):
        local(world, network_id=world.network().id)


def test_ports_and_networks_of_others_are_not_there(world: World, network: Network) -> None:
    blues, port = world.network("blue"), world.port(network, "blue")
    world.means = world.means._replace(operator=False, project_id="red")
    with refused("NetworkNotFound"):
        local(world, network_id=blues.id)
    with refused("PortNotFound"):
        local(world, local_port_id=port.id)  # which red sees as the owner of the network
    with refused("PortNotFound"):
        serve(world, local(world, network_id=network.id), port)


def test_a_port_serves_it_once_until_it_goes(world: World, network: Network) -> None:
    made, port = local(world, network_id=network.id), world.port(network)
    association = serve(world, made, port)
    assert (association.fixed_ip, association.project_id) == (port.addresses[0], "red")
    with refused("Conflict", "already"):
        serve(world, made, port)
    with refused("LocalIPInUse"):
        world.run(lambda tx: rules.delete(tx, made.id, world.means))
    world.delete(port)
    assert not world.model.rows(LocalIpAssociation)
    again = serve(world, made, world.port(network))
    world.run(lambda tx: rules.dissociate(tx, again.id, world.means))
    world.run(lambda tx: rules.delete(tx, made.id, world.means))
    assert not [key for key in world.model.taken if "local-ip" in key]


def test_it_is_served_at_the_address_that_is_named(world: World, network: Network) -> None:
    made, port = local(world, network_id=network.id), several(world, network)
    with refused("LocalIPNoRequestedIP"):
        serve(world, made, port)
    with refused("LocalIPRequestedIPNotFound"):
        serve(world, made, port, "10.0.0.99")
    assert serve(world, made, port, "10.0.0.51").fixed_ip == "10.0.0.51"
    world.update_port(port, fixed_ips=[AddressRequest("", "10.0.0.50")])
    assert not world.model.rows(LocalIpAssociation)  # with its address


def test_its_name_changes(world: World, network: Network) -> None:
    made = local(world, network_id=network.id)
    assert world.run(lambda tx: rules.update(tx, made.id, {"name": "n"}, world.means)).name == "n"
    with refused("LocalIPNotFound"):
        world.run(lambda tx: rules.delete(tx, "x", world.means))
    with refused("LocalIPAssociationNotFound"):
        world.run(lambda tx: rules.dissociate(tx, "x", world.means))
