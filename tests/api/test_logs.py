"""Logs as clients see them: who may have which, what they may name, and when they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from controller.intent import ports
from controller.model.rows import Log, Port, SecurityGroup
from controller.runtime.errors import Changed
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

from .conftest import Api, Reply
from .tenants import Cloud, Person

NOBODY = "00000000-0000-4000-8000-000000000000"
GROUP = "00000000-0000-4000-8000-00000000000{}".format


def group(api: Api, number: int, project: str, *ports: str) -> str:
    """A security group with these ports in it."""
    row = SecurityGroup(id=GROUP(number), project_id=project, number=number)

    def rules(tx: Transaction) -> None:
        tx.put(row)
        for port_id in ports:
            port = tx.get(Port, port_id)
            assert port is not None
            tx.put(replace(port, security_groups=(row.id,)))

    transact(api.context.store, api.context.replica, rules)
    return row.id


def post(api: Api, **request: object) -> Reply:
    return api.call("POST", "/v2.0/log/logs", {"log": {"resource_type": "security_group", **request}})


def made(api: Api, **request: object) -> dict[str, Any]:
    reply = post(api, **request)
    assert reply.status == 201, reply.body
    found: dict[str, Any] = reply.json["log"]
    return found


def listed(api: Api, query: str = "") -> list[str]:
    return [each["id"] for each in api.call("GET", f"/v2.0/log/logs{query}").json["logs"]]


def test_a_log_is_shown_as_it_was_made(api: Api) -> None:
    port = api.made("port", network_id=api.made("network")["id"])["id"]
    of = group(api, 1, port_project(api, port), port)
    found = made(api, name="l", description="d", resource_id=of, target_id=port, event="DROP", enabled=False)
    expected = {"name": "l", "description": "d", "resource_type": "security_group", "resource_id": of,
                "target_id": port, "event": "DROP", "enabled": False, "project_id": found["tenant_id"]}  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert set(found) == {*expected, "id", "tenant_id", "created_at", "updated_at", "revision_number"}
    usual = made(api, resource_id=None, target_id=None)
    assert (usual["resource_id"], usual["target_id"], usual["event"], usual["enabled"]) == (None, None, "ALL", True)
    assert listed(api, f"?resource_id={of}") == listed(api, f"?target_id={port}") == [found["id"]]


def port_project(api: Api, port_id: str) -> str:
    row = api.context.replica.model.get(Port, port_id)
    assert row is not None
    return row.project_id


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"resource_type": "fake_resource"}, (400, "InvalidLogResourceType")),
        ({"resource_type": 5}, (400, "HTTPBadRequest")), ({"event": "drop"}, (400, "HTTPBadRequest")),
        ({"enabled": "yes"}, (400, "HTTPBadRequest")), ({"resource_id": "x"}, (400, "HTTPBadRequest")),
        ({"resource_id": NOBODY}, (404, "ResourceNotFound")), ({"target_id": NOBODY}, (404, "TargetResourceNotFound")),
    ],
)  # fmt: skip
def test_what_no_log_can_be(api: Api, asked: dict[str, Any], error: tuple[int, str]) -> None:
    before = api.everything()
    assert post(api, **asked).error == error
    assert api.call("POST", "/v2.0/log/logs", {"log": {"name": "n"}}).error == (400, "HTTPBadRequest")
    assert api.everything() == before


def test_a_port_that_is_not_in_the_group_is_refused(api: Api) -> None:
    network = api.made("network")["id"]
    one, other = (api.made("port", network_id=network)["id"] for _ in range(2))
    of = group(api, 1, "red", one)
    assert post(api, resource_id=of, target_id=other).error == (400, "InvalidResourceConstraint")
    assert post(api, resource_id=of, target_id=one).status == 201


def test_only_what_may_change_changes(api: Api) -> None:
    log = made(api)
    path = f"/v2.0/log/logs/{log['id']}"
    for body in ({"event": "DROP"}, {"resource_type": "security_group"}, {"resource_id": None}, {"target_id": None},
                 {"by_operator": False}):  # fmt: skip
        assert api.call("PUT", path, {"log": body}).error == (400, "HTTPBadRequest")
    changed = api.call("PUT", path, {"log": {"name": "n", "description": "d", "enabled": False}}).json["log"]
    assert (changed["name"], changed["description"], changed["enabled"]) == ("n", "d", False)
    assert api.call("GET", f"/v2.0/log/logs/{NOBODY}").error == (404, "LogResourceNotFound")
    assert api.call("PUT", f"/v2.0/log/logs/{NOBODY}", {"log": {}}).error == (404, "LogResourceNotFound")


def test_a_log_ends_with_its_port_and_nothing_is_left_of_it(api: Api) -> None:
    network = api.made("network")["id"]
    one, other = (api.made("port", network_id=network)["id"] for _ in range(2))
    of = group(api, 1, "red", one, other)
    whole, both, rest = made(api), made(api, resource_id=of, target_id=one), made(api, resource_id=of)
    assert api.call("DELETE", f"/v2.0/ports/{one}").status == 204
    assert listed(api) == sorted(each["id"] for each in (whole, rest)) and both["id"] not in listed(api)
    for log in (whole, rest):
        assert api.call("DELETE", f"/v2.0/log/logs/{log['id']}").status == 204
    assert not [key for key in api.context.replica.model.taken if key.startswith("taken/log/")]


def test_a_log_ends_with_its_group(api: Api) -> None:
    group = api.made("security-group")
    log, rest = made(api, resource_id=group["id"]), made(api)
    assert api.call("DELETE", f"/v2.0/security-groups/{group['id']}").status == 204
    assert listed(api) == [rest["id"]] and log["id"] != rest["id"]


def test_a_port_that_goes_as_a_log_comes_to_name_it_is_read_again(api: Api) -> None:
    """The deletion, which runs on what was there before the log, is refused and runs again."""
    port = api.made("port", network_id=api.made("network")["id"])["id"]
    model = api.context.replica.model
    deletion = Transaction(model)
    ports.delete(deletion, port, api.context.means)
    made(api, target_id=port)
    guarded = {prefix: read for prefix, read in deletion.read.items() if prefix.endswith("/")}
    changed = [key for key in model.taken for prefix, read in guarded.items()
               if key.startswith(prefix) and model.revisions[key] > read]  # fmt: skip
    assert len(changed) == 1
    with pytest.raises(Changed):
        api.context.store.commit(deletion.read, deletion.write)


def test_what_can_be_logged(api: Api) -> None:
    assert api.call("GET", "/v2.0/log/loggable-resources").json == {"loggable_resources": [{"type": "security_group"}]}


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


def test_logs_are_for_managers_of_a_project_and_operators(cloud: Cloud) -> None:
    red, member, blue = (cloud.person(*who) for who in (("red", "manager"), ("red", "member"), ("blue", "manager")))
    log = made(red)
    assert post(member).status == 403 and listed(member) == []
    for person in (member, blue):
        assert listed(person) == []
        for method, body in (("GET", None), ("PUT", {"log": {"enabled": False}}), ("DELETE", None)):
            assert person.call(method, f"/v2.0/log/logs/{log['id']}", body).status == 404
    assert member.call("GET", "/v2.0/log/loggable-resources").status == 403
    assert red.call("GET", "/v2.0/log/loggable-resources").status == 200
    operator = cloud.person("ops", "admin")
    assert listed(operator) == [log["id"]]
    assert row(red, log).by_operator is False and row(operator, made(operator)).by_operator is True


def row(api: Api, log: dict[str, Any]) -> Log:
    found = api.context.replica.model.get(Log, log["id"])
    assert found is not None
    return found


def test_nobody_but_the_operator_logs_what_is_anothers(cloud: Cloud) -> None:
    """Not even where a group is shared, or the network one's own: the owner of a port decides who reads its traffic."""
    red, blue, operator = (cloud.person(*who) for who in (("red", "manager"), ("blue", "manager"), ("ops", "admin")))
    network = shared_network(red, "blue")
    guest = blue.made("port", network_id=network)["id"]
    of = group(blue, 1, "blue", guest)
    assert red.call("GET", f"/v2.0/ports/{guest}").status == 200
    assert post(red, target_id=guest).error == (404, "TargetResourceNotFound")
    assert post(red, resource_id=of).error == (404, "ResourceNotFound")
    assert post(blue, resource_id=of, target_id=guest).status == 201
    assert post(operator, resource_id=of, target_id=guest).status == 201


def shared_network(red: Person, project: str) -> str:
    network = str(red.made("network")["id"])
    red.made("rbac-policy", object_type="network", object_id=network, action="access_as_shared", target_tenant=project)
    return network
