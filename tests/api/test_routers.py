"""Routers over HTTP: shapes of upstream, who may what, and what others' ids are answered with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.model.rows import GatewayRanking, Switch
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact

from .conftest import Api, Reply
from .tenants import Cloud, Person, work

NOWHERE = "00000000-0000-4000-8000-000000000000"


class People:
    def __init__(self, cloud: Cloud) -> None:
        self.red, self.blue = cloud.person("red", "member"), cloud.person("blue", "member")
        self.reader, self.operator = cloud.person("red", "reader"), cloud.person("ops", "admin")
        self.external = self.operator.made("network", router__external=True)["id"]
        self.operator.made("subnet", network_id=self.external, ip_version=4, cidr="198.51.100.0/24")


@pytest.fixture
def people(tmp_path: Path, store: Store, replica: Replica) -> People:
    return People(Cloud(tmp_path, store, replica))


def inside(by: Api, cidr: str = "10.0.0.0/24") -> tuple[str, str]:
    """A network of somebody, and a subnet of it."""
    network = by.made("network")["id"]
    return network, by.made("subnet", network_id=network, ip_version=4, cidr=cidr)["id"]


def put(by: Api, router: str, action: str, body: object) -> Reply:
    return by.call("PUT", f"/v2.0/routers/{router}/{action}", body)


def test_a_router_is_shown_as_upstream_shows_it(api: Api) -> None:
    network = api.made("network", router__external=True)["id"]
    subnet = api.made("subnet", network_id=network, ip_version=4, cidr="198.51.100.0/24")["id"]
    fixed = [{"subnet_id": subnet, "ip_address": "198.51.100.7"}]
    info = {"network_id": network, "enable_snat": False, "external_fixed_ips": fixed}
    made = api.made("router", name="r", external_gateway_info=info)
    expected = {
        "name": "r", "admin_state_up": True, "status": "ACTIVE", "external_gateway_info": info,
        "external_gateways": [info], "routes": [], "ha": True, "distributed": True, "flavor_id": None,
        "enable_default_route_ecmp": False, "enable_default_route_bfd": False, "availability_zone_hints": [],
        "availability_zones": [], "tags": [], "project_id": "default",
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    path = f"/v2.0/routers/{made['id']}"
    for none in (None, {}):
        changed = api.call("PUT", path, {"router": {"external_gateway_info": none}}).json["router"]
        assert (changed["external_gateway_info"], changed["external_gateways"]) == (None, [])
    again = api.call("PUT", path, {"router": {"external_gateway_info": {"network_id": network}}}).json["router"]
    assert again["external_gateway_info"]["enable_snat"] is True


def test_interfaces_come_and_go_as_upstreams(api: Api) -> None:
    network, subnet = inside(api)
    router = api.made("router")["id"]
    added = put(api, router, "add_router_interface", {"subnet_id": subnet})
    port = added.json["port_id"]
    assert added.status == 200
    assert added.json == {
        "id": router, "project_id": "default", "tenant_id": "default", "port_id": port, "network_id": network,
        "subnet_id": subnet, "subnet_ids": [subnet],
    }  # fmt: skip
    shown = api.call("GET", f"/v2.0/ports?device_id={router}").json["ports"]
    assert [(each["id"], each["device_owner"], each["security_groups"]) for each in shown] == [
        (port, "network:router_interface", [])
    ]
    removed = put(api, router, "remove_router_interface", {"subnet_id": subnet, "port_id": port})
    assert removed.json == added.json
    assert api.call("GET", f"/v2.0/ports/{port}").status == 404


@pytest.mark.parametrize(
    "body", [{}, {"subnet_id": "x"}, {"port_id": "x"}, {"id": NOWHERE}, {"subnet_id": None}, [], None]
)
def test_what_names_no_interface_is_refused(api: Api, body: object) -> None:
    router = api.made("router")["id"]
    for action in ("add_router_interface", "remove_router_interface"):
        assert put(api, router, action, body).error == (400, "HTTPBadRequest")
    both = put(api, router, "add_router_interface", {"subnet_id": NOWHERE, "port_id": NOWHERE})
    assert both.error == (400, "BadRequest")


def test_routes_are_changed_whole_or_one_by_one(api: Api) -> None:
    _, subnet = inside(api)
    router = api.made("router")["id"]
    put(api, router, "add_router_interface", {"subnet_id": subnet})
    one, other = ({"destination": f"10.{n}.0.0/16", "nexthop": "10.0.0.9"} for n in (7, 8))
    whole = api.call("PUT", f"/v2.0/routers/{router}", {"router": {"routes": [one]}}).json["router"]
    assert whole["routes"] == [one]
    assert put(api, router, "add_extraroutes", {"router": {"routes": [one, other]}}).json["router"]["routes"] == [
        one, other,
    ]  # fmt: skip
    assert put(api, router, "remove_extraroutes", {"router": {"routes": [one]}}).json["router"]["routes"] == [other]
    for body in ({"routes": [one]}, {"router": {}}, {"router": {"routes": [{"destination": "10.7.0.0/16"}]}}):
        assert put(api, router, "add_extraroutes", body).error == (400, "HTTPBadRequest")
    posted = api.call("POST", "/v2.0/routers", {"router": {"routes": [one]}})
    assert posted.error == (400, "HTTPBadRequest") and "not allowed in POST" in posted.json["NeutronError"]["message"]


def test_a_dry_run_tells_what_an_interface_would_be(api: Api) -> None:
    _, subnet = inside(api)
    router = api.made("router")["id"]
    before = api.everything()
    told = put(api, router, "add_router_interface?dry_run=true", {"subnet_id": subnet}).json["objects"]
    assert {(each["kind"], each["change"]) for each in told} >= {("port", "create"), ("router", "update")}
    assert api.everything() == before


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{"enable_snat": False}, {"enable_snat": True}, {"external_fixed_ips": [{"ip_address": "198.51.100.9"}]}]
)
def test_what_of_a_gateway_only_operators_say(people: People, more: dict[str, object]) -> None:
    plain: dict[str, object] = {"network_id": people.external}
    refused = (403, "PolicyNotAuthorized")
    body = {"router": {"external_gateway_info": plain | more}}
    several = {"router": {"external_gateways": [plain | more]}}
    assert people.red.call("POST", "/v2.0/routers", body).error == refused
    for action in ("add_external_gateways", "update_external_gateways"):
        router = people.red.made("router")["id"]
        assert people.red.call("PUT", f"/v2.0/routers/{router}", body).error == refused
        assert put(people.red, router, action, several).error == refused
        assert put(people.operator, router, action, several).status == 200
        put(people.operator, router, "update_external_gateways", {"router": {"external_gateways": []}})
        assert put(people.red, router, action, {"router": {"external_gateways": [plain]}}).status == 200


def test_what_of_a_router_only_operators_say_and_see(people: People) -> None:
    router = people.red.made("router")
    assert not {"ha", "distributed"} & set(router)
    for name in ("ha", "distributed", "enable_default_route_ecmp", "enable_default_route_bfd"):
        refused = people.red.call("POST", "/v2.0/routers", {"router": {name: True}})
        assert refused.error == (403, "PolicyNotAuthorized"), name
        assert people.operator.made("router", **{name: True})[name] is True


def test_a_reader_changes_nothing(people: People) -> None:
    _, subnet = inside(people.red)
    router = people.red.made("router")["id"]
    for action, body in (
        ("add_router_interface", {"subnet_id": subnet}),
        ("add_extraroutes", {"router": {"routes": []}}),
        ("update_external_gateways", {"router": {"external_gateways": []}}),
    ):
        assert put(people.reader, router, action, body).error == (403, "PolicyNotAuthorized")


def test_the_port_of_a_gateway_is_the_operators_to_see(people: People) -> None:
    router = people.red.made("router", external_gateway_info={"network_id": people.external})["id"]
    query = f"/v2.0/ports?device_id={router}"
    assert people.red.call("GET", query).json["ports"] == []
    (port,) = people.operator.call("GET", query).json["ports"]
    assert (port["project_id"], port["device_owner"]) == ("", "network:router_gateway")
    assert people.red.call("GET", f"/v2.0/ports/{port['id']}").status == 404
    for by in (people.red, people.operator):
        assert by.call("DELETE", f"/v2.0/ports/{port['id']}").status == (404 if by is people.red else 409)


def test_a_gateway_counts_for_no_quota(tmp_path: Path, store: Store, replica: Replica) -> None:
    people = People(Cloud(tmp_path, store, replica, limits={"port": 0, "router": 1}))
    people.red.made("router", external_gateway_info={"network_id": people.external})
    assert people.red.call("POST", "/v2.0/routers", {"router": {}}).error == (409, "OverQuota")


# --- ids of others in bodies ------------------------------------------------------------------------------------------


def same(by: Person, method: str, path: str, theirs: Any, nobodys: Any, ids: list[str]) -> None:
    """What is another's is answered as what is not, with as much work; and nothing changes."""
    before = by.everything()
    replies = [by.call(method, path, body) for body in (theirs, nobodys)]
    said = [reply.body.decode() for reply in replies]
    for each in ids:
        said = [text.replace(each, NOWHERE) for text in said]
    assert replies[0].status == replies[1].status == 404 and said[0] == said[1]
    assert by.everything() == before
    assert work(by, method, path, theirs) == work(by, method, path, nobodys)


