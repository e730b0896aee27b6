"""IPv6 hosts that are told everything by their network: SLAAC by Linux, rdisc6, dhclient and dhcpcd."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Any

import pytest

from apps.services.address import ADDRESS6
from apps.source import link_local
from tests.lab import Vm
from tests.lab.capture import Capture, send
from tests.lab.cloud import V2, Body, Cloud, cloud, until
from tests.lab.frames import checksum, ethernet
from tests.lab.guest import Guest
from tests.lab.netns import run

NOWHERE = b"\x66" * 8
ANSWERED = 'tenet_service_frames_total{outcome="answered",service="router-advertisements"}'
MODES = {"slaac": 1, "dhcpv6-stateless": 2, "dhcpv6-stateful": 3}


class Six:
    """A router on a network for each mode, whose subnet has the same for router advertisements and addresses."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.api: V2 = cloud.v2("red")
        self.router = self.api.router("r")
        self.networks: dict[str, Body] = {}
        self.subnets: dict[str, Body] = {}
        for mode, number in MODES.items():
            network = self.networks[mode] = self.api.network(mode)
            self.subnets[mode] = self.api.subnet(
                network, f"2001:db8:{number}::/64", gateway_ip=f"2001:db8:{number}::1", ipv6_ra_mode=mode,
                ipv6_address_mode=mode,
            )  # fmt: skip
            self.api.interface(self.router, subnet_id=self.subnets[mode]["id"])
        cloud.connected()

    def vm(self, mode: str, at: int = 0, **more: Any) -> tuple[Vm, str]:
        """A VM without any address but its link-local one, and the address of its port."""
        port = self.api.port(self.networks[mode], **more)
        vm = self.cloud.bare(self.cloud[at], iface_id=port["id"], mac=port["mac_address"], mtu=1450)
        assert self.api.status(port, "ACTIVE") == "ACTIVE"
        assert until(lambda: usable(vm))
        return vm, str(port["fixed_ips"][0]["ip_address"])

    def mac(self, mode: str) -> str:
        """Of the router's interface."""
        found = [
            each["mac_address"] for each in self.api.list("port")
            if each["device_id"] == self.router["id"] and each["network_id"] == self.networks[mode]["id"]
        ]  # fmt: skip
        return str(found[0])


@pytest.fixture(scope="module")
def six() -> Iterator[Six]:
    with cloud([["vxlan"], ["vxlan"]]) as made:
        yield Six(made)


def usable(vm: Vm) -> bool:
    """Whether its link-local address is: the kernel has looked for duplicates."""
    shown = vm.exec("ip", "-6", "addr", "show", "eth0", "scope", "link")
    return "inet6" in shown and "tentative" not in shown


def booted(vm: Vm) -> None:
    """As when the operating system starts: the kernel looks for routers."""
    vm.exec("sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen=64")
    vm.exec("ip", "link", "set", "eth0", "down")
    vm.exec("ip", "link", "set", "eth0", "up")


def addresses(vm: Vm) -> dict[str, int]:
    """Address -> seconds that it is valid for; without link-local ones and those that are not yet usable."""
    (shown,) = json.loads(run(["ip", "-j", "-n", vm.namespace, "-6", "addr", "show", "eth0"])) or [{}]
    return {
        each["local"]: each["valid_life_time"] for each in shown.get("addr_info", [])
        if each["scope"] != "link" and not each.get("tentative")
    }  # fmt: skip


def default_routes(vm: Vm) -> list[str]:
    shown = json.loads(run(["ip", "-j", "-n", vm.namespace, "-6", "route", "show", "default"]))
    return [each["gateway"] for each in shown]


def rdisc6(vm: Vm) -> str:
    return vm.exec("rdisc6", "-1", "-w", "3000", "eth0")


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
@pytest.mark.parametrize("at", [0, 1])
def test_linux_configures_itself_from_the_advertisement(six: Six, mode: str, at: int) -> None:
    vm, address = six.vm(mode, at)  # filtered by the default group
    booted(vm)
    assert until(lambda: address in addresses(vm)), (address, addresses(vm))
    assert 86_000 < addresses(vm)[address] <= 86_400
    assert until(lambda: default_routes(vm)) == [link_local(six.mac(mode))]
    (link,) = json.loads(run(["ip", "-j", "-n", vm.namespace, "link", "show", "eth0"]))
    assert vm.exec("sysctl", "-n", "net.ipv6.conf.eth0.mtu").strip() == "1450" and link["mtu"] == 1450


