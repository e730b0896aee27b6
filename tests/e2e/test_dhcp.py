"""VMs that boot with Debian's own DHCP clients, over tunnels, over wires and on a physical network."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.cluster.site import connect
from tests.lab import Capture, Vm
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.dhcp import ACK, DISCOVER, NAK, OFFER, Client, Way, message, parsed
from tests.lab.frames import IPV4, UDP, address, ethernet, ipv4, udp
from tests.lab.guest import CLIENTS, Guest, options_of
from tests.lab.netns import ip

OPTIONS = {"network": {"flat_networks": "physnet1"}}
MAPPINGS = "external_ids:tenet-bridge-mappings=physnet1:br-ex"
PHYSICAL: Body = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
FABRICS = ("tunnels", "wires", "physical")
SERVER, RESOLVERS = "169.254.169.254", ["192.0.2.53", "192.0.2.54"]
LEASE = 86_400
PATIENCE = 20.0  # seconds; dhcpcd asks for five whether anybody else has the address


PLAIN = 1450  # bytes: MTU of a network where nothing but tunnels takes any


class World:
    """Two hypervisors with a network between them, whose subnet says all that a VM is told."""

    def __init__(self, made: Cloud, fabric: str) -> None:
        self.cloud, self.lab, self.fabric = made, made.lab, fabric
        if fabric == "wires":
            connect(made.lab, 0, 1)
        self.wire = self._make_physical() if fabric == "physical" else ""
        self.v2 = made.v2("red")
        self.network = self.v2.network("n", **(PHYSICAL if self.wire else {}))
        if fabric == "wires":  # which carry less, once they are known
            assert until(lambda: self.v2.show("network", self.network["id"])["mtu"] < PLAIN)
            self.network = self.v2.show("network", self.network["id"])
        routes = [{"destination": "198.51.100.0/24", "nexthop": "10.0.0.9"}]
        self.v2.subnet(
            self.network,
            "10.0.0.0/24",
            gateway_ip="10.0.0.1",
            dns_nameservers=RESOLVERS,
            host_routes=routes,
            allocation_pools=[{"start": "10.0.0.100", "end": "10.0.0.250"}],  # tests choose among the others
        )
        self._next = 0

    def boot(self, at: int, *addresses: str, **more: object) -> tuple[Vm, Body]:
        """A VM without an address, and its port, which is filtered as tenants' ports are."""
        port = self.v2.port(self.network, *addresses, **more)
        vm = self.cloud.start(self.cloud[at], {**port, "fixed_ips": []})
        return vm, port

    def _make_physical(self) -> str:
        """A bridge as the physical network; the namespace that it is in."""
        wire = f"{self.lab.prefix}-phy"
        self.lab.at_end(lambda: ip([f"netns del {wire}"]))
        ip([f"netns add {wire}"])
        ip(["link add phy type bridge", "link set phy up"], wire)
        for number, hypervisor in enumerate(self.lab):
            ip([f"link add name p{number} netns {wire} type veth peer name ph0 netns {hypervisor.namespace}"])
            ip([f"link set p{number} master phy up"], wire)
            ip(["link set ph0 up"], hypervisor.namespace)
            hypervisor.vsctl("add-br", "br-ex", "--", "set", "bridge", "br-ex", "datapath_type=netdev",
                             "--", "add-port", "br-ex", "ph0", "--", "set", "Open_vSwitch", ".", MAPPINGS)  # fmt: skip
        for hypervisor in self.lab:
            assert until(lambda at=hypervisor: len(at.vsctl("list-ports", "br-ex").split()) == 2), "no patch port"
        return wire


