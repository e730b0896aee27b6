"""Every call that names an object, and every value that may: what is another tenant's is answered as what is not.

The calls are those of `/openapi.json`, the values those that the resources declare, so that nothing new is forgotten.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from controller.model.rows.base import SHAREABLE
from controller.store.replica import Replica
from controller.store.store import Store
from northbound import schema
from northbound.openapi.document import document
from northbound.resource import Attribute, May, Resource
from northbound.rules import ADMIN
from northbound.v2.catalogue import RESOURCES

from .conftest import Reply
from .samples import SAMPLES, one_of_each, those_of
from .samples import path as path_of
from .tenants import Cloud, work

NOWHERE = "00000000-0000-4000-8000-000000000000"
# What a path's first parameter is the name of: of resources, a kind of row that both tenants have.
NAMED = {f"/v2.0/{each.path}/": each.kind.kind_name() for each in RESOURCES if each.parent is None} | {
    "/v2.0/agents/": "agent", "/v2.0/quotas/": "project", "/v2.0/auto-allocated-topology/": "project",
}  # fmt: skip
# Of nobody in particular, or the operator's (test_isolation.py has those).
PUBLIC = ("/v2.0/extensions/", "/v2.0/default-security-group-rules/", "/v2.0/flavors/", "/v2.0/service_profiles/",
          "/tenet/v1/")  # fmt: skip
BODIES: dict[str, list[Any]] = {"GET": [None], "DELETE": [None], "PUT": [None, b"{", {}], "POST": [None, b"{", {}]}
SUFFIXES = {"tags": {"tags": ["a"]}, "bindings": {"binding": {"host": "h"}}, "prefixes": {"prefixes": ["10.8.0.0/16"]},
            "router_interface": {"subnet_id": NOWHERE}, "extraroutes": {"router": {"routes": []}},
            "external_gateways": {"router": {"external_gateways": []}}}  # fmt: skip


class Two:
    """Red's objects and blue's, alike, by the kind of each; and whoever asks is blue."""

    def __init__(self, cloud: Cloud) -> None:
        self.red, self.blue = cloud.person("red", "manager"), cloud.person("blue", "manager")
        self.reds, self.blues = one_of_each(self.red, 9), one_of_each(self.blue, 7)

    def same(
        self, method: str, theirs: str, nobodys: str, bodies: tuple[Any, Any], named: list[str], malformed: bool = False
    ) -> None:
        before = self.blue.everything()
        one = self.blue.call(method, theirs, bodies[0])
        other = self.blue.call(method, nobodys, bodies[1])
        assert _plain(one, named) == _plain(other, named), (method, theirs, bodies[0])
        # v1.0 has codes of its own for what is not there
        wrong = (404, 420, 430) if theirs != nobodys and not malformed else (400, 404)
        assert one.status in wrong, (method, theirs, bodies[0], one.body)
        assert self.blue.everything() == before


def _plain(reply: Reply, named: list[str]) -> tuple[int, dict[str, str], str]:
    """All of an answer, but for the names that were asked for and the request's own id."""
    headers = {name: value for name, value in reply.headers.items() if name != "X-Openstack-Request-Id"}
    headers.pop("Content-Length", None)  # of names of several lengths
    pattern = "|".join(map(re.escape, [*named, NOWHERE, "nobody"]))
    return reply.status, headers, re.sub(pattern, "NAME", reply.body.decode())


@pytest.fixture
def two(tmp_path: Path, store: Store, replica: Replica) -> Two:
    return Two(Cloud(tmp_path, store, replica))


def calls() -> Iterator[tuple[str, str]]:
    for template, methods in document()["paths"].items():
        if "{" in template and not template.startswith(PUBLIC):
            yield from ((method.upper(), template) for method in methods)


V2 = [each for each in calls() if each[1].startswith("/v2.0")]
V1 = [each for each in calls() if each[1].startswith("/v1")]


def test_there_is_nothing_else() -> None:
    assert len(V2) > 50 and len(V1) > 20
    assert len(V2) + len(V1) == len(list(calls()))
    assert {template[: template.index("{")] for _, template in V2} == set(NAMED) - set(PUBLIC)


CHANGES: dict[str, dict[str, str]] = {
    "rbac_policy": {"target_tenant": "x"}, "agent": {"description": "x"}, "floatingip": {"description": "x"},
}  # fmt: skip


def bodies_of(method: str, template: str, kind: str) -> list[Any]:
    """Wrong ones, and the right one."""
    found = list(BODIES[method])
    last = template.rpartition("}")[2]
    right = [body for suffix, body in SUFFIXES.items() if suffix in last]
    return found + (right or [{kind: CHANGES.get(kind, {"name": "x"})}] if method in ("PUT", "POST") else [])


@pytest.mark.parametrize(("method", "template"), V2)
def test_v2(two: Two, method: str, template: str) -> None:
    kind = NAMED[template[: template.index("{")]]
    ids = {"project": "red", "agent": NOWHERE.replace("4", "5")}
    theirs_id = ids.get(kind) or two.reds[kind]["id"]
    nobodys_id = "nobody" if kind == "project" else NOWHERE

    def path(named: str) -> str:
        return re.sub(r"\{\w+\}", "x", re.sub(r"\{\w+\}", named, template, count=1))

    bodies = bodies_of(method, template, kind)
    for body, query in itertools.product(bodies, ("", "?fields=id", "?dry_run=true")):
        malformed = method == "PUT" and body is not bodies[-1]  # an object of v2.0 is looked for after the body is read
        two.same(method, path(theirs_id) + query, path(nobodys_id) + query, (body, body), [theirs_id], malformed)
    body = bodies[-1]
    assert work(two.blue, method, path(theirs_id), body) == work(two.blue, method, path(nobodys_id), body)


