"""Lists that do not look at everything say what those that do say."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from controller.model.rows import Interface, Row, Switch
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact

from .tenants import Cloud, Person, work

HOSTS = ("h0", "h1", "h2")
TAGS = ("a", "b", "c")
NOWHERE = "00000000-0000-4000-8000-000000000000"


class Site:
    """Ports of two tenants with tags; some are bound to a host, some plugged in on one, some both, some neither."""

    def __init__(self, cloud: Cloud, seed: int) -> None:
        self.chance = random.Random(seed)
        self.cloud = cloud
        self.operator = cloud.person("ops", "admin")
        self.people = [self.operator, cloud.person("red", "member"), cloud.person("blue", "member")]
        self.networks = [person.made("network")["id"] for person in self.people]
        self.put(*(Switch(id=f"s{n}", number=n + 1, dpid=n + 1, host=host) for n, host in enumerate(HOSTS)))
        self.made = [self.port() for _ in range(40)]

    def put(self, *rows: Row) -> None:
        transact(self.cloud.context.store, self.cloud.context.replica, lambda tx: [tx.put(row) for row in rows])

    def port(self) -> str:
        place = self.chance.randrange(3)
        bound = {"binding:host_id": self.chance.choice(HOSTS)} if self.chance.random() < 0.3 else {}
        tags = self.chance.sample(TAGS, self.chance.randrange(3))
        port = self.operator.call("POST", "/v2.0/ports", {"port": {
            "network_id": self.networks[place], "project_id": ("ops", "red", "blue")[place], "tags": tags, **bound,
        }}).json["port"]  # fmt: skip
        if self.chance.random() < 0.5:
            switch = self.chance.randrange(3)
            self.put(Interface(switch_id=f"s{switch}", name=port["id"][:8], vif=port["id"], ofport=1))
        return str(port["id"])

    def ask(self, person: Person, query: str) -> tuple[int, Any]:
        reply = person.call("GET", f"/v2.0/ports?{query}")
        return reply.status, [port["id"] for port in reply.json["ports"]] if reply.status == 200 else reply.json


@pytest.fixture(params=range(4))
def site(request: pytest.FixtureRequest, tmp_path: Path, store: Store, replica: Replica) -> Site:
    return Site(Cloud(tmp_path, store, replica), request.param)


def test_pages_without_a_sort_key_are_those_by_id(site: Site) -> None:
    for turn in range(60):
        if turn % 10 == 9:  # what is kept in order follows
            site.operator.call("DELETE", f"/v2.0/ports/{site.made.pop()}")
            site.made.append(site.port())
        query = site.chance.choice(("", "tags=a&", "not-tags=a&", "status=BUILD&", f"network_id={site.networks[1]}&"))
        query += f"limit={site.chance.randrange(1, 12)}"
        if site.chance.random() < 0.7:
            query += f"&marker={site.chance.choice([*site.made, NOWHERE])}"
        if site.chance.random() < 0.5:
            query += "&page_reverse=true"
        person = site.chance.choice(site.people)
        assert site.ask(person, query) == site.ask(person, f"{query}&sort_key=id"), query


def test_by_host_and_by_tags_as_shown(site: Site) -> None:
    for person in site.people:
        ports = person.call("GET", "/v2.0/ports").json["ports"]
        for host in (*HOSTS, "", "nowhere"):
            found = [port["id"] for port in ports if port.get("binding:host_id") == host]
            status, ids = site.ask(person, f"binding:host_id={host}")
            assert (status, ids) == (200, found) if person is site.operator else status == 400
        both = [port["id"] for port in ports if port.get("binding:host_id") in ("h0", "h1")]
        if person is site.operator:
            assert len(both) > 5
            assert site.ask(person, "binding:host_id=h0&binding:host_id=h1")[1] == both
        for query, wanted in (("a", {"a"}), ("a,b", {"a", "b"}), ("nothing", {"nothing"}), ("", {""})):
            every = [port["id"] for port in ports if wanted <= set(port["tags"])]
            some = [port["id"] for port in ports if wanted & set(port["tags"])]
            assert site.ask(person, f"tags={query}")[1] == every
            assert site.ask(person, f"tags-any={query}")[1] == some
            for name, there in (("not-tags", every), ("not-tags-any", some)):
                assert site.ask(person, f"{name}={query}")[1] == [
                    port["id"] for port in ports if port["id"] not in there
                ]  # fmt: skip


FILTERS = {
    "networks": ("name=x", "project_id=blue", "shared=false", "id={network}"),
    "subnets": ("name=x", "cidr=10.0.0.0/24", "network_id={network}", "id={subnet}", "project_id=blue"),
    "ports": ("name=x", "device_id=x", "device_owner=x", "project_id=blue", "network_id={network}", "tags=x",
              "tags-any=x", "fixed_ips=ip_address%3D10.0.0.9", "mac_address=fa:16:3e:00:00:01", "id={port}", "limit=2"),
    "subnetpools": ("name=x", "address_scope_id={address_scope}", "project_id=blue", "tags=x"),
    "address-scopes": ("name=x", "project_id=blue"),
    "rbac-policies": ("object_id={network}", "target_tenant=green", "project_id=blue"),
    "quotas": ("",),
}  # fmt: skip


def test_a_list_costs_a_tenant_the_same_whatever_others_have(tmp_path: Path, store: Store, replica: Replica) -> None:
    """Every function that is called is counted; work that follows others' rows would tell how many there are."""
    cloud = Cloud(tmp_path, store, replica)
    red, blue, operator = cloud.person("red", "member"), cloud.person("blue", "member"), cloud.person("ops", "admin")
    mine = red.made("network", name="mine")
    red.made("port", network_id=mine["id"], name="mine")
    named = dict.fromkeys(("network", "subnet", "port", "address_scope"), NOWHERE)
    paths = [(path, query) for path, queries in FILTERS.items() for query in queries]
    before = [work(red, "GET", f"/v2.0/{path}?{query.format(**named)}", None) for path, query in paths]
    for place in range(3):
        network = blue.made("network", name="x")
        subnet = blue.made("subnet", network_id=network["id"], name="x", ip_version=4, cidr="10.0.0.0/24")
        port = blue.made("port", network_id=network["id"], name="x", device_id="x", device_owner="x", tags=["x"],
                         mac_address="fa:16:3e:00:00:01", fixed_ips=[{"ip_address": "10.0.0.9"}])  # fmt: skip
        scope = blue.made("address-scope", name="x", ip_version=4)
        blue.made("subnetpool", name="x", prefixes=["10.0.0.0/8"], address_scope_id=scope["id"])
        blue.made("rbac-policy", object_type="network", object_id=network["id"], action="access_as_shared",
                  target_tenant="green")  # fmt: skip
        operator.call("PUT", f"/v2.0/quotas/blue{place}", {"quota": {"port": 9}})
        named = {"network": network["id"], "subnet": subnet["id"], "port": port["id"], "address_scope": scope["id"]}
    for (path, query), once in zip(paths, before, strict=True):
        assert work(red, "GET", f"/v2.0/{path}?{query.format(**named)}", None) == once, (path, query)
