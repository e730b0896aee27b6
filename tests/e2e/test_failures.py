"""Every failure is normal: traffic goes on, what was acknowledged stays, and what differs is put right."""

import contextlib
import http.client
import itertools
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.lab import Vm
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.controller import request
from tests.lab.netns import ip

AUDIT = 2  # seconds
FLOW_MESSAGES = "tenet_flow_messages_total"
REPAIRED = "tenet_flows_repaired_total"


class World:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.controller = cloud.controller
        self.api = cloud.v2("red")
        self.network = self.api.network("n")
        self.api.subnet(self.network, "10.0.0.0/24")
        self.ports: list[Body] = [self.api.port(self.network, f"10.0.0.{n}") for n in (1, 2, 3)]
        self.vms: list[Vm] = [cloud.start(cloud[n], port) for n, port in enumerate(self.ports)]
        self.green = cloud.v1("green")
        network = self.green.network("g")
        learners = [cloud.bare(cloud[n], f"10.0.0.{n + 1}/24", iface_id=f"green{n}") for n in range(2)]
        for vm in learners:
            self.green.port(network, vm.iface_id)
        self.learner = learners[0]
        for vm in (*self.vms, self.learner):
            assert vm.reaches("10.0.0.2")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud(
        [["vxlan"]] * 3, {"openflow": {"audit_interval": AUDIT, "verify_interval": AUDIT, "connection_pickup": 0}}
    ) as made:
        yield World(made)


@pytest.fixture(autouse=True)
def running(world: World) -> None:
    """One failure is one: a test that left no controller does not fail those after it."""
    if not world.controller.healthy():
        world.controller.restart()
        world.cloud.connected(within=90)


def test_a_killed_controller_costs_no_packet_and_its_return_no_flow_message(world: World) -> None:
    pings = [world.vms[0].pinging("10.0.0.2", 0.005), world.learner.pinging("10.0.0.2", 0.005)]
    time.sleep(0.5)
    before = [at.flows() for at in world.cloud.lab]
    world.controller.kill()
    time.sleep(3)
    assert [at.flows() for at in world.cloud.lab] == before
    world.controller.start()
    world.cloud.connected()
    time.sleep(1)
    for ping in pings:
        assert ping.stop() == []
        assert len(ping.answered()) > 200
    assert world.controller.metric(FLOW_MESSAGES) == 0
    assert [at.flows() for at in world.cloud.lab] == before
    assert {world.api.show("port", port["id"])["status"] for port in world.ports} == {"ACTIVE"}


def test_sigterm_ends_cleanly_and_flows_stay(world: World) -> None:
    before = world.cloud[0].flows()
    assert world.controller.stop() == 0
    assert world.cloud[0].flows() == before
    world.controller.start()
    world.cloud.connected()
    assert world.controller.metric(FLOW_MESSAGES) == 0


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_ports_stay_active_while_a_controller_that_was_restarted_waits_for_its_switches(world: World, how: str) -> None:
    time.sleep(2.5)  # what a killed one has confirmed is written down
    getattr(world.controller, how)()
    world.controller.start()
    seen = {world.api.show("port", port["id"])["status"] for port in world.ports}
    away = [id for id, switch in world.controller.switches().items() if not switch["connected"]]
    while not all(switch["connected"] for switch in world.controller.switches().values()):
        seen |= {world.api.show("port", port["id"])["status"] for port in world.ports}
    world.cloud.connected()
    seen |= {world.api.show("port", port["id"])["status"] for port in world.ports}
    assert seen == {"ACTIVE"}
    assert away, "all switches were back before anybody could look"


