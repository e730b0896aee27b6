"""North-south traffic of real hosts: the outside is a plain Linux machine on the physical network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.lab import Capture
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.netns import inside, ip
from tests.lab.routed import attach, start

OPTIONS = {"network": {"flat_networks": "physnet1"}}
MAPPINGS = "external_ids:tenet-bridge-mappings=physnet1:br-ex"
FAR = "198.51.100.7"  # behind the machine outside, which is the external subnet's gateway
PING = "0% packet loss"
SERVER = """
import socket
with socket.create_server(("", 80)) as server:
    while True:
        with server.accept()[0] as one:
            one.sendall(f"{one.getpeername()[0]} {one.getsockname()[1]}".encode())
"""  # says who has come, and to which port
CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 2) as one:
    print(one.recv(100).decode(), end="")
"""


class Site:
    """Two hypervisors on the physical network; alice and anna on the first, bob on the second, behind one router."""

    def __init__(self, made: Cloud) -> None:
        self.cloud, self.lab = made, made.lab
        self.outside = f"{self.lab.prefix}-out"
        self._make_outside()
        self.v2 = made.v2("red")
        here: Body = {"provider:physical_network": "physnet1", "provider:network_type": "flat"}
        self.external = self.v2.network("ext", **here, **{"router:external": True})
        self.v2.subnet(self.external, "203.0.113.0/24", gateway_ip="203.0.113.1", enable_dhcp=False)
        self.v2.subnet(self.external, "2001:db8:e::/64", gateway_ip="2001:db8:e::1", enable_dhcp=False)
        self.network = self.v2.network("inside")
        self.subnet = self.v2.subnet(self.network, "10.0.0.0/24", gateway_ip="10.0.0.254")
        six = self.v2.subnet(self.network, "2001:db8:1::/64", gateway_ip="2001:db8:1::fe")
        self.router = self.v2.router("r")
        for subnet in (self.subnet, six):
            attach(self.v2, self.router, subnet_id=subnet["id"])
        gateway = {"network_id": self.external["id"]}
        self.router = self.v2.update("router", self.router["id"], external_gateway_info=gateway)
        (default,) = self.v2.list("security_group")
        for ethertype in ("IPv4", "IPv6"):
            self.v2.rule(default, "ingress", "any", ethertype=ethertype)
        self.ports = [self.v2.port(self.network, f"10.0.0.{n}", f"2001:db8:1::{n}") for n in (11, 12, 13)]
        self.alice, self.anna, self.bob = (
            start(made, made[at], port, "10.0.0.254", "2001:db8:1::fe")
            for at, port in zip((0, 0, 1), self.ports, strict=True)
        )

    def _make_outside(self) -> None:
        """A bridge as the physical network, in the machine's own namespace."""
        self.lab.at_end(lambda: ip([f"netns del {self.outside}"]))
        ip([f"netns add {self.outside}"])
        ip(["link add eth0 type bridge", "link set eth0 address 02:00:00:00:00:01", "link set eth0 up",
            "link set lo up",
            "addr add 203.0.113.1/24 dev eth0", f"addr add {FAR}/32 dev lo",
            "addr add 2001:db8:e::1/64 dev eth0 nodad"], self.outside)  # fmt: skip
        self.run("ethtool", "-K", "eth0", "tx", "off")  # no wire here completes checksums
        for number, hypervisor in enumerate(self.lab):
            ip([f"link add name p{number} netns {self.outside} type veth peer name ph0 netns {hypervisor.namespace}"])
            ip([f"link set p{number} master eth0 up"], self.outside)
            ip(["link set ph0 up"], hypervisor.namespace)
            hypervisor.vsctl("add-br", "br-ex", "--", "set", "bridge", "br-ex", "datapath_type=netdev",
                             "--", "add-port", "br-ex", "ph0", "--", "set", "Open_vSwitch", ".", MAPPINGS)  # fmt: skip

    def addresses(self) -> list[str]:
        """The router's own, outside."""
        fixed = self.v2.show("router", self.router["id"])["external_gateway_info"]["external_fixed_ips"]
        return [each["ip_address"] for each in fixed]

    def floating(self, port: Body) -> Body:
        made = self.cloud.controller.api("POST", "/v2.0/floatingips", {"floatingip": {
            "project_id": "red", "floating_network_id": self.external["id"], "port_id": port["id"]}},
            {"Prefer": "wait=30"})  # fmt: skip
        assert made.status == 201, made.body
        return made.json["floatingip"]  # type: ignore[no-any-return]

    def pings(self, to: str) -> bool:
        """Whether the machine outside is answered."""
        return until(lambda: f" {PING}" in self.run("ping", "-c", "1", "-W", "1", to), 20)

    def run(self, *command: str) -> str:
        return subprocess.run(inside(self.outside, command), capture_output=True, text=True, timeout=30).stdout


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with cloud([("vxlan",), ("vxlan",)], OPTIONS) as made:
        yield Site(made)


