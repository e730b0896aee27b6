"""Whoever follows the events knows what a list would say: for each asker, after any history, however often it comes
again, and to whichever member.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from webob import Request

from controller.intent import visibility
from controller.intent.visibility import among, audience
from controller.model.model import Model
from controller.model.rows import AddressScope, Network, Port, RbacPolicy, Subnet, SubnetPool
from controller.store.replica import Replica
from controller.store.store import Store
from northbound import events
from tests.api.conftest import PlainStatuses
from tests.api.tenants import Cloud, Person

LISTS = {
    "network": "networks", "subnet": "subnets", "port": "ports", "subnetpool": "subnetpools",
    "address_scope": "address-scopes", "rbac_policy": "rbac-policies",
}  # fmt: skip
MUTE = ("tenet:status_reason",)  # the reason may become another while the status stays
PROJECTS = ("red", "blue", "green")


class Follower:
    """Keeps what it was told, from one stream after the other; `members`: where it may ask, the same person at each."""

    def __init__(self, *members: Person) -> None:
        self.members = members
        self.last = ""
        self.held: dict[tuple[str, str], dict[str, Any]] = {}
        self.ids: list[str] = []

    def read(self, most: int, member: int = 0) -> None:
        """At most so many events of a new stream."""
        for block in self._blocks(self.members[member]):
            lines = dict(line.split(": ", 1) for line in block.decode().splitlines() if line[:1] not in (":", ""))
            if not lines:
                continue
            if most == 0:
                return
            most -= 1
            self.last = lines["id"]
            self.ids.append(self.last)
            self._take(lines["event"], msgspec.json.decode(lines["data"]))

    def _blocks(self, member: Person) -> Iterator[bytes]:
        request = Request.blank(f"/tenet/v1/events?after={self.last or member.after(0)}")
        request.headers["X-Auth-Token"] = member.token
        response = request.get_response(member.app)
        assert response.status_int == 200, response.body
        return iter(response.app_iter)

    def _take(self, event: str, data: Any) -> None:
        for port in data.get("ports", ()):
            assert event == "status"
            self.held["port", port["id"]]["status"] = port["status"]
        for change in data.get("changes", ()):
            key = change["kind"], change["id"]
            if change["change"] == "delete":
                self.held.pop(key, None)
            else:
                self.held[key] = change[change["kind"]]

    def listed(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What it would be told by lists."""
        found = {}
        for kind, path in LISTS.items():
            (rows,) = self.members[0].call("GET", f"/v2.0/{path}").json.values()
            found |= {(kind, row["id"]): row for row in rows}
        return found

    def check(self) -> None:
        assert plain(self.held) == plain(self.listed())


