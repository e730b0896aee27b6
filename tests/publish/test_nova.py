"""Which ports Nova is told of, and when."""

from __future__ import annotations

from itertools import islice
from typing import cast

import pytest
from msgspec.structs import replace

from controller.model.model import Applied, Model
from controller.model.rows import Interface, NovaNotification, Port, Row
from controller.publish.nova import PLUGGED, TOGETHER, UNPLUGGED, Event, Watch, server
from controller.reconcile.statuses import Statuses
from tests.apps.clouds import network, plugged, port, switch
from tests.reconcile.test_statuses import Scene
from tests.world import change

ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def of_server(name: str, server_id: str = ONE, *, up: bool = True, owner: str = "compute:nova") -> Port:
    return replace(port(name, "red", 1, up=up), device_owner=owner, device_id=server_id)


class Watched(Scene):
    """A scene that is watched from the start, and has what is told written down."""

    def __init__(self) -> None:
        super().__init__()
        self.others: set[str] = set()  # switches that another member speaks for
        self.watch = Watch(self.model, self.statuses, lambda switch_id: switch_id not in self.others)

    def put(self, *rows: Row | str) -> None:
        if not hasattr(self, "watch"):
            super().put(*rows)
            return
        revision = self.model.revision + 1
        applied = [
            Applied(revision, row, None) if isinstance(row, str) else Applied(revision, row.key, row) for row in rows
        ]
        self.watch.changed(self.model.apply(applied))

    def settled(self) -> list[Event]:
        self.computed("h1", "h2")
        self.confirmed("h1", "h2")
        return self.due()

    def due(self) -> list[Event]:
        changes = list(self.watch.due())
        for each in changes:
            self.put(each.now or f"told/{each.port_id}")
        return [event for each in changes for event in each.events()]


@pytest.fixture
def told() -> Watched:
    return Watched()


def test_a_servers_port_is_told_when_it_is_up_and_once(told: Watched) -> None:
    told.put(of_server("a"))
    told.computed("h1", "h2")
    assert told.due() == []  # it is being built
    told.confirmed("h1")
    assert told.due() == []
    told.confirmed("h2")
    assert told.due() == [Event(PLUGGED, ONE, "a")]
    assert told.due() == []
    told.put(replace(of_server("a"), name="new"))
    assert told.settled() == []


def test_it_is_told_when_it_no_longer_is(told: Watched) -> None:
    told.put(of_server("a"))
    assert told.settled() == [Event(PLUGGED, ONE, "a")]
    told.put("interface/h1/tap-a")
    assert told.due() == [Event(UNPLUGGED, ONE, "a")]
    told.put(plugged("a", 1, 1))
    assert told.settled() == [Event(PLUGGED, ONE, "a")]
    told.put(of_server("a", up=False))
    assert told.settled() == [Event(UNPLUGGED, ONE, "a")]
    told.put(of_server("a"))
    assert told.settled() == [Event(PLUGGED, ONE, "a")]
    told.put(replace(network("red"), admin_state_up=False))
    assert told.settled() == [Event(UNPLUGGED, ONE, "a")]
    told.put(replace(network("red"), admin_state_up=True))
    assert told.settled() == [Event(PLUGGED, ONE, "a")]
    told.put("port/a")
    assert told.settled() == [Event(UNPLUGGED, ONE, "a")]


def test_a_port_that_goes_to_another_server(told: Watched) -> None:
    told.put(of_server("a"))
    told.settled()
    told.put(of_server("a", TWO))
    assert told.settled() == [Event(UNPLUGGED, ONE, "a"), Event(PLUGGED, TWO, "a")]


@pytest.mark.parametrize(
    "other", [of_server("a", owner="network:dhcp"), of_server("a", ""), of_server("a", "no uuid"), port("a", "red", 1)]
)
def test_nobody_else_is_told(told: NovaNotification, other: Port) -> None:
    assert server(other) == ""
    told.put(other)
    assert told.settled() == []


def test_what_is_there_at_the_start_is_told() -> None:
    scene = Scene()
    scene.put(of_server("a"), switch(1))
    scene.computed("h1", "h2")
    watch = Watch(scene.model, scene.statuses)
    assert list(watch.due()) == []
    scene.confirmed("h1", "h2")
    (change,) = watch.due()
    assert change.events() == [Event(PLUGGED, ONE, "a")]
    assert list(watch.due()) == [change]  # it is not written down yet