@pytest.mark.parametrize("action", ["add_router_interface", "remove_router_interface"])
def test_interfaces_of_others_are_not_there(people: People, action: str) -> None:
    network, subnet = inside(people.blue)
    port = people.blue.made("port", network_id=network)["id"]
    theirs = people.blue.made("router")["id"]
    interface = put(people.blue, theirs, "add_router_interface", {"subnet_id": subnet}).json["port_id"]
    path = f"/v2.0/routers/{people.red.made('router')['id']}/{action}"
    for body in ({"subnet_id": subnet}, {"port_id": port}, {"port_id": interface}):
        ((name, named),) = body.items()
        same(people.red, "PUT", path, body, {name: NOWHERE}, [named])


@pytest.mark.parametrize("action", ["add_external_gateways", "update_external_gateways", "remove_external_gateways"])
def test_networks_of_others_are_no_gateways(people: People, action: str) -> None:
    theirs, _ = inside(people.blue)
    router = people.red.made("router", external_gateway_info={"network_id": people.external})["id"]
    bodies = [{"router": {"external_gateways": [{"network_id": each}]}} for each in (theirs, NOWHERE)]
    same(people.red, "PUT", f"/v2.0/routers/{router}/{action}", *bodies, [theirs])


def test_a_port_that_names_anothers_router_is_refused_as_one_that_names_none(people: People) -> None:
    network, _ = inside(people.red)
    theirs = people.blue.made("router")["id"]
    said = []
    for device in (theirs, NOWHERE):
        port = {"network_id": network, "device_owner": "network:router_interface", "device_id": device}
        reply = people.red.call("POST", "/v2.0/ports", {"port": port})
        assert reply.error == (409, "DeviceIDNotOwnedByTenant")
        said.append(reply.body.decode().replace(device, NOWHERE))
    assert said[0] == said[1]