@pytest.mark.parametrize(("method", "template"), V1)
def test_v1(two: Two, method: str, template: str) -> None:
    """Under another's path nothing is there; under one's own, nothing that is another's."""
    network, port = two.reds["network"]["id"], two.reds["port"]["id"]
    own = two.blues["network"]["id"]

    def path(tenant: str, network: str, port: str) -> str:
        return template.format(tenant=tenant, network=network, port=port)

    body = {"network": {"name": "x"}} if template.endswith(("networks", "{network}")) else {"port": {"state": "ACTIVE"}}
    if template.endswith("attachment"):
        body = {"attachment": {"id": "x"}}
    pairs = [(path("red", network, port), path("nobody", NOWHERE, NOWHERE))]
    if "{network}" in template:
        pairs.append((path("blue", network, port), path("blue", NOWHERE, NOWHERE)))
    if "{port}" in template:
        pairs.append((path("blue", own, port), path("blue", own, NOWHERE)))
    for theirs, nobodys in pairs:
        for given in (None, b"{", body) if method in ("PUT", "POST") else (None,):
            two.same(method, theirs, nobodys, (given, given), ["red", network, port])
            two.same(method, f"{theirs}.xml", f"{nobodys}.xml", (given, given), ["red", network, port])
        last = body if method in ("PUT", "POST") else None
        assert work(two.blue, method, theirs, last) == work(two.blue, method, nobodys, last)


# --- values in bodies -------------------------------------------------------------------------------------------------


def references() -> Iterator[tuple[Resource, Attribute, May]]:
    """Attributes that take an id, somewhere in them, of what a project can make."""
    for resource in RESOURCES:
        if resource.access.create == ADMIN:
            continue
        for each in resource.attributes:
            if each.check is not None and "uuid" in str(schema.of(each.check)):
                yield from ((resource, each, may) for may in (May.CREATE, May.UPDATE) if may in each.may)


def reference(attribute: str, named: str) -> object:
    """An attribute's value with an id in it."""
    within: dict[str, object] = {
        "fixed_ips": [{"subnet_id": named}], "security_groups": [named], "external_gateway_info": {"network_id": named},
    }  # fmt: skip
    return within.get(attribute, named)


@pytest.mark.parametrize(
    ("resource", "attribute", "may"), list(references()), ids=lambda each: getattr(each, "name", str(each)) or str(each)
)
def test_an_id_in_a_body(two: Two, resource: Resource, attribute: Attribute, may: May) -> None:
    mine = two.blues
    whole = SAMPLES[resource.name](those_of(mine), 6)
    if attribute.name == "subnetpool_id":
        del whole["cidr"]
    for kind, row in two.reds.items():
        bodies = []
        for named in (row["id"], NOWHERE):
            value = reference(attribute.name, named)
            request = whole if may is May.CREATE else {}
            more = {"object_type": kind} if resource.name == "rbac_policy" and kind in SHAREABLE else {}
            bodies.append({resource.name: {**request, **more, attribute.name: value}})
        path = path_of(resource, those_of(mine)) + ("" if may is May.CREATE else f"/{mine[resource.name]['id']}")
        method = "POST" if may is May.CREATE else "PUT"
        two.same(method, path, path, (bodies[0], bodies[1]), [row["id"]])
        assert work(two.blue, method, path, bodies[0]) == work(two.blue, method, path, bodies[1])


# --- values in queries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.name)
def test_a_value_in_a_query(two: Two, resource: Resource) -> None:
    path = path_of(resource, those_of(two.blues))
    if resource.access.create == ADMIN:  # everybody's
        assert two.red.call("GET", path).json == two.blue.call("GET", path).json
        return
    if resource.create is None:  # the operator's
        assert two.red.call("GET", path).json[resource.plural] == []
        return
    theirs = two.red.call("GET", path_of(resource, those_of(two.reds))).json[resource.plural][0]
    mine = two.blue.call("GET", path).json[resource.plural]
    for name, value in theirs.items():
        if isinstance(value, dict) or value in ([], None):
            continue
        item = value[0] if isinstance(value, list) else value
        for said in [f"{each}={item[each]}" for each in item] if isinstance(item, dict) else [str(item)]:
            reply = two.blue.call("GET", f"{path}?{quote(name)}={quote(said)}")
            found = reply.json[resource.plural] if reply.status == 200 else []
            assert {row["id"] for row in found} <= {row["id"] for row in mine}, (name, said)
            assert reply.status in (200, 400)
            for more in ("&limit=1", "&sort_key=id", "&fields=project_id", "&limit=1&page_reverse=true"):
                reply = two.blue.call("GET", f"{path}?{quote(name)}={quote(said)}{more}")
                assert two.reds[resource.name]["id"] not in reply.body.decode().replace(quote(said), "")
    named = two.reds[resource.name]["id"]
    for query in (
        "marker={}",
        "marker={}&limit=1",
        "marker={}&limit=1&page_reverse=true",
        "marker={}&sort_key=id",
    ):
        one, other = (f"{path}?{query.format(each)}" for each in (named, NOWHERE))
        two.same("GET", one, other, (None, None), [named])
        assert work(two.blue, "GET", one, None) == work(two.blue, "GET", other, None)
