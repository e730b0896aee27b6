"""What is computed on the side for a switch is what its master computes, now and after the next change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from apps.pipeline import LIMIT
from controller.compile import on_demand
from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.compile.on_demand import OnDemand
from controller.flow import Rates
from controller.model.rows import Row
from controller.runtime import hub
from controller.store import open_store
from controller.store.codec import encode
from controller.store.replica import Replica
from tests.apps.clouds import network, plugged, port, switch

ROWS: tuple[Row, ...] = (switch(1), switch(2), network("red"), port("a", "red", 1), plugged("a", 1, 1),
                         port("b", "red", 2), plugged("b", 2, 1))  # fmt: skip


LIMITED = f"table={LIMIT.number},"  # storm control: a meter of each port


class Followed:
    def __init__(self, replica: Replica, broadcast_rate: int = 1000) -> None:
        self.replica = replica
        self.apps = apps(Rates(broadcast_rate))
        self.on_demand = OnDemand(replica.model, self.apps)
        replica.listen(self.on_demand.changed)

    def put(self, *rows: Row | str) -> None:
        write = {
            row if isinstance(row, str) else row.key: None if isinstance(row, str) else encode(row) for row in rows
        }
        self.replica.wait(self.replica._store.commit({}, write))

    def shown(self, switch_id: str) -> set[str]:
        return {str(flow) for flow in self.on_demand.compiled(switch_id).wanted(switch_id)}

    def master(self, switch_id: str) -> set[str]:
        """From nothing."""
        compiler = Compiler(self.replica.model, self.apps)
        compiler.include(switch_id)
        compiler.run()
        return {str(flow) for flow in compiler.wanted(switch_id)}


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    with closing(open_store(f"sqlite:///{tmp_path}/tenet.db")) as store:
        replica = Replica(store)
        replica.start()
        made = Followed(replica)
        made.put(*ROWS)
        yield made
        replica.stop()


def test_it_is_what_the_master_computes_now_and_later(followed: Followed) -> None:
    first = followed.shown("h1")
    assert first == followed.master("h1") and len(first) > 20
    followed.put(port("c", "red", 3), plugged("c", 2, 2))
    assert followed.shown("h2") == followed.master("h2")
    now = followed.shown("h1")
    assert now == followed.master("h1") and now > first
    followed.put("port/b", "interface/h2/tap-b")
    assert followed.shown("h1") == followed.master("h1")


def test_several_who_ask_at_once_and_while_it_changes(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_demand, "SLICE", 0.0)  # others get their turn after each unit
    asked = [hub.spawn(followed.shown, switch_id) for switch_id in ("h1", "h2", "h1")]
    followed.put(port("c", "red", 3), plugged("c", 2, 2))
    for each in asked:
        assert each.wait()
    assert [followed.shown(each) for each in ("h1", "h2")] == [followed.master(each) for each in ("h1", "h2")]


def test_what_nobody_asked_for_lately_is_not_kept(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    followed.shown("h1")
    followed.put(network("blue"))
    assert followed.on_demand.keeps
    monkeypatch.setattr(on_demand, "KEPT", 0.0)
    followed.put("network/blue")
    assert not followed.on_demand.keeps
    assert followed.shown("h1") == followed.master("h1")


@pytest.mark.parametrize("rate", [0, 1000])
def test_meters_are_shown_where_there_are_any(tmp_path: Path, rate: int) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/tenet.db")) as store:
        replica = Replica(store)
        replica.start()
        followed = Followed(replica, rate)
        followed.put(*ROWS)
        shown = followed.shown("h1")
        assert shown == followed.master("h1") and any(flow.startswith(LIMITED) for flow in shown) == (rate > 0)
        replica.stop()