def plain(held: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {key: {name: value for name, value in row.items() if name not in MUTE} for key, row in held.items()}


class History:
    """Random requests of three tenants; most are taken, some are refused."""

    def __init__(self, chance: random.Random, people: list[Person], statuses: list[PlainStatuses]) -> None:
        self.chance = chance
        self.people = people
        self.statuses = statuses

    def step(self) -> None:
        person = self.chance.choice(self.people)
        do = self.chance.choice((self.make, self.make, self.make, self.change, self.delete, self.share, self.unshare,
                                 self.confirm, self.confirm))  # fmt: skip
        do(person)

    def some(self, person: Person, path: str) -> str:
        (rows,) = person.call("GET", f"/v2.0/{path}").json.values()
        return str(self.chance.choice(rows)["id"]) if rows else "none"

    def make(self, person: Person) -> None:
        kind = self.chance.choice(list(LISTS)[:5])
        number = self.chance.randrange(256)
        body: dict[str, Any] = {
            "network": {"name": "n"},
            "subnet": {"network_id": self.some(person, "networks"), "ip_version": 4, "cidr": f"10.{number}.0.0/24"},
            "port": {"network_id": self.some(person, "networks")},
            "subnetpool": {"name": "p", "prefixes": [f"11.{number}.0.0/16"], "default_prefixlen": 24},
            "address_scope": {"name": "s", "ip_version": 4},
        }[kind]
        if kind == "subnetpool" and self.chance.random() < 0.5:
            body["address_scope_id"] = self.some(person, "address-scopes")
        if kind == "subnet" and self.chance.random() < 0.5:
            del body["cidr"]
            body["subnetpool_id"] = self.some(person, "subnetpools")
        person.call("POST", f"/v2.0/{LISTS[kind]}", {kind: body})

    def change(self, person: Person) -> None:
        kind = self.chance.choice(list(LISTS)[:5])
        path = LISTS[kind]
        wish: dict[str, Any] = {"name": str(self.chance.randrange(9))}
        if kind == "network":
            wish["admin_state_up"] = self.chance.random() < 0.5
        if kind == "subnetpool" and self.chance.random() < 0.5:
            wish["address_scope_id"] = self.chance.choice((None, self.some(person, "address-scopes")))
        person.call("PUT", f"/v2.0/{path}/{self.some(person, path)}", {kind: wish})

    def delete(self, person: Person) -> None:
        path = self.chance.choice(list(LISTS.values()))
        person.call("DELETE", f"/v2.0/{path}/{self.some(person, path)}")

    def share(self, person: Person) -> None:
        kind = self.chance.choice(("network", "network", "subnetpool", "address_scope"))
        target = self.chance.choice((*PROJECTS, "*"))
        operator = self.people[-1]
        if target == "*":
            action = self.chance.choice(("access_as_shared", "access_as_external"))
            operator.call("POST", "/v2.0/rbac-policies", {"rbac_policy": {
                "object_type": kind, "object_id": self.some(operator, LISTS[kind]), "action": action,
                "target_tenant": target}})  # fmt: skip
            return
        person.call("POST", "/v2.0/rbac-policies", {"rbac_policy": {
            "object_type": kind, "object_id": self.some(person, LISTS[kind]), "action": "access_as_shared",
            "target_tenant": target}})  # fmt: skip

    def unshare(self, person: Person) -> None:
        row = self.some(person, "rbac-policies")
        if self.chance.random() < 0.5:
            person.call("DELETE", f"/v2.0/rbac-policies/{row}")
        else:
            person.call("PUT", f"/v2.0/rbac-policies/{row}", {"rbac_policy": {
                "target_tenant": self.chance.choice(PROJECTS)}})  # fmt: skip

    def confirm(self, person: Person) -> None:
        """The status of one port becomes another, at each member at its own time."""
        port = self.some(self.people[-1], "ports")
        for statuses in self.statuses:
            if self.chance.random() < 0.8:
                (statuses.confirmed.discard if port in statuses.confirmed else statuses.confirmed.add)(port)


def check_audiences(model: Model) -> None:
    """Whom events are for is who sees."""
    for kind in (Network, Subnet, Port, SubnetPool, AddressScope, RbacPolicy):
        for row in model.rows(kind).values():
            seen_by = audience(model, row)
            assert [visibility.sees(model, each, row) for each in PROJECTS] == [
                among(each, seen_by) for each in PROJECTS
            ]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LASTS", -1.0)  # streams end when there is no more


def person_at(member: Cloud, person: Person) -> Person:
    return Person(member.context, person.token, person.operator)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("members", [1, 2])
def test_the_events_of_anybody_add_up_to_the_lists(
    tmp_path: Path, store: Store, replica: Replica, seed: int, members: int
) -> None:
    other = Replica(store)
    other.start()
    clouds = [Cloud(tmp_path, store, each) for each in (replica, other)[:members]]
    if members > 1:
        for cloud in clouds:
            events_there = cloud.context.events
            cloud.context = replace(cloud.context, cluster=object())  # type: ignore[arg-type]
            object.__setattr__(cloud.context, "events", events_there)
    people = [clouds[0].person(project, "member") for project in PROJECTS]
    people.append(clouds[0].person("ops", "admin"))
    statuses = [cloud.context.statuses for cloud in clouds]
    chance = random.Random(seed)
    history = History(chance, people, [each for each in statuses if isinstance(each, PlainStatuses)])
    followers = [Follower(*(person_at(cloud, person) for cloud in clouds)) for person in people]
    for _ in range(300):
        history.step()
        for cloud in clouds:
            if chance.random() < 0.3:
                cloud.context.events.look()
        if chance.random() < 0.3:
            chance.choice(followers).read(chance.choice((0, 1, 2, 100)), chance.randrange(members))
    for statuses_there in history.statuses:
        statuses_there.confirmed = set(history.statuses[0].confirmed)
    other.wait(replica.model.revision)
    for cloud in clouds:
        cloud.context.events.look()
    for follower in followers:
        follower.read(10_000, chance.randrange(members))
        follower.check()
        if members == 1:
            assert len(set(follower.ids)) == len(follower.ids)
    other.stop()
    check_audiences(replica.model)
    assert len(followers[-1].ids) > 50
