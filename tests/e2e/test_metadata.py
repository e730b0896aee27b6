"""VMs that ask for their metadata, on real switches: two tenants with the same addresses, two hypervisors.

cloud-init's own readers (Debian's package) read it, too.
"""

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
        router = self.red.router("r")
        for cidr, gateway in (("10.0.0.0/24", "10.0.0.254"), ("fd00:1::/64", "fd00:1::fe")):
            subnet = self.red.subnet(self.routed, cidr, gateway_ip=gateway)
            self.red.interface(router, subnet_id=subnet["id"])
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
        by = "via 10.0.0.254 dev eth0" if name == "bob" else "dev eth0"  # by the router, and on the link
        ip([f"route add 169.254.169.254/32 {by}"], vm.namespace)
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


def test_what_a_vm_says_of_itself_does_not_count(site: Site) -> None:
    forged = [f"-H{name}: i-bob" for name in ("X-Instance-ID", "X-Tenant-ID", "X-Forwarded-For", "Host")]
    assert ask(site.ann, NAMES, *forged) == (200, "ann")


READERS = """
import json
from cloudinit.sources.helpers import ec2, openstack
read = openstack.MetadataReader("http://169.254.169.254", timeout=5, retries=2).read_v2()
meta = ec2.get_instance_metadata("latest", "http://169.254.169.254", timeout=5, retries=2)
user = ec2.get_instance_userdata("latest", "http://169.254.169.254", timeout=5, retries=2)
print("FOUND" + json.dumps({
    "openstack": {"id": read["metadata"]["instance-id"], "name": read["metadata"]["hostname"],
                  "keys": read["metadata"]["public_keys"], "user": read["userdata"].decode(),
                  "links": read["networkdata"]["links"], "networks": read["networkdata"]["networks"]},
    "config": openstack.convert_net_json(read["networkdata"], known_macs={
        link["ethernet_mac_address"]: "eth0" for link in read["networkdata"]["links"]}),
    "ec2": {"id": meta["instance-id"], "name": meta["local-hostname"], "keys": meta["public-keys"],
            "user": user.decode(), "macs": list(meta["network"]["interfaces"]["macs"])},
}))
"""


def test_cloud_inits_own_readers_understand_it(site: Site) -> None:
    assert told(site.ann, NAMES).status == 200
    said = site.ann.exec("/usr/bin/python3", "-c", READERS, timeout=60.0)
    found = json.loads(said.partition("FOUND")[2])
    keys = {"mine": "ssh-ed25519 AAAA ann"}
    assert found["openstack"]["id"] == found["ec2"]["id"] == "i-ann"
    assert found["openstack"]["name"] == found["ec2"]["name"] == "ann"
    assert found["openstack"]["user"] == found["ec2"]["user"] == "#!ann"
    assert found["openstack"]["keys"] == keys and found["ec2"]["keys"] == keys
    assert found["ec2"]["macs"] == [site.ann.mac]
    (link,) = found["openstack"]["links"]
    assert link["ethernet_mac_address"] == site.ann.mac
    kinds = [one["type"] for one in found["openstack"]["networks"]]
    assert sorted(kinds) == ["ipv4_dhcp", "ipv6"]
    (interface,) = found["config"]["config"]
    assert interface["mac_address"] == site.ann.mac and len(interface["subnets"]) == 2


def traced(site: Site, name: str) -> str:
    """What a trace says of a port's connection to the metadata server."""
    port = site.ports[name]["id"]
    (one,) = site.cloud.controller.api("GET", f"/tenet/v1/trace?from={port}&to=metadata").json["trace"]["frames"]
    return str(one["verdict"])


def test_security_groups_have_their_say(site: Site) -> None:
    """Who may not send to it gets nothing; who may gets answers, although nothing may come in.  Traces say the same."""
    shut = site.red.group("shut")
    for rule in site.red.show("security_group", shut["id"])["security_group_rules"]:
        site.red.delete("security_group_rule", rule["id"])
    assert told(site.ann, NAMES).status == 200
    assert "goes to the metadata server on" in traced(site, "ann")
    site.red.update("port", site.ports["ann"]["id"], security_groups=[shut["id"]])
    assert ask(site.ann, NAMES, patience=2.0).status == 0
    assert traced(site, "ann").startswith("dropped by the security groups of port")
    site.red.rule(shut, "egress", "tcp", 80)
    assert told(site.ann, NAMES) == (200, "ann")


def test_names_are_asked_over_tcp(site: Site) -> None:
    answer = site.bob.exec("dig", "+tcp", "+time=5", "+tries=1", "@169.254.169.254", "version.bind", "A", timeout=30.0)
    assert "status: REFUSED" in answer or "status: NXDOMAIN" in answer, answer


