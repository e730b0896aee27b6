"""Three real hypervisors with an outside: two meet the physical network, where a station is, and are gateways."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from apps.packets.checksum import checksum
from tests.bench import management
from tests.bench.http import Client
from tests.bench.site import PATIENCE
from tests.lab import Controller, Hypervisor, Lab, Vm
from tests.lab.cloud import Body, Cloud, until
from tests.lab.controller import Options
from tests.lab.netns import inside, ip, run, socket_in

HYPERVISORS, GATEWAYS = 3, 2
STATION = "203.0.113.1"  # TEST-NET-3
MAPPINGS = "external_ids:tenet-bridge-mappings=physnet1:br-ex"
OPEN: dict[str, object] = {"device_owner": "network:bench"}  # addresses are checked, and nothing is filtered
OPTIONS: Options = {
    **management.OPTIONS, "network": {"flat_networks": "physnet1"},
    "openflow": {**management.OPTIONS["openflow"], "connection_pickup": 0},
}  # fmt: skip
ARP_RETRY = 5  # ms between two ARP requests of the station


class NorthSouth:
    """`near` is on the first hypervisor, which meets the physical network, `far` on the last, which does not.

    Both are in one network behind `router`; `station` is the machine outside.
    """

    def __init__(self, made: Cloud) -> None:
        self.cloud, self.lab, self.controller = made, made.lab, made.controller
        self.wire = f"{self.lab.prefix}-phy"
        self.station = self._make_outside()
        self.client = self.connect()
        self.v2 = made.v2("bench")
        physical = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
        self.external = self.v2.network("outside", **{"router:external": True}, **physical)
        self.v2.subnet(self.external, "203.0.113.0/24", gateway_ip=STATION, enable_dhcp=False)
        self.network = self.v2.network("inside")
        subnet = self.v2.subnet(self.network, "10.0.0.0/24", gateway_ip="10.0.0.254")
        self.router = self.v2.router("r", external_gateway_info={"network_id": self.external["id"]})
        self.v2.interface(self.router, subnet_id=subnet["id"])
        self.ports = [self.v2.port(self.network, f"10.0.0.{number}", **OPEN) for number in (11, 12)]
        self.near, self.far = (made.start(self.lab[at], port) for at, port in zip((0, 2), self.ports, strict=True))
        for vm in (self.near, self.far):
            vm.exec("ip", "route", "add", "default", "via", "10.0.0.254")
            if not vm.reaches(STATION):
                raise RuntimeError(f"{vm.name} does not reach the outside")
        self.settled()

    def _make_outside(self) -> Vm:
        """A bridge as the physical network, and a station on it in a namespace of its own."""
        station = Vm(f"{self.lab.prefix}-sta", "station", self.lab[0], "02:00:00:00:00:01", "", self.lab.directory)
        self.lab.at_end(lambda: ip([f"netns del {name}" for name in (self.wire, station.namespace)]))
        self.lab.at_end(station.stop)
        ip([f"netns add {self.wire}", f"netns add {station.namespace}"])
        ip(["link add phy type bridge", "link set phy up"], self.wire)
        ip([f"link add name sta netns {self.wire} type veth peer name eth0 netns {station.namespace}"
            f" address {station.mac}"])  # fmt: skip
        ip(["link set sta master phy up"], self.wire)
        ip(["link set lo up", "link set eth0 up", f"addr add {STATION}/24 dev eth0",
            f"ntable change name arp_cache dev eth0 retrans {ARP_RETRY}"], station.namespace)  # fmt: skip
        # Open vSwitch's userspace datapath does not fill in checksums that are left to the hardware
        run(inside(station.namespace, ["ethtool", "-K", "eth0", "tx", "off"]))
        for number, hypervisor in enumerate(self.gateways()):
            ip([f"link add name p{number} netns {self.wire} type veth peer name ph0 netns {hypervisor.namespace}"])
            ip([f"link set p{number} master phy up"], self.wire)
            ip(["link set ph0 up"], hypervisor.namespace)
            hypervisor.vsctl("add-br", "br-ex", "--", "set", "bridge", "br-ex", "datapath_type=netdev",
                             "--", "add-port", "br-ex", "ph0", "--", "set", "Open_vSwitch", ".", MAPPINGS)  # fmt: skip
        return station

    def gateways(self) -> list[Hypervisor]:
        return self.lab.hypervisors[:GATEWAYS]

    def connect(self) -> Client:
        return Client(self.controller.dial("127.0.0.1", 9696, PATIENCE))

    def floating(self, **more: object) -> Body:
        said = {"floating_network_id": self.external["id"], "project_id": "bench", **more}
        made = self.client.json("POST", "/v2.0/floatingips", {"floatingip": said}, Prefer="wait=30")
        return made["floatingip"]  # type: ignore[no-any-return]

    def active(self) -> Hypervisor:
        """The gateway of the router."""
        told: Any = self.controller.api("GET", "/tenet/v1/gateways").json["gateways"]
        return next(one for one in self.lab for each in told if each["switch"] == one.system_id
                    and each["routers_active"])  # fmt: skip

    def settled(self) -> None:
        """Wait until every switch holds what it should, and each hears by BFD those that it watches."""
        self.cloud.connected()
        if not until(lambda: all(map(self._hears, self.lab)), PATIENCE):
            raise TimeoutError("not every hypervisor hears the gateways")

    def _hears(self, hypervisor: Hypervisor) -> bool:
        """Whether its sessions are up, and past their beginning, when they speak once a second (RFC 5880, 6.8.3)."""
        said = hypervisor.appctl("bfd/show")
        others = [one for one in self.gateways() if one is not hypervisor]
        return said.count("Local Session State: up") >= len(others) and "Approx 1000ms" not in said

    # --- a host without power ---------------------------------------------------------------------

    def power_off(self, hypervisor: Hypervisor) -> None:
        """Its wires go and ovs-vswitchd, at once: nobody is told anything by it."""
        self._wires(hypervisor, "down")
        hypervisor.kill_switch()

    def power_on(self, hypervisor: Hypervisor) -> None:
        self._wires(hypervisor, "up")
        hypervisor.restart_switch()

    def _wires(self, hypervisor: Hypervisor, state: str) -> None:
        number = self.lab.hypervisors.index(hypervisor)
        ip([f"link set u{number} {state}", f"link set m{number + 1} {state}"], self.lab.namespace)
        if number < GATEWAYS:
            ip([f"link set p{number} {state}"], self.wire)


@contextmanager
def north_south() -> Iterator[NorthSouth]:
    with Lab(HYPERVISORS) as lab:
        management.connect(lab)
        controller = Controller(lab, OPTIONS)
        controller.start()
        lab.configure(("vxlan",), management.MANAGER)
        for hypervisor in lab:
            hypervisor.await_bridge()
        made = Cloud(lab, controller)
        made.connected()
        yield NorthSouth(made)


class Echoes:
    """Echo requests from a namespace to one address, and their replies (RFC 792)."""

    def __init__(self, namespace: str, to: str) -> None:
        self._to = to
        self._sequence = 0
        self._socket = socket_in(namespace, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

    def first(self, interval: float, within: float) -> float:
        """When the first request from now on was answered (`time.perf_counter`); one each `interval` seconds."""
        self._empty()
        since, deadline = self._sequence + 1, time.perf_counter() + within
        while time.perf_counter() < deadline:
            self._ask()
            if self._answered(since, interval):
                return time.perf_counter()
        raise TimeoutError(f"{self._to} does not answer")

    def silent(self, quiet: float, within: float) -> None:
        """Wait until no request has been answered for `quiet` seconds."""
        deadline = time.perf_counter() + within
        while time.perf_counter() < deadline:
            self._empty()
            self._ask()
            if not self._answered(self._sequence, quiet):
                return
        raise TimeoutError(f"{self._to} still answers")

    def close(self) -> None:
        self._socket.close()

    def _ask(self) -> None:
        self._sequence = self._sequence + 1 & 0xFFFF
        packet = struct.pack("!BBHHH", 8, 0, 0, 0x7E4E, self._sequence)
        with suppress(OSError):  # nobody has said which MAC it has
            self._socket.sendto(packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:], (self._to, 0))

    def _answered(self, since: int, within: float) -> bool:
        """Whether one of the requests from number `since` on is answered."""
        end = time.perf_counter() + within
        while (left := end - time.perf_counter()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(2048)
            except TimeoutError:
                return False
            except OSError:
                continue
            kind, _, _, identifier, sequence = struct.unpack("!BBHHH", data[20:28])
            if (kind, identifier) == (0, 0x7E4E) and sequence >= since:
                return True
        return False

    def _empty(self) -> None:
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(2048)
