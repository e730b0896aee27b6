"""Statuses are true: what the API says of a port is what the switches have confirmed."""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.lab.cloud import Body, Cloud, cloud, until


@pytest.fixture(scope="module")
def world() -> Iterator[Cloud]:
    with cloud([["vxlan"]] * 2) as made:
        yield made


@pytest.fixture
def network(world: Cloud) -> Body:
    api = world.v2("red")
    made = api.network("n")
    api.subnet(made, "10.0.0.0/24")
    return made


def test_a_v2_port_without_an_interface_is_down_and_with_one_active(world: Cloud, network: Body) -> None:
    api = world.v2("red")
    port = api.port(network, "10.0.0.1")
    assert api.show("port", port["id"])["status"] in ("DOWN", "BUILD")
    assert api.status(port, "DOWN") == "DOWN"
    vm = world.start(world[0], port)
    assert api.show("port", port["id"])["binding:host_id"] == "hv1"
    vm.unplug()
    assert api.status(port, "DOWN") == "DOWN"
    vm.plug()
    assert api.status(port, "ACTIVE") == "ACTIVE"
    assert api.update("port", port["id"], admin_state_up=False)["status"] == "DOWN"
    assert api.update("port", port["id"], admin_state_up=True)["status"] == "ACTIVE"
    world.lab.remove(vm)
    api.delete("port", port["id"])


def test_v1_op_status_follows_state_and_attachment(world: Cloud) -> None:
    api = world.v1("green")
    network = api.network("n")
    port = api.port(network)
    assert api.status(network, port, "DOWN") == "DOWN"
    vm = world.bare(world[0], "10.0.0.1/24", iface_id="a-vif")
    api.plug(network, port, "a-vif")
    assert api.status(network, port, "UP") == "UP"
    api.state(network, port, "DOWN")
    assert api.status(network, port, "DOWN") == "DOWN"
    api.state(network, port, "ACTIVE")
    assert api.status(network, port, "UP") == "UP"
    api.unplug(network, port)
    assert api.status(network, port, "DOWN") == "DOWN"
    world.lab.remove(vm)


def test_prefer_wait_answers_when_the_flows_are_confirmed(world: Cloud, network: Body) -> None:
    """The interface is plugged first, so that the one POST makes the port and its flows."""
    vm = world.bare(world[0], "10.0.0.5/24", iface_id="plugged-before", mac="fa:16:3e:00:00:05")
    known = lambda: world.controller.api("GET", "/tenet/v1/topology").json["topology"]["interfaces"]  # noqa: E731
    assert until(lambda: any(one["vif"] == "plugged-before" for one in known()))
    body = {
        "port": {
            "project_id": "red",
            "network_id": network["id"],
            "mac_address": vm.mac,
            "fixed_ips": [{"ip_address": "10.0.0.5"}],
            "binding:profile": {"interface": "plugged-before"},
        }
    }
    began = time.monotonic()
    reply = world.controller.api("POST", "/v2.0/ports", body, {"Prefer": "wait=60"})
    assert reply.status == 201
    assert reply.json["port"]["status"] == "ACTIVE"
    assert time.monotonic() - began < 50
    cookies = [flow for flow in world[0].flows() if "fa:16:3e:00:00:05" in flow]
    assert cookies
    world.v2("red").delete("port", reply.json["port"]["id"])
    assert not [flow for flow in world[0].flows() if "fa:16:3e:00:00:05" in flow]
    world.lab.remove(vm)


def test_prefer_wait_gives_up_in_time_with_the_port_in_build(world: Cloud, network: Body) -> None:
    """A switch that does not answer: its ovs-vswitchd is stopped."""
    api = world.v2("red")
    port = api.port(network, "10.0.0.6")
    vm = world.start(world[0], port)
    assert world[0].switch is not None
    world[0].switch.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        reply = world.controller.api(
            "PUT",
            f"/v2.0/ports/{port['id']}",
            {"port": {"fixed_ips": [{"ip_address": "10.0.0.7"}]}},
            {"Prefer": "wait=1"},
        )
        assert reply.status == 200
        assert 0.9 < time.monotonic() - began < 40
        assert reply.json["port"]["status"] == "BUILD"
    finally:
        world[0].switch.signal(signal.SIGCONT)
    assert api.status(port, "ACTIVE", within=90) == "ACTIVE"
    world.lab.remove(vm)
    api.delete("port", port["id"])


def test_a_flow_that_a_switch_refuses_is_tied_to_its_port(world: Cloud, network: Body) -> None:
    """A table is full (a limit in OVSDB): the next port is in ERROR and says why, the first is not."""
    api = world.v2("red")
    first = api.port(network, "10.0.0.10")
    one = world.start(world[0], first)
    table = tables_of(world, first)[0]
    held = sum(f"table={table}," in flow for flow in world[0].flows()) if table else 1
    world[0].vsctl(
        "--", "--id=@limit", "create", "Flow_Table", f"flow_limit={held}", "overflow_policy=refuse",
        "--", "set", "bridge", "br-int", f"flow_tables:{table}=@limit",
    )  # fmt: skip
    second = api.port(network, "10.0.0.11")
    two = world.bare(world[0], "10.0.0.11/24", iface_id=second["id"], mac=second["mac_address"])
    assert api.status(second, "ERROR") == "ERROR"
    assert api.show("port", first["id"])["status"] == "ACTIVE"
    assert second["id"] in world.controller.text()
    shown = api.show("port", second["id"])
    assert "TABLE_FULL" in str(shown).upper().replace(" ", "_"), shown
    world[0].vsctl("clear", "bridge", "br-int", "flow_tables")
    assert api.update("port", second["id"], name="again")
    assert api.status(second, "ACTIVE", within=70) == "ACTIVE"
    assert one.reaches("10.0.0.11")
    world.lab.remove(one, two)


def tables_of(world: Cloud, port: Body) -> list[int]:
    """The tables with flows of a port on the first hypervisor, first the one that a new port surely adds to."""
    shown = world.controller.api("GET", "/tenet/v1/switches/hv1/flows").json["flows"]
    mine = [each["flow"] for each in shown if f"port/{port['id']}" in each["objects"]]
    tables = [int(text.split("table=")[1].split(",")[0]) for text in mine if "table=" in text]
    return sorted(tables, key=tables.count, reverse=True)


def test_the_flows_of_a_port_are_explained(world: Cloud, network: Body) -> None:
    api = world.v2("red")
    port = api.port(network, "10.0.0.20")
    vm = world.start(world[0], port)

    def explained() -> list[Body]:
        shown = world.controller.api("GET", "/tenet/v1/switches/hv1/flows").json["flows"]
        return [each for each in shown if f"port/{port['id']}" in each["objects"]]

    flows = until(explained)
    assert flows
    held = world[0].ofctl("dump-flows")
    for each in flows:
        assert f"cookie={each['cookie']}," in held or f"cookie=0x{int(each['cookie'], 16):x}," in held, each
    api.delete("port", port["id"])
    assert until(lambda: not explained())
    world.lab.remove(vm)
