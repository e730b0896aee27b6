"""Pings through a gateway that dies, with and without a controller, that is drained, and that comes back.

The outside is a Linux bridge with a station on it, 203.0.113.200.  Two hypervisors have a way there and are gateways;
the VM is on the third, so that its packets are translated at the router's gateway.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from apps.packets.neighbor_query import announcement
from controller.gateways.moves import LEAVING, QUIET, SETTLING
from tests.lab import Capture
from tests.lab.cloud import Cloud, cloud, settled, until
from tests.lab.gateways import GatewayCalls
from tests.lab.netns import inside, ip, run
from topology.watches import INTERVAL as INTERVAL_MS

OPTIONS = {"network": {"flat_networks": "physnet1"}}
MAPPINGS = "external_ids:tenet-bridge-mappings=physnet1:br-ex"
STATION = "203.0.113.200"
INTERVAL = 0.01  # seconds between two pings
MOST_LOST = 100  # pings: a second


class Site(GatewayCalls):
    def __init__(self, made: Cloud) -> None:
        self.cloud, self.lab, self.controller = made, made.lab, made.controller
        self._make_outside()
        self.v2 = made.v2("red")
        physical = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
        outside = self.v2.network("outside", **{"router:external": True}, **physical)
        self.v2.subnet(outside, "203.0.113.0/24", gateway_ip=STATION)
        network = self.v2.network("inside")
        subnet = self.v2.subnet(network, "10.0.0.0/24", gateway_ip="10.0.0.1")
        gateway = {"external_gateway_info": {"network_id": outside["id"]}}
        self.router = self.ask("POST", "/v2.0/routers", {"router": {"name": "r", **gateway}}, 201)["router"]
        self.ask("PUT", f"/v2.0/routers/{self.router['id']}/add_router_interface", {"subnet_id": subnet["id"]})
        port = self.v2.port(network, "10.0.0.11")
        self.vm = made.start(made[2], port)
        self.vm.exec("ip", "route", "add", "default", "via", "10.0.0.1")
        assert self.vm.reaches(STATION)
        assert until(lambda: [self.watching(number) for number in range(3)] == [[True, True]] * 3)
        assert until(lambda: all(map(settled, self.controller.switches().values())))

    def _make_outside(self) -> None:
        self.wire, self.station = f"{self.lab.prefix}-phy", f"{self.lab.prefix}-sta"
        self.lab.at_end(lambda: ip([f"netns del {name}" for name in (self.wire, self.station)]))
        ip([f"netns add {self.wire}", f"netns add {self.station}"])
        ip(["link add phy type bridge", "link set phy up"], self.wire)
        ip([f"link add name sta netns {self.wire} type veth peer name eth0 netns {self.station}"])
        ip(["link set sta master phy up"], self.wire)
        ip(["link set lo up", "link set eth0 up", f"addr add {STATION}/24 dev eth0"], self.station)
        for number in range(2):
            hypervisor = self.lab[number]
            ip([f"link add name p{number} netns {self.wire} type veth peer name ph0 netns {hypervisor.namespace}"])
            ip([f"link set p{number} master phy up"], self.wire)
            ip(["link set ph0 up"], hypervisor.namespace)
            hypervisor.vsctl("add-br", "br-ex", "--", "set", "bridge", "br-ex", "datapath_type=netdev",
                             "--", "add-port", "br-ex", "ph0", "--", "set", "Open_vSwitch", ".", MAPPINGS)  # fmt: skip

    def watching(self, number: int) -> list[bool]:
        """Of each switch that a hypervisor watches whether it hears it, at the agreed interval.

        At first a session has one message a second (RFC 5880, section 6.8.3): then it takes two seconds more to see
        that the other end is dead.
        """
        sessions = self.cloud[number].appctl("bfd/show").split("---- ")[1:]
        return ["Forwarding: true" in one and f"RX Interval: Approx {INTERVAL_MS}ms" in one for one in sessions]

    def number(self, system_id: str) -> int:
        return next(number for number in range(3) if self.cloud[number].system_id == system_id)

    def cut(self, one: int, other: int, *, heal: bool = False) -> None:
        """Let nothing pass between two hypervisors over the underlay; management goes on."""
        for here, there in ((one, other), (other, one)):
            source = f"ip,nw_src={self.cloud[there].address}"
            verb, flow = ("del-flows", source) if heal else ("add-flow", f"priority=100,{source},actions=drop")
            self.cloud[here].ofctl(verb, flow, bridge="br-phy")

    def answers(self, address: str) -> int:
        """How many answer when the station asks for an address."""
        with Capture(self.station) as capture:
            ip([f"neigh flush to {address} dev eth0"], self.station)
            run(inside(self.station, ["sh", "-c", f"ping -c 1 -W 1 {address} || true"]))
            return len(capture.frames(lambda frame: frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x02"))


@pytest.fixture
def site() -> Iterator[Site]:
    with cloud([("vxlan",)] * 3, OPTIONS) as made:
        yield Site(made)


def test_the_next_gateway_takes_over_without_a_controller(site: Site) -> None:
    first = site.cloud[site.number(site.active())]
    site.controller.kill()
    pings = site.vm.pinging(STATION, INTERVAL)
    assert until(lambda: len(pings.answered()) > 50)
    first.kill_switch()
    before = len(pings.answered())
    assert until(lambda: len(pings.answered()) > before + 200)
    lost = pings.stop()
    assert len(lost) <= MOST_LOST
    site.controller.start()
    assert until(lambda: site.active() not in ("", first.system_id))
    first.restart_switch()
    assert until(lambda: site.watching(2) == [True, True])
    pings = site.vm.pinging(STATION, INTERVAL)
    assert until(lambda: site.gateways()[first.system_id]["routers_standby"] == 1)
    time.sleep(1.0)  # while it might turn back
    assert site.active() != first.system_id and pings.stop() == []


def test_drains_lose_nothing_and_are_announced(site: Site) -> None:
    """The second one takes the router back to a gateway that has just left."""
    active = site.active()
    pings = site.vm.pinging(STATION, INTERVAL)
    assert until(lambda: len(pings.answered()) > 50)
    with Capture(site.station) as capture:
        site.ask("POST", f"/tenet/v1/gateways/{active}/drain")
        assert until(lambda: site.active() not in ("", active))
        (gateway,) = site.ask("GET", "/v2.0/ports?device_owner=network:router_gateway")["ports"]
        address = gateway["fixed_ips"][0]["ip_address"]
        said = capture.first(
            lambda frame: (told := announcement(frame)) is not None and str(told.address) == address, QUIET + SETTLING
        )
        assert said is not None and said[6:12].hex(":") == gateway["mac_address"]
    site.ask("DELETE", f"/tenet/v1/gateways/{active}/drain")
    assert until(lambda: site.gateways()[active]["routers_standby"] == 1)
    other = site.active()
    assert other != active
    site.ask("POST", f"/tenet/v1/gateways/{other}/drain")
    assert until(lambda: site.active() == active and not site.gateways()[other]["routers_leaving"], QUIET + LEAVING + 9)
    assert pings.stop() == []
    site.ask("DELETE", f"/tenet/v1/gateways/{other}/drain")
    assert until(lambda: site.gateways()[other]["routers_standby"] == 1)
    ip([f"link set p{site.number(active)} down"], site.wire)  # the cable between its host and the physical network
    assert until(lambda: site.active() == other) and until(lambda: site.vm.reaches(STATION))
    assert site.gateways()[active]["no_link"] == ["physnet1"]


def test_gateways_that_do_not_hear_each_other_have_no_address_both(site: Site) -> None:
    """The underlay is cut between the two; then between the active one and all others, which turn to the next."""
    active = site.active()
    standby = ({hypervisor.system_id for hypervisor in (site.cloud[0], site.cloud[1])} - {active}).pop()
    first, second = site.number(active), site.number(standby)
    (gateway,) = site.ask("GET", "/v2.0/ports?device_owner=network:router_gateway")["ports"]
    address = gateway["fixed_ips"][0]["ip_address"]
    assert site.answers(address) == 1
    pings = site.vm.pinging(STATION, INTERVAL)
    assert until(lambda: len(pings.answered()) > 50)
    site.cut(first, second)
    assert until(lambda: site.watching(second) != [True, True])
    assert until(lambda: site.answers(address) == 1) and site.active() == active
    site.cut(first, second, heal=True)
    assert until(lambda: site.watching(second) == [True, True])
    lost = pings.stop()
    assert len(lost) <= MOST_LOST, "while both had it, an answer may have come to the wrong one"
    site.cut(first, second)
    site.cut(first, 2)
    assert until(lambda: site.active() == standby) and until(lambda: site.vm.reaches(STATION))
    assert until(lambda: site.answers(address) == 1)
