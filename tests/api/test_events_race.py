"""Readers of events between two looks at statuses, and at a member that lags: they end up with what lists say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.model.model import Applied
from controller.runtime import hub
from controller.store.replica import Replica
from controller.store.store import Store
from northbound import events
from tests.api.conftest import PlainStatuses
from tests.api.tenants import Cloud
from tests.api.test_events_fold import Follower, person_at


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LASTS", -1.0)


class Lagging(Replica):
    """Takes in no commit while it is held."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.go = hub.Signal()
        self.go.set()

    def _take(self, changes: list[Applied], revision: int = 0) -> None:
        self.go.wait()
        super()._take(changes, revision)


def cluster_of(clouds: list[Cloud]) -> list[Cloud]:
    """The same members, in a cluster."""
    for cloud in clouds:
        cloud.context = replace(cloud.context, cluster=object())  # type: ignore[arg-type]
    return clouds


def statuses_of(cloud: Cloud) -> PlainStatuses:
    assert isinstance(cloud.context.statuses, PlainStatuses)
    return cloud.context.statuses


def test_a_status_that_a_reader_saw_between_two_looks_and_that_changes_back_is_told(
    tmp_path: Path, store: Store, replica: Replica
) -> None:
    cloud = Cloud(tmp_path, store, replica)
    red = cloud.person("red", "member")
    port = red.made("port", network_id=red.made("network")["id"])
    follower = Follower(red)
    statuses_of(cloud).confirmed.add(port["id"])
    cloud.context.events.look()
    follower.read(100)
    red.call("PUT", f"/v2.0/ports/{port['id']}", {"port": {"name": "a"}})
    statuses_of(cloud).confirmed.clear()
    follower.read(100)  # of its name; its status is another by now, which was not looked at
    assert follower.held["port", port["id"]]["status"] == "BUILD"
    statuses_of(cloud).confirmed.add(port["id"])
    cloud.context.events.look()
    follower.read(100)
    follower.check()


def test_all_statuses_of_another_member_are_followed_from_there(tmp_path: Path, store: Store, replica: Replica) -> None:
    other = Replica(store)
    other.start()
    here, there = cluster_of([Cloud(tmp_path, store, each) for each in (replica, other)])
    red = here.person("red", "member")
    port = red.made("port", network_id=red.made("network")["id"])
    other.wait(replica.model.revision)
    follower = Follower(person_at(here, red), person_at(there, red))
    follower.read(100)
    statuses_of(there).confirmed.add(port["id"])
    follower.read(100, 1)
    statuses_of(there).confirmed.clear()
    there.context.events.look()
    follower.read(100, 1)
    follower.check()
    other.stop()


def test_a_member_that_lags_behind_its_reader_catches_up_before_it_tells(
    tmp_path: Path, store: Store, replica: Replica
) -> None:
    """It would tell statuses as they were, and what the reader does not know is before the reader's position."""
    other = Lagging(store)
    other.start()
    here, there = cluster_of([Cloud(tmp_path, store, each) for each in (replica, other)])
    red = here.person("red", "member")
    port = red.made("port", network_id=red.made("network")["id"])
    other.wait(replica.model.revision)
    other.go.clear()
    red.call("PUT", f"/v2.0/ports/{port['id']}", {"port": {"admin_state_up": False}})
    red.made("network")
    follower = Follower(person_at(here, red), person_at(there, red))
    follower.read(100)
    assert other.model.revision < replica.model.revision
    reading = hub.spawn(follower.read, 100, 1)
    hub.sleep(0.1)
    other.go.set()
    reading.wait()
    follower.read(100, 1)
    follower.check()
    other.stop()


def test_a_position_that_nobody_has_reached(
    tmp_path: Path, store: Store, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only process knows that there is none; one of several asks for patience, and keeps nobody in memory."""
    monkeypatch.setattr(events, "CATCH_UP", 0.05)
    cloud = Cloud(tmp_path, store, replica)
    red = cloud.person("red", "member")
    assert red.call("GET", f"/tenet/v1/events?after={red.after(1000)}").error == (410, "EventsGone")
    (member,) = cluster_of([cloud])
    reply: Any = person_at(member, red).call("GET", f"/tenet/v1/events?after={red.after(1000)}")
    assert reply.error == (503, "ServiceUnavailable") and reply.headers["Retry-After"] == "1"
    assert replica._waiting == []
