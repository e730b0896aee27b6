"""What long-lived objects hold does not grow with time: waits that end, switches and hosts that are gone."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.cluster.levels import ClusterProgress
from controller.cluster.mastery import Alone
from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.diagnose.trace import ports_at
from controller.flow import Rates
from controller.model.model import Model
from controller.model.rows import Interface, Network, Port, Reach, Switch
from controller.ovsdb.pace import CALM, LONGEST, MOST, Pace
from controller.publish.port_changes import SPARE, Looked
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.progress import Progress
from controller.reconcile.reconciler import Reconciler
from controller.runtime import hub
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact
from tests.world import change


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    yield store
    store.close()


@pytest.fixture
def replica(store: Store) -> Iterator[Replica]:
    replica = Replica(store)
    replica.start()
    yield replica
    replica.stop()


def signals() -> int:
    gc.collect()
    return sum(isinstance(each, hub.Signal) for each in gc.get_objects())


def held(subject: object) -> int:
    """Entries of all that an object holds."""
    return sum(len(each) for each in vars(subject).values() if isinstance(each, dict | list | set))


def test_waits_that_end_leave_nothing(replica: Replica) -> None:
    progress = Progress(lambda: 0.0)
    levels = ClusterProgress(replica, progress, Alone(), lambda: 0.0)  # type: ignore[arg-type]
    before = signals()
    for _ in range(50):
        progress.wait(0.001)
        levels.wait(0.001)
        assert not replica.wait(replica.model.revision + 1, 0.001)
    assert signals() <= before + 5


def test_whoever_waits_for_a_revision_gets_it_after_another_gave_up(store: Store, replica: Replica) -> None:
    wanted = replica.model.revision + 1
    over: list[bool] = []
    patient = hub.spawn(lambda: over.append(replica.wait(wanted, 30.0)))
    assert not replica.wait(wanted, 0.001)
    transact(store, replica, lambda tx: tx.put(Switch(id="s", number=1, dpid=1)))
    patient.wait()
    assert over == [True]


def test_removed_switches_are_forgotten(store: Store, replica: Replica) -> None:
    clock = 0.0
    progress = Progress(lambda: clock)
    levels = ClusterProgress(replica, progress, Alone(), lambda: clock)  # type: ignore[arg-type]
    Reconciler(replica, Compiler(replica.model, apps(Rates())), progress, AuditIntervals())
    empty = held(progress), held(levels)
    for number in range(1, 21):
        row = Switch(id=f"s{number}", number=number, dpid=number)
        reach = Reach(id="other", switches=(row.id,))
        transact(store, replica, lambda tx, row=row, reach=reach: (tx.put(row), tx.put(reach)))  # type: ignore[misc]
        progress.believe([row.id], 1)
        transact(store, replica, lambda tx, reach=reach: tx.delete(reach))  # type: ignore[misc]
        transact(store, replica, lambda tx, row=row: tx.delete(row))  # type: ignore[misc]
    assert (held(progress), held(levels)) == empty


def test_tries_of_names_that_are_not_tried_again_are_forgotten() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    for number in range(10 * MOST):
        now += CALM
        pace.tried(f"bridge {number}")
    assert held(pace) <= MOST + 1
    now += CALM + LONGEST
    assert pace.left("bridge 1") == 0.0


class Everywhere:
    def port(self, port: Port) -> tuple[str, str]:
        return "ACTIVE", ""


def test_hosts_that_are_gone_are_forgotten() -> None:
    model = Model()
    looked = Looked(model, Everywhere())
    change(model, Network(id="n", project_id="p", segment=1, mtu=1450, network_type="vxlan"), port("a"))
    for number in range(10 * SPARE):
        change(model, Switch(id="s", number=1, dpid=1, host=f"h{number}"), interface("s", "a", 1))
        looked.look(model.rows(Port).values())
        looked.forget_gone()
    assert held(looked) < 3 * SPARE


def port(name: str) -> Port:
    return Port(id=name, project_id="p", network_id="n", mac_address="fa:16:3e:00:00:01", interface_id=name)


def interface(switch_id: str, vif: str, ofport: int) -> Interface:
    return Interface(switch_id=switch_id, name=f"i{ofport}", vif=vif, ofport=ofport)


def test_the_ports_at_a_place_are_those_bound_to_it() -> None:
    model = Model()
    rows = [port(name) for name in "abc"]
    change(
        model,
        Network(id="n", project_id="p", segment=1, mtu=1450, network_type="vxlan"),
        Switch(id="s", number=1, dpid=1),
        *rows,
    )
    change(model, interface("s", "a", 1), interface("s", "b", 2), interface("s", "", 3))
    every = {ofport: ports_at(model, "s", ofport) for ofport in range(5)}
    bound = model.placement.bindings.items()
    assert every == {ofport: sorted(one for one, at in bound if at.place == ("s", ofport)) for ofport in range(5)}
    assert every[1] == ["a"] and every[2] == ["b"]
