"""Router advertisements and DHCPv6 where no tunnel leads: over wires, and on a physical network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from apps.source import link_local
from tests.e2e.test_dhcp import OPTIONS, World
from tests.e2e.test_six import addresses, booted, default_routes, is_advertisement, usable
from tests.lab import Capture, Vm
from tests.lab.cloud import cloud, until
from tests.lab.guest import Guest


@pytest.fixture(scope="module", params=["wires", "physical"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    encaps: list[list[str]] = [[], []] if request.param == "wires" else [["vxlan"], ["vxlan"]]
    with cloud(encaps, OPTIONS) as made:
        world = World(made, request.param)
        modes = {"ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"}
        subnet = world.v2.subnet(world.network, "2001:db8::/64", gateway_ip="2001:db8::1", **modes)
        world.v2.interface(world.v2.router("r"), subnet_id=subnet["id"])
        yield world


def vm(world: World, at: int) -> tuple[Vm, str]:
    made, port = world.boot(at)
    assert until(lambda: usable(made))
    return made, next(each["ip_address"] for each in port["fixed_ips"] if ":" in each["ip_address"])


@pytest.mark.parametrize("at", [0, 1])
def test_a_host_is_told_by_its_own_switch_and_by_no_other(world: World, at: int) -> None:
    (port,) = [each for each in world.v2.list("port") if each["device_owner"] == "network:router_interface"]
    made, address = vm(world, at)
    other, _ = vm(world, 1 - at)
    mac = bytes.fromhex(made.mac.replace(":", ""))

    def leaked(frame: bytes) -> bool:
        """What is for the one that asks alone; its switch tells all of its own ports now and then."""
        return (frame[:6] == mac and is_advertisement(frame)) or frame[54:58] == b"\x02\x22\x02\x23"

    with ExitStack() as stack:
        heard = stack.enter_context(other.capture())
        wire = stack.enter_context(Capture(world.wire, "p0")) if world.wire else None
        booted(made)
        assert until(lambda: default_routes(made)) == [link_local(port["mac_address"])]
        Guest(made).exec("dhclient", "-6", "-1", "eth0", timeout=60)
        assert until(lambda: address in addresses(made))
        assert not heard.frames(leaked, 1.0)
        assert wire is None or not wire.frames(is_advertisement, 0.2)
