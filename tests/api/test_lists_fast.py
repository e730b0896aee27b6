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

from .tenants import Cloud, Person

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
