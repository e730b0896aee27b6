"""What each persona may do, by operation and by attribute, and how an operator's file changes that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.runtime.errors import Forbidden, Misconfigured
from controller.store.replica import Replica
from controller.store.store import Store
from northbound.auth import Caller, with_implied
from northbound.enforce import Rules, reading
from northbound.v2.catalogue import RESOURCES

from .tenants import Cloud, Person

RED = {"project_id": "red", "tenant_id": "red"}
OF_RED_ON_BLUE = RED | {"network:project_id": "blue", "network:tenant_id": "blue"}
OF_BLUE_ON_RED = {"project_id": "blue", "tenant_id": "blue", "network:project_id": "red", "network:tenant_id": "red"}
ON_RED = RED | {"network:project_id": "red", "network:tenant_id": "red"}


def somebody(project: str, *roles: str) -> Caller:
    return Caller(project, "admin" in roles, "u", with_implied(list(roles)))


PERSONAS = {
    "operator": somebody("ops", "admin"),
    "manager": somebody("red", "manager"),
    "member": somebody("red", "member"),
    "reader": somebody("red", "reader"),
    "other member": somebody("blue", "member"),
    "service": somebody("services", "service"),
    "nobody": somebody("red"),
}
WRITERS = {"operator", "manager", "member"}
READERS = WRITERS | {"reader"}

# (action, target) -> who may
MATRIX: list[tuple[str, dict[str, Any], set[str]]] = [
    *((f"{verb}_{kind}", RED, WRITERS) for verb in ("create", "update", "delete")
      for kind in ("network", "subnetpool", "address_scope", "address_group", "rbac_policy")),
    *((action, RED, WRITERS) for action in ("add_addresses", "remove_addresses")),
    *((f"get_{kind}", RED, READERS) for kind in ("subnetpool", "address_scope", "address_group", "rbac_policy",
                                                       "quota")),
    ("get_address_group", {"project_id": "green", "shared": True}, READERS | {"other member"}),
    ("update_address_group", {"project_id": "green", "shared": True}, {"operator"}),
    *((f"get_{kind}", ON_RED, READERS | {"service"}) for kind in ("network", "subnet", "port")),
    *((f"{verb}_subnet", ON_RED, WRITERS) for verb in ("create", "update", "delete")),
    *((f"{verb}_port", ON_RED, WRITERS | {"service"}) for verb in ("create", "update", "delete")),
    # on somebody else's network
    ("create_port", OF_RED_ON_BLUE, WRITERS | {"service"}),
    ("delete_port", OF_BLUE_ON_RED, {"operator", "manager", "member", "other member", "service"}),
    ("update_port", OF_BLUE_ON_RED, {"operator", "other member", "service"}),
    ("get_port", OF_BLUE_ON_RED, READERS | {"other member", "service"}),
    ("get_network", {"project_id": "green", "shared": True}, READERS | {"other member", "service"}),
    ("get_network", {"project_id": "green", "router:external": True}, READERS | {"other member", "service"}),
    ("get_network", {"project_id": "green", "shared": False}, {"operator", "service"}),
    ("update_network", {"project_id": "green", "shared": True}, {"operator"}),
    # the operator's
    *((action, RED, {"operator"}) for action in (
        "update_quota", "delete_quota", "get_agent", "update_agent", "delete_agent",
        "get_network_ip_availability", "get_switch", "delete_switch", "get_cluster", "update_cluster",
        "get_gateway", "update_gateway", "get_lease",
        "get_metrics")),
    ("get_availability_zone", {}, READERS | {"other member"}),
    ("plug_interface", RED, WRITERS | {"service"}),
    ("plug_interface_by_name", RED, {"operator", "service"}),
    ("what_nobody_wrote_a_rule_for", RED, WRITERS),
]  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules()


def allows(rules: Rules, caller: Caller, action: str, target: dict[str, Any], *attributes: str) -> bool:
    try:
        rules.check(caller, action, target, attributes)
    except Forbidden as refused:
        assert refused.kind == "PolicyNotAuthorized" and "is disallowed by policy" in refused.message
        return False
    return True


@pytest.mark.parametrize(("action", "target", "may"), MATRIX, ids=lambda value: value if isinstance(value, str) else "")
def test_operations(rules: Rules, action: str, target: dict[str, Any], may: set[str]) -> None:
    assert {name for name, caller in PERSONAS.items() if allows(rules, caller, action, target)} == may


ATTRIBUTES: list[tuple[str, str, object, dict[str, Any], set[str]]] = [
    *((f"{verb}_network", name, value, RED, {"operator"}) for verb in ("create", "update") for name, value in (
        ("shared", True), ("router:external", True), ("segments", []))),
    *(("create_network", name, "x", RED, {"operator"}) for name in (
        "provider:network_type", "provider:segmentation_id", "provider:physical_network")),
    ("create_network", "name", "n", RED, WRITERS),
    ("create_network", "port_security_enabled", False, RED, WRITERS),
    *((f"{verb}_subnet", "service_types", ["network:x"], ON_RED, WRITERS) for verb in ("create", "update")),
    *((f"{verb}_port", name, value, ON_RED, {"operator", "service"}) for verb in ("create", "update")
      for name, value in (("binding:host_id", "h1"), ("binding:profile", {"a": 1}))),
    ("create_port", "binding:vnic_type", "direct", ON_RED, WRITERS | {"service"}),
    # whoever owns the network has a say over addresses on it, and guests have not
    ("create_port", "mac_address", "02:00:00:00:00:01", ON_RED, WRITERS | {"service"}),
    ("create_port", "mac_address", "02:00:00:00:00:01", OF_RED_ON_BLUE, {"operator", "service"}),
    ("update_port", "mac_address", "02:00:00:00:00:01", ON_RED, {"operator", "service"}),
    ("create_port", "fixed_ips", [{"ip_address": "10.0.0.9"}], OF_RED_ON_BLUE, {"operator", "service"}),
    ("create_port", "fixed_ips", [{"ip_address": "10.0.0.9"}], OF_RED_ON_BLUE | {"network:shared": True},
     {"operator", "service"}),
    ("create_port", "fixed_ips", [{"subnet_id": "s"}], OF_RED_ON_BLUE | {"network:shared": True},
     WRITERS | {"service"}),
    ("create_port", "port_security_enabled", False, OF_RED_ON_BLUE, {"operator", "service"}),
    ("create_port", "port_security_enabled", False, ON_RED, WRITERS | {"service"}),
    ("create_port", "allowed_address_pairs", [{"ip_address": "10.0.0.0/8"}], OF_RED_ON_BLUE, {"operator"}),
    ("create_port", "allowed_address_pairs", [{"ip_address": "10.0.0.0/8"}], ON_RED, WRITERS),
    ("create_port", "device_owner", "network:dhcp", OF_RED_ON_BLUE, {"operator", "service"}),
    ("create_port", "device_owner", "compute:nova", OF_RED_ON_BLUE, WRITERS | {"service"}),
    ("update_port", "data_plane_status", "DOWN", ON_RED, {"operator"}),
    *((f"{verb}_subnetpool", "is_default", True, RED, {"operator"}) for verb in ("create", "update")),
    ("create_subnetpool", "shared", True, RED, {"operator"}),
    *((f"{verb}_address_scope", "shared", True, RED, {"operator"}) for verb in ("create", "update")),
    *((f"{verb}_rbac_policy", "target_tenant", "*", RED, {"operator"}) for verb in ("create", "update")),
    ("create_rbac_policy", "target_tenant", "blue", RED, WRITERS),
]  # fmt: skip


@pytest.mark.parametrize(("action", "name", "value", "target", "may"), ATTRIBUTES,
                         ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_attributes(rules: Rules, action: str, name: str, value: object, target: dict[str, Any], may: set[str]) -> None:
    said = target | {name: value}
    assert {who for who, caller in PERSONAS.items() if allows(rules, caller, action, said, name)} == may


@pytest.mark.parametrize(("name", "value"), [("shared", False), ("router:external", False),
                                             ("provider:network_type", None)])  # fmt: skip
def test_to_say_of_a_new_object_what_it_would_be_anyhow_needs_no_right(rules: Rules, name: str, value: object) -> None:
    member = PERSONAS["member"]
    assert allows(rules, member, "create_network", RED | {name: value}, name)
    assert not allows(rules, member, "update_network", RED | {name: value}, name)


def test_every_rule_of_an_attribute_is_about_one_that_there_is(rules: Rules) -> None:
    for resource in RESOURCES:
        for each in resource.access.attributes:
            name = each.name if each.name in resource.by_name else each.name.rpartition(":")[0]
            assert name in resource.by_name, (resource.name, each)
            for operation in each.operations:
                assert f"{operation}_{resource.name}:{each.name}" in rules._enforcer.rules


HIDDEN = {
    "network": {"segments", "provider:network_type", "provider:physical_network", "provider:segmentation_id",
                "tenet:dhcp_relay"},
    "subnet": set(),
    "port": {"binding:host_id", "binding:profile", "binding:vif_type", "binding:vif_details", "tenet:status_reason"},
    "quota": set(),
}  # fmt: skip


@pytest.mark.parametrize("resource", HIDDEN)
def test_what_is_hidden(rules: Rules, resource: str) -> None:
    for who, caller in PERSONAS.items():
        seen = who == "operator" or (who == "service" and resource == "port")
        assert set(rules.hidden(caller, resource, None)) == (set() if seen else HIDDEN[resource])
        assert set(rules.hidden(caller, resource, RED)) == (set() if seen else HIDDEN[resource])


# --- an operator's file ----------------------------------------------------------------------------------------------


def with_file(tmp_path: Path, text: str, **given: Any) -> Rules:
    (tmp_path / "policy.yaml").write_text(text)
    config = tmp_path / "tenet.conf"
    config.write_text(f"[oslo_policy]\npolicy_file = {tmp_path}/policy.yaml\n")
    return Rules([str(config)], **given)


def test_a_file_overrides_operations_and_attributes(tmp_path: Path) -> None:
    rules = with_file(
        tmp_path,
        '"create_network": "role:netops"\n"create_port:name": "rule:admin_only"\n'
        '"get_network:mtu": "rule:admin_only"\n"context_is_admin": "role:boss"\n',
    )
    assert not allows(rules, PERSONAS["member"], "create_network", RED)
    assert allows(rules, somebody("red", "netops"), "create_network", RED)
    assert not allows(rules, PERSONAS["member"], "create_port", ON_RED | {"name": "n"}, "name")
    assert "mtu" in rules.hidden(PERSONAS["member"], "network", None)
    assert rules.is_operator(somebody("p", "boss")) and not rules.is_operator(PERSONAS["operator"])


def test_a_rule_may_look_at_the_object(tmp_path: Path) -> None:
    """Decisions are remembered by what a rule reads, and by nothing less."""
    rules = with_file(tmp_path, '"get_network:mtu": "field:network:name=~^open or user_id:%(owner)s"\n')
    reader = PERSONAS["reader"]
    for _ in range(2):
        assert "mtu" in rules.hidden(reader, "network", {"name": "closed"})
        assert "mtu" not in rules.hidden(reader, "network", {"name": "open"})
        assert "mtu" not in rules.hidden(reader, "network", {"name": "closed", "owner": "u"})
        assert "mtu" in rules.hidden(reader, "network", {"name": ["a", "list"]})


@pytest.mark.parametrize(
    ("rule", "reads"),
    [
        ("role:reader and project_id:%(project_id)s", ["project_id"]),
        ("rule:network_owner or not field:port:name=a", ["name", "network:project_id", "port:name"]),
        ("@", []),
        ("!", []),
        ("http://policy.example/check", None),
        ("rule:admin_only or (role:x and http://policy.example/check)", None),
        ("token.user.domain.id:default", None),
    ],
)
def test_what_a_rule_reads(tmp_path: Path, rule: str, reads: list[str] | None) -> None:
    """What asks others is asked each time."""
    rules = with_file(tmp_path, f'"mine": "{rule}"\n')
    assert reading(rules._enforcer.rules, "mine") == reads


def test_a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    clock = iter(range(0, 1000, 2))
    rules = with_file(tmp_path, '"get_network:mtu": "rule:admin_only"\n', clock=lambda: float(next(clock)))
    assert "mtu" in rules.hidden(PERSONAS["member"], "network", None)
    for broken in ("[", '"get_network": 5\n', "- a\n"):
        (tmp_path / "policy.yaml").write_text(broken)
        assert "mtu" in rules.hidden(PERSONAS["member"], "network", None)
        assert not allows(rules, PERSONAS["nobody"], "get_network", RED)
    (tmp_path / "policy.yaml").write_text('"get_network:mtu": "rule:regular_user"\n')
    assert "mtu" not in rules.hidden(PERSONAS["member"], "network", None)


@pytest.mark.parametrize("text", ["[", "- a\n", '"get_network": "rule:nowhere"\n', '"a": "rule:b"\n"b": "rule:a"\n'])
def test_a_file_that_means_nothing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        with_file(tmp_path, text)
    assert "policy_file" in str(refused.value) and "\n" not in str(refused.value)


def test_oslos_generator_writes_the_rules(tmp_path: Path) -> None:
    from oslo_policy.generator import generate_sample

    generate_sample(["--namespace", "tenet", "--output-file", str(tmp_path / "sample.yaml")])
    text = (tmp_path / "sample.yaml").read_text()
    assert '#"create_network:shared": "rule:admin_only"' in text
    assert "# POST  /v2.0/networks" in text


# --- over the API -----------------------------------------------------------------------------------------------------


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


def test_a_reader_writes_nothing(cloud: Cloud) -> None:
    member, reader = cloud.person("red", "member"), cloud.person("red", "reader")
    network = member.made("network")
    subnet = member.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = member.made("port", network_id=network["id"])
    before = member.everything()
    of_port = {"network_id": network["id"]}
    for method, path, body in [
        ("POST", "/v2.0/networks", {"network": {}}),
        ("POST", "/v2.0/networks", {"networks": [{}, {}]}),
        ("POST", "/v2.0/ports", {"port": of_port}),
        ("POST", "/v2.0/subnets", {"subnet": of_port | {"ip_version": 4, "cidr": "10.1.0.0/24"}}),
        ("PUT", f"/v2.0/networks/{network['id']}", {"network": {"name": "x"}}),
        ("PUT", f"/v2.0/networks/{network['id']}/tags/a", None),
        ("PUT", f"/v2.0/subnets/{subnet['id']}", {"subnet": {"name": "x"}}),
        ("PUT", f"/v2.0/ports/{port['id']}", {"port": {"name": "x"}}),
        ("DELETE", f"/v2.0/ports/{port['id']}", None),
        ("DELETE", f"/v2.0/subnets/{subnet['id']}", None),
        ("DELETE", f"/v2.0/networks/{network['id']}", None),
        ("POST", "/v1.1/tenants/red/networks", {"network": {"name": "x"}}),
        ("PUT", f"/v1.1/tenants/red/networks/{network['id']}", {"network": {"name": "x"}}),
        ("DELETE", f"/v1.0/tenants/red/networks/{network['id']}", None),
        ("PUT", "/v2.0/quotas/red", {"quota": {"port": 1000}}),
        ("DELETE", "/v2.0/quotas/red", None),
    ]:
        reply = reader.call(method, path, body)
        assert reply.status == 403 and b"disallowed by policy" in reply.body, (method, path)
    assert member.everything() == before
    assert reader.call("GET", "/v2.0/ports").json["ports"][0]["id"] == port["id"]


def test_a_member_neither_says_nor_sees_what_is_the_operators(cloud: Cloud) -> None:
    member, operator = cloud.person("red", "member"), cloud.person("ops", "admin")
    network = member.made("network")
    port = member.made("port", network_id=network["id"])
    assert not any(name.startswith("provider:") for name in network)
    assert "binding:host_id" not in port
    shown = operator.call("GET", f"/v2.0/networks/{network['id']}").json["network"]
    assert shown["provider:network_type"] == "vxlan"
    for body in ({"shared": True}, {"router:external": True}, {"provider:segmentation_id": 5}):
        assert member.call("POST", "/v2.0/networks", {"network": body}).error == (403, "PolicyNotAuthorized")
    said = {"port": {"network_id": network["id"], "binding:host_id": "h1"}}
    assert member.call("POST", "/v2.0/ports", said).error == (403, "PolicyNotAuthorized")
    for path in ("/metrics", "/tenet/v1/switches", "/tenet/v1/switches/s1", "/tenet/v1/switches/s1/flows"):
        assert member.call("GET", path).error == (403, "PolicyNotAuthorized")
        assert operator.call("GET", path).status == 200
    assert member.call("GET", "/healthz").json == {"status": "ok"}


def test_what_is_hidden_cannot_be_filtered_or_sorted_by(cloud: Cloud) -> None:
    """A filter that finds tells the value, guess by guess."""
    member, operator = cloud.person("red", "member"), cloud.person("ops", "admin")
    network = member.made("network")
    segment = operator.call("GET", f"/v2.0/networks/{network['id']}").json["network"]["provider:segmentation_id"]
    told = {person: [_found(person, f"provider:segmentation_id={guess}") for guess in (segment, segment + 1)]
            for person in (member, operator)}  # fmt: skip
    assert told[operator] == [[network["id"]], []]
    assert told[member][0] == told[member][1]
    assert member.call("GET", "/v2.0/networks?sort_key=provider:segmentation_id").status == 400
    fields = member.call("GET", "/v2.0/networks?fields=provider:segmentation_id&fields=id").json["networks"]
    assert fields == [{"id": network["id"]}]


def _found(person: Person, query: str) -> object:
    reply = person.call("GET", f"/v2.0/networks?{query}")
    return [network["id"] for network in reply.json["networks"]] if reply.status == 200 else reply.status