# --- flavors, topologies, agents --------------------------------------------------------------------------------------


def test_profiles_of_a_flavor(api: Api) -> None:
    (driver,) = (
        each["name"] for each in api.call("GET", "/v2.0/service-providers?default=true").json["service_providers"]
    )
    assert driver == "dvrha"
    profile = api.made("service_profile", metainfo="x")["id"]
    flavor = api.made("flavor", service_type="L3_ROUTER_NAT")["id"]
    path = f"/v2.0/flavors/{flavor}/service_profiles"
    assert api.call("GET", path).json == {"service_profiles": []}
    added = api.call("POST", path, {"service_profile": {"id": profile}})
    assert (added.status, added.json["service_profile"]["service_profiles"]) == (201, [profile])
    assert api.call("GET", f"/v2.0/service_profiles/{profile}").json["service_profile"]["flavors"] == [flavor]
    one = {"service_profile_id": profile, "flavor_id": flavor}
    assert api.call("GET", f"{path}/{profile}").json == {"service_profile": one}
    assert api.call("DELETE", f"{path}/{profile}").status == 204
    for method, where in (("GET", f"{path}/{profile}"), ("DELETE", f"{path}/{profile}")):
        assert api.call(method, where).error == (404, "FlavorServiceProfileBindingNotFound")
    for body in ({}, {"service_profile": {}}, {"service_profile": {"id": "x"}}, {"service_profile": {"id": 1, "x": 2}}):
        assert api.call("POST", path, body).error == (400, "HTTPBadRequest")


