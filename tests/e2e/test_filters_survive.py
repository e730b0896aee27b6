"""Filters through restarts: of ovs-vswitchd, which forgets all connections, and of the controller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.lab import Vm
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.talk import Listener, Talk

PICKUP = 20  # seconds


class World:
    """A client, which may begin any connection, and a server, which may begin none, on two hypervisors."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.api = cloud.v2("red")
        network = self.api.network("n")
        self.api.subnet(network, "10.0.0.0/24")
        served, asking = self.api.group("served"), self.api.group("asking")
        for rule in served["security_group_rules"]:
            self.api.delete("security_group_rule", rule["id"])
        self.api.rule(served, "ingress", "tcp", 7000, 7999)
        self.ports: list[Body] = [
            self.api.port(network, f"10.0.0.{n}", security_groups=[group["id"]])
            for n, group in ((1, asking), (2, served))
        ]
        self.client, self.server = [cloud.start(cloud[n], port) for n, port in enumerate(self.ports)]
        self.talks: list[Talk] = []

    def opened(self, number: int) -> Talk:
        with closing(Listener(self.server, "10.0.0.2", number)) as listener:
            self.talks.append(listener.accept(self.client))
        return self.talks[-1]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 2, {"openflow": {"connection_pickup": PICKUP}}) as made:
        world = World(made)
        yield world
        for talk in world.talks:
            talk.close()


def test_fragments_are_told_apart_on_every_switch(world: World) -> None:
    assert [at.ofctl("get-frags").strip() for at in world.cloud.lab] == ["nx-match", "nx-match"]


@pytest.mark.parametrize("hypervisor", [0, 1], ids=["the client's", "the server's"])
def test_tcp_goes_on_after_a_restart_of_the_switch_whoever_speaks_next(world: World, hypervisor: int) -> None:
    talks = [world.opened(7000 + hypervisor * 10 + number) for number in range(2)]
    for talk in talks:
        assert talk.client_says(b"hello") and talk.server_says(b"hello")
    at = world.cloud[hypervisor]
    at.kill_switch()
    at.restart_switch()
    assert until(lambda: at.ofctl("get-frags").strip() == "nx-match")
    world.cloud.connected()
    assert talks[0].client_says(b"still here")
    assert talks[1].server_says(b"still here")
    assert "hard_timeout" in at.ofctl("dump-flows")
    assert until(lambda: "hard_timeout" not in at.ofctl("dump-flows"), PICKUP + 20)
    for talk in talks:  # what was picked up is known now
        assert talk.client_says(b"and on") and talk.server_says(b"and on")
    assert world.cloud.controller.metric("tenet_flows_repaired_total") == 0


def connections(world: World, hypervisor: int, zone: int) -> int:
    return world.cloud[hypervisor].appctl("dpctl/dump-conntrack", f"zone={zone}").count("orig=")


def key_of(world: World, vm: Vm) -> int:
    return int(vm.at.vsctl("get", "interface", vm.name, "ofport"))


def test_a_key_that_is_used_again_begins_without_connections(world: World) -> None:
    talk = world.opened(7100)
    assert talk.client_says(b"hello")
    zone, at = key_of(world, world.client), world.client.at
    assert connections(world, 0, zone) > 0
    world.client.unplug()
    assert until(lambda: connections(world, 0, zone) == 0)
    at.vsctl("--may-exist", "add-port", "br-int", world.client.name,
             "--", "set", "interface", world.client.name, f"external_ids:iface-id={world.client.iface_id}",
             f"ofport_request={zone}")  # fmt: skip
    assert world.api.status(world.ports[0], "ACTIVE") == "ACTIVE"
    assert talk.client_says(b"a new port")  # which its rules let it go on with


def test_a_controller_that_comes_back_flushes_nothing(world: World) -> None:
    talk = world.opened(7200)
    assert talk.client_says(b"hello")
    zones = [key_of(world, world.client), key_of(world, world.server)]
    before = [connections(world, number, zone) for number, zone in enumerate(zones)]
    assert all(before)
    world.cloud.controller.restart()
    world.cloud.connected()
    assert [connections(world, number, zone) for number, zone in enumerate(zones)] == before
    assert talk.server_says(b"still here") and talk.retransmitted == 0
    assert re.search("flows right, 0 to change", world.cloud.controller.text())


def test_a_full_table_refuses_new_connections_and_says_so(world: World) -> None:
    talk = world.opened(7300)
    assert talk.client_says(b"hello")
    at, controller = world.cloud[1], world.cloud.controller
    at.appctl("dpctl/ct-set-maxconns", "1")
    try:
        with closing(Listener(world.server, "10.0.0.2", 7301)) as listener:
            assert listener.refuses(world.client)
        assert talk.client_says(b"and on") and talk.server_says(b"and on")
        assert until(lambda: controller.switches()["hv2"]["connections_full"])
        assert controller.switches()["hv1"]["connections_full"] is False
        assert "its connection table is full: new connections are refused" in controller.text()
    finally:
        at.appctl("dpctl/ct-set-maxconns", "3000000")
    with closing(Listener(world.server, "10.0.0.2", 7302)) as listener:
        listener.accept(world.client).close()
    assert until(lambda: controller.switches()["hv2"]["connections_full"] is False)
