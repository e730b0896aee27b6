"""What holds of every resource by its declaration alone: CRUD, lists, pages, tags, quotas, sharing, policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from controller.model.rows.base import DECLARED, QUOTAS, SHARED
from controller.store.replica import Replica
from controller.store.store import Store
from northbound.resource import Attribute, May, Resource
from northbound.rules import MANAGER
from northbound.v2.catalogue import RESOURCES

from . import samples
from .conftest import Api
from .samples import SAMPLES, creatable, every, made, one_of_each, path, post, those_of
from .tenants import Cloud

NOWHERE = "00000000-0000-4000-8000-000000000000"
CREATABLE, EVERY = creatable(), every()
TAGGED = [each for each in CREATABLE if each.tagged]
COUNTED = [each for each in CREATABLE if each.kind.kind_name() in QUOTAS]
BELOW = [each for each in CREATABLE if each.parent is not None]


def shareable(resource: Resource) -> bool:
    seen = DECLARED[resource.kind].seen
    return seen is not None and SHARED in seen.shared


SHAREABLE = [each for each in CREATABLE if shareable(each)]


def ids(value: object) -> str:
    return value.name if isinstance(value, Resource | Attribute) else ""


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


def everything(api: Api, resource: Resource, number: int = 1) -> tuple[dict[str, dict[str, Any]], str]:
    """One object of each resource, and the path of the one that it is about."""
    found = one_of_each(api, number)
    if resource.name not in found:
        found[resource.name] = made(api, resource, those_of(found), number)
    return found, f"{path(resource, those_of(found))}/{found[resource.name]['id']}"


def test_every_resource_that_can_be_made_has_a_sample() -> None:
    assert set(SAMPLES) == {each.name for each in RESOURCES if each.create}
    assert len({each.name for each in RESOURCES}) == len(RESOURCES)


@pytest.mark.parametrize("resource", EVERY, ids=ids)
def test_its_life(api: Api, resource: Resource) -> None:
    """Made, listed, shown, changed and deleted; gone then."""
    found, there = everything(api, resource)
    row = found[resource.name]
    assert api.call("GET", there).json == {resource.name: api.call("GET", there).json[resource.name]}
    shown = api.call("GET", there).json[resource.name]
    assert shown["id"] == row["id"] and set(shown) == set(resource.shown)
    assert shown in api.call("GET", path(resource, those_of(found))).json[resource.plural]
    if resource.update is not None:
        _changed(api, resource, found, there)
    for name in reversed([*SAMPLES]):  # what is a part of it first
        if name not in found:
            continue
        each = samples.named(name)
        samples.disconnect(samples.asking(api), those_of(found), found, name)
        assert api.call("DELETE", f"{path(each, those_of(found))}/{found[name]['id']}").status == 204, name
        if name == resource.name:
            assert api.call("GET", there).error == (404, resource.not_found)
            return


def _changed(api: Api, resource: Resource, found: dict[str, dict[str, Any]], there: str) -> None:
    request = SAMPLES[resource.name](those_of(found), 2)
    change = {
        name: request[name] for name in request if May.UPDATE in resource.by_name[name].may and name != "prefixes"
    }
    assert change
    after = api.call("PUT", there, {resource.name: change})
    assert after.status == 200, after.body
    assert {name: str(after.json[resource.name][name]) for name in change} == {n: str(change[n]) for n in change}


@pytest.mark.parametrize("resource", EVERY, ids=ids)
def test_a_dry_run_tells_and_does_nothing(api: Api, resource: Resource) -> None:
    found, there = everything(api, resource)
    before = api.everything()
    reply = post(api, resource, those_of(found), 2, "?dry_run=true")
    assert reply.status == 200, reply.body
    told = [each for each in reply.json["objects"] if each["change"] == "create" and each["kind"] == resource.name]
    assert len(told) == 1 and set(told[0][resource.name]) == set(resource.shown)
    if resource.update is not None:
        assert api.call("PUT", f"{there}?dry_run=true", {resource.name: {}}).json["objects"] == []
    assert api.everything() == before


@pytest.mark.parametrize("resource", EVERY, ids=ids)
def test_pages_lead_through_all(api: Api, resource: Resource) -> None:
    found, _ = everything(api, resource)
    for number in (2, 3):
        made(api, resource, those_of(found), number)
    whole = path(resource, those_of(found))
    every = api.call("GET", whole).json[resource.plural]
    assert len(every) >= 3
    for order in ("", "&sort_key=id&sort_dir=desc"):
        seen, marker = [], ""
        while rows := api.call("GET", f"{whole}?limit=1{order}{marker}").json[resource.plural]:
            seen += rows
            marker = f"&marker={rows[-1]['id']}"
        assert seen == (every if not order else every[::-1])


@pytest.mark.parametrize("resource", EVERY, ids=ids)
def test_every_attribute_filters_and_finds_its_own_value(api: Api, resource: Resource) -> None:
    found, _ = everything(api, resource)
    whole = path(resource, those_of(found))
    row = api.call("GET", whole).json[resource.plural][0]
    for name, value in row.items():
        if isinstance(value, dict | list):
            continue
        wanted = "" if value is None else str(value)
        assert row in api.call("GET", f"{whole}?{quote(name)}={quote(wanted)}").json[resource.plural], name
        assert row not in api.call("GET", f"{whole}?{quote(name)}=no%20such%20value").json[resource.plural], name


@pytest.mark.parametrize("resource", TAGGED, ids=ids)
def test_tags(api: Api, resource: Resource) -> None:
    found, there = everything(api, resource)
    whole = path(resource, those_of(found))
    assert api.call("PUT", f"{there}/tags", {"tags": ["a", "b"]}).json == {"tags": ["a", "b"]}
    assert api.call("DELETE", f"{there}/tags/a").status == 204
    assert api.call("GET", there).json[resource.name]["tags"] == ["b"]
    assert [each["tags"] for each in api.call("GET", f"{whole}?tags=b").json[resource.plural]] == [["b"]]
    assert api.call("GET", f"{whole}?tags=a").json[resource.plural] == []


@pytest.mark.parametrize("resource", COUNTED, ids=ids)
def test_no_more_than_the_quota(tmp_path: Path, store: Store, replica: Replica, resource: Resource) -> None:
    name = resource.kind.kind_name()
    most = 2 + samples.COME_ALONG.get(name, 0)
    red = Cloud(tmp_path, store, replica, limits={name: most}).person("red", "manager")
    found = one_of_each(red, 1)
    made(red, resource, those_of(found), 2)
    before = red.everything()
    assert post(red, resource, those_of(found), 3).error == (409, "OverQuota")
    assert red.everything() == before
    details = red.call("GET", "/v2.0/quotas/red/details").json["quota"][name]
    assert details == {"limit": most, "used": most, "reserved": 0}


@pytest.mark.parametrize("resource", CREATABLE, ids=ids)
def test_a_reader_reads_and_nobody_else_sees(cloud: Cloud, resource: Resource) -> None:
    """Where the declaration asks for nobody but the project's own people."""
    red, reader, blue = (cloud.person(*who) for who in (("red", "manager"), ("red", "reader"), ("blue", "manager")))
    found, there = everything(red, resource)
    unseen = resource.access.get == MANAGER  # by anybody below a manager
    assert reader.call("GET", there).status == (404 if unseen else 200)
    assert post(reader, resource, those_of(found), 2).status == 403
    unchangeable = 405 if resource.update is None else 0
    assert reader.call("PUT", there, {resource.name: {}}).status == (unchangeable or (404 if unseen else 403))
    assert reader.call("DELETE", there).status == (404 if unseen else 403)
    for method, body in (("GET", None), ("PUT", {resource.name: {}}), ("DELETE", None)):
        assert blue.call(method, there, body).status == ((method == "PUT" and unchangeable) or 404)