def test_changes_made_while_a_switch_was_cut_off_reach_it_and_only_those(world: World) -> None:
    """Until the switch is back and has confirmed, the port that needs a flow on it is in BUILD."""
    away, wire = world.cloud[2], "u2"
    kept = set(away.flows())
    ip([f"link set {wire} down"], world.cloud.lab.namespace)
    try:
        assert until(lambda: not there(world, away.system_id), within=90)
        added, vm = appears(world, "10.0.0.40", "fa:16:3e:00:00:40")
        assert world.vms[1].reaches("10.0.0.40")
        assert world.api.show("port", added["id"])["status"] == "BUILD"
        sent = world.controller.metric(FLOW_MESSAGES)
    finally:
        ip([f"link set {wire} up"], world.cloud.lab.namespace)
    assert world.api.status(added, "ACTIVE", within=90) == "ACTIVE"
    now = set(away.flows())
    assert any("fa:16:3e:00:00:40" in flow for flow in now)
    assert kept - now == set()
    assert 0 < world.controller.metric(FLOW_MESSAGES) - sent <= len(now - kept)
    assert world.vms[2].reaches("10.0.0.40")
    disappears(world, added, vm)
    assert until(lambda: set(away.flows()) == kept)


def appears(world: World, address: str, mac: str) -> tuple[Body, Vm]:
    """A new port and its VM on the first hypervisor, while another switch is away."""
    port = world.api.port(world.network, address, mac_address=mac)
    return port, world.cloud.bare(world.cloud[0], f"{address}/24", iface_id=port["id"], mac=mac)


def disappears(world: World, port: Body, vm: Vm) -> None:
    world.cloud.lab.remove(vm)
    world.api.delete("port", port["id"])


def there(world: World, id: str) -> bool:
    return bool(world.controller.switches().get(id, {}).get("connected_since"))


def test_a_killed_switch_gets_all_its_flows_back(world: World) -> None:
    at = world.cloud[1]
    before = at.flows()
    at.kill_switch()
    try:
        added, vm = appears(world, "10.0.0.41", "fa:16:3e:00:00:41")
        assert world.vms[2].reaches("10.0.0.41")
    finally:
        at.restart_switch()
    assert until(lambda: set(before) <= set(at.flows()), within=90)
    assert world.api.status(added, "ACTIVE", within=90) == "ACTIVE"
    assert world.vms[1].reaches("10.0.0.41")
    assert world.vms[0].reaches("10.0.0.2")
    disappears(world, added, vm)
    assert until(lambda: at.flows() == before)


@pytest.mark.parametrize("how", ["deleted", "changed", "added", "all deleted"])
def test_what_somebody_did_by_hand_is_put_right(world: World, how: str) -> None:
    at = world.cloud[0]
    before, repaired = at.flows(), world.controller.metric(REPAIRED)
    mine = next(flow for flow in before if world.ports[1]["mac_address"] in flow and "actions=drop" not in flow)
    match = ",".join(part for part in mine.split(" actions=")[0].replace(" ", "").split(",") if "cookie" not in part)
    if how == "deleted":
        at.ofctl("del-flows", "--strict", match)
    elif how == "changed":
        at.ofctl("mod-flows", "--strict", f"{match},actions=drop")
    elif how == "added":
        at.ofctl("add-flow", "table=0,priority=65535,actions=drop")
    else:
        at.ofctl("del-flows")
    assert until(lambda: world.controller.metric(REPAIRED) > repaired)
    assert until(lambda: at.flows() == before)
    assert world.vms[0].reaches("10.0.0.2")


HOSTILE = {
    "HELLO with an empty element": bytes.fromhex("04000010000000130001000000000010"),
    "length 0": bytes.fromhex("0400000000000001"),
    "length 7": bytes.fromhex("0400000700000001"),
    "64 KB": bytes.fromhex("0400ffff00000001") + bytes(65527),
    "garbage": bytes(range(255, 0, -1)) * 40,
    "text": b"GET / HTTP/1.1\r\nHost: tenet\r\n\r\n",
    "a TLS client": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "another version": bytes.fromhex("0600000800000001"),
    "HELLO, then length 0": bytes.fromhex("0400000800000001" + "0412000000000002"),
    "HELLO, then a short FEATURES_REPLY": bytes.fromhex("0400000800000001" + "0406000800000002"),
    "a stalled handshake": bytes.fromhex("0400000800000001"),
    "half a header": bytes.fromhex("0400"),
}


