"""`?dry_run=true`: what a write would do is told, and nothing of it is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.compile.catalogue import apps
from controller.compile.on_demand import OnDemand
from controller.compile.preview import Preview
from controller.flow import Rates
from controller.model.rows import Interface, Switch
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact
from tests.api.conftest import Api
from tests.api.tenants import Cloud


@pytest.fixture
def seeing(api: Api) -> Api:
    """With a hypervisor that has an interface for a port called `vif1`."""

    def rules(tx: Transaction) -> None:
        tx.put(Switch(id="s1", number=1, dpid=1, host="h1", encap_ip="192.0.2.1"))
        tx.put(Interface(switch_id="s1", name="tap1", vif="vif1", ofport=7))

    transact(api.context.store, api.context.replica, rules)
    model = api.context.replica.model
    on_demand = OnDemand(model, apps(Rates()))
    api.context.replica.listen(on_demand.changed)
    preview = Preview(model, on_demand)
    return Api(replace(api.context, preview=preview.switches))


def foreseen(api: Api, method: str, path: str, body: object = None) -> dict[str, Any]:
    before = api.everything()
    reply = api.call(method, path, body)
    assert reply.status == 200, reply.body
    assert api.everything() == before
    found: dict[str, Any] = reply.json
    return found


def test_a_port_that_would_be_made(seeing: Api) -> None:
    network = seeing.made("network")
    seeing.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    seeing.call("GET", "/v2.0/security-groups")  # which makes the project's default group
    body = {"port": {"network_id": network["id"], "name": "p", "binding:profile": {"interface": "vif1"}}}
    plan = foreseen(seeing, "POST", "/v2.0/ports?dry_run=true", body)
    (told,) = plan["objects"]
    assert (told["change"], told["kind"], told["port"]["name"]) == ("create", "port", "p")
    assert told["port"]["fixed_ips"][0]["ip_address"].startswith("10.0.0.")
    (switch,) = plan["switches"]
    assert (switch["switch_id"], switch["host"], switch["removed"]) == ("s1", "h1", [])
    assert any("in_port=7" in flow for flow in switch["added"])
    assert seeing.call("GET", "/v2.0/ports").json["ports"] == []


def test_what_is_foreseen_of_a_delete_is_the_reverse(seeing: Api) -> None:
    network = seeing.made("network")
    body = {"port": {"network_id": network["id"], "binding:profile": {"interface": "vif1"}}}
    made = foreseen(seeing, "POST", "/v2.0/ports?dry_run=1", body)
    port = seeing.call("POST", "/v2.0/ports?dry_run=false", body).json["port"]
    gone = foreseen(seeing, "DELETE", f"/v2.0/ports/{port['id']}?dry_run=true")
    assert gone["objects"] == [{"change": "delete", "kind": "port", "id": port["id"]}]
    assert len(gone["switches"][0]["removed"]) == len(made["switches"][0]["added"]) > 0


def test_of_an_update_only_what_changes(seeing: Api) -> None:
    network = seeing.made("network")
    plan = foreseen(seeing, "PUT", f"/v2.0/networks/{network['id']}?dry_run=true", {"network": {"name": "new"}})
    assert plan["objects"][0]["network"]["name"] == "new" and plan["switches"] == []


def test_a_subnet_is_seen_on_the_network_that_would_be(seeing: Api) -> None:
    plan = foreseen(seeing, "POST", "/v2.0/networks?dry_run=true", {"network": {"shared": True}})
    assert next(each for each in plan["objects"] if each["kind"] == "network")["network"]["shared"] is True


def test_what_would_be_refused_is_refused(seeing: Api) -> None:
    network = seeing.made("network")
    seeing.made("port", network_id=network["id"])
    assert seeing.call("DELETE", f"/v2.0/networks/{network['id']}?dry_run=true").error == (409, "NetworkInUse")
    assert seeing.call("POST", "/v2.0/networks?dry_run=perhaps", {"network": {}}).error == (400, "HTTPBadRequest")
    assert seeing.call("GET", "/v2.0/networks?dry_run=true").status == 400


def test_what_a_router_would_join_and_part(seeing: Api) -> None:
    networks = [seeing.made("network")["id"] for _ in range(2)]
    subnets = [seeing.made("subnet", network_id=network, ip_version=4, cidr=f"10.0.{n}.0/24")["id"]
               for n, network in enumerate(networks)]  # fmt: skip
    router = seeing.made("router")["id"]
    path, interface = f"/v2.0/routers/{router}/add_router_interface", {"subnet_id": subnets[0]}
    assert "reachability" not in foreseen(seeing, "PUT", f"{path}?dry_run=true", interface), "alone in it"
    assert seeing.call("PUT", path, interface).status == 200
    given = foreseen(seeing, "PUT", f"{path}?dry_run=true", {"subnet_id": subnets[1]})
    pair = sorted(networks)
    assert given["reachability"] == [{"router_id": router, "given": [pair], "taken": []}]
    assert seeing.call("PUT", path, {"subnet_id": subnets[1]}).status == 200
    for method, url, body in (
        ("PUT", f"/v2.0/routers/{router}/remove_router_interface?dry_run=true", {"subnet_id": subnets[1]}),
        ("PUT", f"/v2.0/routers/{router}?dry_run=true", {"router": {"admin_state_up": False}}),
    ):  # fmt: skip
        taken = foreseen(seeing, method, url, body)
        assert taken["reachability"] == [{"router_id": router, "given": [], "taken": [pair]}]


def test_quantum_too(seeing: Api) -> None:
    body = {"network": {"name": "q"}}
    plan = foreseen(seeing, "POST", "/v1.1/tenants/default/networks?dry_run=true", body)
    assert plan["objects"][0]["network"]["name"] == "q"


def test_a_tenant_is_told_of_its_objects_and_of_no_switch(tmp_path: Path, store: Store, replica: Replica) -> None:
    member = Cloud(tmp_path, store, replica).person("red", "member")
    plan = foreseen(member, "POST", "/v2.0/networks?dry_run=true", {"network": {"name": "mine"}})
    assert plan.keys() == {"objects"}
    assert "provider:segmentation_id" not in plan["objects"][0]["network"]