@pytest.fixture(scope="module", params=FABRICS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    encaps: list[list[str]] = [[], []] if request.param == "wires" else [["vxlan"], ["vxlan"]]
    with cloud(encaps, OPTIONS) as made:
        yield World(made, request.param)


def fixed(port: Body) -> str:
    return str(port["fixed_ips"][0]["ip_address"])


def of_dhcp(frame: bytes) -> bool:
    return frame[12:14] == b"\x08\x00" and frame[23] == UDP and frame[36:38] in (b"\0\x43", b"\0\x44")


def test_every_client_gets_all_that_the_subnet_says(world: World) -> None:
    booted = {name: world.boot(turn % 2) for turn, name in enumerate(CLIENTS)}
    guests = {name: Guest(vm) for name, (vm, _) in booted.items()}
    listening = world.boot(1)[0]
    with ExitStack() as stack:
        heard = stack.enter_context(listening.capture())
        on_wire = stack.enter_context(Capture(world.wire, "p0")) if world.wire else None
        for name, guest in guests.items():
            CLIENTS[name](guest)
            stack.callback(guest.shut_down)
        for name, guest in guests.items():
            expected = f"{fixed(booted[name][1])}/24"
            assert until(lambda guest=guest: guest.addresses(), PATIENCE) == [expected], (name, guest.said())
        for name, guest in guests.items():
            assert until(lambda guest=guest, name=name: configured(guest, name), 5.0), (
                name,
                state(guest),
                guest.said(),
            )
            assert guest.mtu() == world.network["mtu"], name
            assert guest.lifetime() in (*range(LEASE - 60, LEASE + 1), 2**32 - 1), name
        one, other = booted["dhclient"][0], booted["networkd"][1]
        assert one.reaches(fixed(other))
        assert not heard.frames(of_dhcp, 0.1), "what a client says is for nobody else"
        assert on_wire is None or not on_wire.frames(of_dhcp, 0.1)


def configured(guest: Guest, client: str) -> bool:
    """Whether all is as the subnet says; udhcpc's script knows neither classless routes nor the resolver's library."""
    wanted = {"default": "10.0.0.1"}
    if client != "udhcpc":
        wanted |= {"198.51.100.0/24": "10.0.0.9", SERVER: ""}
    return wanted.items() <= guest.routes().items() and all(each in guest.resolvers() for each in RESOLVERS)


def state(guest: Guest) -> tuple[object, ...]:
    return guest.addresses(), guest.routes(), guest.mtu(), guest.resolvers()


def test_a_lease_is_renewed_by_unicast_and_outlives_every_controller(world: World) -> None:
    vm, port = world.boot(0)
    other, elsewhere = world.boot(1)
    other.exec("ip", "addr", "add", f"{fixed(elsewhere)}/24", "dev", "eth0")
    guest = Guest(vm)
    CLIENTS["udhcpc"](guest)
    try:
        assert until(guest.addresses, PATIENCE) == [f"{fixed(port)}/24"]
        assert vm.reaches(fixed(elsewhere))
        # as udhcpc has it, a renewal goes to the server that gave the lease, by a socket: ARP and all
        assert guest.told_to(signal.SIGUSR1, "lease of", PATIENCE), guest.said()
        assert "sending renew to server 169.254.169.254" in guest.said()
        world.cloud.controller.kill()
        pings = vm.pinging(fixed(elsewhere), 0.02)
        assert not guest.told_to(signal.SIGUSR1, "lease of", 1.5)
        assert pings.stop() == []
        assert guest.addresses() == [f"{fixed(port)}/24"]
        world.cloud.controller.start()
        world.cloud.connected()
        assert guest.told_to(signal.SIGUSR1, "lease of", PATIENCE), guest.said()
    finally:
        guest.shut_down()
        if not world.cloud.controller.healthy():
            world.cloud.controller.start()


def test_a_client_that_boots_over_the_network_is_told_where_from(world: World) -> None:
    said = {
        "tftp-server": "192.0.2.7",
        "bootfile-name": "pxelinux.0",
        "server-ip-address": "192.0.2.8",
        "150": "192.0.2.9",
    }
    extra = [{"opt_name": name, "opt_value": value} for name, value in said.items()]
    vm, port = world.boot(0, extra_dhcp_opts=extra)
    told = options_of(Guest(vm), "tftp", "bootfile", "150")
    assert told["ip"] == fixed(port)
    assert (told["tftp"], told["bootfile"], told["siaddr"]) == ("192.0.2.7", "pxelinux.0", "192.0.2.8")
    assert told["opt150"] == address("192.0.2.9").hex()


def test_what_is_not_ones_own_is_refused_and_what_others_say_is_not_believed(world: World) -> None:
    vm, port = world.boot(0)
    _, other = world.boot(1)
    with closing(Client(vm.namespace, vm.mac)) as client:
        offer, _ = client.discover()
        assert offer is not None and (offer.kind, offer.address) == (OFFER, fixed(port))
        told, _ = client.request(offer._replace(address=fixed(other)))
        assert told is not None and told.kind == NAK
        told, _ = client.request(offer)
        assert told is not None and (told.kind, told.address, told.lease) == (ACK, fixed(port), LEASE)
        lies = (
            message(DISCOVER, other["mac_address"], client.new_xid()),
            message(DISCOVER, other["mac_address"], client.new_xid(), sender=vm.mac),
            message(DISCOVER, vm.mac, client.new_xid(), giaddr=fixed(other)),
            message(DISCOVER, vm.mac, client.new_xid(), way=Way(source=fixed(other))),
        )
        for lie in lies:
            assert client.ask(lie, within=0.3)[0] is None
        assert client.lease().address == fixed(port)


def test_a_vm_is_no_server(world: World) -> None:
    """Another VM hears no requests, and what it answers unasked arrives nowhere."""
    vm, _ = world.boot(0)
    rogue, of_rogue = world.boot(0, "10.0.0.66")
    with closing(Client(vm.namespace, vm.mac)) as client, vm.capture() as heard:
        offer, _ = client.discover()
        assert offer is not None
        lying = b"\2\1\6\0" + bytes(4) + bytes(8) + address("10.0.0.99") + address("10.0.0.66") + bytes(4)
        lying += bytes.fromhex(vm.mac.replace(":", "")).ljust(16, b"\0") + bytes(192) + b"\x63\x82\x53\x63\x35\1\2\xff"
        assert parsed(lying).address == "10.0.0.99"
        packet = ipv4("10.0.0.66", "255.255.255.255", UDP, udp(67, 68, lying.ljust(300, b"\0")))
        for to in ("ff:ff:ff:ff:ff:ff", vm.mac):
            rogue.send(ethernet(to, of_rogue["mac_address"], IPV4, packet))
        time.sleep(0.2)
        answers = heard.frames(of_dhcp, 0.1)
        assert [frame[26:30] for frame in answers] == [address(SERVER)], "the one offer"