@pytest.mark.parametrize("port", [6653, 6640])
def test_hostile_bytes_close_their_own_connection_at_most(world: World, port: int) -> None:
    since = {id: switch["connected_since"] for id, switch in world.controller.switches().items()}
    ping = world.vms[0].pinging("10.0.0.2")
    with contextlib.ExitStack() as stack:
        peers = {}
        for what, data in HOSTILE.items():
            peers[what] = stack.enter_context(world.controller.dial(world.controller.address, port))
            with contextlib.suppress(OSError):  # it may hang up before it has heard everything
                peers[what].sendall(data)
        for _ in range(10):
            began = time.monotonic()
            assert world.api.show("network", world.network["id"])["id"] == world.network["id"]
            assert time.monotonic() - began < 8  # the peers' handshakes are waited for longer
        if port == 6653:
            for what, peer in peers.items():
                assert hangs_up(peer), what
    assert ping.stop() == []
    assert {id: switch["connected_since"] for id, switch in world.controller.switches().items()} == since
    added = world.api.port(world.network, f"10.0.0.{port - 6600}")
    vm = world.cloud.start(world.cloud[2], added)
    assert world.vms[0].reaches(f"10.0.0.{port - 6600}")
    world.cloud.lab.remove(vm)
    world.api.delete("port", added["id"])


def hangs_up(peer: socket.socket, within: float = 60.0) -> bool:
    """Whether the other side ends the connection in time, whatever it says before."""
    deadline = time.monotonic() + within
    try:
        while (left := deadline - time.monotonic()) > 0:
            peer.settimeout(left)
            if not peer.recv(65536):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


def test_kill_9_in_the_middle_of_1000_writes_loses_nothing_acknowledged(world: World) -> None:
    """Eight clients make ports; each has its MAC, so that what is half there would show as taken without a port."""
    api = world.cloud.v2("writer")
    network = api.network("w")
    api.subnet(network, "10.8.0.0/16")
    numbers = itertools.count()
    acknowledged: dict[str, str] = {}
    threads = [threading.Thread(target=write, args=(world, network, numbers, acknowledged)) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) >= 400, within=90)
    world.controller.kill()
    for thread in threads:
        thread.join()
    assert 400 <= len(acknowledged) < 1000
    world.controller.start()
    ports = {port["id"]: port for port in api.list("port")}
    assert set(acknowledged) <= set(ports)
    assert len(ports) <= len(acknowledged) + len(threads)
    assert all(ports[id]["mac_address"] == mac for id, mac in acknowledged.items())
    addresses = [fixed["ip_address"] for port in ports.values() for fixed in port["fixed_ips"]]
    assert len(addresses) == len(ports) == len(set(addresses))
    for port in list(ports.values())[-20:]:  # the last written: neither too little nor too much of them is there
        api.delete("port", port["id"])
        again = api.port(network, port["fixed_ips"][0]["ip_address"], mac_address=port["mac_address"])
        api.delete("port", again["id"])
    free = next(number for number in numbers if mac(number) not in {port["mac_address"] for port in ports.values()})
    assert api.port(network, mac_address=mac(free))
    world.cloud.connected(within=90)


def mac(number: int) -> str:
    return f"fa:16:3e:88:{number >> 8:02x}:{number & 255:02x}"


def write(world: World, network: Body, numbers: Iterator[int], acknowledged: dict[str, str]) -> None:
    """Make ports on one connection until the controller is gone, or 1,000 are asked for."""
    with (
        contextlib.suppress(OSError, http.client.HTTPException),
        contextlib.closing(world.controller.connect()) as client,
    ):
        for number in numbers:
            if number >= 1000:
                return
            body = {"port": {"project_id": "writer", "network_id": network["id"], "mac_address": mac(number)}}
            reply = request(client, "POST", "/v2.0/ports", body)
            assert reply.status == 201, reply.body
            acknowledged[reply.json["port"]["id"]] = mac(number)
