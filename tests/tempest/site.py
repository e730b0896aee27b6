"""What Tempest runs against: a real Keystone, Tenet as `tenet run` starts it, and two hosts with Open vSwitch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.identity.cloud import Keystone, Tenet, free_port
from tests.ovs import PrivateOvs

from .compute import Compute
from .configuration import VLANS, tempest_conf

SHOWN = ("network_type", "physical_network", "segmentation_id")
HOSTS = ("host1", "host2")
PATIENCE = 60.0  # seconds until the hosts are there


@contextlib.contextmanager
def running(directory: Path) -> Iterator[str]:
    """The site, while the context lasts; Tempest's configuration for it, which puts its logs into `directory`."""
    homes = {name: directory / name for name in ("keystone", "tenet", "tempest")}
    for home in homes.values():
        home.mkdir(parents=True)
    with contextlib.ExitStack() as site:
        keystone = Keystone(homes["keystone"])
        keystone.start()
        site.callback(keystone.stop)
        ovsdb = free_port()
        # one test filters as a member by attributes that are hidden from members; by what is hidden nobody filters
        policy = homes["tenet"] / "policy.yaml"
        policy.write_text("".join(f'"get_network:provider:{name}": "role:reader"\n' for name in SHOWN))
        tenet = Tenet(homes["tenet"], keystone, {
            "oslo_policy": f"policy_file = {policy}",
            "ovsdb": f"listen = 127.0.0.1:{ovsdb}",
            "northbound": "quantum = false",
            "network": f"network_vlan_ranges = {VLANS[0]}:{VLANS[1]}:{VLANS[2]}",
            "quotas": "port = 500\nrouter = 100",
        })  # fmt: skip
        tenet.start()
        site.callback(tenet.stop)
        for name in HOSTS:
            ovs = site.enter_context(PrivateOvs())
            ids = {"system-id": name, "hostname": name, "tenet-datapath-type": "netdev"}
            ovs.vsctl("set", "Open_vSwitch", ".", *(f"external_ids:{key}={value}" for key, value in ids.items()))
            ovs.dial(f"tcp:127.0.0.1:{ovsdb}")
        token = keystone.token(keystone.admin)
        compute = Compute(HOSTS)
        site.callback(compute.stop)
        _catalog(keystone, token, {"network": tenet.url, "compute": compute.url})
        _await_hosts(tenet, token)
        _default_pool(tenet, token)
        shown = tenet.call("GET", "/v2.0/extensions", token=token).json["extensions"]
        yield tempest_conf(homes["tempest"], keystone, [each["alias"] for each in shown], _external(tenet, token))


def _catalog(keystone: Keystone, token: str, urls: Mapping[str, str]) -> None:
    """`urls` by type of service."""
    for kind, url in urls.items():
        service = keystone.make("services", {"type": kind, "name": kind}, token)
        endpoint = {"service_id": service, "interface": "public", "url": url, "region_id": "here"}
        keystone.make("endpoints", endpoint, token)


def _await_hosts(tenet: Tenet, token: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        agents = tenet.call("GET", "/v2.0/agents", token=token).json["agents"]
        if len(agents) == len(HOSTS) and all(agent["alive"] for agent in agents):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"no hosts: {agents}")
        time.sleep(0.2)


def _external(tenet: Tenet, token: str) -> str:
    """A network with the flag, and a subnet of it."""
    made = tenet.call("POST", "/v2.0/networks", {"network": {"name": "public", "router:external": True}}, token)
    network = str(made.json["network"]["id"])
    subnet = {"network_id": network, "ip_version": 4, "cidr": "192.0.2.0/24"}
    assert tenet.call("POST", "/v2.0/subnets", {"subnet": subnet}, token).status == 201
    return network


def _default_pool(tenet: Tenet, token: str) -> None:
    """What networks are made from that nobody describes."""
    pool = {
        "name": "default",
        "prefixes": ["100.64.0.0/10"],
        "default_prefixlen": 26,
        "is_default": True,
        "shared": True,
    }
    assert tenet.call("POST", "/v2.0/subnetpools", {"subnetpool": pool}, token).status == 201
