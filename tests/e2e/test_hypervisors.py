"""Hypervisors come by themselves and are kept right over OVSDB."""

from collections.abc import Iterator

import pytest

from tests.lab import Capture, CommandFailed, Hypervisor, Vm, frames
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.netns import ip


class World:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.api = cloud.v2("red")
        self.network = self.api.network("n")
        self.api.subnet(self.network, "10.0.0.0/24")
        self.ports: list[Body] = [self.api.port(self.network, f"10.0.0.{n}") for n in (1, 2)]
        self.vms: list[Vm] = [cloud.start(cloud[n], port) for n, port in enumerate(self.ports)]
        assert self.vms[0].reaches("10.0.0.2")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan", "geneve"]] * 2) as made:
        yield World(made)


def get(at: Hypervisor, *arguments: str) -> str:
    try:
        return at.vsctl(*arguments).strip('"')
    except CommandFailed:
        return ""


def test_the_bridge_is_made_right(world: World) -> None:
    for at in world.cloud.lab:
        assert get(at, "get-fail-mode", "br-int") == "secure"
        assert "OpenFlow13" in get(at, "get", "bridge", "br-int", "protocols")
        assert get(at, "get", "bridge", "br-int", "datapath_type") == "netdev"
        assert get(at, "get-controller", "br-int") == f"tcp:{world.cloud.controller.address}:6653"
        for encap in ("vxlan", "geneve"):
            assert get(at, "get", "interface", f"tenet-{encap}", "type") == encap
            assert "remote_ip=flow" in get(at, "get", "interface", f"tenet-{encap}", "options").replace('"', "")


def test_the_switches_are_shown_to_operators(world: World) -> None:
    switches = world.cloud.controller.switches()
    for at in world.cloud.lab:
        shown = switches[at.system_id]
        assert shown["host"] == at.system_id
        assert str(shown["dpid"]).removeprefix("0x").zfill(16) == get(at, "get", "bridge", "br-int", "datapath_id")
        assert at.address in str(shown["encap"])
        assert shown["last_applied"]


@pytest.mark.parametrize(
    ("broken", "gone"),
    [
        (["del-port", "br-int", "tenet-vxlan"], "tunnel"),
        (["del-controller", "br-int"], "controller"),
        (["set-controller", "br-int", "tcp:127.0.0.1:1"], "another controller"),
        (["set-fail-mode", "br-int", "standalone"], "fail mode"),
        (["set", "interface", "tenet-vxlan", "options:remote_ip=192.0.2.77"], "tunnel options"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_somebody_breaks_comes_back(world: World, broken: list[str], gone: str) -> None:
    at = world.cloud[0]
    at.vsctl("--no-wait", *broken)

    def right() -> bool:
        return (
            get(at, "get-controller", "br-int") == f"tcp:{world.cloud.controller.address}:6653"
            and get(at, "get-fail-mode", "br-int") == "secure"
            and "remote_ip=flow" in get(at, "get", "interface", "tenet-vxlan", "options").replace('"', "")
        )

    assert until(right)
    world.cloud.connected()
    assert world.vms[0].reaches("10.0.0.2")


def test_a_deleted_bridge_comes_back_with_its_datapath_id(world: World) -> None:
    at = world.cloud[0]
    before = get(at, "get", "bridge", "br-int", "datapath_id")
    at.vsctl("--no-wait", "del-br", "br-int")
    assert until(lambda: get(at, "get", "bridge", "br-int", "datapath_id") == before)
    assert world.api.status(world.ports[0], "DOWN") == "DOWN"
    world.vms[0].plug()
    assert world.api.status(world.ports[0], "ACTIVE") == "ACTIVE"
    assert world.vms[0].reaches("10.0.0.2")


def test_a_new_encap_address_is_followed(world: World) -> None:
    at = world.cloud[1]
    ip(["addr add 192.0.2.22/24 dev br-phy"], at.namespace)
    at.vsctl("set", "Open_vSwitch", ".", "external_ids:tenet-encap-ip=192.0.2.22")

    def follows() -> bool:
        with Capture(at.namespace) as wire:
            world.vms[0].ping("10.0.0.2", 1, wait=0.5)
            return wire.first(lambda got: got[30:34] == frames.address("192.0.2.22") and got[23] == 17, 0.2) is not None

    assert until(follows)
    assert world.vms[0].reaches("10.0.0.2")
    at.vsctl("set", "Open_vSwitch", ".", f"external_ids:tenet-encap-ip={at.address}")
    assert until(lambda: not follows())
    assert world.vms[0].reaches("10.0.0.2")


def test_another_encapsulation_is_followed(world: World) -> None:
    at = world.cloud[1]
    at.vsctl("set", "Open_vSwitch", ".", "external_ids:tenet-encap-type=geneve")
    assert until(lambda: "tenet-vxlan" not in get(at, "list-ports", "br-int"))
    assert world.vms[0].reaches("10.0.0.2")
    with Capture(at.namespace) as wire:
        world.vms[0].ping("10.0.0.2", 1)
        assert wire.first(lambda got: got[23] == 17 and got[36:38] == (6081).to_bytes(2))
    at.vsctl("set", "Open_vSwitch", ".", 'external_ids:tenet-encap-type="vxlan,geneve"')
    assert until(lambda: "tenet-vxlan" in get(at, "list-ports", "br-int"))
    assert world.vms[0].reaches("10.0.0.2")


def test_a_vif_that_moves_is_followed(world: World) -> None:
    """The same port, plugged on the other hypervisor (a migration)."""
    port = world.api.port(world.network, "10.0.0.30")
    first = world.cloud.start(world.cloud[0], port)
    assert world.vms[1].reaches("10.0.0.30")
    world.cloud.lab.remove(first)
    assert world.api.status(port, "DOWN") == "DOWN"
    second = world.cloud.start(world.cloud[1], port)
    assert world.vms[0].reaches("10.0.0.30")
    assert until(lambda: world.api.show("port", port["id"])["binding:host_id"] == "hv2")
    world.cloud.lab.remove(second)
    world.api.delete("port", port["id"])


def test_a_second_switch_with_the_same_datapath_id_is_refused_and_said(world: World) -> None:
    first, second = world.cloud[0], world.cloud[1]
    dpid = get(first, "get", "bridge", "br-int", "datapath_id")
    controller = world.cloud.controller
    second.vsctl(  # before the pings: while Open vSwitch adds a bridge, it may lose packets that have no megaflow
        *("add-br", "br-twin", "--", "set", "bridge", "br-twin", "datapath_type=netdev", "protocols=OpenFlow13"),
        *(f"other-config:datapath-id={dpid}", "fail_mode=secure"),
    )
    assert world.vms[0].reaches("10.0.0.2")
    pinging = world.vms[0].pinging("10.0.0.2")
    second.vsctl("set-controller", "br-twin", get(first, "get-controller", "br-int"))
    assert until(
        lambda: controller.metric("tenet_duplicate_datapaths_total") >= 2
    )  # it tries again, and is refused again
    assert f"datapath {dpid} is already connected from {first.address}" in controller.text()
    assert not [line for line in second.flows("br-twin") if "actions" in line]
    refused = controller.api("GET", "/tenet/v1/refused").json["refused"]
    assert any(f"datapath {dpid} is already connected" in one["why"] for one in refused)
    assert pinging.stop() == []
    second.vsctl("del-br", "br-twin")
    moved = world.api.update("port", world.ports[0]["id"], name="still")
    assert moved["status"] == "ACTIVE"