@pytest.mark.parametrize("resource", CREATABLE, ids=ids)
def test_its_policies_are_an_operators_to_change(
    tmp_path: Path, store: Store, replica: Replica, resource: Resource
) -> None:
    """Each operation has a rule of its own, and the rules that are declared are in force."""
    closed = "".join(f'"{operation}_{resource.policy_name}": "!"\n' for operation in ("create", "update", "delete"))
    open_cloud = Cloud(tmp_path, store, replica)
    found, there = everything(open_cloud.person("red", "manager"), resource)
    red = Cloud(tmp_path, store, replica, policy=closed).person("red", "manager")
    assert post(red, resource, those_of(found), 2).status == 403
    assert red.call("PUT", there, {resource.name: {}}).status == (405 if resource.update is None else 403)
    assert red.call("DELETE", there).status == 403
    assert red.call("GET", there).status == 200


@pytest.mark.parametrize("resource", SHAREABLE, ids=ids)
def test_sharing(cloud: Cloud, resource: Resource) -> None:
    """Shared it is seen, and no more: not changed; unshared it is gone."""
    red, blue = cloud.person("red", "manager"), cloud.person("blue", "member")
    found, there = everything(red, resource)
    whole = path(resource, those_of(found))
    own = blue.call("GET", whole).json[resource.plural]
    assert all(row["project_id"] == "blue" for row in own)
    policies = [
        red.made("rbac-policy", object_type=each.name, object_id=found[each.name]["id"], action=SHARED,
                 target_tenant="blue")
        for each in SHAREABLE  # what it refers to comes before it
    ]  # fmt: skip
    policy = policies[SHAREABLE.index(resource)]
    (seen,) = (row for row in blue.call("GET", whole).json[resource.plural] if row not in own)
    assert seen["id"] == found[resource.name]["id"]
    refused = 404 if resource.missing_to_guests else 403
    assert blue.call("PUT", there, {resource.name: {}}).status == refused
    assert blue.call("DELETE", there).status == refused
    for action in resource.actions:
        assert blue.call("PUT", f"{there}/{action.name}", {}).status == refused
    assert red.call("DELETE", f"/v2.0/rbac-policies/{policy['id']}").status == 204
    assert blue.call("GET", whole).json[resource.plural] == own
    assert blue.call("GET", there).status == 404


@pytest.mark.parametrize("resource", BELOW, ids=ids)
def test_below_another_parent_it_is_not_there(api: Api, resource: Resource) -> None:
    assert resource.parent is not None
    found, there = everything(api, resource)
    row = found[resource.name]["id"]
    other = dict(found) | {resource.parent.name: made(api, resource.parent, those_of(found), 2)}
    elsewhere = path(resource, those_of(other))
    assert api.call("GET", elsewhere).json[resource.plural] == []
    for method, suffix, body in (("GET", "", None), ("PUT", "", {resource.name: {}}), ("DELETE", "", None),
                                 ("GET", "/tags", None), ("PUT", "/tags/x", None)):  # fmt: skip
        if (suffix and not resource.tagged) or (method == "PUT" and not suffix and resource.update is None):
            continue
        assert api.call(method, f"{elsewhere}/{row}{suffix}", body).error == (404, resource.not_found)
    nowhere = path(resource, lambda name: NOWHERE)
    assert api.call("GET", nowhere).error == (404, resource.parent.not_found)
    assert api.call("POST", nowhere, {resource.name: {}}).error == (404, resource.parent.not_found)
    assert api.call("GET", there).status == 200