def test_every_vm_reaches_the_world_from_the_routers_address(site: Site) -> None:
    four = next(one for one in site.addresses() if ":" not in one)
    for vm in (site.alice, site.bob):
        assert vm.reaches(FAR)
        with Capture(site.outside) as wire:
            vm.ping(FAR, 1)
            got = wire.first(lambda frame: frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[34] == 8)
        assert got is not None and ".".join(map(str, got[26:30])) == four
    assert site.pings(four)
    assert not site.pings("10.0.0.11")


def test_ipv6_is_routed_both_ways(site: Site) -> None:
    six = next(one for one in site.addresses() if ":" in one)
    ip([f"route add 2001:db8:1::/64 via {six}"], site.outside)
    assert site.bob.reaches("2001:db8:e::1")
    assert site.pings("2001:db8:1::11")


def test_floating_ips_in_both_directions_and_among_each_other(site: Site) -> None:
    one, other = site.floating(site.ports[0]), site.floating(site.ports[2])
    alice, bob = one["floating_ip_address"], other["floating_ip_address"]
    assert site.pings(alice) and site.pings(bob)
    assert site.alice.reaches(bob) and site.bob.reaches(alice)
    assert site.alice.reaches(alice), "its own"
    assert site.anna.reaches(alice) and site.anna.reaches(bob), "from the router's address"
    with Capture(site.outside) as wire:
        assert site.alice.reaches(FAR)
        got = wire.first(lambda frame: frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[34] == 8)
    assert got is not None and ".".join(map(str, got[26:30])) == alice
    site.v2.update("floatingip", one["id"], port_id=site.ports[1]["id"])
    assert site.pings(alice), "another VM has it now"
    assert site.pings(bob)
    site.anna.unplug()
    assert until(lambda: f" {PING}" not in site.run("ping", "-c", "1", "-W", "1", alice))


def test_a_trace_goes_through_nat(site: Site) -> None:
    """After the others: the neighbour outside is known, and bob has a floating IP."""
    (floating,) = (one for one in site.cloud.controller.api("GET", "/v2.0/floatingips").json["floatingips"]
                   if one["port_id"] == site.ports[2]["id"])  # fmt: skip

    def trace(to: str, **more: str) -> Body:
        asked = "&".join(f"{name}={value}" for name, value in more.items())
        path = f"/tenet/v1/trace?from={site.ports[0]['id']}&to={to}&{asked}"
        reply = site.cloud.controller.api("GET", path)
        assert reply.status == 200, reply.body
        return reply.json["trace"]["frames"][1]  # type: ignore[no-any-return]

    out = trace(FAR)
    assert out["arrives"] and "leaves by the physical network physnet1" in out["verdict"], out["verdict"]
    four = next(one for one in site.addresses() if ":" not in one)
    told = [each for hop in out["hops"] for each in hop["translations"]]
    assert [each["step"] for each in told] == ["gateway", "source", "next_hop"]
    assert told[1]["address"] == four and told[2]["resolved"] == f"neighbor/{site.external['id']}/203.0.113.1"
    into = trace(floating["floating_ip_address"], protocol="tcp", port="80")
    assert into["verdict"] == "arrives"
    told = [each for hop in into["hops"] for each in hop["translations"]]
    assert told[-1]["decided_by"] == f"floatingip/{floating['id']}" and told[-1]["address"] == "10.0.0.13"
    refused = site.cloud.controller.api("GET", f"/tenet/v1/trace?from={site.ports[0]['id']}&to={FAR}&state=reply")
    assert refused.status == 400 and b"from outside is not traced" in refused.body
    own = site.cloud.controller.api("GET", f"/tenet/v1/trace?from={site.ports[0]['id']}&to=10.0.0.13")
    assert own.status == 400 and b"name the port" in own.body