def test_what_is_truncated_over_udp_is_whole_over_tcp(site: Site) -> None:
    """dig asks again over TCP by itself."""
    body = [
        {"project_id": "red", "network_id": site.routed["id"], "dns_name": "many",
         "fixed_ips": [{"ip_address": f"10.0.0.{number}"}]}
        for number in range(100, 190)
    ]  # fmt: skip
    assert site.cloud.controller.api("POST", "/v2.0/ports", {"ports": body}).status == 201
    many = ["dig", "+time=5", "+tries=2", "@169.254.169.254", "many.openstacklocal"]
    assert "Truncated, retrying in TCP mode" in site.bob.exec(*many)
    assert len(site.bob.exec(*many, "+short").splitlines()) >= 90


def test_nothing_but_two_ports_is_reached_and_the_namespace_leads_nowhere(site: Site) -> None:
    """Neither the controller nor the host is beyond it."""
    assert told(site.eve, NAMES).status == 200
    for port in (22, 6640, 6653, 9696, 20480, 20496):
        assert ask(site.eve, "/", at=f"{FOUR}:{port}", patience=1.0).status == 0
    hops = ["-m", "1", "-H", "Host: x"]
    for address in ("240.0.0.1", "240.1.0.1", "192.0.2.254", site.lab[1].address):
        assert ask(site.eve, "/", *hops, at=f"http://{address}", patience=1.0).status == 0
    (server,) = [each for each in site.servers if each.at is site.eve.at]
    routes = server.inside("ip", "-4", "route", "show", "table", "all") + server.inside("ip", "-6", "route", "show")
    assert "192.0.2." not in routes and "169.254.169.253" in routes
    links = [line.split(":")[1].strip().partition("@")[0] for line in server.inside("ip", "-o", "link").splitlines()]
    assert sorted(links) == ["eth0", "lo"]
    listening = [line.split()[3].rpartition(":")[2] for line in server.inside("ss", "-Hltn").splitlines()]
    assert {int(each) for each in listening} == {*range(20480, 20512)} and server.inside("ss", "-Hlun") == ""


def test_a_key_that_is_used_again_tells_nothing_of_the_former_port(site: Site) -> None:
    """The same interface, the same logical port, another port's."""
    before = site.red.port(site.routed, "10.0.0.21", **{"tenet:metadata": {"hostname": "before"}})
    after = site.red.port(site.routed, "10.0.0.22", **{"tenet:metadata": {"hostname": "after"}})
    vm = site.lab.vm(site.lab[0], "twice", "10.0.0.21/24", mac=before["mac_address"], iface_id=before["id"])
    ip(["route add 169.254.169.254/32 dev eth0"], vm.namespace)
    assert told(vm, NAMES) == (200, "before")
    key = site.lab[0].vsctl("get", "interface", "twice", "ofport")
    ip([f"link set eth0 address {after['mac_address']}", "addr flush dev eth0 scope global",
        "addr add 10.0.0.22/24 dev eth0", "route add 169.254.169.254/32 dev eth0"], vm.namespace)  # fmt: skip
    site.lab[0].vsctl("set", "interface", "twice", f"external_ids:iface-id={after['id']}")
    assert site.red.status(after, "ACTIVE") == "ACTIVE"
    assert site.lab[0].vsctl("get", "interface", "twice", "ofport") == key
    found = until(lambda: one if (one := ask(vm, NAMES, patience=2.0)).status == 200 else None, 20.0)
    assert found == (200, "after")


def test_another_server_takes_over_when_one_is_killed(site: Site) -> None:
    """Also one whose port is left in the bridge: the kernel has taken its interface."""
    (server,) = [each for each in site.servers if each.at is site.bob.at]
    assert told(site.bob, NAMES) == (200, "bob")
    server.kill()
    assert serves(site.cloud, site.lab[0])
    assert told(site.bob, NAMES) == (200, "bob")
    assert told(site.bob, NAMES, SIX) == (200, "bob")
    server.start()
    assert serves(site.cloud, *site.lab)
    assert told(site.bob, NAMES) == (200, "bob")
    assert server.stop() == 0
    assert "tenet-md0" not in site.lab[1].vsctl("list-ports", "br-int")
    server.start()


def test_a_change_of_metadata_is_told_at_once_and_sends_no_flow(site: Site) -> None:
    sent = site.cloud.controller.metric("tenet_flow_messages_total")
    site.red.update("port", site.ports["ann"]["id"], **{"tenet:metadata": {"hostname": "anna"}})
    assert told(site.ann, NAMES) == (200, "anna")
    assert site.cloud.controller.metric("tenet_flow_messages_total") == sent > 0
