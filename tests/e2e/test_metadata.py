"""VMs that ask for their metadata, on real switches: two tenants with the same addresses, two hypervisors."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.lab import Vm
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.metadata import FOUR, OPTIONS, SIX, MetadataServer, Told, ask, serves
from tests.lab.netns import ip

NAMES = "/latest/meta-data/hostname"


class Site:
    """Red's ann and bob, and blue's eve, who has ann's address, on two hypervisors with a metadata server each."""

    def __init__(self, made: Cloud) -> None:
        self.cloud, self.lab = made, made.lab
        self.servers = [MetadataServer(made, hypervisor) for hypervisor in self.lab]
        for server in self.servers:
            server.start()
            made.controller.api("PUT", f"/tenet/v1/metadata-hosts/{server.at.system_id}")
        self.red, self.blue = made.v2("red"), made.v2("blue")
        self.routed, self.bare = self.red.network("routed"), self.blue.network("bare")
        self.red.subnet(self.routed, "10.0.0.0/24", gateway_ip="10.0.0.254")
        self.red.subnet(self.routed, "fd00:1::/64", gateway_ip="fd00:1::fe")
        self.blue.subnet(self.bare, "10.0.0.0/24")
        self.ports: dict[str, Body] = {}
        self.ann = self._vm(self.red, self.routed, "ann", 0, "10.0.0.5", "fd00:1::5")
        self.bob = self._vm(self.red, self.routed, "bob", 1, "10.0.0.6", "fd00:1::6")
        self.eve = self._vm(self.blue, self.bare, "eve", 1, "10.0.0.5")

    def _vm(self, v2: object, network: Body, name: str, at: int, *addresses: str) -> Vm:
        told = {"hostname": name, "public_keys": {"mine": f"ssh-ed25519 AAAA {name}"}, "user_data": f"#!{name}",
                "meta": {"role": name}}  # fmt: skip
        port = v2.port(network, *addresses, device_id=f"i-{name}", **{"tenet:metadata": told})  # type: ignore[attr-defined]
        self.ports[name] = port
        lengths = [f"{each}/{64 if ':' in each else 24}" for each in addresses]
        vm = self.lab.vm(self.lab[at], name, *lengths, mac=port["mac_address"], iface_id=port["id"])
        ip(["route add 169.254.169.254/32 dev eth0"], vm.namespace)
        return vm


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with cloud([("vxlan",), ("vxlan",)], OPTIONS) as made:
        yield Site(made)


@pytest.fixture(autouse=True)
def both_serve(site: Site) -> None:
    assert serves(site.cloud, *site.lab), [server.text()[-2000:] for server in site.servers]


def told(vm: Vm, path: str, at: str = FOUR) -> Told:
    return until(lambda: found if (found := ask(vm, path, at=at, patience=2.0)).status else None, 20.0) or Told(0, "")


def test_everybody_is_told_of_himself_over_both_protocols(site: Site) -> None:
    for vm in (site.ann, site.bob, site.eve):
        assert told(vm, NAMES) == (200, vm.name)
        assert told(vm, "/latest/user-data") == (200, f"#!{vm.name}")
    for vm in (site.ann, site.bob):
        assert told(vm, NAMES, SIX) == (200, vm.name)
    said = json.loads(told(site.eve, "/openstack/latest/meta_data.json").text)
    assert (said["uuid"], said["meta"], said["project_id"]) == ("i-eve", {"role": "eve"}, "blue")
