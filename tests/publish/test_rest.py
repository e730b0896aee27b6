"""Statuses of all ports are looked at when something may have changed, and not at rest."""

from __future__ import annotations

import pytest

from controller.model.rows import Port
from controller.publish import feed
from controller.publish.feed import Events
from controller.reconcile.progress import GRACE, Progress
from controller.reconcile.statuses import Statuses
from controller.runtime import hub
from tests.apps.clouds import network, port
from tests.reconcile.memory import Feed, until


class Counting(Statuses):
    looks = 0

    def port(self, port: Port) -> tuple[str, str]:
        self.looks += 1
        return super().port(port)


def test_at_rest_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAUSE", "GLANCE"):
        monkeypatch.setattr(feed, name, 0.005)
    now = 0.0
    made, progress = Feed(), Progress(lambda: now)
    made.put(network("red"), *(port(f"p{number}", "red", number) for number in range(1, 10)))
    statuses = Counting(made.replica.model, progress)
    events = Events(made.replica, statuses)
    events.start(progress)
    until(lambda: statuses.looks > 50)  # a switch may come to count as away
    now = 3 * GRACE
    hub.sleep(0.05)
    before = statuses.looks
    hub.sleep(0.1)
    assert statuses.looks == before
    progress.round(2, [])
    until(lambda: statuses.looks == before + 9)
    progress.away("h1")
    until(lambda: statuses.looks > before + 50)
