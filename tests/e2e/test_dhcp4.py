"""DHCP for IPv4 with the clients that VMs have, on real Open vSwitch: leases, renewals, refusals, storms, outages."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Vm, frames
from tests.lab.cloud import V2, Body, Cloud, cloud, until
from tests.lab.dhcp import ACK, INFORM, NAK, OFFER, REQUEST, SERVER, WANTED_ADDRESS, Client, Message, Way, message
from tests.lab.dhcp_clients import DhcpClient, dhclient, udhcpc
from tests.lab.netns import ip

SERVICE, SERVICE_MAC = "169.254.169.254", "0a:54:4e:f0:00:01"
RATE = 20  # packets a second of one port
LEASE = 3600


class World:
    """A network with DHCP, and ports with the project's default security group."""

    def __init__(self, made: Cloud) -> None:
        self.cloud = made
        self.v2: V2 = made.v2("red")
        self.red = self.v2.network("red")
        self.v2.subnet(
            self.red, "10.0.0.0/24", gateway_ip="10.0.0.254", dns_nameservers=["10.0.0.53"],
            host_routes=[{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}],
        )  # fmt: skip
        self._next = 10

    def vm(self, at: int = 0, **more: object) -> tuple[Body, Vm]:
        """A VM that has its port's MAC and no address."""
        self._next += 1
        port = self.v2.port(self.red, f"10.0.0.{self._next}", **more)
        vm = self.cloud.bare(self.cloud[at], iface_id=port["id"], mac=port["mac_address"])
        assert self.v2.status(port, "ACTIVE") == "ACTIVE", self.v2.show("port", port["id"])
        return port, vm

    def ours(self, vm: Vm) -> Client:
        return Client(vm.namespace, vm.mac)

    def outcomes(self) -> dict[str, int]:
        """Frames for the DHCP service, by what became of them."""
        said = self.cloud.controller.api("GET", "/metrics").body.decode()
        found = re.findall(
            r'^tenet_service_frames_total\{outcome="([^"]+)",service="dhcp"\} (\S+)$', said, re.MULTILINE
        )
        return {outcome: int(float(count)) for outcome, count in found}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 2, {"services": {"rate": RATE, "dhcp_lease_time": LEASE}}) as made:
        yield World(made)


@pytest.fixture
def running() -> Iterator[list[DhcpClient]]:
    clients: list[DhcpClient] = []
    yield clients
    for client in clients:
        client.stop()


def address(port: Body) -> str:
    return str(port["fixed_ips"][0]["ip_address"])


def test_busybox_has_a_lease_and_renews_it(world: World, running: list[DhcpClient], tmp_path: Path) -> None:
    """And the VM is on the network with nothing but what DHCP told it."""
    port, vm = world.vm()
    other, far = world.vm(1)
    for each in (vm, far):
        running.append(udhcpc(each, tmp_path))
    near, there = (client.told("bound") for client in running)
    assert (near["ip"], there["ip"]) == (address(port), address(other)), running[0].log()
    assert (near["mask"], near["router"], near["dns"], near["serverid"], near["lease"]) == (
        "24", "10.0.0.254", "10.0.0.53", SERVICE, f"{LEASE}",
    )  # fmt: skip
    assert near["mtu"] == f"{world.v2.show('network', world.red['id'])['mtu']}"
    assert near["hostname"] == f"host-{address(port).replace('.', '-')}" and near["domain"] == "openstacklocal"
    assert near["staticroutes"].split() == [
        f"{SERVICE}/32", "0.0.0.0", "10.9.0.0/16", "10.0.0.9", "0.0.0.0/0", "10.0.0.254"
    ]  # fmt: skip
    group = world.v2.group("ping")
    world.v2.rule(group, "ingress", "icmp")
    world.v2.update("port", other["id"], security_groups=[group["id"]])
    assert vm.reaches(address(other)), "by the address that it was told"
    running[0].signal(signal.SIGUSR1)
    assert running[0].told("renew")["ip"] == address(port), running[0].log()
    assert vm.knows(SERVICE) == SERVICE_MAC, "the renewal was unicast"


def test_dhclient_has_a_lease_and_renews_it_by_itself(world: World, running: list[DhcpClient], tmp_path: Path) -> None:
    options = [{"opt_name": "T1", "opt_value": "3"}, {"opt_name": "T2", "opt_value": "60"},
               {"opt_name": "150", "opt_value": "10.0.0.3"}, {"opt_name": "bootfile-name", "opt_value": "pxelinux.0"},
               {"opt_name": "ntp-server", "opt_value": "10.0.0.7"}]  # fmt: skip
    port, vm = world.vm(extra_dhcp_opts=options)
    client = dhclient(vm, tmp_path)
    running.append(client)
    told = client.told("BOUND")
    assert told.get("new_ip_address") == address(port), client.log()
    assert (told["new_tftp_address"], told["new_bootfile_name"], told["new_ntp_servers"]) == (
        "10.0.0.3", "pxelinux.0", "10.0.0.7"
    )  # fmt: skip
    assert told["new_domain_search"].rstrip(".") == "openstacklocal" and told["new_dhcp_lease_time"] == f"{LEASE}"
    assert told["new_routes"].startswith("32 169 254 169 254 0 0 0 0 16 10 9 10 0 0 9")
    assert client.told("RENEW")["new_ip_address"] == address(port), client.log()
    leases = world.cloud.controller.api("GET", "/tenet/v1/leases").json
    assert address(port) in [lease["ip_address"] for lease in leases["leases"]] and leases["ending"]["1h"] > 0