def test_metering_labels_count_what_the_world_and_vms_say_to_each_other(site: Site) -> None:
    def create(kind: str, **said: str) -> Body:
        path = f"/v2.0/metering/{kind.replace('_', '-')}s"
        made = site.cloud.controller.api("POST", path, {kind: {"project_id": "red", **said}})
        assert made.status == 201, made.body
        return made.json[kind]  # type: ignore[no-any-return]

    made = [create("metering_label", name=name) for name in ("all", "bob's")]
    for label, prefix in zip(made, ("0.0.0.0/0", "10.0.0.13/32"), strict=True):
        for direction in ("egress", "ingress"):
            create("metering_label_rule", metering_label_id=label["id"], direction=direction, remote_ip_prefix=prefix)

    def counted(number: int) -> list[tuple[int, int]]:
        reply = site.cloud.controller.api("GET", f"/tenet/v1/metering-labels/{made[number]['id']}")
        assert reply.status == 200, reply.body
        told = reply.json["metering"]
        assert told["complete"]
        return [(told[each]["packets"], told[each]["bytes"]) for each in ("egress", "ingress")]

    assert until(lambda: site.bob.reaches(FAR) and min(counted(1))[0] > 0), "its flows are there"
    before, others = counted(0), counted(1)
    site.bob.ping(FAR, 3)

    def grown() -> bool:
        return all(now[0] - then[0] >= 3 and now[1] - then[1] >= 3 * 98
                   for now, then in zip(counted(0) + counted(1), before + others, strict=True))  # fmt: skip

    assert until(grown)
    others = counted(1)
    site.alice.ping(FAR, 3)
    assert until(lambda: counted(0)[0][0] >= before[0][0] + 6) and counted(1) == others


def test_a_port_of_a_floating_ip_leads_to_a_vm(site: Site) -> None:
    """A connection from outside to port 8080 gets to port 80 of a VM that has no floating IP, and is answered."""
    made = site.cloud.controller.api("POST", "/v2.0/floatingips", {"floatingip": {
        "project_id": "red", "floating_network_id": site.external["id"]}}, {"Prefer": "wait=30"})  # fmt: skip
    floating = made.json["floatingip"]
    forwarding = {"protocol": "tcp", "external_port": 8080, "internal_port": 80,
                  "internal_port_id": site.ports[0]["id"], "internal_ip_address": "10.0.0.11"}  # fmt: skip
    path = f"/v2.0/floatingips/{floating['id']}/port_forwardings"
    assert site.cloud.controller.api("POST", path, {"port_forwarding": forwarding}).status == 201
    server = subprocess.Popen(inside(site.alice.namespace, [sys.executable, "-c", SERVER]))
    try:
        address = floating["floating_ip_address"]
        assert until(lambda: site.run(sys.executable, "-c", CLIENT, address, "8080") == "203.0.113.1 80")
        assert site.run(sys.executable, "-c", CLIENT, address, "8081") == ""
    finally:
        server.kill()
        server.wait()


def test_without_source_nat_addresses_inside_are_routed(site: Site) -> None:
    four = next(one for one in site.addresses() if ":" not in one)
    gateway = {"network_id": site.external["id"], "enable_snat": False}
    site.v2.update("router", site.router["id"], external_gateway_info=gateway)
    assert four in site.addresses()
    ip([f"route add 10.0.0.0/24 via {four}"], site.outside)
    assert site.pings("10.0.0.11")
    with Capture(site.outside) as wire:
        assert site.alice.reaches(FAR)
        got = wire.first(lambda frame: frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[34] == 8)
    assert got is not None and ".".join(map(str, got[26:30])) == "10.0.0.11"
    site.v2.update("router", site.router["id"], external_gateway_info={**gateway, "enable_snat": True})
    assert until(lambda: f" {PING}" not in site.run("ping", "-c", "1", "-W", "1", "10.0.0.11"))