def test_a_topology_is_made_once_for_a_project_and_by_none_of_others(people: People) -> None:
    people.operator.call("PUT", f"/v2.0/networks/{people.external}", {"network": {"is_default": True}})
    path = "/v2.0/auto-allocated-topology"
    missing = people.red.call("GET", f"{path}/None?fields=dry-run")
    assert missing.error == (409, "AutoAllocationFailure")
    people.operator.made("subnetpool", prefixes=["10.0.0.0/16"], default_prefixlen=24, is_default=True, shared=True)
    ready = people.red.call("GET", f"{path}/None?fields=dry-run").json["auto_allocated_topology"]
    assert ready == {"id": "dry-run=pass", "project_id": "red", "tenant_id": "red"}
    assert people.reader.call("GET", f"{path}/red").error == (403, "PolicyNotAuthorized")
    made = people.red.call("GET", f"{path}/None").json["auto_allocated_topology"]
    for by, project in ((people.red, "red"), (people.reader, "None"), (people.operator, "red")):
        assert by.call("GET", f"{path}/{project}").json["auto_allocated_topology"] == made
    before = people.blue.everything()
    for method in ("GET", "DELETE"):
        said = [people.blue.call(method, f"{path}/{project}") for project in ("red", "nobody")]
        assert [reply.error for reply in said] == [(404, "NotFound")] * 2
    assert people.reader.call("DELETE", f"{path}/red").error == (403, "PolicyNotAuthorized")
    assert people.blue.everything() == before
    assert people.red.call("DELETE", f"{path}/None").status == 204
    assert people.red.call("GET", "/v2.0/routers").json["routers"] == []


def test_hosts_are_the_agents_of_a_router(people: People, store: Store, replica: Replica) -> None:
    router = people.red.made("router")["id"]
    hosts = [Switch(id=f"s{n}", number=n, dpid=n, host=f"h{n}") for n in (1, 2)]
    ranking = GatewayRanking(id=router, switches=("s2", "s1"))
    transact(store, replica, lambda tx: [tx.put(each) for each in (*hosts, ranking)])
    path = f"/v2.0/routers/{router}/l3-agents"
    agents = people.operator.call("GET", path).json["agents"]
    shown = [(each["host"], each["agent_type"], each["ha_state"]) for each in agents]
    assert shown == [("h2", "L3 agent", "active"), ("h1", "L3 agent", "standby")]
    assert people.red.call("GET", path).error == (403, "PolicyNotAuthorized")
    (listed,) = people.operator.call("GET", "/v2.0/agents/s1/l3-routers").json["routers"]
    assert listed["id"] == router
    assert people.red.call("GET", "/v2.0/agents/s1/l3-routers").error == (404, "AgentNotFound")
    for method, where in (("POST", ""), ("PUT", f"/{router}"), ("DELETE", f"/{router}")):
        body = {"router_id": router} if method == "POST" else None
        refused = people.operator.call(method, f"/v2.0/agents/s1/l3-routers{where}", body)
        assert refused.error == (409, "RouterDoesntSupportScheduling"), method
