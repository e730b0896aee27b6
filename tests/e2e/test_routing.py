"""Routers on real Open vSwitch: two tenants with the same addresses behind routers of their own, on two hypervisors."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest

from tests.lab import Vm
from tests.lab.cloud import Cloud, cloud, until
from tests.lab.frames import ICMP, IPV4, echo_request, ethernet, ipv4
from tests.lab.planned import Routed
from tests.routing.plan import FAMILIES, Plan, PlannedHost, PlannedNetwork, PlannedRoute, PlannedRouter
from tests.routing.reference import pings

PLACES = {"a0": 0, "a1": 1, "b0": 0, "b1": 1, "c1": 1, "d0": 0}
QUIET = 1.0  # seconds


def plan() -> Plan:
    """Networks `a` and `b` on router `r`, `c` on `s`; between the two the network `t`, and on it `x` and `y` to `d`."""
    networks = {name: PlannedNetwork(name, number) for number, name in enumerate("abctd", 1)}
    at = networks["t"].address
    back4, back6 = PlannedRoute("0.0.0.0/0", at(241, 4)), PlannedRoute("::/0", at(241, 6))
    to_c = [PlannedRoute(str(networks["c"].prefix(family)), at(242, family)) for family in FAMILIES]
    to_d = [
        PlannedRoute(str(networks["d"].prefix(family)), at(nth, family)) for family in FAMILIES for nth in (243, 244)
    ]
    routers = [
        PlannedRouter("r", 241, ("a", "b", "t"), (*to_c, *to_d), split=True),
        PlannedRouter("s", 242, ("c", "t"), (back4, back6)),
        PlannedRouter("x", 243, ("d", "t"), (back4, back6)), PlannedRouter("y", 244, ("d", "t"), (back4, back6)),
    ]  # fmt: skip
    gateways = {"a": "r", "b": "r", "c": "s", "d": "x"}
    hosts = [PlannedHost(name, name[0], 11 + number, gateways[name[0]]) for number, name in enumerate(PLACES)]
    return Plan(networks, {one.name: one for one in routers}, {one.name: one for one in hosts})


class World:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.red, self.blue = (Routed(cloud, name, plan(), PLACES) for name in ("red", "blue"))
        cloud.connected()

    @property
    def tenants(self) -> tuple[Routed, Routed]:
        return self.red, self.blue

    def flows(self) -> int:
        return sum(len(hypervisor.flows()) for hypervisor in self.cloud.lab)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"], ["vxlan"]]) as made:
        yield World(made)


def test_every_host_is_reached_with_the_ttl_that_its_routers_leave(world: World) -> None:
    for tenant in world.tenants:
        of = tenant.plan
        expected = {
            (one.name, tenant.address(other.name, family)): pings(of, one, other, family)
            for one, other in itertools.permutations(of.hosts.values(), 2) for family in FAMILIES
        }  # fmt: skip
        assert until(lambda of=tenant, asked=expected: _as_expected(of, asked)), tenant.pings(expected)  # type: ignore[misc]


def _as_expected(tenant: Routed, expected: dict[tuple[str, str], set[int]]) -> bool:
    return all(ttl in expected[asked] for asked, ttl in tenant.pings(expected).items())


def test_a_packet_reaches_its_own_tenant_only(world: World) -> None:
    """Both tenants have the sender's addresses, the router's and the receiver's, and the same MACs."""
    for mine, theirs in (world.tenants, world.tenants[::-1]):
        for sender, receiver in (("a0", "b0"), ("a0", "b1"), ("a0", "c1"), ("c1", "a0")):
            marker = f"{sender} to {receiver} of {id(mine)}".encode()
            frame = packet(mine, sender, receiver, marker)
            with mine.vms[receiver].capture() as here, theirs.vms[receiver].capture() as there:
                mine.vms[sender].send(frame)
                got = here.first(lambda seen, marker=marker: marker in seen)
                assert got is not None, marker
                assert not there.frames(lambda seen, marker=marker: marker in seen)
            last = "s" if receiver[0] == "c" else "r"
            network = mine.plan.networks[receiver[0]]
            assert got[6:12].hex(":") == mine.plan.routers[last].mac(network, 4)
            assert got[22] == 64 - (2 if "c" in sender + receiver else 1), "the TTL"


def packet(of: Routed, sender: str, receiver: str, marker: bytes) -> bytes:
    """An echo request to another network, by the sender's gateway."""
    content = ipv4(of.address(sender), of.address(receiver), ICMP, echo_request(1, marker))
    return ethernet(of.gateway_mac(sender), of.vms[sender].mac, IPV4, content)


def test_every_address_of_every_router_answers_whoever_reaches_it(world: World) -> None:
    """The near one's and those behind it; as fragments, too."""
    of = world.red
    for host, router, name, family in itertools.product(("a0", "c1"), ("r", "s"), "abct", FAMILIES):
        if name not in of.plan.routers[router].networks:
            continue
        address = of.plan.networks[name].address(of.plan.routers[router].nth, family)
        assert of.vms[host].reaches(address), (host, router, address)
    for family in FAMILIES:
        near = of.plan.networks["a"].address(241, family)
        assert of.vms["a0"].ping(near, 3, size=3000).lost == 0


def test_packets_as_large_as_the_mtu_are_routed(world: World) -> None:
    of = world.red
    mtu = int(of.networks["a"]["mtu"])
    for host, family in itertools.product(("b0", "b1", "c1"), FAMILIES):
        address, headers = of.address(host, family), 28 if family == 4 else 48
        assert of.vms["a0"].reaches(address)
        assert of.vms["a0"].ping(address, size=mtu - headers, fragment=False).lost == 0
        assert of.vms["a0"].ping(address, size=3 * mtu).lost == 0, "in fragments"


