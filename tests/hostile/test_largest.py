"""Every call that writes, of the OpenAPI description, with the largest bodies that it allows: linear in their size.

Bodies are made from the description alone (`largest`): a call that none can be made for fails here, and so does one of
which the rules refuse what should be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from controller.intent.default_rules import MOST_TEMPLATES
from northbound.body import MAX_BODY, MOST_VALUES
from northbound.v2.engine import MAX_BULK

from .cost import Call, assert_linear
from .largest import Hints, Maker, NoValue, Schema, Taken, Trail, WritingCall, calls, values
from .site import GROUP, Site, network_id, port_id, running, uuid

QUARTERS = 4  # of the largest body
VALUES = MOST_VALUES * 3 // 4  # of a bulk: some are within others, and brackets are counted, too
FULL = 0.14  # how long arrays and strings of a bulk are, of what they may be: rows have 64 KiB, networks 250 addresses
NETWORKS, ADDRESSES = 100, 9  # of the site; of a port of a bulk
TAKEN = Taken(
    # What others contradict, what needs what is not there, and projects: those that all belong to.
    frozenset(
        (
            "project_id",
            "tenant_id",
            "binding:host_id",
            "binding:profile",
            "provider:network_type",
            "provider:physical_network",
            "segments",
            "security_groups",
            "resource_id",
            "target_id",
            "remote_group_id",
            "remote_address_group_id",
            "subnetpool_id",
            "address_scope_id",
            "availability_zone_hints",
            "mac_address",
            "ipv6_ra_mode",
            "ipv6_address_mode",
            "host",
            "interface",
            "external_gateway_info",
            "port_id",
            "fixed_ip_address",
            "floating_ip_address",
            "internal_ip_address",
            "local_port_id",
            "local_ip_address",
            "fixed_ip",
            "flavor_id",
            "driver",
        )
    ),
    {"allowed_address_pairs": 10, "dns_nameservers": 5, "host_routes": 20, "routes": 30},  # as the rules have it
)


def nth(trail: Trail) -> int:
    """Which of a bulk; the first where there is one."""
    return trail[0] if len(trail) > 1 else 0


def within(trail: Trail, address: int) -> str:
    """An address of a bulk's subnet."""
    return f"172.{16 + (nth(trail) >> 8)}.{nth(trail) & 255}.{address}"


def pairs(count: int) -> dict[str, str]:
    return {f"k{number}": "x" for number in range(count)}


HINTS: Hints = {
    "network_id": lambda trail: network_id(sum(trail) % NETWORKS),
    "subnet_id": lambda trail: uuid(2, nth(trail) % NETWORKS),
    "ip_address": lambda trail: f"10.0.0.{52 + (nth(trail) // NETWORKS * ADDRESSES + trail[-1]) % 200}",
    "cidr": lambda trail: within((*trail, 0), 0) + "/24",
    "gateway_ip": lambda trail: within((*trail, 0), 1),
    "start": lambda trail: within(trail, 2 + 3 * trail[-1]),
    "end": lambda trail: within(trail, 3 + 3 * trail[-1]),
    "destination": lambda trail: f"10.{trail[-1]}.0.0/16",
    "nexthop": lambda trail: within(trail, 254),
    "prefixes[]": lambda trail: (
        f"10.{nth(trail) // 8}.{(nth(trail) % 8) * 32 + trail[-1] // 8}.{trail[-1] % 8 * 32}/28"
    ),
    "service_types[]": lambda trail: f"compute:{trail[-1]}".ljust(200, "x"),
    "object_type": lambda trail: "network",
    "object_id": lambda trail: network_id(0),
    "security_group_id": lambda trail: GROUP,
    "resource_type": lambda trail: "security_group",
    "ethertype": lambda trail: "IPv4",
    "remote_ip_prefix": lambda trail: within((*trail, 0), 7) + "/32",
    "addresses[]": lambda trail: f"12.{trail[0] & 255}.{trail[-1]}.0/28",
    "action": lambda trail: "access_as_shared",
    "source_ip_prefix": lambda trail: None,
    "destination_ip_prefix": lambda trail: None,
    "helper": lambda trail: "ftp",
    "protocol": lambda trail: "tcp",
    "external_port_range": lambda trail: f"{1 + sum(trail[:1])}",
    "internal_port_range": lambda trail: f"{1 + sum(trail[:1])}",
    "internal_port_id": lambda trail: port_id(0),
}


LAST = 65_535  # port
# Of which a port has one, or an address of a port: a bulk of them is refused.
AT_PORTS = ("ndp_proxies", "port_associations")
# How many there may be, where that is less than a bulk; each begins with some.
MOST = {"default_security_group_rules": MOST_TEMPLATES - 10}


