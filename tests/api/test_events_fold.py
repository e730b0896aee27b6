"""Whoever follows the events knows what a list would say: for each asker, after any history, however often it comes
again, and to whichever member.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from webob import Request

from controller.intent import visibility
from controller.intent.visibility import among, audience
from controller.model.model import Model
from controller.model.rows.base import EXTERNAL, SHAREABLE, SHARED
from controller.store.replica import Replica
from controller.store.store import Store
from northbound import events
from northbound.resource import Resource
from tests.api.conftest import PlainStatuses
from tests.api.samples import SAMPLES, asking, creatable, every, named, outside, path
from tests.api.tenants import Cloud, Person

MADE = [each for each in creatable() if each.name != "rbac_policy"]  # which `share` makes
MUTE = ("tenet:status_reason",)  # the reason may become another while the status stays
PROJECTS = ("red", "blue", "green")


def listed(person: Person, resource: Resource) -> dict[tuple[str, str], dict[str, Any]]:
    """(path, id) -> object, of all that lists tell a person; below every parent that it sees."""
    above = [path for path, _ in listed(person, resource.parent)] if resource.parent else ["/v2.0"]
    found = {}
    for start in above:
        at = f"{start}/{resource.path.rpartition('}/')[2]}"
        (rows,) = person.call("GET", at).json.values()
        found |= {(f"{at}/{row['id']}", str(row["id"])): row for row in rows}
    return found


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
        for resource in every():
            rows = listed(self.members[0], resource)
            found |= {(resource.name, row["id"]): row for row in rows.values()}
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
        self._beside: dict[str, dict[str, str]] = {}

    def step(self) -> None:
        person = self.chance.choice(self.people)
        do = self.chance.choice((self.make, self.make, self.make, self.change, self.delete, self.share, self.unshare,
                                 self.confirm, self.confirm))  # fmt: skip
        do(person)

    def some(self, person: Person, resource: Resource) -> tuple[str, str]:
        """(path, id) of an object that the person sees."""
        rows = list(listed(person, resource))
        return self.chance.choice(rows) if rows else (f"/v2.0/{resource.plural}/none", "none")

    def an(self, person: Person) -> Callable[[str], str]:
        return lambda name: (
            self.some(person, named(name))[1] if name in SAMPLES else self.beside(person).get(name, "none")
        )

    def beside(self, person: Person) -> dict[str, str]:
        """What samples need beside each other: an external network of the person's."""
        project = person.token
        if project not in self._beside:
            self._beside[project] = {name: str(row["id"]) for name, row in outside(asking(person)).items()}
        return self._beside[project]

    def make(self, person: Person) -> None:
        resource = self.chance.choice(MADE)
        an = self.an(person)
        body = SAMPLES[resource.name](an, self.chance.randrange(256))
        if resource.name == "subnetpool" and self.chance.random() < 0.5:
            del body["address_scope_id"]
        if resource.name == "subnet" and self.chance.random() < 0.5:
            del body["cidr"]
            body["subnetpool_id"] = an("subnetpool")
        person.call("POST", path(resource, an), {resource.name: body})

    def change(self, person: Person) -> None:
        resource = self.chance.choice(MADE)
        request: dict[str, Any] = {"name": str(self.chance.randrange(9))}
        if resource.name == "network":
            request["admin_state_up"] = self.chance.random() < 0.5
        if resource.name == "subnetpool" and self.chance.random() < 0.5:
            request["address_scope_id"] = self.chance.choice((None, self.an(person)("address_scope")))
        person.call("PUT", self.some(person, resource)[0], {resource.name: request})

    def delete(self, person: Person) -> None:
        person.call("DELETE", self.some(person, self.chance.choice(creatable()))[0])

    def share(self, person: Person) -> None:
        kind = self.chance.choice(("network", *SHAREABLE))
        target = self.chance.choice((*PROJECTS, "*"))
        by = self.people[-1] if target == "*" else person
        action = self.chance.choice((SHARED, EXTERNAL)) if target == "*" else SHARED
        by.call("POST", "/v2.0/rbac-policies", {"rbac_policy": {
            "object_type": kind, "object_id": self.an(by)(kind), "action": action, "target_tenant": target,
        }})  # fmt: skip

    def unshare(self, person: Person) -> None:
        row, _ = self.some(person, named("rbac_policy"))
        if self.chance.random() < 0.5:
            person.call("DELETE", row)
        else:
            person.call("PUT", row, {"rbac_policy": {
                "target_tenant": self.chance.choice(PROJECTS)}})  # fmt: skip

    def confirm(self, person: Person) -> None:
        """The status of one port becomes another, at each member at its own time."""
        port = self.an(self.people[-1])("port")
        for statuses in self.statuses:
            if self.chance.random() < 0.8:
                (statuses.confirmed.discard if port in statuses.confirmed else statuses.confirmed.add)(port)


def check_audiences(model: Model) -> None:
    """Whom events are for is who sees."""
    for kind in (resource.kind for resource in every()):
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
            cloud.context = replace(cloud.context, cluster=object())  # type: ignore[arg-type]
    people = [clouds[0].person(project, "manager") for project in PROJECTS]
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
    for person in people:
        person.call("GET", "/v2.0/security-groups")  # or the last lists would make missing default groups
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