def test_a_host_that_was_told_all_reaches_another_network(six: Six) -> None:
    here, _ = six.vm("slaac", 0, device_owner="network:tests")
    there, address = six.vm("dhcpv6-stateless", 1, device_owner="network:tests")
    booted(here)
    booted(there)
    assert until(lambda: addresses(here) and address in addresses(there) and default_routes(there))
    assert until(lambda: here.ping(address, 3).received == 3)


@pytest.mark.parametrize(("mode", "managed", "other", "autonomous"), [
    ("slaac", "No", "No", "Yes"), ("dhcpv6-stateless", "No", "Yes", "Yes"), ("dhcpv6-stateful", "Yes", "Yes", "No"),
])  # fmt: skip
def test_rdisc6_reads_what_is_told(six: Six, mode: str, managed: str, other: str, autonomous: str) -> None:
    vm, _ = six.vm(mode)
    said = {}
    for line in rdisc6(vm).splitlines():
        name, colon, value = line.partition(": ")
        said[name.strip()] = value.strip() if colon else ""
    assert said["Stateful address conf."] == managed and said["Stateful other conf."] == other
    assert said["Router lifetime"].startswith("65535 ") and said["Hop limit"].startswith("64 ")
    assert said["Prefix"] == f"2001:db8:{MODES[mode]}::/64" and said["Autonomous address conf."] == autonomous
    assert said["MTU"].startswith("1450 bytes") and said["Recursive DNS server"] == ADDRESS6
    assert said["Source link-layer address"].lower() == six.mac(mode)


def test_dhclient_gets_the_ports_address_and_gives_it_back(six: Six) -> None:
    vm, address = six.vm("dhcpv6-stateful", 1)
    guest = Guest(vm)
    guest.exec("dhclient", "-6", "-1", "-v", "eth0", timeout=60)
    assert until(lambda: address in addresses(vm))
    assert f"nameserver {ADDRESS6}" in guest.read("etc/resolv.conf")
    assert "search openstacklocal." in guest.read("etc/resolv.conf")
    guest.exec("dhclient", "-6", "-r", "-v", "eth0", timeout=60)
    assert until(lambda: address not in addresses(vm))


def test_dhclient_asks_for_options_alone(six: Six) -> None:
    vm, _ = six.vm("dhcpv6-stateless")
    guest = Guest(vm)
    guest.exec("dhclient", "-6", "-S", "-1", "-v", "eth0", timeout=60)
    assert f"nameserver {ADDRESS6}" in guest.read("etc/resolv.conf")


def test_dhcpcd_follows_the_advertisement_to_dhcpv6(six: Six) -> None:
    vm, address = six.vm("dhcpv6-stateful")
    guest = Guest(vm)
    guest.boot("dhcpcd", "-6", "--nobackground", "--noipv4", "eth0")
    try:
        assert until(lambda: address in addresses(vm)), guest.said()
        assert until(lambda: ADDRESS6 in guest.read("etc/resolv.conf")), guest.said()
        assert until(lambda: default_routes(vm)) == [link_local(six.mac("dhcpv6-stateful"))], guest.said()
    finally:
        guest.shut_down()


def test_a_boot_file_is_told_to_who_asks_for_it(six: Six) -> None:
    url = "tftp://[2001:db8::1]/boot.efi"
    options = [{"opt_name": "bootfile-url", "opt_value": url, "ip_version": 6}]
    vm, _ = six.vm("dhcpv6-stateful", extra_dhcp_opts=options)
    guest = Guest(vm)
    guest.write("etc/dhcp/asks.conf", "option dhcp6.boot code 59 = text;\nalso request dhcp6.boot;\n")
    guest.exec("dhclient", "-6", "-1", "-cf", "/etc/dhcp/asks.conf", "-lf", "/var/lib/dhcp/l", "-v", "eth0", timeout=60)
    assert url in guest.read("lib/dhcp/l")


