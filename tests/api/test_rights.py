"""The table of rights: which call may change which object, by its owner's relation to the caller; a member of red asks.

The calls are those of `/openapi.json`, the references those that the resources declare: a new one needs its row here.
What is refused changes nothing; what is allowed changes no row of another project, but where SAYS has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.store.replica import Replica
from controller.store.store import Store
from northbound.openapi.document import document

from .conftest import Reply
from .estate import NOBODY, Estate
from .samples import named as named_resource
from .test_isolation_everywhere import NAMED, reference, references

OWN, NOBODYS = {"own"}, set[str]()
MINE = {"network": {"own", "home"}, "port": {"own", "guest"}, "subnetpool": {"own", "guest"}, "address_scope": OWN,
        "address_group": OWN, "log": NOBODYS, "subnet": {"own", "operators"}, "rbac_policy": OWN,
        "security_group": {"own", "home"}, "router": {"own", "spare"},
        "floatingip": OWN, "local_ip": OWN, "ndp_proxy": OWN}  # fmt: skip
V2: dict[tuple[str, str], set[str]] = {
    **{(method, f"/v2.0/{path}/{{id}}"): MINE[kind] for method in ("PUT", "DELETE") for path, kind in (
        ("networks", "network"), ("subnets", "subnet"), ("subnetpools", "subnetpool"),
        ("address-scopes", "address_scope"), ("address-groups", "address_group"), ("rbac-policies", "rbac_policy"),
        ("security-groups", "security_group"), ("log/logs", "log"), ("routers", "router"),
        ("floatingips", "floatingip"), ("local_ips", "local_ip"), ("ndp_proxies", "ndp_proxy"))},
    ("DELETE", "/v2.0/metering/metering-labels/{id}"): NOBODYS,  # for managers
    ("DELETE", "/v2.0/metering/metering-label-rules/{id}"): NOBODYS,
    # no other part is there
    **dict.fromkeys(((method, f"/v2.0/{path}{one}") for path, methods in (
        ("floatingips/{floatingip_id}/port_forwardings", ("PUT", "DELETE")),
        ("routers/{router_id}/conntrack_helpers", ("PUT", "DELETE")),
        ("local_ips/{local_ip_id}/port_associations", ("DELETE",)))
        for method, one in (("POST", ""), *((each, "/{id}") for each in methods))), NOBODYS),
    ("DELETE", "/v2.0/routers/{id}"): {"spare"},  # own has an interface
    **{("PUT", f"/v2.0/routers/{{id}}/{action}"): MINE["router"] for action in (
        "add_router_interface", "add_extraroutes", "remove_extraroutes", "add_external_gateways",
        "update_external_gateways", "remove_external_gateways")},
    ("PUT", "/v2.0/routers/{id}/remove_router_interface"): OWN,
    ("DELETE", "/v2.0/security-group-rules/{id}"): {"own", "home", "operators"},
    ("DELETE", "/v2.0/networks/{id}"): OWN,  # home is in use
    ("PUT", "/v2.0/ports/{id}"): MINE["port"],
    ("DELETE", "/v2.0/ports/{id}"): {*MINE["port"], "guests"},
    **{(method, f"/v2.0/{path}/{{id}}/tags{one}"): MINE[kind] for method, one in (
        ("PUT", ""), ("POST", ""), ("DELETE", ""), ("PUT", "/{tag}")) for path, kind in (
        ("networks", "network"), ("ports", "port"), ("subnetpools", "subnetpool"),
        ("address-scopes", "address_scope"), ("security-groups", "security_group"), ("routers", "router"),
        ("floatingips", "floatingip"))},
    **{("DELETE", f"/v2.0/{path}/{{id}}/tags/{{tag}}"): NOBODYS for path in (  # there is no such tag
        "networks", "ports", "subnetpools", "address-scopes", "security-groups", "routers",
        "subnets", "floatingips")},
    **{(method, f"/v2.0/subnets/{{id}}/tags{one}"): {"own", "guest"} for method, one in (  # whose the subnet is
        ("PUT", ""), ("POST", ""), ("DELETE", ""), ("PUT", "/{tag}"))},
    ("PUT", "/v2.0/subnetpools/{id}/add_prefixes"): OWN,
    ("PUT", "/v2.0/subnetpools/{id}/remove_prefixes"): OWN,
    ("PUT", "/v2.0/address-groups/{id}/add_addresses"): OWN,
    ("PUT", "/v2.0/address-groups/{id}/remove_addresses"): OWN,
    ("DELETE", "/v2.0/default-security-group-rules/{id}"): NOBODYS,
    ("DELETE", "/v2.0/auto-allocated-topology/{project}"): OWN,
    **dict.fromkeys((
        ("POST", "/v2.0/agents/{id}/l3-routers"), ("PUT", "/v2.0/agents/{id}/l3-routers/{router}"),
        ("DELETE", "/v2.0/agents/{id}/l3-routers/{router}"),
        ("POST", "/v2.0/agents/{id}/dhcp-networks"), ("DELETE", "/v2.0/agents/{id}/dhcp-networks/{network}"),
        ("PUT", "/v2.0/agents/{id}"), ("DELETE", "/v2.0/agents/{id}"),
        ("POST", "/v2.0/ports/{id}/bindings"), ("PUT", "/v2.0/ports/{id}/bindings/{host}"),
        ("DELETE", "/v2.0/ports/{id}/bindings/{host}"), ("PUT", "/v2.0/ports/{id}/bindings/{host}/activate"),
        *((method, f"/v2.0/{path}/{{id}}") for method in ("PUT", "DELETE") for path in ("flavors", "service_profiles")),
        ("POST", "/v2.0/flavors/{id}/service_profiles"), ("DELETE", "/v2.0/flavors/{id}/service_profiles/{profile}"),
        ("PUT", "/v2.0/quotas/{project}"), ("DELETE", "/v2.0/quotas/{project}")), NOBODYS),
}  # fmt: skip
V1: dict[tuple[str, str], set[str]] = {
    ("PUT", "networks/{network}"): {"own", "home"},
    ("DELETE", "networks/{network}"): OWN,
    ("POST", "networks/{network}/ports"): {"own", "home"},
    ("PUT", "networks/{network}/ports/{port}"): OWN,
    ("DELETE", "networks/{network}/ports/{port}"): OWN,
    ("PUT", "networks/{network}/ports/{port}/attachment"): OWN,
    ("DELETE", "networks/{network}/ports/{port}/attachment"): OWN,
}
# Where the owner of a network has a say over what is on it, or of a group over its rules: these rows of others change.
SAYS = {("DELETE", "/v2.0/ports/{id}", "guests"), ("PUT", "/v2.0/subnets/{id}", "operators"),
        ("DELETE", "/v2.0/subnets/{id}", "operators"), ("DELETE", "/v2.0/security-group-rules/{id}", "operators"),
        ("DELETE", "/v2.0/security-groups/{id}", "home")}  # fmt: skip
BODIES: dict[str, Any] = {
    "tags": {"tags": ["a"]}, "bindings": {"binding": {"host": "h"}}, "{host}": {"binding": {"profile": {"a": 1}}},
    "add_prefixes": {"prefixes": ["10.90.0.0/16"]}, "remove_prefixes": {"prefixes": ["10.65.9.0/24"]},
    "add_addresses": {"addresses": ["10.90.0.0/16"]}, "remove_addresses": {"addresses": ["10.0.0.0/8"]},
    "service_profiles": {"service_profile": {"id": NOBODY}},
    "{project}": {"quota": {"port": 1}}, "attachment": {"attachment": {"id": NOBODY}},
    "add_extraroutes": {"router": {"routes": []}}, "remove_extraroutes": {"router": {"routes": []}},
    "add_external_gateways": {"router": {"external_gateways": []}},
    "update_external_gateways": {"router": {"external_gateways": []}},
    "remove_external_gateways": {"router": {"external_gateways": []}},
}  # fmt: skip
CHANGES: dict[str, dict[str, str]] = {
    "service_profile": {"description": "x"},
    "rbac_policy": {"target_tenant": "x"},
    "agent": {"description": "x"},
    "floatingip": {"description": "x"},
}


def writes(prefix: str) -> list[tuple[str, str]]:
    """Of one version, those that are about an object."""
    return [
        (method.upper(), template)
        for template, methods in document()["paths"].items()
        for method in methods
        if template.startswith(prefix) and method.upper() != "GET" and "{" in template
    ]


@pytest.fixture
def estate(tmp_path: Path, store: Store, replica: Replica) -> Estate:
    return Estate(tmp_path, store, replica)


def test_every_call_has_its_row() -> None:
    assert set(writes("/v2.0/")) == set(V2)
    for version in ("v1.0", "v1.1"):
        path = f"/{version}/tenants/{{tenant}}/"
        assert {(method, each.removeprefix(path)) for method, each in writes(f"/{version}/")} - set(V1) == {
            ("POST", "networks")  # which is about nothing that is there
        }


def refused(estate: Estate, method: str, path: str, body: object) -> None:
    before, hidden = estate.rows(), estate.hidden()
    reply = estate.red.call(method, path, body)
    assert 400 <= reply.status < 500, (method, path, reply.body)
    assert estate.rows() == before, (method, path)
    names_nothing_hidden(reply, hidden, path, body)


def names_nothing_hidden(reply: Reply, hidden: set[str], path: str, body: object) -> None:
    named = {each for each in hidden if each in reply.body.decode() and each not in path and each not in str(body)}
    assert not named, (path, reply.body)


def allowed(estate: Estate, method: str, path: str, body: object, others: bool = False) -> Reply:
    before = estate.rows()
    reply = estate.red.call(method, path, body)
    assert reply.status < 300, (method, path, reply.body)
    assert bool(estate.others(before)) == others, (method, path, estate.others(before))
    return reply


@pytest.mark.parametrize(("method", "template"), sorted(V2))
def test_v2(estate: Estate, method: str, template: str) -> None:
    kind = NAMED[template[: template.index("{")]]
    last = template.rpartition("/")[2]
    for relation, named in sorted(estate.of[kind].items(), key=lambda each: each[0] in V2[method, template]):
        path = re.sub(r"\{\w+\}", "x", re.sub(r"\{\w+\}", named, template, count=1))
        body = None if method == "DELETE" else BODIES.get(last, {kind: CHANGES.get(kind, {"name": "x"})})
        body = None if last in ("{tag}", "activate") else body
        subnets = {"remove_router_interface": estate.routed,
                   "add_router_interface": estate.to_route.get(relation, estate.routed)}  # fmt: skip
        body = {"subnet_id": subnets[last]} if last in subnets else body
        if relation in V2[method, template]:
            allowed(estate, method, path, body, others=(method, template, relation) in SAYS)
        else:
            refused(estate, method, path, body)


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
@pytest.mark.parametrize(("method", "template"), sorted(V1))
def test_v1(estate: Estate, version: str, method: str, template: str) -> None:
    kind = "port" if "{port}" in template else "network"
    last = template.rpartition("/")[2]
    bodies = {"networks": {"network": {"name": "x"}}, "{network}": {"network": {"name": "x"}}} | BODIES
    body = None if method == "DELETE" else bodies.get(last, {"port": {"state": "ACTIVE"}})
    for relation, named in sorted(estate.of[kind].items(), key=lambda each: each[0] in V1[method, template]):
        network = estate.blue.call("GET", f"/v2.0/ports/{named}").json if kind == "port" and relation != "own" else {}
        at = network["port"]["network_id"] if network else estate.of["network"]["home"]
        parts = {"network": at, "port": named} if kind == "port" else {"network": named}
        path = f"/{version}/tenants/red/" + template.format(**parts)
        if relation in V1[method, template]:
            allowed(estate, method, path, body)
        else:
            refused(estate, method, path, body)


@pytest.mark.parametrize(("method", "template"), writes("/tenet/"))
def test_the_operators_calls(estate: Estate, method: str, template: str) -> None:
    refused(estate, method, re.sub(r"\{\w+\}", "x", template), None)


# --- what may be referred to ------------------------------------------------------------------------------------------

SEEN = {"own", "home", "shared", "everyones"}
REFERS: dict[tuple[str, str, str], tuple[str, set[str]]] = {
    ("subnet", "network_id", "CREATE"): ("network", {"own", "home"}),
    ("subnet", "subnetpool_id", "CREATE"): ("subnetpool", {"own", "guest", "shared", "everyones"}),
    ("port", "network_id", "CREATE"): ("network", SEEN),
    ("port", "fixed_ips", "CREATE"): ("subnet", {"own", "operators", "shared", "everyones", "guest"}),
    ("port", "fixed_ips", "UPDATE"): ("subnet", {"operators"}),  # those of the port's own network
    ("subnetpool", "address_scope_id", "CREATE"): ("address_scope", {"own", "shared", "everyones"}),
    ("subnetpool", "address_scope_id", "UPDATE"): ("address_scope", {"own", "shared", "everyones"}),
    ("port", "security_groups", "CREATE"): ("security_group", SEEN),
    ("port", "security_groups", "UPDATE"): ("security_group", SEEN),
    ("security_group_rule", "security_group_id", "CREATE"): ("security_group", {"own", "home"}),
    ("security_group_rule", "remote_group_id", "CREATE"): ("security_group", SEEN),
    ("security_group_rule", "remote_address_group_id", "CREATE"): ("address_group", SEEN),
    ("log", "resource_id", "CREATE"): ("security_group", NOBODYS),  # for managers, see test_logs.py
    ("log", "target_id", "CREATE"): ("port", NOBODYS),
    ("router", "flavor_id", "CREATE"): ("flavor", {"everyones"}),
    ("router", "external_gateway_info", "CREATE"): ("network", {"external"}),
    ("router", "external_gateway_info", "UPDATE"): ("network", {"external"}),
    ("floatingip", "floating_network_id", "CREATE"): ("network", {"external"}),
    ("floatingip", "subnet_id", "CREATE"): ("subnet", {"external"}),
    ("floatingip", "port_id", "CREATE"): ("port", NOBODYS),  # that no router leads to
    ("floatingip", "port_id", "UPDATE"): ("port", NOBODYS),
    ("port_forwarding", "internal_port_id", "CREATE"): ("port", NOBODYS),
    ("port_forwarding", "internal_port_id", "UPDATE"): ("port", NOBODYS),
    ("ndp_proxy", "router_id", "CREATE"): ("router", NOBODYS),
    ("ndp_proxy", "port_id", "CREATE"): ("port", NOBODYS),
    ("metering_label_rule", "metering_label_id", "CREATE"): ("metering_label", NOBODYS),  # for managers
    ("local_ip", "local_port_id", "CREATE"): ("port", {"guest"}),  # own has no address
    ("local_ip", "network_id", "CREATE"): ("network", SEEN),
    ("port_association", "fixed_port_id", "CREATE"): ("port", NOBODYS),
    ("rbac_policy", "object_id", "CREATE"): (
        "network subnetpool address_scope address_group security_group",
        {"own", "home", "guest"},
    ),
}


def test_every_reference_has_its_row() -> None:
    assert {(resource.name, each.name, may.name) for resource, each, may in references()} == set(REFERS)


@pytest.mark.parametrize(("resource", "attribute", "may"), sorted(REFERS))
def test_references(estate: Estate, resource: str, attribute: str, may: str) -> None:
    kinds, rights = REFERS[resource, attribute, may]
    path = named_resource(resource).path
    for kind in kinds.split():
        for relation, named in sorted(estate.of[kind].items(), key=lambda each: each[0] in rights):
            body = {resource: whole(estate, resource, attribute, kind, named) if may == "CREATE" else {}}
            body[resource] |= {attribute: reference(attribute, named)}
            call = ("POST", f"/v2.0/{path}", body)
            if may == "UPDATE":
                own = estate.of[resource]["own"]
                if resource == "subnetpool":  # one that is in another's scope stays there
                    own = estate.red.made("subnetpool", prefixes=["10.66.0.0/16"])["id"]
                call = ("PUT", f"/v2.0/{path}/{own}", body)
            if relation in rights:
                allowed(estate, *call)
            else:
                refused(estate, *call)


def whole(estate: Estate, resource: str, attribute: str, kind: str, named: str) -> dict[str, Any]:
    """What else a new object must say."""
    if attribute == "security_groups":
        return {"network_id": estate.of["network"]["home"]}
    if resource == "port":
        row = estate.operator.call("GET", f"/v2.0/subnets/{named}").json if attribute == "fixed_ips" else {}
        return {"network_id": row["subnet"]["network_id"]} if row else {}
    if resource == "subnet" and attribute == "subnetpool_id":
        return {"network_id": estate.red.made("network")["id"], "ip_version": 4}
    wholes: Mapping[str, dict[str, Any]] = {
        "subnet": {"ip_version": 4, "cidr": "10.77.0.0/24"},
        "subnetpool": {"prefixes": ["10.66.0.0/16"]},
        "security_group_rule": {"direction": "ingress", "ethertype": "IPv6"}
        | ({} if attribute == "security_group_id" else {"security_group_id": estate.of["security_group"]["own"]}),
        "log": {"resource_type": "security_group"},
        "router": {},
        "floatingip": {"floating_network_id": estate.of["network"]["external"]},
        "port_forwarding": {"protocol": "tcp", "external_port": 1, "internal_port": 1},
        "ndp_proxy": {"router_id": estate.of["router"]["own"], "port_id": estate.of["port"]["own"]},
        "metering_label_rule": {"direction": "ingress", "remote_ip_prefix": "11.0.0.0/8"},
        "local_ip": {},
        "port_association": {},
        "rbac_policy": {"object_type": kind, "action": "access_as_shared", "target_tenant": "blue"},
    }
    return wholes[resource]


# --- what the owner of a network has a say in -------------------------------------------------------------------------


def test_the_owners_subnet_gives_and_takes_the_addresses_that_guests_make_for_themselves(estate: Estate) -> None:
    """SLAAC (RFC 4862): whoever is on the network makes an address there, so a guest's port is shown with it."""
    port, before = estate.of["port"]["guests"], estate.rows()
    subnet = estate.red.made("subnet", network_id=estate.of["network"]["home"], ip_version=6, cidr="2001:db8::/64",
                             ipv6_address_mode="slaac", ipv6_ra_mode="slaac")  # fmt: skip
    assert estate.others(before) >= {f"port/{port}"}
    assert estate.others(before) == {key for key in estate.others(before) if key.endswith(port) or "/ip/" in key}
    shown = estate.blue.call("GET", f"/v2.0/ports/{port}").json["port"]["fixed_ips"]
    assert [each["ip_address"] for each in shown] == ["2001:db8::f816:3eff:fe00:1"]
    assert estate.red.call("DELETE", f"/v2.0/subnets/{subnet['id']}").status == 204
    assert estate.blue.call("GET", f"/v2.0/ports/{port}").json["port"]["fixed_ips"] == []


def test_no_policy_file_gives_a_guest_the_subnets_of_a_network(tmp_path: Path, store: Store, replica: Replica) -> None:
    policy = "".join(f'"{verb}_subnet": ""\n' for verb in ("create", "update", "delete"))
    estate = Estate(tmp_path, store, replica, policy)
    network = {"network_id": estate.of["network"]["shared"], "ip_version": 4, "cidr": "10.77.0.0/24"}
    refused(estate, "POST", "/v2.0/subnets", {"subnet": network})
    for relation in ("shared", "guest"):
        path = f"/v2.0/subnets/{estate.of['subnet'][relation]}"
        refused(estate, "PUT", path, {"subnet": {"name": "x"}})
        refused(estate, "DELETE", path, None)
