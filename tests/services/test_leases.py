"""The table of leases: what it knows, what it forgets, and what it tells operators."""

from __future__ import annotations

import pytest

from controller.runtime import hub
from controller.services.leases import FOREVER
from tests.apps.clouds import plugged
from tests.services.dhcp import DhcpScene
from tests.world import change

HOUR = 3600.0


def ending(scene: DhcpScene) -> dict[str, float]:
    leases, _ = scene.leases.metrics()
    return {sample.labels["ends_within"]: sample.value for sample in leases.samples}


def test_leases_that_end_within_hours_are_counted() -> None:
    scene = DhcpScene()
    scene.lease()
    scene.leases.acknowledged("q", "10.0.0.2", FOREVER)
    assert ending(scene) == {"1h": 0, "4h": 0, "12h": 0, "ever": 2}
    scene.now += 20 * HOUR + 1
    assert ending(scene) == {"1h": 0, "4h": 1, "12h": 1, "ever": 2}
    scene.lease()
    assert ending(scene) == {"1h": 0, "4h": 0, "12h": 0, "ever": 2}
    scene.now += 24 * HOUR + 1
    assert ending(scene) == {"1h": 0, "4h": 0, "12h": 0, "ever": 1}, "one has ended"


def test_what_operators_are_told() -> None:
    scene = DhcpScene()
    scene.lease()
    scene.leases.acknowledged("q", "10.0.0.2", FOREVER)
    scene.leases.declined("q", "10.0.0.2")
    scene.leases.acknowledged("q", "10.0.0.2", FOREVER)
    assert scene.leases.report() == {
        "leases": [
            {"port_id": "p", "ip_address": "10.0.0.1", "acknowledged_at": "1970-01-01T00:16:40Z",
             "ends_at": "1970-01-02T00:16:40Z"},
            {"port_id": "q", "ip_address": "10.0.0.2", "acknowledged_at": "1970-01-01T00:16:40Z", "ends_at": None},
        ],
        "ending": {"1h": 0, "4h": 0, "12h": 0, "ever": 2},
        "declined": [{"port_id": "q", "ip_address": "10.0.0.2", "at": "1970-01-01T00:16:40Z", "times": 1}],
    }  # fmt: skip


def test_ports_that_are_gone_or_moved_to_another_address_are_left_out() -> None:
    scene = DhcpScene()
    scene.lease()
    scene.leases.declined("q", "10.0.0.2")
    scene.change("p", fixed_ips=())
    scene.change("q", fixed_ips=())
    found = scene.leases.report()
    assert (found["leases"], found["declined"]) == ([], [])
    assert not scene.leases._given and not scene.leases._declined


def test_only_leases_at_switches_that_this_member_masters_are_told() -> None:
    """Another member renews the others; this one would say that they end."""
    scene = DhcpScene()
    scene.lease()
    scene.masters.clear()
    assert scene.leases.report()["leases"] == [] and ending(scene)["ever"] == 0
    scene.masters.add("h1")
    assert ending(scene)["ever"] == 1
    change(scene.model, plugged("p", 1, 9).key)
    assert ending(scene)["ever"] == 0, "it is plugged in nowhere"


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first; a lease that is acknowledged again is a young one."""
    monkeypatch.setattr("controller.services.leases.MOST_LEASES", 2)
    monkeypatch.setattr("controller.services.leases.MOST_DECLINED", 2)
    scene = DhcpScene()
    for name in ("p", "q", "p", "r"):
        scene.leases.acknowledged(name, "10.0.0.1", HOUR)
        scene.leases.declined(name, "10.0.0.9")
    for name in ("p", "q", "p", "r"):
        scene.leases.acknowledged(name, "10.0.0.1", HOUR)
    assert list(scene.leases._given) == [("p", "10.0.0.1"), ("r", "10.0.0.1")]
    assert [key[0] for key in scene.leases._declined] == ["p", "r"]
    scene.leases.acknowledged("r", "10.0.0.1", HOUR)
    assert [key[0] for key in scene.leases._given] == ["p", "r"], "one that is there already takes no place"


def test_the_most_urgent_leases_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.services.leases.MOST_SHOWN", 1)
    scene = DhcpScene()
    scene.leases.acknowledged("p", "10.0.0.1", 2 * HOUR)
    scene.leases.acknowledged("q", "10.0.0.2", HOUR)
    found = scene.leases.report()
    assert [one["port_id"] for one in found["leases"]] == ["q"] and found["ending"]["ever"] == 2


def test_a_report_of_many_leases_gives_turns_at_each_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over them it goes three times: which are current, which end first, how many end when."""
    monkeypatch.setattr("controller.services.leases.SLICE", 0.0)
    turns = []

    def other() -> None:
        while True:
            turns.append(1)
            hub.sleep(0)

    scene = DhcpScene()
    scene.leases.acknowledged("p", "10.0.0.1", HOUR)
    scene.leases.acknowledged("q", "10.0.0.2", HOUR)
    thread = hub.spawn(other)
    scene.leases.report()
    thread.kill()
    assert len(turns) >= 3 * 2