def test_what_was_told_before_the_start_is_not_told_again_and_what_was_not_is() -> None:
    scene = Scene()
    told = [NovaNotification(id=name, server=ONE, switch_id="h1", since=0) for name in ("a", "gone")]
    scene.put(of_server("a"), switch(1), *told)
    scene.computed("h1", "h2")
    scene.confirmed("h1", "h2")
    changes = Watch(scene.model, scene.statuses).due()
    assert [event for change in changes for event in change.events()] == [Event(UNPLUGGED, ONE, "gone")]


def test_another_member_tells_of_its_own_and_what_it_does_not_the_next_one_does(told: Watched) -> None:
    told.others = {"h1"}
    told.put(of_server("a"))
    assert told.settled() == []
    told.others.clear()  # it died before
    assert told.due() == [Event(PLUGGED, ONE, "a")]
    told.others = {"h1"}
    told.put("interface/h1/tap-a")
    assert told.due() == []
    told.put("told/a")  # the other has told it
    told.others.clear()
    assert told.due() == []


def test_one_that_is_plugged_in_anew_is_told_anew(told: Watched) -> None:
    told.put(of_server("a"))
    assert told.settled() == [Event(PLUGGED, ONE, "a")]
    interface = told.model.get(Interface, "h1/tap-a")
    assert interface is not None
    told.put(replace(interface, since=77))  # out and in, between two looks
    assert told.settled() == [Event(PLUGGED, ONE, "a")]


def test_a_port_that_was_refused_is_told_when_it_is_up_after_all(told: Watched) -> None:
    """A switch that takes the flow at last changes nothing in the model."""
    told.put(of_server("a"))
    told.computed("h1", "h2")
    told.progress.refusing("h1", {"port/a": {7: "table full"}})
    assert told.due() == []
    told.confirmed("h1", "h2")
    assert told.due() == []
    told.progress.refusing("h1", {})
    assert told.due() == [Event(PLUGGED, ONE, "a")]
    assert told.due() == []


def test_a_port_that_is_refused_later_is_told_as_unplugged(told: Watched) -> None:
    told.put(of_server("a"))
    assert told.settled() == [Event(PLUGGED, ONE, "a")]
    told.progress.refusing("h1", {"port/a": {7: "table full"}})
    told.watch.open_all()
    assert told.due() == [Event(UNPLUGGED, ONE, "a")]
    told.progress.refusing("h1", {})
    assert told.due() == [Event(PLUGGED, ONE, "a")]


class Counted:
    """Statuses that say how often they were asked."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.asked = 0

    def port(self, port: Port) -> tuple[str, str]:
        self.asked += 1
        return self.status, ""


MANY = 20_000


@pytest.mark.parametrize(("status", "told"), [("ACTIVE", MANY), ("BUILD", 0), ("ERROR", 0)])
def test_many_open_ports_are_each_looked_at_once_a_round(status: str, told: int) -> None:
    model = Model()
    names = [f"{number:05}" for number in range(MANY)]
    change(model, switch(1), network("red"), *map(of_server, names))
    change(model, *(plugged(name, 1, place) for place, name in enumerate(names, 1)))
    statuses = Counted(status)
    watch = Watch(model, cast("Statuses", statuses))
    due, found = watch.due(), 0
    while together := list(islice(due, TOGETHER)):
        found += len(together)
        watch.changed(model.apply([Applied(2, each.now.key, each.now) for each in together if each.now]))
    assert (found, statuses.asked) == (told, MANY)
    assert list(watch.due()) == []
    assert statuses.asked == 2 * MANY
    statuses.asked = 0
    list(watch.due())
    assert statuses.asked == (0 if told else MANY)  # what was told and written down is not looked at again


def test_what_a_round_did_not_come_to_is_left_to_the_next() -> None:
    scene = Scene()
    scene.put(of_server("a"), replace(of_server("b"), device_id=TWO), switch(1))
    scene.computed("h1", "h2")
    scene.confirmed("h1", "h2")
    watch = Watch(scene.model, scene.statuses)
    due = watch.due()
    assert next(due).port_id == "a"
    del due
    assert [each.port_id for each in watch.due()] == ["a", "b"]


def test_what_is_said() -> None:
    """Compute API, POST /os-server-external-events."""
    assert Event(PLUGGED, ONE, "a").body() == {
        "name": "network-vif-plugged", "server_uuid": ONE, "tag": "a", "status": "completed",
    }  # fmt: skip