class Described:
    """The site, its description, and objects that calls are about."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.document: Any = site.call("GET", "/openapi.json").json
        self.schemas = self.document["components"]["schemas"]
        first, *others = [HINTS["prefixes[]"]((number,)) for number in range(255)]
        self._full_pool = self._made("subnetpools", "subnetpool", {"name": "x", "prefixes": [
            "192.168.0.0/24", first, *others]})  # fmt: skip
        network = self._made("networks", "network", {})
        addresses = [HINTS["addresses[]"]((number,)) for number in range(256)]
        self._full_group = self._made("address-groups", "address_group", {"addresses": addresses})
        rule = {"direction": "ingress", "protocol": "tcp"}
        self._ids = {
            "networks": network_id(0), "ports": port_id(0),
            "subnets": self._made("subnets", "subnet", {
                "network_id": network, "ip_version": 4, "cidr": HINTS["cidr"](())}),
            "subnetpools": self._made("subnetpools", "subnetpool", {"name": "x", "prefixes": [first]}),
            "security-groups": GROUP,
            "address-groups": self._made("address-groups", "address_group", {"name": "x"}),
            "default-security-group-rules": self._made(
                "default-security-group-rules", "default_security_group_rule", rule
            ),
            "log": self._made("log/logs", "log", {"resource_type": "security_group", "name": "x"}),
            "address-scopes": self._made("address-scopes", "address_scope", {"name": "x", "ip_version": 4}),
            "rbac-policies": self._made("rbac-policies", "rbac_policy", {
                "object_type": "network", "object_id": network_id(1), "action": "access_as_shared",
                "target_tenant": "p9"}),
            "agents": site.call("GET", "/v2.0/agents").json["agents"][0]["id"],
            "flavors": self._made("flavors", "flavor", {"service_type": "L3_ROUTER_NAT"}),
            "service_profiles": self._made("service_profiles", "service_profile", {"metainfo": "x"}),
            "routers": self._made("routers", "router", {"name": "x"}),
        }  # fmt: skip
        self._add_interface()
        self._translate()
        for method, path, body in (
            ("POST", f"ports/{port_id(0)}/bindings", {"binding": {"host": "h9"}}),
            ("PUT", f"ports/{port_id(0)}/tags", {"tags": []}),
        ):
            assert site.call(method, f"/v2.0/{path}", body).status < 300
        plain = site.call("POST", f"/v1.1/tenants/p0/networks/{network_id(0)}/ports")
        self._plain_port = plain.json["port"]["id"]

    def _made(self, path: str, root: str, request: dict[str, Any]) -> str:
        reply = self.site.call("POST", f"/v2.0/{path}", {root: request})
        assert reply.status == 201, reply.body
        return str(reply.json[root]["id"])

    def _add_interface(self) -> None:
        """The router gets a gateway in an external network, and an interface where the next hops of routes are.

        `self._free`: a subnet that it could have another interface in.
        """
        router = f"/v2.0/routers/{self._ids['routers']}"
        self._external = self._made("networks", "network", {"router:external": True})
        gateway = {"router": {"external_gateways": [{"network_id": self._external}]}}
        assert self.site.call("PUT", f"{router}/add_external_gateways", gateway).status == 200
        used = {"subnet_id": self._ids["subnets"]}
        assert self.site.call("PUT", f"{router}/add_router_interface", used).status == 200
        network = self._made("networks", "network", {})
        self._free = self._made("subnets", "subnet", {"network_id": network, "ip_version": 4, "cidr": "172.31.0.0/24"})

    def _translate(self) -> None:
        """A floating IP with a router of its own, what is below it and below routers, and what counts there."""
        self._outside = self._made("networks", "network", {"router:external": True})
        subnet = {"network_id": self._outside, "ip_version": 4, "cidr": "198.18.0.0/15"}
        self._made("subnets", "subnet", subnet)
        way_out = {"external_gateway_info": {"network_id": self._outside}}
        to = {"subnet_id": uuid(2, 0)}
        router = self._made("routers", "router", way_out)
        assert self.site.call("PUT", f"/v2.0/routers/{router}/add_router_interface", to).status == 200
        floating = self._made("floatingips", "floatingip", {"floating_network_id": self._outside})
        local = self._made("local_ips", "local_ip", {"network_id": network_id(1), "local_ip_address": "10.0.0.253"})
        forwarding = {"internal_port_id": port_id(0), "protocol": "tcp", "external_port": LAST, "internal_port": LAST}
        helper = {"protocol": "tcp", "port": LAST, "helper": "ftp"}
        self._label = self._made("metering/metering-labels", "metering_label", {"name": "x"})
        self._ids |= {"floatingips": floating, "local_ips": local, "ndp_proxies": uuid(9, 9)}
        helpers = f"routers/{self._ids['routers']}/conntrack_helpers"
        self._below = {
            "port_forwardings": self._made(f"floatingips/{floating}/port_forwardings", "port_forwarding", forwarding),
            "conntrack_helpers": self._made(helpers, "conntrack_helper", helper),
        }

    def path(self, call: WritingCall) -> str:
        kind = call.path.split("/")[2]
        full = {"remove_prefixes": self._full_pool, "remove_addresses": self._full_group}
        mine = full.get(call.path.rpartition("/")[2], self._ids.get(kind, ""))
        names = {"id": mine, "host": "h9", "project": "p0", "tenant": "p0", "network": network_id(0),
                 "port": self._plain_port, "floatingip_id": self._ids["floatingips"],
                 "router_id": self._ids["routers"], "local_ip_id": self._ids["local_ips"]}  # fmt: skip
        below = call.path.split("/")[4:5]
        names["id"] = self._below.get(below[0], mine) if below else mine
        return re.sub(r"\{([a-z_]*)\}", lambda found: names[found[1]], call.path) + "?dry_run=true"

    def body(self, call: WritingCall, share: float, objects: int = 1, taken: Taken | None = TAKEN) -> Any:
        if call.path.endswith("{id}/service_profiles"):
            return {"service_profile": {"id": self._ids["service_profiles"]}}
        if call.path.endswith("_router_interface"):  # of two attributes either
            return {"subnet_id": self._free if "add" in call.path else self._ids["subnets"]}
        hints = {
            **HINTS,
            "external_gateways": lambda trail: [{"network_id": self._external}],
            "floating_network_id": lambda trail: self._outside,
            "metering_label_id": lambda trail: self._label,
            "tenet:metadata": lambda trail: {"user_data": "x" * int(6000 * share), "meta": pairs(int(100 * share))},
        }
        if "floatingips" in call.path:
            hints["subnet_id"] = lambda trail: None
        if "conntrack_helpers" in call.path:
            hints["port"] = lambda trail: 1 + sum(trail[:1])
        if "ndp_proxies" in call.path:
            hints["ip_address"] = lambda trail: None
        return Maker(self.schemas, hints, share, objects, taken).body(call)

    def sized(self, call: WritingCall, body: Any, taken: Taken | None) -> Call:
        encoded = msgspec.json.encode(body)
        assert len(encoded) <= MAX_BODY and values(body) <= MOST_VALUES

        def send() -> None:
            reply = self.site.call(call.method.upper(), self.path(call), encoded)
            refused = not taken or any(each in call.path for each in AT_PORTS)
            assert reply.status < (500 if refused else 300), (str(call), reply.status, reply.body[:500])

        return send


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    with running(tmp_path_factory.mktemp("site"), 50 * NETWORKS, 10) as site:
        yield Described(site)


def test_no_call_that_writes_escapes(described: Described) -> None:
    """All that have a body are described with one, and a body can be made for each."""
    every = calls(described.document)
    assert len(every) > 40 and sum(bool(call.plural) for call in every) >= 6
    for call in every:
        for taken in (TAKEN, None):
            described.body(call, 1.0, 1, taken)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "integer"},
        {"type": "string", "pattern": "^[A-Z]{3}$"},
        {"oneOf": [{"type": "string"}]},
    ],
)
def test_a_schema_without_a_bound_or_of_an_unknown_kind_would_be_found(schema: Schema) -> None:
    body = {"type": "object", "properties": {"x": schema}, "additionalProperties": False}
    with pytest.raises(NoValue):
        Maker({}, {}, 1.0).body(WritingCall("post", "/", body, ""))


@pytest.mark.parametrize("taken", [TAKEN, None], ids=["as the rules take it", "with every attribute"])
def test_the_largest_object_costs_linear_time(described: Described, taken: Taken | None) -> None:
    for call in calls(described.document):
        if not call.plural:

            def sized(quarters: int, call: WritingCall = call) -> Call:
                return described.sized(call, described.body(call, quarters / QUARTERS, 1, taken), taken)

            assert_linear(sized, 1, 2)


@pytest.mark.parametrize("share", [0.0, FULL], ids=["many", "large"])
@pytest.mark.parametrize("taken", [TAKEN, None], ids=["as the rules take it", "with every attribute"])
def test_the_largest_bulk_costs_linear_time(described: Described, taken: Taken | None, share: float) -> None:
    for call in calls(described.document):
        if call.plural:
            each = values(described.body(call, share, 1, taken))
            most = min(MAX_BULK, VALUES // each, MOST.get(call.plural, MAX_BULK))

            def sized(objects: int, call: WritingCall = call) -> Call:
                return described.sized(call, described.body(call, share, objects, taken), taken)

            assert_linear(sized, most // QUARTERS, 2)