def test_what_changes_is_told_at_once_on_every_switch_and_what_ends_too(six: Six) -> None:
    """To a filtered VM on either hypervisor; no solicitation is sent meanwhile."""
    network = six.api.network("changing")
    six.networks["changing"] = network
    subnet = six.api.subnet(network, "2001:db8:9::/64", gateway_ip="2001:db8:9::1", ipv6_ra_mode="slaac",
                            ipv6_address_mode="slaac")  # fmt: skip
    vms = [six.vm("changing", at)[0] for at in (0, 1)]
    captures = [Capture(vm.namespace) for vm in vms]
    six.api.interface(six.router, subnet_id=subnet["id"])
    for vm, capture in zip(vms, captures, strict=True):
        said = capture.first(is_advertisement, 10.0)
        assert said is not None and lifetime(said) == 65535 and until(lambda vm=vm: default_routes(vm))
    six.api.no_interface(six.router, subnet_id=subnet["id"])
    for vm, capture in zip(vms, captures, strict=True):
        said = capture.first(lambda frame: is_advertisement(frame) and not lifetime(frame), 10.0)
        assert said is not None and until(lambda vm=vm: not default_routes(vm))
        capture.close()


def is_advertisement(frame: bytes) -> bool:
    return len(frame) > 70 and frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 134


def lifetime(frame: bytes) -> int:
    return int.from_bytes(frame[60:62], "big")


def test_a_tenants_own_advertisements_reach_nobody(six: Six) -> None:
    mallory, _ = six.vm("slaac", device_owner="network:tests")
    victim, _ = six.vm("slaac")
    router = six.mac("slaac")
    with Capture(victim.namespace) as capture:
        for mac in (mallory.mac, router):
            send(mallory.namespace, [advertisement(mac)] * 3)
        assert not [each for each in capture.frames(is_advertisement, 2.0) if NOWHERE in each]


def advertisement(mac: str) -> bytes:
    """Of a prefix that nobody has."""
    prefix = bytes((3, 4, 64, 0xC0)) + bytes.fromhex("00015180") * 2 + bytes(4) + NOWHERE + bytes(8)
    return to_group(mac, 1, bytes((134, 0, 0, 0, 64, 0, 7, 8)) + bytes(8) + prefix)


def solicitation(mac: str) -> bytes:
    return to_group(mac, 2, bytes((133, 0, 0, 0, 0, 0, 0, 0, 1, 1)) + bytes.fromhex(mac.replace(":", "")))


def to_group(mac: str, group: int, message: bytes) -> bytes:
    """An ICMPv6 message to ff02::`group`."""
    source, to = IPv6Address(link_local(mac)).packed, IPv6Address(f"ff02::{group}").packed
    pseudo = source + to + len(message).to_bytes(4, "big") + bytes((0, 0, 0, 58))
    message = message[:2] + checksum(pseudo + message).to_bytes(2, "big") + message[4:]
    head = bytes.fromhex("60000000") + len(message).to_bytes(2, "big") + bytes((58, 255)) + source + to
    return ethernet(f"33:33:00:00:00:0{group}", mac, 0x86DD, head + message)


def test_a_storm_of_solicitations_costs_its_own_port_alone(six: Six) -> None:
    """Two VMs on one hypervisor: while one floods, the other is answered."""
    loud, _ = six.vm("slaac")
    other, _ = six.vm("slaac")
    before = six.cloud.controller.metric(ANSWERED)
    send(loud.namespace, [solicitation(loud.mac)] * 3000)
    assert "2001:db8:1::/64" in rdisc6(other)
    assert 2 <= six.cloud.controller.metric(ANSWERED) - before < 1000


def test_the_service_address_answers_neighbour_solicitations(six: Six) -> None:
    vm, _ = six.vm("dhcpv6-stateless")
    assert "0A:54:4E:F0:00:01" in vm.exec("ndisc6", "-1", "-w", "3000", ADDRESS6, "eth0")