def test_a_trace_says_that_the_service_answers(world: World) -> None:
    port, _ = world.vm()
    trace = world.cloud.controller.api("GET", f"/tenet/v1/trace?from={port['id']}&to=dhcp").json["trace"]
    (frame,) = trace["frames"]
    assert (frame["answered"], frame["verdict"]) == (True, "answered by the DHCP service of its network")
    assert trace["to"] == {"address": SERVICE, "floating_ip_id": None, "service": "dhcp"}


def asked(world: World, client: Client, kind: int, wanted: str = "", **more: object) -> Message | None:
    options = {WANTED_ADDRESS: frames.address(wanted)} if wanted else {}
    return client.ask(message(kind, client.mac, client.new_xid(), options, **more), 2.0)[0]  # type: ignore[arg-type]


def test_nobody_has_what_is_anothers(world: World) -> None:
    mine, vm = world.vm()
    theirs, other = world.vm()
    client = world.ours(vm)
    refused = asked(world, client, REQUEST, address(theirs))
    assert refused is not None and (refused.kind, refused.address, refused.server) == (NAK, "0.0.0.0", SERVICE)
    before = world.outcomes()
    impostor = Client(vm.namespace, other.mac)  # its messages say the other's hardware address
    frame = message(1, other.mac, impostor.new_xid(), sender=vm.mac)
    assert impostor.ask(frame, 1.0)[0] is None
    after = world.outcomes()
    assert after["hardware address of another"] == before.get("hardware address of another", 0) + 1
    offer, _ = client.discover({WANTED_ADDRESS: frames.address(address(theirs))})
    assert offer is not None and (offer.kind, offer.address) == (OFFER, address(mine))
    client.close()
    impostor.close()


def test_no_message_reaches_another_vm(world: World) -> None:
    """Nor does a reply."""
    _, vm = world.vm()
    _, near = world.vm()
    _, far = world.vm(1)
    client = world.ours(vm)
    with near.capture() as there, far.capture() as beyond:
        assert client.lease().kind == ACK
        ip(["addr add 10.0.0.200/24 dev eth0"], vm.namespace)
        vm.send(frames.ethernet("ff:ff:ff:ff:ff:ff", vm.mac, 0x88B5, bytes(46)))
        time.sleep(0.5)
        for capture in (there, beyond):
            assert not [frame for frame in capture.frames() if frame[12:14] == b"\x08\0" and frame[23] == 17]
    client.close()


def test_the_storm_of_one_port_is_its_own(world: World) -> None:
    """A port asks as often as its meter lets it; others have their leases at the first asking."""
    _, loud = world.vm()
    vms = [world.vm()[1] for _ in range(4)]
    storm = world.ours(loud)
    before = world.outcomes().get("answered", 0)
    began = time.monotonic()
    sent = 0
    for vm in vms:
        for _ in range(500):
            storm.socket.send(message(1, loud.mac, storm.new_xid()))
            sent += 1
        client = world.ours(vm)
        assert client.lease().kind == ACK
        client.close()
    took = time.monotonic() - began
    answered = until(lambda: world.outcomes()["answered"] - before - 2 * len(vms), 5)
    assert answered <= RATE * (took + 6) + RATE < sent, (answered, took)
    storm.close()


def test_a_vm_that_has_its_address_otherwise_asks_for_the_rest(world: World) -> None:
    """DHCPINFORM (RFC 2131, 3.4)."""
    port, vm = world.vm()
    client = world.ours(vm)
    told = asked(world, client, INFORM, ciaddr=address(port), way=Way(address(port), SERVICE, SERVICE_MAC))
    assert told is not None and (told.kind, told.address) == (ACK, "0.0.0.0") and 51 not in told.options
    client.close()


def test_without_a_controller_no_lease_is_given_and_none_is_lost(
    world: World, running: list[DhcpClient], tmp_path: Path
) -> None:
    """Who has a lease goes on; who asks has none until a controller is back, of which it need not know who it was."""
    group = world.v2.group("ping-too")
    world.v2.rule(group, "ingress", "icmp")
    _, vm = world.vm()
    other, far = world.vm(1, security_groups=[group["id"]])
    running += [udhcpc(vm, tmp_path), udhcpc(far, tmp_path)]
    assert all(client.told("bound") for client in running)
    new_port, new = world.vm()
    client = world.ours(new)
    offer, _ = client.discover()
    assert offer is not None
    world.cloud.controller.kill()
    try:
        assert client.request(offer, 1.0)[0] is None
        assert vm.reaches(address(other))
    finally:
        world.cloud.controller.start()
    world.cloud.connected()
    told, _ = client.request(offer)
    assert told is not None and (told.kind, told.address) == (ACK, address(new_port)), "the model has its address"
    assert told.options[SERVER] == offer.options[SERVER]
    running[0].forget("renew")
    running[0].signal(signal.SIGUSR1)
    assert running[0].told("renew"), running[0].log()
    client.close()
