"""The description of the API is true under every option of the configuration that changes what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from controller.config.settings import OPTIONS
from controller.model.rows.base import QUOTAS
from northbound.identity import tokens
from northbound.v2.catalogue import RESOURCES
from tests.store.etcd_process import Cluster

from .live import Live, running
from .samples import COME_ALONG, SAMPLES, connect, creatable, outside
from .test_openapi import fits

PHYSICAL = "[network]\nflat_networks = flat\nnetwork_vlan_ranges = vlans:100:199\n"
# Option -> configuration under which answers are others than by default.  {directory} is the test's own.
CHANGES: dict[tuple[str, str], str] = {
    ("store", "url"): "[store]\nurl = {etcd}\n",
    ("northbound", "quantum"): "[northbound]\nquantum = false\n",
    ("northbound", "hosts"): "[northbound]\nhosts = tenet.example\n",
    ("network", "flat_networks"): PHYSICAL,
    ("network", "network_vlan_ranges"): PHYSICAL,
    ("network", "physical_network_mtu"): f"{PHYSICAL}physical_network_mtu = 9000\n",
    ("network", "underlay_mtu"): "[network]\nunderlay_mtu = 1400\n",
    ("network", "underlay_ip_version"): "[network]\nunderlay_ip_version = 6\n",
    ("network", "broadcast_rate"): "[network]\nbroadcast_rate = 0\n",
    ("fabric", "cost"): "[fabric]\ncost = speed\n",
    ("auth", "strategy"): "[auth]\nstrategy = tokens\ntokens = {directory}/tokens\n",
    ("network", "least_mtu"): "[network]\nleast_mtu = 68\n",
    **{("quotas", name): f"[quotas]\n{name} = {1 + COME_ALONG.get(name, 0)}\n" for name in QUOTAS},
}  # fmt: skip
# What else there is: addresses, times, rates, files, names in logs, and what is refused at the start.
CHANGES_NOTHING = {
    ("northbound", "listen"), ("northbound", "connections_per_address"), ("openflow", "listen"),
    ("openflow", "audit_interval"), ("openflow", "verify_interval"), ("openflow", "echo_interval"),
    ("openflow", "packet_in_rate"), ("openflow", "adopt"), ("openflow", "adopted_switches"), ("ovsdb", "listen"),
    ("network", "offered_interfaces"),
    ("cluster", "member"), ("cluster", "lease"), ("cluster", "advertise"), ("cluster", "accept_empty"),
    ("security", "ca"), ("security", "certificate"), ("security", "private_key"), ("security", "bind_certificates"),
    ("security", "allow_plaintext"), ("auth", "insecure"), ("auth", "tokens"), ("hub", "held_warning"),
    ("nova", "endpoint"), ("openflow", "forget_after"), ("openflow", "drop_rate"), ("openflow", "connection_pickup"),
    ("openflow", "router_rate"), ("network", "permitted_ethertypes"),
    ("services", "dhcp_lease_time"), ("services", "dhcp_renewal_time"), ("services", "dhcp_rebinding_time"),
    ("services", "dns_domain"), ("services", "rate"), ("services", "ra_interval"), ("services", "dns_servers"),
    ("services", "project_rate"), ("services", "dhcp_relay_address"),
    ("metadata", "controllers"), ("metadata", "ca"), ("metadata", "token_file"), ("metadata", "user"),
    ("metadata", "nova_url"), ("metadata", "nova_ca"), ("metadata", "nova_secret_file"),
    ("external_dns", "server"), ("external_dns", "key_file"), ("external_dns", "zones"),
    ("external_dns", "reverse_networks"), ("external_dns", "ipv4_ptr_zone_prefix_size"),
    ("external_dns", "ipv6_ptr_zone_prefix_size"), ("external_dns", "ttl"), ("external_dns", "timeout"),
}  # fmt: skip
QUERIES = {"/tenet/v1/trace": "?from={port}&to={port}"}
STREAMS = ("/tenet/v1/events", "/metrics", "/docs")


def test_every_option_is_of_one_kind() -> None:
    """A new option is to be looked at: does it change an answer?"""
    options = {(section, option.dest) for section, each in OPTIONS.items() for option in each}
    assert options - CHANGES.keys() == CHANGES_NOTHING
    assert CHANGES.keys() <= options


class Tried(NamedTuple):
    live: Live
    token: str
    whole: dict[str, Any]

    def ask(self, method: str, template: str, values: dict[str, str], query: str = "", body: object = None) -> Any:
        """The JSON of an answer that is as described."""
        path = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], template)
        status, said = self.live.call(method, path + query, body, self.token)
        assert status < 500 or status == 503, (path, said)
        if said is not None:
            fits(self.whole, template, method.lower(), status, said)
        return said


def make(tried: Tried, physical: bool) -> dict[str, str]:
    """An object of each kind, and its id by the kind."""
    made = {"tenant": "default", "project": "default", "alias": "quotas", "host": "h", "tag": "a", "profile": "none"}

    def ask(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        status, said = tried.live.call(method, f"/v2.0/{path}", body, tried.token)
        assert status < 300, said
        return dict(said)

    made |= {name: row["id"] for name, row in outside(ask).items()}
    for resource in creatable():
        request = SAMPLES[resource.name](made.__getitem__, 1)
        if physical and resource.name == "network":
            request |= {"provider:network_type": "vlan", "provider:physical_network": "vlans"}
        above = {f"{name}_id": row_id for name, row_id in made.items()}
        said = tried.ask("POST", f"/v2.0/{resource.path}", above, "", {resource.name: request})
        assert resource.name in said, said
        made[resource.name] = said[resource.name]["id"]
        made |= {name: row["id"] for name, row in connect(ask, made.__getitem__, resource.name).items()}
    if physical:
        flat = {"provider:network_type": "flat", "provider:physical_network": "flat"}
        assert "network" in tried.ask("POST", "/v2.0/networks", {}, "", {"network": flat})
    host = {"binding:host_id": "h"}
    tried.ask("PUT", "/v2.0/ports/{id}", {"id": made["port"]}, "", {"port": host})
    return made


def identified(template: str, made: dict[str, str]) -> dict[str, str]:
    """What stands for {id}, {network}, {network_id} and the like in a path."""
    paths = sorted(RESOURCES, key=lambda each: -len(each.path))
    named = next((each.name for each in paths if template.startswith(f"/v2.0/{each.path}/")), "")
    above = {f"{name}_id": row_id for name, row_id in made.items()}
    return {**above, **made, "id": made.get(named, "none"), "member": "none", "number": "1", "key": "1"}


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("etcd"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.mark.parametrize("text", ["", *dict.fromkeys(CHANGES.values())], ids=lambda text: " ".join(text.split()) or "-")
def test_answers_are_as_described(tmp_path: Path, request: pytest.FixtureRequest, text: str) -> None:
    token, entry = tokens.new("default", "op", ("admin",))
    tokens.save(tmp_path / "tokens", [entry])
    url = request.getfixturevalue("etcd").url("options") if "{etcd}" in text else ""
    with running(tmp_path, text.format(directory=tmp_path, etcd=url)) as live:
        tried = Tried(live, token, live.call("GET", "/openapi.json", token=token)[1])
        made = make(tried, "flat_networks" in text)
        for template, calls in tried.whole["paths"].items():
            if "get" in calls and template not in STREAMS:
                query = QUERIES.get(template, "").format(port=made["port"])
                tried.ask("GET", template, identified(template, made), query)
        for path, root in (("networks", "network"), ("address-scopes", "address_scope")):  # some are over a quota now
            more = {"name": "m"} | ({"ip_version": 4} if root == "address_scope" else {})
            tried.ask("POST", f"/v2.0/{path}", {}, "", {root: more})
            tried.ask("PUT", f"/v2.0/{path}/{{id}}", {"id": made[root]}, "", {root: {"name": "new"}})
        status = live.call("GET", "/v1.1/tenants/default/networks", token=token)[0]
        assert status == (404 if "quantum = false" in text else 200)
        assert "ERROR" not in live.process.text()