def test_equal_routes_share_hosts_between_them(world: World) -> None:
    """Both routers to `d` are used: by the MAC that packets come from."""
    of = world.red
    network = of.plan.networks["d"]
    macs = {of.plan.routers[name].mac(network, 4) for name in ("x", "y")}
    seen = set()
    with of.vms["d0"].capture() as capture:
        for nth in range(100, 140):  # who sends says which way: its addresses are changed for the test
            source = of.plan.networks["a"].address(nth, 4)
            port = of.api.port(of.networks["a"], source, device_owner="network:tests")
            vm = of.cloud.bare(of.cloud[0], f"{source}/24", iface_id=port["id"], mac=port["mac_address"])
            assert of.api.status(port, "ACTIVE") == "ACTIVE"
            content = ipv4(source, of.address("d0"), ICMP, echo_request(1, b"shared"))
            vm.send(ethernet(of.gateway_mac("a0"), vm.mac, IPV4, content))
            got = capture.first(lambda frame: b"shared" in frame)
            assert got is not None
            seen.add(got[6:12].hex(":"))
            of.cloud.lab.remove(vm)
            of.api.delete("port", port["id"])
            if seen == macs:
                break
    assert seen == macs


def test_a_routed_packet_costs_the_controller_nothing(world: World) -> None:
    of = world.red
    for host in ("b0", "b1", "c1"):
        assert of.vms["a0"].reaches(of.address(host))
    before = world.cloud.controller.metric("tenet_packet_ins_total")
    for host in ("b0", "b1", "c1"):
        assert of.vms["a0"].ping(of.address(host), 50, interval=0.01).lost == 0
    assert world.cloud.controller.metric("tenet_packet_ins_total") == before


def test_a_port_that_moves_is_reached_where_it_is(world: World) -> None:
    of = world.red
    for to in (1, 0):
        of.move("b0", to)
        for host, family in itertools.product(("a0", "a1", "c1"), FAMILIES):
            assert of.vms[host].reaches(of.address("b0", family)), (host, to)
            assert of.vms["b0"].reaches(of.address(host, family)), (host, to)


def test_routing_goes_on_with_all_controllers_dead(world: World) -> None:
    of = world.red
    controller = world.cloud.controller
    pinging = [of.vms["a0"].pinging(of.address(host, family)) for host in ("b0", "b1", "c1") for family in FAMILIES]
    time.sleep(QUIET)
    controller.kill()
    for vm in of.vms.values():
        vm.forget()  # what they know of the router, they ask again
    for host, family in itertools.product(("a0", "a1", "c1"), FAMILIES):
        assert of.vms["b1"].reaches(of.address(host, family)), (host, family)
    controller.start()
    world.cloud.connected()
    time.sleep(QUIET)
    assert [one.stop() for one in pinging] == [[]] * len(pinging)
    assert controller.metric("tenet_flow_messages_total") == 0


def test_an_interface_that_goes_ends_its_traffic_and_a_router_takes_its_flows_along(world: World) -> None:
    """Of the other tenant nothing changes."""
    of, other = world.blue, world.red
    before = world.flows()
    ports = of.interfaces["r", "b"]
    for port in ports:
        of.api.no_interface(of.routers["r"], port_id=port["id"])
    for family in FAMILIES:
        assert until(lambda family=family: not _answers(of.vms["a0"], of.address("b1", family)))  # type: ignore[misc]
        assert of.vms["a0"].reaches(of.address("c1", family)) and other.vms["a0"].reaches(other.address("b1", family))
        assert of.vms["a0"].reaches(of.address("a1", family))
    for port in of.plan.networks["b"].families:
        address = of.plan.networks["b"].address(241, port)
        again = of.api.port(
            of.networks["b"], address, mac_address=of.plan.routers["r"].mac(of.plan.networks["b"], port)
        )
        of.api.interface(of.routers["r"], port_id=again["id"])
        of.interfaces["r", "b"] = [*of.interfaces["r", "b"], again]
    for family in FAMILIES:
        assert of.vms["a0"].reaches(of.address("b1", family))
    assert until(lambda: world.flows() == before), (world.flows(), before)
    with_router = world.flows()
    of.interfaces["r", "b"] = of.interfaces["r", "b"][len(ports) :]
    for (name, _), some in of.interfaces.items():
        for port in some:
            of.api.update("router", of.routers[name]["id"], routes=[])
            of.api.no_interface(of.routers[name], port_id=port["id"])
    for router in of.routers.values():
        of.api.delete("router", router["id"])
    for host in ("b0", "b1", "c1"):
        assert not _answers(of.vms["a0"], of.address(host))
    assert other.vms["a0"].reaches(other.address("c1"))
    assert world.flows() < with_router
    macs = {one.mac(network, family) for one in of.plan.routers.values() for network in of.plan.networks.values()
            for family in FAMILIES}  # fmt: skip
    segments = {f"{world.cloud.segment(network):#x}" for network in of.networks.values()}
    held = [flow for at in world.cloud.lab for flow in at.flows()
            if any(mac in flow for mac in macs) and any(f"metadata={one}/" in flow for one in segments)]  # fmt: skip
    assert held == []


def _answers(vm: Vm, address: str) -> bool:
    return bool(vm.ping(address, 1, wait=0.3).received)
