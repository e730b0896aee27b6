"""Who attaches interfaces by their names, through each API."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controller.store.replica import Replica
from controller.store.store import Store

from .quantum import Tenant
from .tenants import Cloud, Person

UUID = "3b1f0c52-64a4-4f0c-8d3e-5d3a0c1b7f11"
OPEN = "".join(f'"{verb}_port:binding:profile": ""\n' for verb in ("create", "update"))


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    found = Cloud(tmp_path, store, replica, policy=OPEN)
    found.context = replace(found.context, offered=("tap*",))
    return found


@pytest.mark.parametrize("name", ["s1-eth1", "eth0", "br-int"])
def test_members_attach_uuids_and_what_is_offered(cloud: Cloud, name: str) -> None:
    red = cloud.person("red", "member")
    tenant = Tenant(red)
    network = tenant.network()
    port = tenant.port(network)
    before = red.everything()
    assert tenant.call("PUT", f"{port}/attachment", {"attachment": {"id": name}}).status == 403
    v2 = red.call("POST", "/v2.0/ports", {"port": request(network, name)})
    assert v2.status == 403 and red.everything() == before
    for offered in (UUID, "tap7"):
        assert tenant.call("PUT", f"{port}/attachment", {"attachment": {"id": offered}}).status == 204
        assert tenant.call("DELETE", f"{port}/attachment").status == 204
    made = red.made("port", **request(network, "tap1"))
    path, profile = f"/v2.0/ports/{made['id']}", {"interface": name}
    assert red.call("PUT", path, {"port": {"binding:profile": profile}}).status == 403


def request(network: str, name: str) -> dict[str, object]:
    return {"network_id": network.partition("/")[2], "binding:profile": {"interface": name}}


@pytest.mark.parametrize("roles", [("admin",), ("member", "service")])
def test_operators_and_services_attach_by_name(cloud: Cloud, roles: tuple[str, ...]) -> None:
    tenant = Tenant(cloud.person("red", *roles))
    port = tenant.port(tenant.network())
    assert tenant.call("PUT", f"{port}/attachment", {"attachment": {"id": "s1-eth1"}}).status == 204


def test_a_policy_file_may_give_names_to_others(tmp_path: Path, store: Store, replica: Replica) -> None:
    cloud = Cloud(tmp_path, store, replica, policy='"plug_interface_by_name": "role:member"\n')
    person: Person = cloud.person("red", "member")
    tenant = Tenant(person)
    port = tenant.port(tenant.network())
    assert tenant.call("PUT", f"{port}/attachment", {"attachment": {"id": "s1-eth1"}}).status == 204
